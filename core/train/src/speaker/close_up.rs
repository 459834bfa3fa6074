//! The picture of a face's window, tens of times cheaper than a whole frame: distances come from the look's
//! grids, rays start where their coarser neighbours stopped, and what changes slowly over a surface (shadow,
//! openness) is asked at one pixel of nine and shared among neighbours of like depth.

use super::head::{Figure, Part, gradient};
use super::math::*;
use super::render::{Camera, Exposure, Lamp, advance, lamps, lit, tone};
use super::skin::surface;

/// Pixels of the tiles at whose corners rays are started together, coarse to fine.
const TILES: [usize; 2] = [16, 4];
/// Pixels along a cell that shares an exposure.
const CELL: usize = 3;
/// Centimetres of depth over which exposures are alike.
const ALIKE: f32 = 0.5;

#[derive(Clone, Copy)]
struct Hit {
    at: Vec3,
    depth: f32,
    part: Part,
    normal: Vec3,
}

impl Hit {
    /// Where only the look's grids shape the skin.
    fn is_plain(&self, figure: &Figure) -> bool {
        self.part == Part::Skin && figure.is_plain(self.at)
    }
}

/// Display-linear light of a square window, row by row. `behind(u, v)` is the scene-linear light of the room at
/// -0.5..=0.5 across and up the window.
pub fn close_up(figure: &Figure, camera: &Camera, behind: &dyn Fn(f32, f32) -> Vec3) -> Vec<Vec3> {
    let side = camera.width;
    let scene = Scene { figure, camera, lamps: lamps(figure.look), side };
    let starts = scene.starts();
    let mut hits: Vec<Option<Hit>> =
        (0..side * side).map(|i| scene.hit(middle(i, side), starts[tile(i, side, TILES[1])])).collect();
    scene.turn(&mut hits);
    let exposures = scene.exposures(&hits);
    let room = |(x, y): (f32, f32)| behind(x / side as f32 - 0.5, 0.5 - y / side as f32);
    let light = |hit: &Option<Hit>, place: (f32, f32)| match hit {
        Some(hit) => tone(scene.light(hit, place, &exposures)),
        None => tone(room(place)),
    };
    let first: Vec<Vec3> = hits.iter().enumerate().map(|(i, hit)| light(hit, middle(i, side))).collect();
    (0..side * side)
        .map(|i| {
            if !is_edge(&hits, &first, i, side) {
                return first[i];
            }
            // One more ray, to the pixel's corner: with the lens after it, that is enough.
            let (x, y) = middle(i, side);
            let place = (x + 0.5, y + 0.5);
            let mut hit = scene.hit(place, starts[tile(i, side, TILES[1])]);
            if let Some(hit) = &mut hit {
                hit.normal = scene.normal(hit);
            }
            (first[i] + light(&hit, place)) * 0.5
        })
        .collect()
}

fn middle(i: usize, side: usize) -> (f32, f32) {
    ((i % side) as f32 + 0.5, (i / side) as f32 + 0.5)
}

fn tile(i: usize, side: usize, size: usize) -> usize {
    (i / side / size) * side.div_ceil(size) + i % side / size
}

fn is_edge(hits: &[Option<Hit>], light: &[Vec3], i: usize, side: usize) -> bool {
    let differs = |j: usize| {
        let depths = match (&hits[i], &hits[j]) {
            (Some(a), Some(b)) => (a.depth - b.depth).abs() > 0.6,
            (None, None) => false,
            _ => true,
        };
        depths || (light[i] - light[j]).map(f32::abs).dot(v3(0.3, 0.6, 0.1)) > 0.06
    };
    let (x, y) = (i % side, i / side);
    (x + 1 < side && differs(i + 1))
        || (y + 1 < side && differs(i + side))
        || (x > 0 && differs(i - 1))
        || (y > 0 && differs(i - side))
}

struct Scene<'a> {
    figure: &'a Figure<'a>,
    camera: &'a Camera,
    lamps: [Lamp; 4],
    side: usize,
}

impl Scene<'_> {
    /// How far the rays of each of the finest tiles may go unasked.
    fn starts(&self) -> Vec<f32> {
        let mut coarse = vec![self.camera.near()];
        let mut coarse_size = self.side;
        for size in TILES {
            let across = self.side.div_ceil(size);
            let reach = self.camera.covers(size);
            coarse = (0..across * across)
                .map(|i| {
                    let middle = |k: usize| ((k * size) as f32 + size as f32 / 2.0).min(self.side as f32);
                    let (x, y) = (i % across, i / across);
                    let above =
                        (y * size / coarse_size) * self.side.div_ceil(coarse_size) + x * size / coarse_size;
                    advance(self.figure, self.camera, (middle(x), middle(y)), coarse[above], reach)
                })
                .collect();
            coarse_size = size;
        }
        coarse
    }

    fn hit(&self, (x, y): (f32, f32), start: f32) -> Option<Hit> {
        let (eye, ray) = (self.camera.eye(), self.camera.ray(x, y));
        let (depth, part) = self.march(eye, ray, start)?;
        Some(Hit { at: eye + ray * depth, depth, part, normal: -ray })
    }

    /// As `render::march`, but stepping to where the last two distances say that the surface is: fields bent and
    /// blended promise less than there is, and near a surface three questions do instead of eight.
    fn march(&self, eye: Vec3, ray: Vec3, start: f32) -> Option<(f32, Part)> {
        let (mut t, mut slope) = (start, 0.85);
        let mut last: Option<(f32, f32)> = None;
        for _ in 0..60 {
            if t >= self.camera.far() {
                return None;
            }
            let (d, part) = self.figure.distance(eye + ray * t);
            if let Some((last_t, last_d)) = last
                && (t - last_t).abs() > 1e-4
            {
                // Far from a surface the bounds of parts are no slope to go by.
                slope = if d < 0.5 { ((last_d - d) / (t - last_t)).clamp(0.4, 1.0) } else { 0.9 };
            }
            if d.abs() < 0.012 {
                return Some((t + d / slope, part));
            }
            last = Some((t, d));
            t += d / slope;
        }
        Some((t, self.figure.distance(eye + ray * t).1))
    }

    /// The surface's normal by four more questions.
    fn normal(&self, hit: &Hit) -> Vec3 {
        // Taps further apart than a grid's cell hide its facets; lips and lids are exact and want detail.
        let step = if hit.is_plain(self.figure) { 0.16 } else { 0.05 };
        gradient(hit.at, step, |q| self.figure.distance(q).0)
    }

    /// Gives all hits their normals: from their neighbours on smooth skin, which costs nothing.
    fn turn(&self, hits: &mut [Option<Hit>]) {
        let at: Vec<Option<Vec3>> = hits.iter().map(|hit| hit.map(|h| h.at)).collect();
        let side = self.side;
        for (i, hit) in hits.iter_mut().enumerate() {
            let Some(hit) = hit else { continue };
            let inner = !i.is_multiple_of(side) && i % side + 1 < side && i >= side && i + side < side * side;
            let around = inner && hit.is_plain(self.figure);
            let normal = around.then(|| {
                let (left, right) = (at[i - 1]?, at[i + 1]?);
                let (above, below) = (at[i - side]?, at[i + side]?);
                let (across, up) = (right - left, above - below);
                (across.z.abs() < 0.8 && up.z.abs() < 0.8).then(|| across.cross(up).unit())
            });
            hit.normal = normal.flatten().unwrap_or_else(|| self.normal(hit));
        }
    }

    /// One for each cell; nothing where the cell's pixel sees the room.
    fn exposures(&self, hits: &[Option<Hit>]) -> Vec<Option<(Exposure, f32)>> {
        let across = self.side.div_ceil(CELL);
        (0..across * across)
            .map(|i| {
                let (x, y) = (i % across * CELL, i / across * CELL);
                let hit = hits[y * self.side + x].as_ref()?;
                Some((Exposure::new(self.figure, &self.lamps, hit.at, hit.normal, hit.part), hit.depth))
            })
            .collect()
    }

    fn light(&self, hit: &Hit, place: (f32, f32), exposures: &[Option<(Exposure, f32)>]) -> Vec3 {
        let across = self.side.div_ceil(CELL);
        // Cells are asked at their first pixel's middle.
        let (u, v) = ((place.0 - 0.5) / CELL as f32, (place.1 - 0.5) / CELL as f32);
        let (x, y) = (u.max(0.0) as usize, v.max(0.0) as usize);
        let (mut sum, mut total) = (Exposure::default(), 0.0);
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (cx, cy) = ((x + dx).min(across - 1), (y + dy).min(across - 1));
            let Some((exposure, depth)) = &exposures[cy * across + cx] else { continue };
            let near =
                (1.0 - (u - (x + dx) as f32).abs()).max(0.02) * (1.0 - (v - (y + dy) as f32).abs()).max(0.02);
            let away = (depth - hit.depth) / ALIKE;
            let weight = near / (1.0 + (away * away) * (away * away) * 16.0);
            total += weight;
            sum.open += weight * exposure.open;
            sum.seen.iter_mut().zip(exposure.seen).for_each(|(s, e)| *s += weight * e);
        }
        let exposure = if total > 1e-6 {
            Exposure { open: sum.open / total, seen: sum.seen.map(|s| s / total) }
        } else {
            // A sliver whose cells all saw the room.
            Exposure { open: 0.7, seen: [0.7; 4] }
        };
        let ray = self.camera.ray(place.0, place.1);
        let surface = surface(self.figure, hit.at, hit.normal, hit.part);
        lit(&surface, self.figure.look, &self.lamps, &exposure, ray, hit.normal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pose;
    use super::super::bake::Baked;
    use super::super::look::Look;
    use super::super::render::picture;
    use super::super::visemes::Viseme;
    use super::*;
    use lipsmith_base::Rect;

    /// The short cuts are seen neither in the colours nor in the shape of an open mouth.
    #[test]
    fn a_close_up_is_the_picture() {
        const SIDE: usize = 64;
        let look = Look { grain: 0.0, ..Look::default() };
        let viseme = Viseme { jaw: 0.6, open: 0.6, wide: 0.2, tongue: 0.3, ..Viseme::default() };
        let pose = Pose { yaw: 0.2, pitch: 0.05, ..Pose::default() };
        // All of it lies on the face: the two have different rooms behind.
        let camera = Camera::plane(130.0).window(Rect::new(-5.0, -6.0, 5.0, 5.0), SIDE);
        let exact = picture(&Figure::new(&look, &viseme, &pose), &camera, 0);
        let baked = Baked::new(&look);
        let figure = Figure::new(&look, &viseme, &pose).with(&baked);
        let quick = close_up(&figure, &camera, &|_, _| Vec3::default());
        let coded = |v: f32| v.clamp(0.0, 1.0).powf(1.0 / 2.2);
        let apart: Vec<f32> = quick
            .iter()
            .zip(exact.pixels())
            .map(|(q, &[r, g, b])| {
                ((coded(q.x) - r).abs() + (coded(q.y) - g).abs() + (coded(q.z) - b).abs()) / 3.0
            })
            .collect();
        let mean = apart.iter().sum::<f32>() / apart.len() as f32;
        let far = apart.iter().filter(|&&v| v > 0.15).count() as f32 / apart.len() as f32;
        assert!(mean < 0.03 && far < 0.03, "mean {mean}, {far} of the pixels far off");
    }
}
