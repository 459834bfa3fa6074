//! The mouth for one viseme: lips as two curved tubes that always meet in the corners, the opening between
//! them, teeth on their arches, tongue and cavity. Centimetres in the head's frame (see `head`).

use super::look::Look;
use super::math::*;
use super::visemes::Viseme;

/// Where the lips meet at rest, in front of the teeth.
const REST: Vec3 = v3(0.0, -7.35, 10.0);
/// Jaw angle at `jaw = 1`, radians.
const WIDEST_JAW: f32 = 0.19;
/// Gap between the lips at `open = 1`, centimetres.
const WIDEST_GAP: f32 = 2.3;

/// The lips' inner edges are `gap` apart in the middle; everything else follows from the viseme.
#[derive(Clone, Debug)]
pub struct Mouth {
    /// Radians the jaw has dropped.
    pub jaw_angle: f32,
    /// Height of the opening in the middle, centimetres; 0 when the lips touch.
    pub gap: f32,
    half_width: f32,
    /// Inner edges in the middle: upper's bottom and lower's top.
    upper_edge: f32,
    lower_edge: f32,
    pub forward: f32,
    lower_tuck: f32,
    corner_lift: f32,
    fullness: f32,
    lip_ratio: f32,
    tooth_drop: f32,
    press: f32,
    tongue: f32,
    pub round: f32,
    /// The lips over their width, which a ray asks for at every step.
    profile: Table<7>,
}

/// The lips at one place of the mouth's width: inner edges, depth, half heights and half depths of the
/// cross-sections.
struct Profile {
    upper: f32,
    lower: f32,
    z: f32,
    upper_half: (f32, f32),
    lower_half: (f32, f32),
}

/// Which part of the inside a point belongs to, with its distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inside {
    Tooth,
    Tongue,
    Gum,
}

impl Mouth {
    pub fn new(viseme: &Viseme, smile: f32, look: &Look) -> Mouth {
        let v = viseme;
        let gap = WIDEST_GAP * v.open;
        let contact = v.contact;
        // The upper lip gives way a little, the lower follows the jaw; for f and v the lower lip rises and
        // goes back under the upper teeth.
        let rise = 0.17 * gap + 0.22 * v.upper + 0.12 * contact;
        let upper_edge = REST.y + rise - 0.02 * v.press;
        let half_width =
            2.4 * look.mouth_width * (1.0 + 0.13 * v.wide.max(0.0) + 0.30 * v.wide.min(0.0)) + 0.2 * smile;
        let mut mouth = Mouth {
            jaw_angle: WIDEST_JAW * v.jaw,
            gap,
            half_width,
            upper_edge,
            lower_edge: upper_edge - gap,
            forward: 0.75 * v.protrude - 0.12 * v.press - 0.15 * v.wide.max(0.0),
            lower_tuck: 0.42 * contact,
            corner_lift: 0.28 * smile + 0.06 * v.wide,
            fullness: look.lip_fullness * (1.0 - 0.22 * v.press) * (1.0 - 0.1 * v.wide.max(0.0)),
            lip_ratio: look.lip_ratio,
            tooth_drop: look.tooth_drop,
            press: v.press,
            tongue: v.tongue,
            round: (-v.wide).clamp(0.0, 1.0),
            profile: Table::default(),
        };
        mouth.profile = Table::new(-half_width, half_width, |x| {
            let t = x / half_width;
            let (upper, lower) = mouth.edges(t);
            let [(uh, ud), (lh, ld)] = mouth.sections(t);
            [upper, lower, mouth.depth(x), uh, ud, lh, ld]
        });
        mouth
    }

    fn profile(&self, x: f32) -> Profile {
        let [upper, lower, z, uh, ud, lh, ld] = self.profile.at(x);
        Profile { upper, lower, z, upper_half: (uh, ud), lower_half: (lh, ld) }
    }

    /// Height of the opening's edges over the mouth's width, 1 in the middle and 0 in the corners.
    fn arch(&self, t: f32) -> f32 {
        (1.0 - t * t).max(0.0).powf(mix(0.85, 0.6, self.round))
    }

    fn corner_y(&self) -> f32 {
        mix(self.upper_edge, self.lower_edge, 0.42) - 0.05 + self.corner_lift
    }

    fn edges(&self, t: f32) -> (f32, f32) {
        let (a, corner) = (self.arch(t), self.corner_y());
        // The upper lip's tubercle hangs a little in the middle.
        let tubercle = 0.06 * bell(t, 0.16) * (1.0 - self.press);
        (mix(corner, self.upper_edge, a) - tubercle * a, mix(corner, self.lower_edge, a) - tubercle * a)
    }

    /// Depth of the lips' middle line: they follow the dental arch back to the corners.
    fn depth(&self, x: f32) -> f32 {
        REST.z - 0.24 + self.forward
            - (0.150 + 0.05 * self.round) * x * x
            - 0.42 * (x / self.half_width).powi(8)
    }

    /// Half heights and half depths of the lips' cross-sections at `t`.
    fn sections(&self, t: f32) -> [(f32, f32); 2] {
        let taper = (1.0 - 0.93 * t * t).max(0.03).sqrt();
        let bow = 1.0 + 0.16 * bell(t.abs() - 0.27, 0.16) - 0.12 * bell(t, 0.1);
        let (f, lower) = (self.fullness, self.fullness * self.lip_ratio);
        [(0.315 * f * bow * taper, 0.46 * f.sqrt() * taper), (0.415 * lower * taper, 0.52 * f.sqrt() * taper)]
    }

    /// Distances to the upper and the lower lip.
    pub fn lips(&self, p: Vec3) -> (f32, f32) {
        let x = p.x.clamp(-self.half_width, self.half_width);
        let t = x / self.half_width;
        let Profile { upper, lower, z, upper_half: (uh, ud), lower_half: (lh, ld) } = self.profile(x);
        let side = p.x - x;
        let tube = |y: f32, z: f32, h: f32, d: f32| {
            let q = v3(side / d.max(0.1), (p.y - y) / h, (p.z - z) / d);
            let g = v3(q.x / d.max(0.1), q.y / h, q.z / d);
            let k = q.length();
            k * (k - 1.0) / g.length().max(1e-5)
        };
        let tuck = if self.lower_tuck > 0.0 { self.lower_tuck * self.arch(t) } else { 0.0 };
        // Closed lips overlap by a hair, or light would leak between them.
        let seal = 0.03;
        (tube(upper + uh - seal, z + 0.02, uh, ud), tube(lower - lh + seal, z - 0.10 - tuck, lh, ld))
    }

    /// Negative between the lips' middle lines: where the face has a hole.
    pub fn opening(&self, p: Vec3) -> f32 {
        let Profile { upper, lower, upper_half: (uh, _), lower_half: (lh, _), .. } = self.profile(p.x);
        let slit = (lower - 0.8 * lh - p.y).max(p.y - upper - 0.8 * uh);
        slit.max(p.x.abs() - 0.90 * self.half_width).max(6.0 - p.z) * 0.7
    }

    /// The room behind the lips, negative inside.
    pub fn cavity(&self, p: Vec3) -> f32 {
        let floor = 10.5 * self.jaw_angle;
        ellipsoid(p, v3(0.0, -7.5 - 0.4 * floor, 5.9), v3(2.7, 1.4 + 0.4 * floor, 3.2))
    }

    /// Nearest of teeth, tongue and gums. `jaw` is `p` in the lower jaw's frame.
    pub fn inside(&self, p: Vec3, jaw: Vec3) -> (f32, Inside) {
        let upper = teeth(p, -7.62 - self.tooth_drop, -6.35, 9.18, 1.0);
        let lower = teeth(jaw, -8.65, -7.68, 8.80, 0.72);
        let mut best = (upper.min(lower), Inside::Tooth);
        let gums = gum(p, -6.05, 8.95).min(gum(jaw, -9.0, 8.55));
        if gums < best.0 {
            best = (gums, Inside::Gum);
        }
        let lift = self.tongue;
        let body = ellipsoid(jaw, v3(0.0, -8.6 + 0.35 * lift, 5.9), v3(2.0, 0.85, 2.6));
        let tip = ellipsoid(jaw, v3(0.0, -8.55 + 0.95 * lift, 7.4 + 0.7 * lift), v3(1.25, 0.42, 1.35));
        let tongue = smin(body, tip, 0.6) + 0.10 * bell(jaw.x, 0.18);
        if tongue < best.0 {
            best = (tongue, Inside::Tongue);
        }
        best
    }

    /// Points of the lips' outer and inner contours as the 68-point layout orders them (48–67), in the head's
    /// frame, right on the surface of the lips.
    pub fn contour(&self) -> [Vec3; 20] {
        let outer_x = [-1.0, -0.64, -0.24, 0.0, 0.24, 0.64, 1.0, 0.62, 0.26, 0.0, -0.26, -0.62];
        let inner_x = [-0.88, -0.4, 0.0, 0.4, 0.88, 0.4, 0.0, -0.4];
        let at = |t: f32, upper: bool, inner: bool| {
            let x = t * self.half_width;
            let (top, bottom) = self.edges(t);
            let [(uh, ud), (lh, ld)] = self.sections(t);
            let z = self.depth(x);
            let corner = t.abs() == 1.0;
            let y = match (upper, inner) {
                _ if corner => self.corner_y(),
                (true, true) => top,
                (false, true) => bottom,
                (true, false) => top + 1.8 * uh,
                (false, false) => bottom - 1.75 * lh,
            };
            let tuck = if upper { 0.0 } else { self.lower_tuck * self.arch(t) };
            v3(x, y, z - tuck + if inner { 0.3 } else { 0.45 } * if upper { ud } else { ld })
        };
        std::array::from_fn(|i| match i {
            0..=6 => at(outer_x[i], true, false),
            7..=11 => at(outer_x[i], false, false),
            12..=16 => at(inner_x[i - 12], true, true),
            _ => at(inner_x[i - 12], false, true),
        })
    }
}

/// A row of teeth from `bottom` to `top` on an arch whose front lies at depth `front`; `width` scales the teeth.
fn teeth(p: Vec3, bottom: f32, top: f32, front: f32, width: f32) -> f32 {
    let x = p.x.abs().min(2.6);
    let arch = front - 0.20 * x * x;
    let gap = tooth_gap(p.x, width);
    // Incisors' edges are not one straight line.
    let uneven = 0.05 * (1.0 - gap) + 0.03 * x;
    let y = (p.y - (top + bottom) / 2.0).abs() - (top - bottom) / 2.0 + uneven + 0.12;
    let z = (p.z - arch + 0.25 + 0.07 * (1.0 - gap)).abs() * 0.75 - 0.15;
    let side = p.x.abs() - 2.6;
    let outside = v3(side.max(0.0), y.max(0.0), z.max(0.0)).length();
    outside + y.max(z).min(0.0) - 0.10
}

/// 0 between two teeth, 1 on a tooth.
pub fn tooth_gap(x: f32, width: f32) -> f32 {
    let pitch = 0.80 * width * (1.0 - 0.05 * x.abs());
    let phase = x / pitch;
    smoothstep(0.0, 0.16, (phase - phase.round()).abs())
}

fn gum(p: Vec3, y: f32, front: f32) -> f32 {
    let x = p.x.abs().min(2.6);
    let q = v3((p.x.abs() - 2.6).max(0.0), p.y - y, (p.z - front + 0.20 * x * x + 0.35) * 0.8);
    q.length() - 0.5
}
