//! What a face looks like, coarsely: enough to tell who of a few people in a shot somebody is. It is no face
//! recognition and is judged accordingly, cautiously.

use super::Face;
use super::mesh::Region;
use lipsmith_base::Picture;
use serde::{Deserialize, Serialize};

/// Cells along each side of the luma grid and of the colour grid.
const LUMA: usize = 16;
const COLOUR: usize = 4;

/// The head, upright, with some hair and neck: a grid of luma levelled for light, a coarse grid of colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// 16 × 16, mean 0, sum of squares 1.
    luma: Vec<f32>,
    /// 4 × 4 cells of (B − Y, R − Y), R'G'B' in 0..=1.
    colour: Vec<f32>,
}

impl Look {
    pub fn of(picture: &Picture, face: &Face) -> Look {
        let image = picture.sample(Region::of_face(face).map_to(LUMA), LUMA, LUMA);
        let mut luma = Vec::with_capacity(LUMA * LUMA);
        let mut colour = vec![0.0; 2 * COLOUR * COLOUR];
        for (i, &[r, g, b]) in image.pixels().iter().enumerate() {
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            luma.push(y);
            let cell = (i / LUMA * COLOUR / LUMA) * COLOUR + i % LUMA * COLOUR / LUMA;
            let share = (COLOUR * COLOUR) as f32 / (LUMA * LUMA) as f32;
            colour[2 * cell] += (b - y) * share;
            colour[2 * cell + 1] += (r - y) * share;
        }
        let mut look = Look { luma, colour };
        look.level();
        look
    }

    fn level(&mut self) {
        let mean = self.luma.iter().sum::<f32>() / self.luma.len() as f32;
        self.luma.iter_mut().for_each(|v| *v -= mean);
        let norm = self.luma.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
        self.luma.iter_mut().for_each(|v| *v /= norm);
    }

    /// Moves towards `other` by `share`.
    pub fn blend(&mut self, other: &Look, share: f32) {
        let ours = self.luma.iter_mut().chain(&mut self.colour);
        ours.zip(other.luma.iter().chain(&other.colour)).for_each(|(v, o)| *v += (o - *v) * share);
        self.level();
    }

    /// 1 for the same look; different people give less than 0.7 as a rule, the same person in the same
    /// light and pose more than 0.8.
    pub fn likeness(&self, other: &Look) -> f32 {
        let structure: f32 = self.luma.iter().zip(&other.luma).map(|(a, b)| a * b).sum();
        let squares = self.colour.iter().zip(&other.colour).map(|(a, b)| (a - b) * (a - b));
        let distance = (squares.sum::<f32>() / self.colour.len() as f32).sqrt();
        structure - 4.0 * distance
    }

    pub(super) fn values(&self) -> impl Iterator<Item = f32> {
        self.luma.iter().chain(&self.colour).copied()
    }

    pub(super) const VALUES: usize = LUMA * LUMA + 2 * COLOUR * COLOUR;

    /// From [`Look::VALUES`] values in the order of [`Look::values`].
    pub(super) fn from_values(values: &[f32]) -> Option<Look> {
        let (luma, colour) = values.split_at_checked(LUMA * LUMA)?;
        (values.len() == Self::VALUES).then(|| Look { luma: luma.to_vec(), colour: colour.to_vec() })
    }
}
