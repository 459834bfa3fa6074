//! S³FD as a [`FaceDetector`], for whoever has its checkpoint: it finds smaller, hidden and turned faces that the
//! others miss, and takes its time.

use super::detect::{Detection, FaceDetector, shrunk_window};
use crate::error::LipsyncError;
use candle_core::{Device, Tensor};
use lipsmith_base::{Picture, Point, Rect};
use lipsmith_nets::NetsError;
use lipsmith_nets::s3fd::{Flavour, Rule, S3fd};
use std::ops::RangeInclusive;

pub struct SingleShot {
    net: S3fd,
    flavour: Flavour,
    device: Device,
}

impl SingleShot {
    /// Sides of the picture it looks at: six halvings need something to halve, and the published scripts, which feed
    /// whole films, take seconds a picture.
    const SIDES: RangeInclusive<usize> = 64..=640;
    /// Narrowest face it knows, in the pixels of that picture.
    const LEAST: f32 = 16.0;
    /// Most faces of one picture, the surest: each is looked at by the mesh, and weights that are no good see thousands.
    const MOST: usize = 100;

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
        let (image, map) = shrunk_window(picture, window, Self::SIDES, least / Self::LEAST);
        let (width, height) = (image.width(), image.height());
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
        let mut detections: Vec<_> = detections.collect();
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        detections.truncate(Self::MOST);
        Ok(detections)
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
