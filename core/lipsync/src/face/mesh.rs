//! A mesh of 468 points laid over one face: from it come the landmarks, the pose of the head, how wide the
//! mouth is open, and where to look in the next picture.

use super::detect::{Detection, sigmoid};
use super::{Face, Landmarks, Pose};
use crate::error::LipsyncError;
use lipsmith_base::{Affine, Picture, Point, Rect, Rgb};
use lipsmith_nets::tflite::{Graph, Scratch};
use std::path::Path;

const POINTS: usize = 468;

/// Margin around a face that the network expects, as a multiple of the face's longer side.
const MARGIN: f32 = 1.5;

/// A square in the picture, turned clockwise by `angle` radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    pub centre: Point,
    pub side: f32,
    pub angle: f32,
}

impl Region {
    /// With a face in `rect`, by its eyes upright.
    pub fn around(rect: Rect, eyes: Option<[Point; 2]>) -> Region {
        let angle = eyes.map_or(0.0, |[a, b]| (b.y - a.y).atan2(b.x - a.x));
        Region { centre: rect.centre(), side: rect.width().max(rect.height()) * MARGIN, angle }
    }

    /// Where the mesh is to be laid on a face that was just detected.
    pub fn of_detection(detection: &Detection) -> Region {
        Region::around(detection.rect, detection.eyes)
    }

    /// Where the mesh is to be laid in the picture after the one in which `face` was seen.
    pub fn of_face(face: &Face) -> Region {
        let corners = |landmarks: &Landmarks| Some([*landmarks.points.get(36)?, *landmarks.points.get(45)?]);
        Region::around(face.rect, face.landmarks.as_deref().and_then(corners))
    }

    /// Pixel of an upright picture of the region, `side` pixels high and wide ↦ film pixel.
    pub fn map_to(self, side: usize) -> Affine {
        let (sin, cos) = self.angle.sin_cos();
        let (scale, half) = (self.side / side as f32, side as f32 / 2.0);
        let (a, b) = (scale * cos, -scale * sin);
        Affine { a, b, c: self.centre.x - (a + b) * half, d: -b, e: a, f: self.centre.y - (a - b) * half }
    }
}

/// MediaPipe's face mesh (Kartynnik et al. 2019).
pub struct Mesh {
    graph: Graph,
    scratch: Scratch,
}

impl Mesh {
    /// Side of the square picture the network looks at.
    pub const SIDE: usize = 192;
    /// A lower score says that there is no face in the region.
    pub const PRESENT: f32 = 0.5;

    /// # Errors
    /// When the file is damaged or another network.
    pub fn load(file: &Path) -> Result<Mesh, LipsyncError> {
        let graph = Graph::load(file).map_err(|error| LipsyncError::Network(error.to_string()))?;
        let outputs: Vec<_> = graph.output_shapes().map(<[usize]>::to_vec).collect();
        if graph.input_shape() != [1, Self::SIDE, Self::SIDE, 3]
            || outputs != [vec![1, 1, 1, 3 * POINTS], vec![1, 1, 1, 1]]
        {
            return Err(LipsyncError::Network(format!("{} is another network", file.display())));
        }
        Ok(Mesh { graph, scratch: Scratch::default() })
    }

    /// The face in `region`; its score says how sure it is that one is there.
    pub fn fit(&mut self, picture: &Picture, region: Region) -> Result<Face, LipsyncError> {
        let map = region.map_to(Self::SIDE);
        self.look(&picture.sample(map, Self::SIDE, Self::SIDE), map)
    }

    /// The face in `image`, an upright picture of a region, [`Mesh::SIDE`] pixels high and wide; `map`: its pixel ↦ film
    /// pixel.
    pub fn look(&mut self, image: &Rgb, map: Affine) -> Result<Face, LipsyncError> {
        let input: Vec<f32> = image.pixels().iter().flatten().map(|v| v.clamp(0.0, 1.0)).collect();
        let outputs = self.graph.run(&input, &mut self.scratch);
        let outputs = outputs.map_err(|error| LipsyncError::Network(error.to_string()))?;
        let points: Vec<Spot> = outputs[0]
            .chunks_exact(3)
            .map(|p| Spot { at: map.apply(Point::new(p[0], p[1])), depth: p[2] * map.scale() })
            .collect();
        Ok(face(&points, sigmoid(outputs[1][0])))
    }
}

/// A point of the mesh in film pixels; `depth` grows away from the camera.
#[derive(Clone, Copy)]
struct Spot {
    at: Point,
    depth: f32,
}

fn face(mesh: &[Spot], score: f32) -> Face {
    let pick = |indices: &[usize]| indices.iter().map(|&i| mesh[i].at).collect::<Vec<_>>();
    let landmarks = Landmarks {
        points: pick(&LAYOUT_68),
        oval: pick(&OVAL),
        pose: pose(mesh),
        lip_opening: lip_opening(mesh),
    };
    let rect = Rect::around(mesh.iter().map(|spot| spot.at)).unwrap_or_default();
    Face { rect, score, landmarks: Some(Box::new(landmarks)), interpolated: false }
}

type Vector = [f32; 3];

fn from_to(a: Spot, b: Spot) -> Vector {
    [b.at.x - a.at.x, b.at.y - a.at.y, b.depth - a.depth]
}

fn length(v: Vector) -> f32 {
    v.iter().map(|c| c * c).sum::<f32>().sqrt()
}

/// The head's own axes in the picture: across from ear to ear and eye to eye, down from forehead to chin.
fn pose(mesh: &[Spot]) -> Pose {
    let sum = |a: Vector, b: Vector| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let across = sum(from_to(mesh[234], mesh[454]), from_to(mesh[33], mesh[263]));
    let down = from_to(mesh[10], mesh[152]);
    let away = [
        across[1] * down[2] - across[2] * down[1],
        across[2] * down[0] - across[0] * down[2],
        across[0] * down[1] - across[1] * down[0],
    ];
    let facing = away.map(|c| -c / length(away).max(f32::MIN_POSITIVE));
    Pose {
        yaw: facing[0].atan2(-facing[2]).to_degrees(),
        pitch: facing[1].clamp(-1.0, 1.0).asin().to_degrees(),
        roll: across[1].atan2(across[0]).to_degrees(),
    }
}

fn lip_opening(mesh: &[Spot]) -> f32 {
    let gaps =
        [(82, 87), (13, 14), (312, 317)].map(|(upper, lower)| length(from_to(mesh[upper], mesh[lower])));
    gaps.iter().sum::<f32>() / 3.0 / length(from_to(mesh[61], mesh[291])).max(f32::MIN_POSITIVE)
}

/// The mesh points nearest to the layout of iBUG 300-W.
const LAYOUT_68: [usize; 68] = [
    127, 234, 93, 132, 58, 136, 149, 148, 152, 377, 378, 365, 288, 361, 323, 454, 356, // jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, // brows
    168, 197, 5, 4, 98, 97, 2, 326, 327, // nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, // eyes
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, // outer lip
    78, 81, 13, 311, 308, 402, 14, 178, // inner lip
];

/// The outline of the face, clockwise from the forehead.
const OVAL: [usize; 36] = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
    149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];
