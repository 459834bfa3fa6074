//! What is known of a face in a picture. Positions are in the film's pixels (see `lipsmith_base::geom`).

pub mod correct;
pub mod detect;
pub mod frame;
pub mod look;
pub mod mesh;
pub mod s3fd;
pub mod shots;
pub mod smooth;
pub mod store;
pub mod track;

pub use detect::{Detection, FaceDetector, Finder};
pub use look::Look;
pub use mesh::{Mesh, Region};
pub use s3fd::SingleShot;
pub use track::{Shot, Track, Tracker};

use lipsmith_base::{Affine, Point, Rect};
use serde::{Deserialize, Serialize};

/// One face in one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Forehead to chin, ear to ear, as detectors draw it.
    pub rect: Rect,
    /// Confidence of the detector or of the mesh, 0..=1.
    pub score: f32,
    /// `None` when only a detector without landmarks is installed.
    pub landmarks: Option<Box<Landmarks>>,
    /// Filled in between two sightings instead of seen.
    pub interpolated: bool,
}

impl Face {
    /// The face as it lies after the picture is mapped by `map`.
    pub fn moved(&self, map: Affine) -> Face {
        let point = |p: &Point| map.apply(*p);
        let corners = [Point::new(self.rect.x0, self.rect.y0), Point::new(self.rect.x1, self.rect.y1)];
        let rect = Rect::around(corners.iter().map(point)).unwrap_or(self.rect);
        let landmarks = self.landmarks.as_deref().map(|landmarks| {
            let points = landmarks.points.iter().map(point).collect();
            let oval = landmarks.oval.iter().map(point).collect();
            Box::new(Landmarks { points, oval, ..*landmarks })
        });
        Face { rect, landmarks, ..*self }
    }
}

/// Points of a face, by a fixed choice from the 468-point mesh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landmarks {
    /// The 68-point layout of iBUG 300-W: jaw 0..17, brows 17..27, nose 27..36, eyes 36..48, outer lip 48..60,
    /// inner lip 60..68. Always 68.
    pub points: Vec<Point>,
    /// The outline of the face from the forehead clockwise. Always 36.
    pub oval: Vec<Point>,
    pub pose: Pose,
    /// Gap between the inner lips over the width of the mouth: 0 closed, about 0.7 wide open.
    pub lip_opening: f32,
}

/// Head rotation in degrees, 0 when the head faces the camera. Positive: yaw to the picture's right, pitch
/// down, roll clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
}
