//! S³FD as a [`FaceDetector`], for whoever has its checkpoint: it finds smaller, hidden and turned faces that the
//! others miss, and takes its time.

use super::detect::{Detection, FaceDetector};
use crate::error::LipsyncError;
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Picture, Point, Rect};
use lipsmith_nets::NetsError;
use lipsmith_nets::s3fd::{Flavour, Rule, S3fd};

pub struct SingleShot {
    net: S3fd,
    flavour: Flavour,
    device: Device,
}

impl SingleShot {
    /// Longer side of the picture it looks at. The published scripts feed whole films, at seconds a picture.
    const SIDE: f32 = 640.0;
    /// Narrowest face it knows, in the pixels of that picture.
    const LEAST: f32 = 16.0;

    /// `net`'s weights are on `device`.
    pub fn new(net: S3fd, flavour: Flavour, device: Device) -> SingleShot {
        SingleShot { net, flavour, device }
    }
}

impl FaceDetector for SingleShot {
    fn detect(
        &mut self,
        picture: &Picture,
        window: Rect,
        least: f32,
    ) -> Result<Vec<Detection>, LipsyncError> {
        let scale = (window.width().max(window.height()) / Self::SIDE).max(least / Self::LEAST).max(1.0);
        // Six halvings need something to halve.
        let size = |length: f32| ((length / scale).round() as usize).max(64);
        let (width, height) = (size(window.width()), size(window.height()));
        let map = Affine { a: scale, b: 0.0, c: window.x0, d: 0.0, e: scale, f: window.y0 };
        let image = picture.sample(map, width, height);
        // Trained on blue, green, red or on red, green, blue: the order of the means says which.
        let [first, _, last] = self.flavour.channel_means();
        let order = if first < last { [2, 1, 0] } else { [0, 1, 2] };
        let pixels = image.pixels();
        let planes: Vec<f32> =
            order.iter().flat_map(|&c| pixels.iter().map(move |p| p[c].clamp(0.0, 1.0) * 255.0)).collect();
        let rule = match self.flavour {
            Flavour::FaceAlignment => Rule::FACE_ALIGNMENT,
            Flavour::SyncNet => Rule::SYNCNET,
        };
        let found = Tensor::from_vec(planes, (1, 3, height, width), &self.device)
            .map_err(NetsError::from)
            .and_then(|tensor| self.net.detect(&tensor, &rule));
        let found = found.map_err(|error| match error.is_out_of_memory() {
            true => LipsyncError::OutOfMemory { device: format!("{:?}", self.device.location()) },
            false => LipsyncError::Network(error.to_string()),
        })?;
        // Weights that are no good can make boxes without an area or an end.
        let detections = found.into_iter().flatten().filter_map(|face| {
            let [x0, y0, x1, y1] = face.corners;
            let (near, far) = (map.apply(Point::new(x0, y0)), map.apply(Point::new(x1, y1)));
            let (rect, score) = (Rect::new(near.x, near.y, far.x, far.y), face.score);
            let sound = rect.area() > 0.0 && rect.area().is_finite() && score.is_finite();
            sound.then_some(Detection { rect, score, eyes: None })
        });
        Ok(detections.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;
    use candle_nn::VarBuilder;
    use lipsmith_base::{ColourSpec, PixelFormat, Rgb};
    use lipsmith_nets::s3fd::Config;

    /// A network without weights finds nothing, in pictures of any shape.
    #[test]
    fn runs_on_pictures_of_any_shape() {
        for flavour in [Flavour::FaceAlignment, Flavour::SyncNet] {
            let weights = VarBuilder::zeros(DType::F32, &Device::Cpu);
            let net = S3fd::new(&Config { flavour, width: 2 }, &weights).expect("builds");
            let mut detector = SingleShot::new(net, flavour, Device::Cpu);
            for (width, height) in [(40, 30), (300, 200), (97, 151)] {
                let picture =
                    Picture::from_rgb(&Rgb::black(width, height), PixelFormat::I420, ColourSpec::BT709);
                let window = Rect::new(0.0, 0.0, width as f32, height as f32);
                assert_eq!(detector.detect(&picture, window, 0.0).expect("runs"), []);
            }
        }
    }
}
