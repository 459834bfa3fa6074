//! The picture between two, on real film: nearer to what the camera saw than what needs no motion.

use lipsmith_base::{Affine, Rect, Rgb};
use lipsmith_lipsync::between::between;
use lipsmith_lipsync::metrics::{psnr, squared_error};
use lipsmith_media::{ReadOptions, VideoReader};
use std::path::{Path, PathBuf};

const SIDE: usize = 128;
/// Where the actor's lower face lies in the film, with room to move.
const FACE: Rect = Rect { x0: 110.0, y0: 110.0, x1: 250.0, y1: 250.0 };

#[test]
fn a_speaking_face_between_two_pictures() {
    let shared = std::env::var_os("LIPSMITH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let film = shared.join("footage/video/grid_s1_36s_25fps_288p.mp4");
    if !film.exists() {
        println!("SKIPPED: a_speaking_face_between_two_pictures: no test footage");
        return;
    }
    let mut reader = VideoReader::open(&film, &ReadOptions::default()).expect("opens");
    let here = Rect::new(0.0, 0.0, SIDE as f32, SIDE as f32);
    let mut pictures: Vec<Rgb> = Vec::new();
    while pictures.len() < 61 {
        let frame = reader.next().expect("decodes").expect("so many");
        pictures.push(frame.picture.sample(Affine::rect_to_rect(here, FACE), SIDE, SIDE));
    }
    let [mut moved, mut mean, mut before] = [0.0; 3];
    let count = pictures.len() / 2;
    for three in pictures.windows(3).step_by(2) {
        let [a, truth, b] = three else { unreachable!("windows of three") };
        let mut both = a.clone();
        both.pixels_mut().iter_mut().zip(b.pixels()).for_each(|(a, b)| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = 0.5 * (*a + b));
        });
        // The mean of the errors, not of the decibels: a still face has no bounds.
        moved += squared_error(&between(a, b), truth) / count as f64;
        mean += squared_error(&both, truth) / count as f64;
        before += squared_error(a, truth) / count as f64;
    }
    let [moved, mean, before] = [moved, mean, before].map(|error| psnr(error).unwrap_or(f64::MAX));
    println!("between {moved:.2} dB, mean of both {mean:.2} dB, the one before {before:.2} dB");
    assert!(moved > mean && mean > before, "{moved} {mean} {before}");
}
