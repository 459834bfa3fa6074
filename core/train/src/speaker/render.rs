//! Filming: a ray per pixel marched through the figure's distance field, three lamps with soft shadows, ambient
//! occlusion, a studio out of focus behind, a filmic curve and the sensor's noise.

use super::head::{Figure, Part, gradient};
use super::look::Look;
use super::math::*;
use super::skin::{SKIN_BLEED, Surface, surface};
use lipsmith_base::{Point, Rect, Rgb};
use rayon::prelude::*;
use std::ops::Range;

const DISTANCE: f32 = 130.0;
/// Depth of the plane whose height the framing gives.
const FOCUS: f32 = 6.0;
const AIM: Vec3 = v3(0.0, -4.6, FOCUS);

#[derive(Clone, Copy, Debug)]
pub struct Camera {
    pub width: usize,
    pub height: usize,
    /// From the focus, centimetres.
    distance: f32,
    /// Centimetres a pixel covers at the focus, across and down.
    scale: [f32; 2],
    /// The pixel in which the optical axis lies.
    axis: Point,
}

impl Camera {
    pub fn new(width: usize, height: usize, look: &Look) -> Camera {
        let axis = Point::new(width as f32 / 2.0, height as f32 / 2.0);
        let scale = [look.framing / height.max(1) as f32; 2];
        Camera { width, height, distance: DISTANCE, scale, axis }
    }
    /// Sees the plane of the focus as if from `distance`, a pixel a centimetre: where a window is chosen from.
    pub fn plane(distance: f32) -> Camera {
        Camera { width: 0, height: 0, distance, scale: [1.0; 2], axis: Point::default() }
    }
    /// The square picture of a window of this camera's pixels.
    pub fn window(&self, window: Rect, side: usize) -> Camera {
        let pixels = [window.width() / side as f32, window.height() / side as f32];
        let scale = [self.scale[0] * pixels[0], self.scale[1] * pixels[1]];
        let axis = Point::new((self.axis.x - window.x0) / pixels[0], (self.axis.y - window.y0) / pixels[1]);
        Camera { width: side, height: side, distance: self.distance, scale, axis }
    }
    pub fn eye(&self) -> Vec3 {
        AIM + v3(0.0, 0.0, self.distance)
    }
    pub fn ray(&self, x: f32, y: f32) -> Vec3 {
        v3((x - self.axis.x) * self.scale[0], (self.axis.y - y) * self.scale[1], -self.distance).unit()
    }
    pub fn project(&self, p: Vec3) -> Point {
        let q = p - self.eye();
        let s = self.distance / -q.z;
        Point::new(self.axis.x + q.x * s / self.scale[0], self.axis.y - q.y * s / self.scale[1])
    }
    /// Depths between which all of a figure lies.
    pub fn near(&self) -> f32 {
        self.distance - 30.0
    }
    pub fn far(&self) -> f32 {
        self.distance + 30.0
    }
    /// Centimetres that a tile of pixels covers, at most.
    pub fn covers(&self, tile: usize) -> f32 {
        tile as f32 * 0.75 * self.scale[0].max(self.scale[1]) * self.far() / self.distance
    }
}

pub struct Lamp {
    towards: Vec3,
    colour: Vec3,
    shadow: bool,
}

pub fn lamps(look: &Look) -> [Lamp; 4] {
    let towards = |azimuth: f32, elevation: f32| {
        let ((sa, ca), (se, ce)) = (azimuth.to_radians().sin_cos(), elevation.to_radians().sin_cos());
        v3(sa * ce, se, ca * ce)
    };
    let key = look.key_strength;
    let side = -look.key_azimuth.signum();
    [
        Lamp {
            towards: towards(look.key_azimuth, look.key_elevation),
            colour: Vec3::from(look.key_tint) * key,
            shadow: true,
        },
        Lamp {
            towards: towards(side * 48.0, 12.0),
            colour: v3(0.82, 0.91, 1.0) * (key * look.fill),
            shadow: false,
        },
        Lamp {
            towards: towards(side * 142.0, 30.0),
            colour: v3(0.75, 0.88, 1.0) * (key * 0.75 * look.rims),
            shadow: true,
        },
        Lamp {
            towards: towards(-side * 152.0, 38.0),
            colour: v3(1.0, 0.9, 0.78) * (key * 0.55 * look.rims),
            shadow: true,
        },
    ]
}

/// The picture of `figure`, gamma-coded. `noise_seed` differs from frame to frame.
pub fn picture(figure: &Figure, camera: &Camera, noise_seed: u64) -> Rgb {
    let (width, height) = (camera.width, camera.height);
    let lamps = lamps(figure.look);
    let starts = starts(figure, camera);
    let shoot = |x: f32, y: f32| {
        let tile = (y as usize / TILE) * width.div_ceil(TILE) + x as usize / TILE;
        sample(figure, camera, &lamps, x, y, starts[tile])
    };
    let first: Vec<(Vec3, f32)> = (0..width * height)
        .into_par_iter()
        .with_min_len(width)
        .map(|i| shoot((i % width) as f32 + 0.5, (i / width) as f32 + 0.5))
        .collect();
    // More rays where neighbours differ.
    let pixels = (0..width * height)
        .into_par_iter()
        .with_min_len(width)
        .map(|i| {
            let (x, y) = (i % width, i / width);
            let (here, depth) = first[i];
            let differs = |j: usize| {
                let (there, d) = first[j];
                let light = here.x.max(there.x).max(0.05);
                (depth - d).abs() > 0.8 || (here - there).map(f32::abs).dot(v3(0.3, 0.6, 0.1)) > 0.20 * light
            };
            let edge = (x > 0 && differs(i - 1))
                || (x + 1 < width && differs(i + 1))
                || (y > 0 && differs(i - width))
                || (y + 1 < height && differs(i + width));
            let light = if edge {
                let offsets = [(0.2, 0.25), (0.85, 0.4), (0.35, 0.85)];
                let sum = offsets
                    .iter()
                    .fold(tone(here), |sum, &(dx, dy)| sum + tone(shoot(x as f32 + dx, y as f32 + dy).0));
                sum * (1.0 / 4.0)
            } else {
                tone(here)
            };
            develop(light, i as i32, noise_seed, figure.look.grain)
        })
        .collect();
    Rgb::from_pixels(width, height, pixels).unwrap_or_default()
}

/// Filmic curve with a toe and a shoulder: scene-linear to display-linear.
pub fn tone(light: Vec3) -> Vec3 {
    light.map(|v| {
        let v = v.max(0.0);
        (v * (2.2 * v + 0.10)) / (v * (2.1 * v + 0.62) + 0.16)
    })
}

fn develop(light: Vec3, pixel: i32, seed: u64, grain: f32) -> [f32; 3] {
    let coded = light.map(|v| v.clamp(0.0, 1.0).powf(1.0 / 2.2));
    let channel = |v: f32, c: i32| {
        // Sum of uniforms: near enough to normal.
        let n: f32 = (0..4).map(|k| hash01(pixel, c * 4 + k, seed as i32)).sum::<f32>() - 2.0;
        (v + grain * 1.73 * n * (1.15 - v)).clamp(0.0, 1.0)
    };
    [channel(coded.x, 0), channel(coded.y, 1), channel(coded.z, 2)]
}

const TILE: usize = 16;

/// How far every ray of a tile of the picture may go unasked: the tile's middle ray is followed until something
/// is as near as the tile is wide.
fn starts(figure: &Figure, camera: &Camera) -> Vec<f32> {
    let (across, down) = (camera.width.div_ceil(TILE), camera.height.div_ceil(TILE));
    let reach = camera.covers(TILE);
    let centre = |i: usize| (i as f32 + 0.5) * TILE as f32;
    (0..across * down)
        .into_par_iter()
        .map(|i| advance(figure, camera, (centre(i % across), centre(i / across)), camera.near(), reach))
        .collect()
}

/// Follows the ray through a position until something is within `reach`, or to the far end.
pub fn advance(figure: &Figure, camera: &Camera, (x, y): (f32, f32), from: f32, reach: f32) -> f32 {
    let (eye, ray) = (camera.eye(), camera.ray(x, y));
    let mut t = from;
    while t < camera.far() {
        let d = figure.distance(eye + ray * t).0;
        if d < reach + 0.02 {
            break;
        }
        t += d - reach;
    }
    t
}

/// Light along the ray through a position in the picture, and its depth.
fn sample(figure: &Figure, camera: &Camera, lamps: &[Lamp; 4], x: f32, y: f32, start: f32) -> (Vec3, f32) {
    let (eye, ray) = (camera.eye(), camera.ray(x, y));
    match march(figure, eye, ray, start..camera.far()) {
        Some((t, part)) => {
            let p = eye + ray * t;
            (shade(figure, lamps, p, ray, part), t)
        }
        None => {
            let u = (x - camera.width as f32 / 2.0) / camera.height as f32;
            let v = (camera.height as f32 / 2.0 - y) / camera.height as f32;
            (studio(figure.look, u, v), camera.distance * 2.0)
        }
    }
}

/// Where along the ray the figure is hit, and what of it.
pub fn march(figure: &Figure, from: Vec3, ray: Vec3, within: Range<f32>) -> Option<(f32, Part)> {
    let mut t = within.start;
    if t >= within.end {
        return None;
    }
    for _ in 0..120 {
        let (d, part) = figure.distance(from + ray * t);
        if d < 0.006 {
            return Some((t, part));
        }
        t += d;
        if t > within.end {
            return None;
        }
    }
    Some((t, figure.distance(from + ray * t).1))
}

/// 1 where the lamp is seen, 0 where it is hidden, between in the penumbra.
fn lamp_seen(figure: &Figure, p: Vec3, towards: Vec3) -> f32 {
    let (mut seen, mut t) = (1.0f32, 0.12);
    for _ in 0..28 {
        let d = figure.distance(p + towards * t).0;
        seen = seen.min(6.5 * figure.look.hardness * d / t);
        let least = if figure.is_baked() { 0.15 + 0.08 * t } else { 0.12 };
        t += if d > 2.0 { d } else { (0.8 * d).max(least) };
        if seen < -0.15 || t > 22.0 {
            break;
        }
    }
    // A broad lamp: the field's sign carries the penumbra past the edge.
    smoothstep(-0.15, 1.0, seen)
}

/// How open the surroundings are, 0..1.
fn openness(figure: &Figure, p: Vec3, normal: Vec3) -> f32 {
    let mut hidden = 0.0;
    for (reach, weight) in [(0.15, 1.6), (0.4, 0.9), (1.0, 0.42), (2.2, 0.18)] {
        hidden += weight * (reach - figure.distance(p + normal * reach).0 / 0.85).max(0.0);
    }
    (1.0 - 0.75 * hidden).clamp(0.0, 1.0)
}

fn shade(figure: &Figure, lamps: &[Lamp; 4], p: Vec3, ray: Vec3, part: Part) -> Vec3 {
    let smooth = gradient(p, 0.035, |q| figure.distance(q).0);
    let exposure = Exposure::new(figure, lamps, p, smooth, part);
    lit(&surface(figure, p, smooth, part), figure.look, lamps, &exposure, ray, smooth)
}

/// What of the lamps and the room reaches a point: each 0..1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure {
    pub open: f32,
    pub seen: [f32; 4],
}

impl Exposure {
    pub fn new(figure: &Figure, lamps: &[Lamp; 4], p: Vec3, smooth: Vec3, part: Part) -> Exposure {
        let open = openness(figure, p, smooth);
        // Light scattered through lips and cheeks reaches into the mouth.
        let least = if matches!(part, Part::Mouth(_)) { 0.35 } else { 0.0 };
        let seen = std::array::from_fn(|i| {
            let lamp = &lamps[i];
            if !lamp.shadow {
                0.4 + 0.6 * open
            } else if lamp.colour.x > 0.0 && smooth.dot(lamp.towards) > -SKIN_BLEED.x {
                lamp_seen(figure, p + smooth * 0.06, lamp.towards).max(least)
            } else {
                0.0
            }
        });
        Exposure { open, seen }
    }
}

/// The light that a surface sends back along the ray.
pub fn lit(
    s: &Surface,
    look: &Look,
    lamps: &[Lamp; 4],
    exposure: &Exposure,
    ray: Vec3,
    smooth: Vec3,
) -> Vec3 {
    let view = -ray;
    let open = exposure.open;
    let mut light = Vec3::default();

    for (lamp, seen) in lamps.iter().zip(exposure.seen) {
        if seen <= 0.0 && s.bleed.x == 0.0 {
            continue;
        }
        let facing = s.normal.dot(lamp.towards);
        let soft = smooth.dot(lamp.towards);
        // Light that entered nearby leaves here: red runs furthest, so it wraps round the terminator and into
        // the shadow's edge.
        let wrap = |bleed: f32| {
            let c = mix(facing, soft, bleed * 1.5);
            let wrapped = ((c + bleed) / (1.0 + bleed)).max(0.0);
            let wrapped = wrapped * mix(1.0, wrapped, bleed);
            wrapped * mix(seen, seen.max(0.0).sqrt(), bleed * 1.6)
        };
        let diffuse = s.bleed.map(wrap);
        light = light + s.albedo.times(lamp.colour).times(diffuse) * s.shade;
        let half = (lamp.towards + view).unit();
        let fresnel = 0.25 + 0.75 * (1.0 - half.dot(view)).max(0.0).powi(5) * 8.0;
        let gleam = match s.strand {
            Some(strand) => {
                let along = strand.unit().dot(half);
                let sin = (1.0 - along * along).max(0.0).sqrt();
                (sin.powf(70.0) * 0.9 + sin.powf(14.0) * 0.35) * facing.max(0.0).sqrt() * open
            }
            None => {
                let n = s.normal.dot(half).max(0.0);
                let lobe = |e: f32| (e + 2.0) / 8.0 * n.powf(e);
                (0.6 * lobe(s.sharpness) + 0.4 * lobe(s.sharpness * 3.5)) * facing.max(0.0)
            }
        };
        let tint =
            if s.strand.is_some() { mix3(v3(1.0, 1.0, 1.0), s.albedo * 8.0, 0.5) } else { v3(1.0, 1.0, 1.0) };
        light = light + lamp.colour.times(tint) * (gleam * s.gloss * fresnel * 2.0 * seen * s.shade);
    }

    // The room: pale ceiling, darker floor, and what the face returns to itself is red.
    let up = 0.5 + 0.5 * s.normal.y;
    let room = mix3(v3(0.10, 0.085, 0.075), v3(0.24, 0.26, 0.29), up).times(Vec3::from(look.room));
    let occlusion = v3(open.powf(0.75), open, open.powf(1.1));
    light = light
        + s.albedo.times(room).times(if s.bleed.x > 0.2 { occlusion } else { v3(open, open, open) })
            * s.shade;
    let grazing = (1.0 - s.normal.dot(view).max(0.0)).powi(5);
    light = light + room * (grazing * 0.25 * open * s.shade);
    if s.mirror > 0.0 {
        light = light + eye_reflection(lamps, s.normal, ray) * s.mirror;
    }
    light
}

/// Softboxes mirrored by the wet eye.
fn eye_reflection(lamps: &[Lamp; 4], normal: Vec3, ray: Vec3) -> Vec3 {
    let r = ray - normal * (2.0 * ray.dot(normal));
    let lamp = &lamps[0];
    let right = v3(lamp.towards.z, 0.0, -lamp.towards.x).unit();
    let up = lamp.towards.cross(right);
    let (u, v) = (r.dot(right), r.dot(up));
    let facing = r.dot(lamp.towards);
    if facing <= 0.0 {
        return Vec3::default();
    }
    let box_shape = smoothstep(0.27, 0.20, u.abs()) * smoothstep(0.30, 0.23, v.abs());
    let fill = &lamps[1];
    let fill_glow = smoothstep(0.90, 0.98, r.dot(fill.towards)) * 0.10;
    lamp.colour * (box_shape * 0.5) + fill.colour * fill_glow
}

/// The room behind, out of focus: a wall that falls off from a glow, a bright window edge, lamps as discs.
fn studio(look: &Look, u: f32, v: f32) -> Vec3 {
    let wall = Vec3::from(look.backdrop);
    let glow = bell(u + 0.25, 0.55) * bell(v - 0.05, 0.6);
    let mut light = wall * (0.35 + 1.1 * glow);
    // A bookcase in the dark corner and a lit window, both far out of focus.
    let case = smoothstep(0.40, 0.52, u) * smoothstep(1.02, 0.90, u);
    light = mix3(light, v3(0.035, 0.026, 0.020), case * 0.75);
    for (i, shelf) in [0.27f32, 0.0, -0.27].into_iter().enumerate() {
        let i = i as i32;
        for k in 0..9 {
            let x = 0.50 + 0.052 * k as f32 + 0.012 * hash01(i, k, 1);
            let height = 0.10 + 0.09 * hash01(i, k, 2);
            let book = smoothstep(0.036, 0.012, (u - x).abs())
                * smoothstep(0.022, -0.014, v - shelf - height)
                * smoothstep(-0.012, 0.014, v - shelf);
            let warm = hash01(i, k, 3);
            let spine =
                mix3(v3(0.16, 0.085, 0.05), v3(0.06, 0.09, 0.11), warm) * (0.35 + 0.9 * hash01(i, k, 4));
            light = mix3(light, spine, book * case * 0.85);
        }
        let board = smoothstep(0.026, 0.006, (v - shelf + 0.008).abs()) * case;
        light = mix3(light, v3(0.10, 0.060, 0.035), board * 0.8);
    }
    let lamp = (u - 0.60).hypot((v - 0.40) * 1.1);
    light = light + v3(1.0, 0.62, 0.30) * (0.55 * smoothstep(0.085, 0.055, lamp) + 0.16 * bell(lamp, 0.13));
    let window = smoothstep(-0.60, -0.72, u);
    light = mix3(light, v3(0.34, 0.42, 0.50) * (0.75 + 0.5 * v), window);
    let mullion = smoothstep(0.035, 0.006, (u + 0.83).abs()).max(smoothstep(0.035, 0.006, (v - 0.08).abs()));
    mix3(light, wall * 0.6, mullion * window * 0.7)
}
