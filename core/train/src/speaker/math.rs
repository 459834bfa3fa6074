//! Vectors, distance-field operators and noise: the small mathematics of the speaker's sculptor.

use std::ops::{Add, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vec3 {
    pub x: f32,
    pub y: f32,
    pub z: f32,
}

pub const fn v3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3 { x, y, z }
}

impl Vec3 {
    pub fn dot(self, o: Vec3) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }
    pub fn cross(self, o: Vec3) -> Vec3 {
        v3(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)
    }
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
    pub fn unit(self) -> Vec3 {
        self * (1.0 / self.length().max(1e-9))
    }
    pub fn times(self, o: Vec3) -> Vec3 {
        v3(self.x * o.x, self.y * o.y, self.z * o.z)
    }
    pub fn map(self, f: impl Fn(f32) -> f32) -> Vec3 {
        v3(f(self.x), f(self.y), f(self.z))
    }
    /// With `x` made positive: the face is modelled on one side and mirrored.
    pub fn mirrored(self) -> Vec3 {
        v3(self.x.abs(), self.y, self.z)
    }
}

impl From<[f32; 3]> for Vec3 {
    fn from(v: [f32; 3]) -> Vec3 {
        v3(v[0], v[1], v[2])
    }
}
impl Add for Vec3 {
    type Output = Vec3;
    fn add(self, o: Vec3) -> Vec3 {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl Sub for Vec3 {
    type Output = Vec3;
    fn sub(self, o: Vec3) -> Vec3 {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl Mul<f32> for Vec3 {
    type Output = Vec3;
    fn mul(self, s: f32) -> Vec3 {
        v3(self.x * s, self.y * s, self.z * s)
    }
}
impl Neg for Vec3 {
    type Output = Vec3;
    fn neg(self) -> Vec3 {
        v3(-self.x, -self.y, -self.z)
    }
}

/// A rotation, by rows.
#[derive(Clone, Copy, Debug)]
pub struct Rotation([Vec3; 3]);

impl Rotation {
    /// Angles in radians: first roll about z, then pitch about x, then yaw about y.
    pub fn from_angles(yaw: f32, pitch: f32, roll: f32) -> Rotation {
        let (sy, cy) = yaw.sin_cos();
        let (sx, cx) = pitch.sin_cos();
        let (sz, cz) = roll.sin_cos();
        Rotation([
            v3(cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx),
            v3(cx * sz, cx * cz, -sx),
            v3(-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx),
        ])
    }
    pub fn apply(&self, p: Vec3) -> Vec3 {
        v3(self.0[0].dot(p), self.0[1].dot(p), self.0[2].dot(p))
    }
    pub fn inverse(&self, p: Vec3) -> Vec3 {
        self.0[0] * p.x + self.0[1] * p.y + self.0[2] * p.z
    }
}

pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
pub fn mix3(a: Vec3, b: Vec3, t: f32) -> Vec3 {
    a + (b - a) * t
}
pub fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
/// A bell of height 1 and standard deviation `width`.
pub fn bell(x: f32, width: f32) -> f32 {
    (-0.5 * (x / width) * (x / width)).exp()
}

/// Union of two distances, rounded over a width of `k`.
pub fn smin(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}
/// Intersection of two distances, rounded over a width of `k`.
pub fn smax(a: f32, b: f32, k: f32) -> f32 {
    -smin(-a, -b, k)
}
pub fn sphere(p: Vec3, centre: Vec3, radius: f32) -> f32 {
    (p - centre).length() - radius
}
/// First-order distance to an ellipsoid; exact on its surface.
pub fn ellipsoid(p: Vec3, centre: Vec3, radii: Vec3) -> f32 {
    let q = p - centre;
    let scaled = v3(q.x / radii.x, q.y / radii.y, q.z / radii.z);
    let gradient = v3(scaled.x / radii.x, scaled.y / radii.y, scaled.z / radii.z);
    let k = scaled.length();
    if k < 1e-6 { -radii.x.min(radii.y).min(radii.z) } else { k * (k - 1.0) / gradient.length() }
}
/// A capsule whose radius runs from `ra` at `a` to `rb` at `b`.
pub fn cone(p: Vec3, a: Vec3, ra: f32, b: Vec3, rb: f32) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let t = (pa.dot(ba) / ba.dot(ba)).clamp(0.0, 1.0);
    (pa - ba * t).length() - mix(ra, rb, t)
}

/// `N` curves over a range, linear between samples; beyond the range the value at its end.
#[derive(Clone, Debug, Default)]
pub struct Table<const N: usize> {
    from: f32,
    per_unit: f32,
    samples: Vec<[f32; N]>,
}

impl<const N: usize> Table<N> {
    const STEPS: usize = 128;

    pub fn new(from: f32, to: f32, curves: impl Fn(f32) -> [f32; N]) -> Table<N> {
        let step = (to - from) / Self::STEPS as f32;
        let samples = (0..=Self::STEPS).map(|i| curves(from + i as f32 * step)).collect();
        Table { from, per_unit: 1.0 / step, samples }
    }
    pub fn at(&self, x: f32) -> [f32; N] {
        let place = ((x - self.from) * self.per_unit).clamp(0.0, Self::STEPS as f32);
        let i = (place as usize).min(Self::STEPS - 1);
        let (a, b) = (&self.samples[i], &self.samples[i + 1]);
        std::array::from_fn(|c| mix(a[c], b[c], place - i as f32))
    }
}

/// 32 well-mixed bits of a lattice point.
pub fn hash(x: i32, y: i32, z: i32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}
/// [`hash`] as 0..1.
pub fn hash01(x: i32, y: i32, z: i32) -> f32 {
    (hash(x, y, z) >> 8) as f32 / (1 << 24) as f32
}

/// Smooth value noise, -1..=1, one feature per unit of space.
pub fn noise(p: Vec3) -> f32 {
    let (fx, fy, fz) = (p.x.floor(), p.y.floor(), p.z.floor());
    let (ix, iy, iz) = (fx as i32, fy as i32, fz as i32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty, tz) = (ease(p.x - fx), ease(p.y - fy), ease(p.z - fz));
    let row = |dy, dz| mix(hash01(ix, iy + dy, iz + dz), hash01(ix + 1, iy + dy, iz + dz), tx);
    let plane = |dz| mix(row(0, dz), row(1, dz), ty);
    mix(plane(0), plane(1), tz) * 2.0 - 1.0
}
/// Three octaves of [`noise`], -1..=1.
pub fn fbm(p: Vec3) -> f32 {
    0.57 * noise(p) + 0.29 * noise(p * 2.03 + v3(7.1, 3.3, 1.7)) + 0.14 * noise(p * 4.01 + v3(1.9, 9.2, 5.5))
}
