//! The parts of a head that do not move in its own frame, sampled once a person on a grid of distances: asking
//! the grid costs a fifth of asking the sculpture, which is what makes a training set of thousands of people
//! affordable. The grid's cell is about two pixels of a 128-pixel crop, and smaller than any baked detail.

use super::dress;
use super::head::Figure;
use super::look::Look;
use super::math::*;
use super::{Pose, Viseme};

/// Centimetres.
const CELL: f32 = 0.22;

/// A distance field between two corners, linear between its samples.
pub struct Grid {
    low: Vec3,
    high: Vec3,
    count: [usize; 3],
    values: Vec<f32>,
}

impl Grid {
    fn new(low: Vec3, high: Vec3, field: impl Fn(Vec3) -> f32) -> Grid {
        let count = [high.x - low.x, high.y - low.y, high.z - low.z].map(|d| (d / CELL).ceil() as usize + 1);
        let mut values = Vec::with_capacity(count.iter().product());
        for z in 0..count[2] {
            for y in 0..count[1] {
                for x in 0..count[0] {
                    values.push(field(low + v3(x as f32, y as f32, z as f32) * CELL));
                }
            }
        }
        Grid { low, high, count, values }
    }

    /// Inside the corners the field; outside never more than the distance.
    pub fn at(&self, p: Vec3) -> f32 {
        let inside = v3(
            p.x.clamp(self.low.x, self.high.x),
            p.y.clamp(self.low.y, self.high.y),
            p.z.clamp(self.low.z, self.high.z),
        );
        let g = (inside - self.low) * (1.0 / CELL);
        let [nx, ny, nz] = self.count;
        let (x, y, z) = ((g.x as usize).min(nx - 2), (g.y as usize).min(ny - 2), (g.z as usize).min(nz - 2));
        let (fx, fy, fz) = (g.x - x as f32, g.y - y as f32, g.z - z as f32);
        let first = (z * ny + y) * nx + x;
        let cell = &self.values[first..first + nx * ny + nx + 2];
        let row = |at: usize| mix(cell[at], cell[at + 1], fx);
        let d = mix(mix(row(0), row(nx), fy), mix(row(nx * ny), row(nx * ny + nx), fy), fz);
        let outside = (p - inside).length();
        if outside > 0.0 { outside.max(d - outside) + 0.05 } else { d }
    }
}

/// One person's grids.
pub struct Baked {
    bones: Grid,
    hair: Grid,
}

impl Baked {
    pub fn new(look: &Look) -> Baked {
        let figure = Figure::new(look, &Viseme::default(), &Pose::default());
        Baked {
            // Symmetric: the side of positive x.
            bones: Grid::new(v3(0.0, -14.0, -11.0), v3(9.4, 12.6, 12.6), |q| figure.bones(q)),
            hair: Grid::new(v3(-9.6, -8.0, -11.6), v3(9.6, 13.6, 9.6), |p| dress::hair(p, look, f32::MAX)),
        }
    }

    /// [`Figure::bones`]; `forward` is the mouth's, which pushes the muzzle.
    pub fn bones(&self, q: Vec3, forward: f32) -> f32 {
        let near = (q - v3(0.0, -7.2, 9.0)).length();
        let push = 0.6 * forward * smoothstep(3.8, 1.2, near);
        self.bones.at(v3(q.x.abs(), q.y, q.z - push))
    }

    pub fn hair(&self, p: Vec3) -> f32 {
        self.hair.at(p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Random;

    #[test]
    fn grids_agree_with_the_sculpture_near_it_and_promise_no_more_far_away() {
        let look = Look { hair_volume: 0.8, ..Look::random(3) };
        let (baked, viseme, pose) = (Baked::new(&look), Viseme::default(), Pose::default());
        let figure = Figure::new(&look, &viseme, &pose);
        let mut random = Random::new(1);
        let (mut near, mut apart) = (0, 0.0f32);
        for _ in 0..20_000 {
            let q = v3(random.within(-16.0, 16.0), random.within(-16.0, 16.0), random.within(-16.0, 16.0));
            let (exact, grid) = (figure.bones(q), baked.bones(q, 0.0));
            if exact.abs() < 0.5 && q.y > -13.5 {
                near += 1;
                apart = apart.max((exact - grid).abs());
            }
            // Outside of the grid the way to the surface is never shorter than promised.
            if grid > 0.0 && exact > 4.0 {
                let outside =
                    (q - v3(q.x.clamp(-9.4, 9.4), q.y.clamp(-14.0, 12.6), q.z.clamp(-11.0, 12.6))).length();
                assert!(grid <= exact.max(outside) + 0.2, "{q:?}: {grid} {exact}");
            }
        }
        assert!(near > 200 && apart < 0.25, "{near} points, {apart} cm");
    }
}
