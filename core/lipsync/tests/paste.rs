//! Wav2Lip's way with a face, from the film's pixels to the film's pixels, against the numbers of its reference:
//! the box cut out and shrunk, and the network's picture over it with a hard edge.

#[path = "../../nets/tests/golden/support.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod support;

use candle_core::{DType, Tensor};
use lipsmith_base::{ColourSpec, Picture, PixelFormat, Plane, Rect, Rgb};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::blend::{Mask, paste};
use lipsmith_lipsync::families::network::{Preset, Windows};
use lipsmith_lipsync::families::{Line, Target};
use lipsmith_lipsync::speech::Speech;
use std::path::PathBuf;
use support::{Tensors, assert_ran, root};

/// `paste.safetensors` of every size, wherever it lies under the generator's folder.
fn cases() -> Vec<PathBuf> {
    let folder = root().join("wav2lip_generator");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let files = entries.flatten().map(|entry| entry.path().join("paste.safetensors"));
    files.filter(|file| file.is_file()).collect()
}

/// `[h, w, 3]`, blue first as OpenCV has it, 0..=255.
fn rgb(tensor: &Tensor) -> Rgb {
    let (height, width, _) = tensor.dims3().expect("three dimensions");
    let values = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()).and_then(|t| t.to_vec1::<f32>());
    let values = values.expect("numbers");
    let mut image = Rgb::black(width, height);
    for (pixel, bgr) in image.pixels_mut().iter_mut().zip(values.chunks_exact(3)) {
        *pixel = [2, 1, 0].map(|c| bgr[c] / 255.0);
    }
    image
}

fn bytes(picture: &Picture) -> Vec<u8> {
    let samples = |plane: &Plane| match plane {
        Plane::U8(samples) => samples.clone(),
        Plane::U16(_) => panic!("8 bits went in"),
    };
    picture.planes().iter().flat_map(samples).collect()
}

fn furthest(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn golden_wav2lip_crop_and_paste() {
    let cases = cases();
    for file in &cases {
        let golden = Tensors::load(file);
        let corners = golden.integers("box_in_crop_x1y1x2y2");
        let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|i| corners[i] as f32);
        let rect = Rect::new(x0, y0, x1, y1);
        let frame = rgb(golden.get("frame_bgr_u8"));
        let (width, height) = (frame.width(), frame.height());

        let face = Face { rect, score: 1.0, landmarks: None, interpolated: false };
        let faces = [Some(face.clone())];
        let mut windows = Windows::new(Preset::Reference, 96);
        let voice = Speech { samples: Vec::new() };
        let line = Line {
            faces: &faces,
            times: &[lipsmith_base::Time::ZERO],
            rate: None,
            size: (width, height),
            voice: &voice,
            footage: &[],
            reference: None,
        };
        windows.plan(&line, [0; 4]);
        let crop = windows.crop(0, &face);
        assert_eq!((crop.width, crop.height), ((x1 - x0) as usize, (y1 - y0) as usize));

        let mut film = Picture::from_rgb(&frame, PixelFormat::GBR8, ColourSpec::SRGB);
        let image = film.sample(crop.map, crop.width, crop.height);
        let shown = windows.input(&image);
        let eight = |image: &Rgb| bytes(&Picture::from_rgb(image, PixelFormat::GBR8, ColourSpec::SRGB));
        let off = furthest(&eight(&shown), &eight(&rgb(golden.get("face96_bgr_u8"))));
        assert!(off <= 1, "{}: the face shown to the network is off by {off}", file.display());

        let target = Target { frame: 0, face: &face, crop, image };
        let patch = windows.patch(&target, rgb(golden.get("pred_hwc_bgr_255_f32")), &Mask::usual(0.0));
        let before = bytes(&film);
        paste(&mut film, &patch, 1.0);
        let (result, expected) = (bytes(&film), eight(&rgb(golden.get("result_bgr_u8"))));
        let off = furthest(&result, &expected);
        eprintln!("golden {}: hard overwrite, furthest {off} of 255", file.display());
        assert!(off <= 1, "{}: the overwritten frame is off by {off}", file.display());
        for (i, (after, before)) in result.iter().zip(&before).enumerate() {
            let (x, y) = ((i % (width * height) % width) as f32, (i % (width * height) / width) as f32);
            let inside = x >= x0 && x < x1 && y >= y0 && y < y1;
            assert!(inside || after == before, "a pixel outside the box changed");
        }
        assert_ne!(result, before, "something was laid over the frame");
    }
    assert_ran("hard overwrites", cases.len());
}
