//! What the recipes that run a network share: boxes, pictures as tensors, sound windows.

use crate::blend::{self, Mask, Matte};
use crate::colour::match_colour;
use crate::error::LipsyncError;
use crate::face::{Face, smooth};
use crate::families::{Crop, Line, Patch, Source, Target, advisor};
use candle_core::{DType, Device, Tensor};
use lipsmith_base::{Affine, Point, Rect, Rgb};
use lipsmith_nets::{NetsError, device};
use rayon::prelude::*;

/// How closely a recipe follows the published inference script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Preset {
    /// What film wants: smooth boxes, the film's own frame rate, a soft mask, matched colour.
    #[default]
    Film,
    /// The script to the letter: integer boxes, its index rules, a hard overwrite.
    Reference,
}

impl Preset {
    pub const NAMES: [&str; 2] = ["film", "reference"];

    pub fn by_name(name: &str) -> Option<Preset> {
        match name {
            "film" => Some(Preset::Film),
            "reference" => Some(Preset::Reference),
            _ => None,
        }
    }
}

/// Room the published scripts leave around the detector's box, in pixels: top, bottom, left, right.
pub type Pads = [i64; 4];

/// The window on a face for film: `pads` as the same share of a face of 200 pixels, about what the scripts were
/// tuned on. Networks are trained on these windows too.
pub fn padded(face: Rect, pads: Pads) -> Rect {
    let [top, bottom, left, right] = pads.map(|p| p as f32 / 200.0);
    let (w, h) = (face.width(), face.height());
    Rect::new(face.x0 - left * w, face.y0 - top * h, face.x1 + right * w, face.y1 + bottom * h)
}

/// The network's window on each frame of a line.
pub struct Windows {
    preset: Preset,
    /// Side of the network's square picture.
    side: usize,
    boxes: Vec<Option<Rect>>,
}

impl Windows {
    pub fn new(preset: Preset, side: usize) -> Windows {
        Windows { preset, side, boxes: Vec::new() }
    }

    pub fn side(&self) -> usize {
        self.side
    }

    /// Looks at the whole line, since the published smoothing does. `pads` in pixels for the reference; for film
    /// see [`padded`].
    pub fn plan(&mut self, line: &Line, pads: Pads) {
        let (width, height) = line.size;
        let picture = Rect::new(0.0, 0.0, width as f32, height as f32);
        self.boxes = match self.preset {
            Preset::Film => line.faces.iter().map(|face| Some(padded(face.as_ref()?.rect, pads))).collect(),
            Preset::Reference => {
                let [top, bottom, left, right] = pads;
                let whole = |r: Rect| {
                    let r = r.intersect(picture);
                    let (x0, y0, x1, y1) = (r.x0 as i64, r.y0 as i64, r.x1 as i64, r.y1 as i64);
                    [
                        (x0 - left).max(0),
                        (y0 - top).max(0),
                        (x1 + right).min(width as i64),
                        (y1 + bottom).min(height as i64),
                    ]
                };
                // The scripts stop at a frame without a face; here it stays untouched and out of the smoothing.
                let mut seen: Vec<_> = line.faces.iter().flatten().map(|face| whole(face.rect)).collect();
                smooth::reference_boxes(&mut seen);
                let mut smooth = seen.into_iter();
                let rect = |[x0, y0, x1, y1]: [i64; 4]| Rect::new(x0 as f32, y0 as f32, x1 as f32, y1 as f32);
                line.faces.iter().map(|face| face.as_ref().and_then(|_| smooth.next()).map(rect)).collect()
            }
        };
    }

    /// For film the network's own picture; for the reference every pixel of the box, to be shrunk as the script does.
    pub fn crop(&self, frame: usize, face: &Face) -> Crop {
        let rect = self.boxes.get(frame).copied().flatten().unwrap_or(face.rect);
        self.crop_of(rect)
    }

    fn crop_of(&self, rect: Rect) -> Crop {
        let (width, height) = match self.preset {
            Preset::Film => (self.side, self.side),
            Preset::Reference => ((rect.width() as usize).max(1), (rect.height() as usize).max(1)),
        };
        let here = Rect::new(0.0, 0.0, width as f32, height as f32);
        Crop { map: Affine::rect_to_rect(here, rect), width, height }
    }

    /// The reference picture and its window: the editor's choice; else, for film, the frame of the actor's footage
    /// that the advisor thinks best; else none: the scripts show the network each frame itself.
    pub fn reference(&self, line: &Line) -> Option<(Source, Crop)> {
        let advised = || {
            let stretch = line.footage.first().filter(|_| self.preset == Preset::Film)?;
            let (frame, _) =
                advisor::rank(&stretch.faces, &[], advisor::Serves::Painting).into_iter().next()?;
            Some(Source { footage: 0, frame })
        };
        let source = line.reference.or_else(advised)?;
        Some((source, self.crop_of(line.face(source)?.rect)))
    }

    /// The network's picture of a crop, 0..=1.
    pub fn input(&self, image: &Rgb) -> Rgb {
        match self.preset {
            Preset::Film => image.clone(),
            Preset::Reference => shrink_like_cv2(image, self.side),
        }
    }

    /// What the network made of some targets, one picture each.
    pub fn patches(&self, targets: &[Target], made: Vec<Rgb>, mask: &Mask) -> Vec<Option<Patch>> {
        targets.iter().zip(made).map(|(target, image)| Some(self.patch(target, image, mask))).collect()
    }

    /// What the network made as a patch on the frame of `target`.
    pub fn patch(&self, target: &Target, made: Rgb, mask: &Mask) -> Patch {
        let here = Rect::new(0.0, 0.0, made.width() as f32, made.height() as f32);
        let Crop { map, width, height } = target.crop;
        let crop = Rect::new(0.0, 0.0, width as f32, height as f32);
        let in_crop = Affine::rect_to_rect(here, crop);
        let map = in_crop.then(map);
        match self.preset {
            Preset::Film => {
                let mut matte = blend::lower_face_matte(target.face, mask);
                if let (Matte::Polygon { outline, .. }, false, Some(inverse)) =
                    (&mut matte, mask.is_usual(), map.inverse())
                {
                    outline.iter_mut().for_each(|p| *p = map.apply(here.nearest(inverse.apply(*p))));
                }
                let mut patch = Patch { image: made, map, matte };
                let weights = blend::surroundings(&patch);
                match_colour(&mut patch.image, &target.image, &weights);
                patch
            }
            Preset::Reference => {
                let mut image = made;
                // `astype(uint8)` cuts off.
                image.pixels_mut().iter_mut().flatten().for_each(|v| *v = (*v * 255.0).floor() / 255.0);
                Patch { image, map, matte: Matte::Whole }
            }
        }
    }
}

/// `cv2.resize` with its default filter: bilinear between pixel centres, no averaging; bytes in, bytes out.
fn shrink_like_cv2(image: &Rgb, side: usize) -> Rgb {
    let mut bytes = image.clone();
    bytes.pixels_mut().iter_mut().flatten().for_each(|v| *v = (v.clamp(0.0, 1.0) * 255.0).round() / 255.0);
    let here = Rect::new(0.0, 0.0, side as f32, side as f32);
    let map = Affine::rect_to_rect(here, Rect::new(0.0, 0.0, image.width() as f32, image.height() as f32));
    let mut out = Rgb::black(side, side);
    for y in 0..side {
        for x in 0..side {
            let value = bytes.bilinear(map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5)));
            out.set(x, y, value.map(|v| (v * 255.0).round() / 255.0));
        }
    }
    out
}

/// `[n, 3, side, side]`, each value `scale * v + shift`; channels R, G, B or, as OpenCV has them, B, G, R.
pub fn to_tensor(
    images: &[Rgb],
    side: usize,
    bgr: bool,
    (scale, shift): (f32, f32),
    device: &Device,
) -> Result<Tensor, NetsError> {
    let plane = side * side;
    let mut values = vec![0f32; images.len() * 3 * plane];
    values.par_chunks_mut(3 * plane).zip(images).for_each(|(out, image)| {
        for (i, pixel) in image.pixels().iter().enumerate().take(plane) {
            for (c, value) in pixel.iter().enumerate() {
                let channel = if bgr { 2 - c } else { c };
                out[channel * plane + i] = value * scale + shift;
            }
        }
    });
    Ok(Tensor::from_vec(values, (images.len(), 3, side, side), device)?)
}

/// The inverse of [`to_tensor`].
pub fn from_tensor(tensor: &Tensor, bgr: bool, (scale, shift): (f32, f32)) -> Result<Vec<Rgb>, NetsError> {
    let (count, _, height, width) = tensor.dims4()?;
    let plane = width * height;
    let values = tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
    let images = values.chunks_exact(3 * plane).take(count).map(|v| {
        let mut image = Rgb::black(width, height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            *pixel = std::array::from_fn(|c| {
                let channel = if bgr { 2 - c } else { c };
                ((v[channel * plane + i] - shift) / scale).clamp(0.0, 1.0)
            });
        }
        image
    });
    Ok(images.collect())
}

/// Tells a full device from every other failure, and cancelling from both.
pub fn lift(device: &Device) -> impl Fn(NetsError) -> LipsyncError + '_ {
    move |error| match error {
        NetsError::Cancelled => LipsyncError::Cancelled(lipsmith_base::Cancelled),
        error if error.is_out_of_memory() => {
            LipsyncError::OutOfMemory { device: device::describe(device).to_string() }
        }
        error => LipsyncError::Network(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_survive_the_tensor_in_both_orders() {
        let mut image = Rgb::black(4, 4);
        image.set(1, 2, [0.1, 0.5, 0.9]);
        for bgr in [false, true] {
            for coding in [(1.0, 0.0), (2.0, -1.0)] {
                let tensor = to_tensor(&[image.clone()], 4, bgr, coding, &Device::Cpu).expect("a tensor");
                let first =
                    tensor.get(0).and_then(|t| t.get(0)).and_then(|t| t.get(2)).and_then(|t| t.get(1));
                let value = first.and_then(|t| t.to_scalar::<f32>()).expect("a value");
                let expected = if bgr { 0.9 } else { 0.1 } * coding.0 + coding.1;
                assert!((value - expected).abs() < 1e-6);
                let back = from_tensor(&tensor, bgr, coding).expect("a picture");
                assert!(back[0].get(1, 2).iter().zip([0.1, 0.5, 0.9]).all(|(a, b)| (a - b).abs() < 1e-6));
            }
        }
    }
}
