//! The head as a distance field, in centimetres: x to the picture's right, y up, z towards the camera, origin
//! between the eyeballs and behind them. One side is modelled and mirrored. The lower face hangs on a jaw that
//! turns about the ear; the field asks its questions in the unturned face, so skin and texture stretch with it.

use super::bake::Baked;
use super::look::Look;
use super::math::*;
use super::mouth::{Inside, Mouth};
use super::visemes::Viseme;
use super::{Pose, dress};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    Skin,
    Eye,
    Mouth(Inside),
    Hair,
    Frame,
    Shirt,
    Jacket,
}

pub const EYE: Vec3 = v3(3.15, 0.0, 7.02);
pub const EYE_RADIUS: f32 = 1.22;
const NECK: Vec3 = v3(0.0, -9.0, -2.5);
const JAW_JOINT: Vec3 = v3(0.0, -1.8, 0.3);

/// A speaker at one moment, ready to be asked for distances.
pub struct Figure<'a> {
    pub look: &'a Look,
    pub mouth: Mouth,
    pub pose: Pose,
    turn: Rotation,
    shift: Vec3,
    /// Where the neck ends between the shoulders, in the head's frame.
    neck_base: Vec3,
    lids: Table<2>,
    baked: Option<&'a Baked>,
}

impl<'a> Figure<'a> {
    pub fn new(look: &'a Look, viseme: &Viseme, pose: &Pose) -> Figure<'a> {
        let mut figure = Figure {
            look,
            mouth: Mouth::new(viseme, pose.smile, look),
            pose: *pose,
            turn: Rotation::from_angles(pose.yaw, pose.pitch, pose.roll),
            shift: v3(pose.sway[0], pose.sway[1], 0.0),
            neck_base: Vec3::default(),
            lids: Table::new(-LID_REACH, LID_REACH, |x| lid_edges(x, look, pose)),
            baked: None,
        };
        figure.neck_base = figure.to_head(v3(0.0, -23.0, -5.0));
        figure
    }

    /// The same figure asked by way of the grids of its look.
    pub fn with(self, baked: &'a Baked) -> Figure<'a> {
        Figure { baked: Some(baked), ..self }
    }

    pub fn to_head(&self, p: Vec3) -> Vec3 {
        let q = self.turn.inverse(p - NECK - self.shift) + NECK;
        let y = if q.y < 0.0 { q.y / self.look.face_length } else { q.y };
        v3(q.x / self.look.face_width - self.look.skew * y, y, q.z)
    }
    pub fn to_world(&self, p: Vec3) -> Vec3 {
        let x = (p.x + self.look.skew * p.y) * self.look.face_width;
        let q = v3(x, if p.y < 0.0 { p.y * self.look.face_length } else { p.y }, p.z);
        self.turn.apply(q - NECK) + NECK + self.shift
    }

    /// Distance in the world to the nearest part, and which part that is.
    pub fn distance(&self, world: Vec3) -> (f32, Part) {
        let p = self.to_head(world);
        // Nothing of the clothes reaches higher than this; in a face's window that is asked for most points.
        let mut best = if self.baked.is_some() && world.y > -12.5 {
            (world.y + 16.0, Part::Shirt)
        } else {
            dress::clothes(world)
        };
        // Far from the head only its bounding sphere and the neck are asked.
        let reach = (p - v3(0.0, 0.2, 0.3)).length() - 13.6;
        if reach > 1.5 || reach > best.0 {
            let neck = neck(p, self.neck_base);
            let far = neck.min(reach);
            return if far < best.0 { (far, Part::Skin) } else { best };
        }
        let mut take = |d: f32, part: Part| {
            if d < best.0 {
                best = (d, part);
            }
        };
        let (skin, inside) = self.skin(p);
        take(skin, Part::Skin);
        if let Some((d, what)) = inside {
            take(d, Part::Mouth(what));
        }
        take(sphere(p.mirrored(), EYE, EYE_RADIUS), Part::Eye);
        if let Some(glasses) = &self.look.glasses {
            take(dress::frame(p, glasses), Part::Frame);
        }
        match self.baked {
            Some(_) if p.y < 3.5 && p.z > 3.5 && p.x.abs() < 6.0 => {}
            Some(baked) => take(baked.hair(p), Part::Hair),
            None => take(dress::hair(p, self.look, skin), Part::Hair),
        }
        // Bending and blending stretch the fields; rays take shorter steps than they promise.
        (best.0 * 0.85, best.1)
    }

    /// The point of the resting face that the jaw has carried to `p`.
    pub fn at_rest(&self, p: Vec3) -> Vec3 {
        self.swing(p, -self.jaw_share(p))
    }

    fn jaw_share(&self, p: Vec3) -> f32 {
        // The jaw moves what lies below the line from the ear's joint to the mouth's corner.
        let line = JAW_JOINT.y + (p.z - JAW_JOINT.z) * (-7.2 - JAW_JOINT.y) / (9.8 - JAW_JOINT.z);
        if p.y - line >= 1.4 || p.z <= -2.5 {
            return 0.0;
        }
        smoothstep(1.4, -2.4, p.y - line) * smoothstep(-2.5, 2.0, p.z) * smoothstep(-17.0, -12.0, p.y)
    }

    fn swing(&self, p: Vec3, share: f32) -> Vec3 {
        if self.mouth.jaw_angle == 0.0 || share == 0.0 {
            return p;
        }
        // The jaw never turns so far that these first terms of sine and cosine would be seen to be wrong.
        let angle = self.mouth.jaw_angle * share;
        let (s, c) = (angle - angle * angle * angle / 6.0, 1.0 - 0.5 * angle * angle);
        let (y, z) = (p.y - JAW_JOINT.y, p.z - JAW_JOINT.z);
        v3(p.x, JAW_JOINT.y + y * c - z * s, JAW_JOINT.z + y * s + z * c)
    }

    /// Skin with lips, and what is in the mouth when `p` is near it.
    fn skin(&self, p: Vec3) -> (f32, Option<(f32, Inside)>) {
        let q = self.at_rest(p);
        let mut d = match self.baked {
            Some(baked) => baked.bones(q, self.mouth.forward),
            None => self.bones(q),
        };
        // In front of the chin, and above the ears, the neck is too far to blend with.
        if p.y < -1.0 && !(p.z > 6.5 && p.y > -9.5) {
            d = smin(d, neck(p, self.neck_base), 2.2);
        }
        let near_mouth = (p - v3(0.0, -7.8, 8.5)).length() - 4.3;
        let inside = if near_mouth > 0.6 {
            None
        } else {
            d = smax(d, -self.mouth.opening(p), 0.12);
            d = smax(d, -self.mouth.cavity(p), 0.1);
            let (upper, lower) = self.mouth.lips(p);
            let soft = 0.42 + 0.25 * self.mouth.round;
            d = smin(lower, d, soft + 0.06).min(smin(upper, d, soft));
            Some(self.mouth.inside(p, self.swing(p, -1.0)))
        };
        d = self.eyelids(p, d);
        (d, inside)
    }

    /// Skull, flesh, nose and ears, mouth unopened.
    pub fn bones(&self, q: Vec3) -> f32 {
        let look = self.look;
        let m = q.mirrored();
        let cranium = ellipsoid(q, v3(0.0, 3.2, -0.9), v3(7.35, 8.6, 9.6));
        let face = ellipsoid(q, v3(0.0, -2.6, 1.9), v3(6.35, 8.4, 7.2));
        let mut d = smin(cranium, face, 2.0);
        let w = look.jaw_width;
        let jaw = cone(m, v3(4.15 * w, -6.3, 1.8), 1.55, v3(1.35 * w, -10.0 * look.chin.sqrt(), 7.1), 1.5);
        d = smin(d, jaw, 2.4);
        d = smin(d, ellipsoid(q, v3(0.0, -10.15, 8.0), v3(1.75 * w, 1.35 * look.chin, 1.45)), 1.3);
        // The muzzle over the teeth, cheekbones, the brow's ridge.
        d = smin(d, ellipsoid(q, v3(0.0, -7.2, 6.9 + 0.6 * self.mouth.forward), v3(3.3, 2.7, 2.85)), 1.6);
        d = smin(d, ellipsoid(m, v3(4.5, -2.6, 5.6), v3(1.75, 1.5, 1.9)), 1.8);
        d = smin(d, cone(m, v3(0.5, 1.55, 8.35), 0.62, v3(4.9, 1.75, 6.0), 0.75), 1.3);
        // A hint of the fold from the nose's wing to the mouth's corner.
        d = smax(
            d,
            -cone(m, v3(1.95, -4.7, 9.35), 0.10 + 0.12 * look.age, v3(3.15, -7.0, 8.75), 0.05),
            0.55 + 0.5 * look.age,
        );
        // Eye sockets, the groove from nose to lip, the fold under the lower lip.
        d = smax(d, -sphere(m, v3(2.95, 0.05, 9.65), 1.55), 1.5);
        d = smax(d, -ellipsoid(q, v3(0.0, -6.15, 10.25), v3(0.24, 0.75, 0.35)), 0.4);
        d = smax(d, -ellipsoid(q, v3(0.0, -9.0, 10.35), v3(1.5, 0.36, 0.75)), 0.7);
        let nose_reach = (q - v3(0.0, -2.5, 9.5)).length() - 4.0;
        d = if nose_reach < 1.0 { self.nose(q, m, d) } else { d.min(nose_reach) };
        let ear_reach = (m - v3(7.4, -1.4, -0.8)).length() - 3.9;
        if ear_reach < 0.8 { smin(d, ear(m), 0.5) } else { d.min(ear_reach) }
    }

    fn nose(&self, q: Vec3, m: Vec3, face: f32) -> f32 {
        let w = self.look.nose_width;
        let tip = -4.0 * self.look.nose_length;
        let bridge = cone(v3(q.x / w, q.y, q.z), v3(0.0, 0.9, 8.55), 0.62, v3(0.0, tip + 0.5, 10.35), 0.72);
        let mut d = smin(face, bridge, 1.0);
        d = smin(d, ellipsoid(q, v3(0.0, tip, 10.75), v3(0.80 * w, 0.72, 0.80)), 0.65);
        d = smin(d, ellipsoid(m, v3(1.20 * w, tip - 0.36, 9.50), v3(0.57, 0.66, 1.0)), 0.7);
        d = smin(d, ellipsoid(q, v3(0.0, tip - 0.75, 10.2), v3(0.30, 0.30, 0.75)), 0.4);
        smax(d, -ellipsoid(m, v3(0.66 * w, tip - 0.98, 9.95), v3(0.30, 0.42, 0.50)), 0.2)
    }

    /// Lids over the eyeball, open as far as the blink allows.
    fn eyelids(&self, p: Vec3, skin: f32) -> f32 {
        let m = p.mirrored();
        let reach = (m - EYE).length() - 3.0;
        if reach > 0.5 {
            return skin;
        }
        let (above, below) = self.lid_edges(m.x - EYE.x);
        let y = m.y - EYE.y;
        let aperture =
            smax((y - above).max(below - y) * 0.8, (m.x - EYE.x).abs() - 1.62, 0.1).max(EYE.z - m.z);
        let lid = sphere(m, EYE, EYE_RADIUS + 0.15);
        // The crease where the upper lid folds, and a soft bag under the lower.
        let crease = 0.10
            * bell(y - 0.52 - 0.30 * self.crease_arch(m.x - EYE.x), 0.10)
            * smoothstep(1.9, 0.9, (m.x - EYE.x).abs());
        let bag = 0.07 * bell(y + 0.98, 0.2) * smoothstep(1.6, 0.4, (m.x - EYE.x).abs());
        let mut d = smin(skin, lid, 0.75) + crease + bag;
        let hole = aperture.max(sphere(m, EYE, EYE_RADIUS + 0.75));
        d = smax(d, -hole, 0.08);
        // The corner next to the nose is flesh.
        smin(d, sphere(m, v3(1.72, -0.10, 7.52), 0.16), 0.15)
    }

    fn crease_arch(&self, x: f32) -> f32 {
        (1.0 - (x / 1.7) * (x / 1.7)).max(0.0)
    }

    /// Upper and lower edge of the aperture over the eyeball, `x` from its middle and outwards.
    pub fn lid_edges(&self, x: f32) -> (f32, f32) {
        let [above, below] = self.lids.at(x);
        (above, below)
    }

    pub fn is_baked(&self) -> bool {
        self.baked.is_some()
    }

    /// Away from eyes and mouth, where only the grids shape the skin.
    pub fn is_plain(&self, world: Vec3) -> bool {
        let p = self.to_head(world);
        (p - v3(0.0, -7.8, 8.5)).length() > 4.3 && (p.mirrored() - EYE).length() > 2.6
    }

    /// Where the face's skin is, found from a guess near it. Head's frame.
    fn settle(&self, guess: Vec3) -> Vec3 {
        let f = |p: Vec3| self.skin(p).0;
        (0..8).fold(guess, |p, _| p - gradient(p, 0.02, f) * f(p))
    }

    /// The 68 points of the usual layout (jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, lips 48–67; from the
    /// picture's left to its right) in the world.
    pub fn landmarks(&self) -> [Vec3; 68] {
        let mut points = [Vec3::default(); 68];
        let lift = 0.35 * self.pose.brows;
        let jaw = [
            (7.0, -0.6, 1.0),
            (6.9, -2.6, 1.2),
            (6.6, -4.6, 1.6),
            (6.2, -6.6, 2.0),
            (5.5, -8.3, 3.0),
            (4.4, -9.7, 4.4),
            (3.1, -10.8, 6.0),
            (1.6, -11.5, 7.4),
            (0.0, -11.7, 8.0),
        ];
        let brows = [(5.1, 1.75, 7.2), (4.4, 2.15, 8.0), (3.5, 2.25, 8.6), (2.5, 2.1, 8.9), (1.35, 1.8, 9.2)];
        let tip = -4.0 * self.look.nose_length;
        let ala = 1.0 * self.look.nose_width;
        for (i, &(x, y, z)) in jaw.iter().enumerate() {
            for side in [-1.0, 1.0] {
                let rest = v3(side * x, y, z);
                points[if side < 0.0 { i } else { 16 - i }] =
                    self.settle(self.swing(rest, self.jaw_share(rest)));
            }
        }
        for (i, &(x, y, z)) in brows.iter().enumerate() {
            points[17 + i] = self.settle(v3(-x, y + lift, z));
            points[26 - i] = self.settle(v3(x, y + lift, z));
        }
        for (i, &(y, z)) in [(0.4, 9.2), (-1.0, 9.8), (-2.4, 10.5), (tip, 11.5)].iter().enumerate() {
            points[27 + i] = self.settle(v3(0.0, y, z));
        }
        for (i, &(x, y)) in
            [(-ala, -0.75), (-0.5 * ala, -0.95), (0.0, -1.05), (0.5 * ala, -0.95), (ala, -0.75)]
                .iter()
                .enumerate()
        {
            points[31 + i] = self.settle(v3(x, tip + y, 10.3 - 0.3 * x.abs()));
        }
        let lid = |t: f32, upper: bool| {
            let (above, below) = self.lid_edges(t * 1.55);
            let y = if upper { above } else { below };
            let r = EYE_RADIUS + 0.1;
            v3(EYE.x + t * 1.5, EYE.y + y, EYE.z + (r * r - y * y - 2.0 * t * t * 0.5).max(0.1).sqrt())
        };
        for (i, (t, upper)) in
            [(1.0, true), (0.4, true), (-0.4, true), (-1.0, true), (-0.4, false), (0.4, false)]
                .into_iter()
                .enumerate()
        {
            let p = lid(t, upper);
            points[36 + i] = v3(-p.x, p.y, p.z);
            // The other eye is listed from its nasal corner.
            points[42 + [3, 2, 1, 0, 5, 4][i]] = p;
        }
        points[48..].copy_from_slice(&self.mouth.contour());
        points.map(|p| self.to_world(p))
    }
}

/// Half the width of the lids' aperture.
const LID_REACH: f32 = 1.55;

fn lid_edges(x: f32, look: &Look, pose: &Pose) -> [f32; 2] {
    let t = x / LID_REACH;
    let arch = (1.0 - t * t).max(0.0);
    let tilt = 0.09 * t;
    let size = look.eye_size;
    let up = 0.48 * size * arch.powf(0.62) * (1.0 - 0.12 * t) + 0.06 * pose.gaze[1];
    let down = 0.44 * size * arch.powf(0.75) * (1.0 + 0.12 * t);
    let smile = 0.10 * pose.smile;
    let shut = -down * 0.8 + tilt;
    [mix(up + tilt, shut, pose.blink), -down + tilt + smile * arch]
}

/// Unit gradient of a field by four taps at the corners of a tetrahedron.
pub fn gradient(p: Vec3, step: f32, f: impl Fn(Vec3) -> f32) -> Vec3 {
    let taps = [v3(1.0, -1.0, -1.0), v3(-1.0, -1.0, 1.0), v3(-1.0, 1.0, -1.0), v3(1.0, 1.0, 1.0)];
    taps.iter().fold(Vec3::default(), |sum, &e| sum + e * f(p + e * step)).unit()
}

fn neck(p: Vec3, base: Vec3) -> f32 {
    let column = cone(p, v3(0.0, -6.5, -2.6), 4.5, base, 5.6);
    // The muscles from behind the ears to the breastbone.
    let m = p.mirrored();
    let strap = cone(m, v3(4.2, -6.8, -3.0), 0.9, base + v3(1.3, 3.0, 5.0), 0.7);
    smin(column, strap, 1.6)
}

fn ear(m: Vec3) -> f32 {
    // Flared: turned about y, tilted back.
    let q = m - v3(7.25, -1.3, -0.9);
    let (s, c) = 0.42f32.sin_cos();
    let q = v3(c * q.x + s * q.z, q.y, -s * q.x + c * q.z);
    let (s, c) = 0.18f32.sin_cos();
    let q = v3(q.x, c * q.y + s * q.z, -s * q.y + c * q.z);
    let shell = ellipsoid(q, v3(0.0, 0.25, 0.0), v3(0.62, 2.7, 1.7));
    let bowl = ellipsoid(q, v3(0.62, 0.50, 0.25), v3(0.85, 1.95, 1.1));
    let mut d = smax(shell, -bowl, 0.2);
    d = smin(d, ellipsoid(q, v3(0.05, 0.4, -0.45), v3(0.35, 1.2, 0.22)), 0.25);
    d = smin(d, ellipsoid(q, v3(0.1, -2.1, 0.45), v3(0.40, 0.75, 0.60)), 0.4);
    smin(d, ellipsoid(q, v3(0.15, -0.5, 1.25), v3(0.35, 0.55, 0.35)), 0.4)
}
