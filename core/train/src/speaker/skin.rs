//! What surfaces are made of: colour, gloss and the fine relief that light picks out. Colours are scene-linear.

use super::dress::{hairline, strand_space};
use super::head::{EYE, EYE_RADIUS, Figure, Part};
use super::look::Look;
use super::math::*;
use super::mouth::{Inside, tooth_gap};

/// How far light runs in skin; nothing else lets it run further.
pub const SKIN_BLEED: Vec3 = v3(0.34, 0.13, 0.08);

/// A surface as light sees it.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    pub albedo: Vec3,
    /// Normal with fine relief, in the world.
    pub normal: Vec3,
    /// Strength of the reflection at right angles, and its sharpness (Blinn's exponent).
    pub gloss: f32,
    pub sharpness: f32,
    /// How far light runs inside, per channel: 0 for cloth, more for skin.
    pub bleed: Vec3,
    /// Strand direction of hair, for its long highlights.
    pub strand: Option<Vec3>,
    /// Shade that geometry does not give: under the lids, in the mouth.
    pub shade: f32,
    /// The wet film over the eye mirrors the lamps.
    pub mirror: f32,
}

/// What lies at `world`, a point of `part` where the modelled surface has `normal`.
pub fn surface(figure: &Figure, world: Vec3, normal: Vec3, part: Part) -> Surface {
    let p = figure.to_head(world);
    let base = Surface {
        albedo: Vec3::default(),
        normal,
        gloss: 0.0,
        sharpness: 1.0,
        bleed: Vec3::default(),
        strand: None,
        shade: 1.0,
        mirror: 0.0,
    };
    match part {
        Part::Skin => skin(figure, p, base),
        Part::Eye => eye(figure, p, base),
        Part::Mouth(inside) => wet(figure, p, inside, base),
        Part::Hair => hair(figure, p, base),
        Part::Frame => {
            let colour = figure.look.glasses.map_or([0.0; 3], |g| g.colour);
            Surface { albedo: Vec3::from(colour), gloss: 0.12, sharpness: 60.0, ..base }
        }
        Part::Shirt => {
            let collar = smoothstep(-19.6, -19.2, world.y - 0.36 * (world.z + 3.0).min(0.0));
            let rib = 1.0 - 0.10 * collar * (0.5 + 0.5 * (world.x.atan2(world.z + 4.0) * 90.0).sin())
                + 0.03 * noise(world * 6.0);
            Surface { albedo: Vec3::from(figure.look.shirt) * rib, gloss: 0.02, sharpness: 8.0, ..base }
        }
        Part::Jacket => {
            let weave = 1.0 + 0.06 * noise(world * 9.0) + 0.10 * noise(world * 3.0);
            let relief = v3(noise(world * 7.0), noise(world * 7.0 + v3(5.0, 1.0, 2.0)), 0.0) * 0.10;
            let albedo = Vec3::from(figure.look.jacket) * weave;
            Surface { albedo, normal: (normal + relief).unit(), gloss: 0.035, sharpness: 6.0, ..base }
        }
    }
}

fn skin(figure: &Figure, p: Vec3, base: Surface) -> Surface {
    let look = figure.look;
    let q = figure.at_rest(p);
    let near = |c: Vec3, r: f32| bell((q.mirrored() - c).length(), r);

    let fine = !figure.is_baked();
    let mut albedo = complexion(look, q, fine);
    albedo = mix3(albedo, albedo.times(v3(0.50, 0.55, 0.60)), 0.9 * stubble(look, q));
    albedo = mix3(albedo, Vec3::from(look.hair), 0.92 * scalp(look, q));
    let whiskers = whiskers(look, q);
    albedo = mix3(albedo, Vec3::from(look.hair) * 0.9 + v3(0.006, 0.005, 0.004), whiskers);
    albedo = mix3(albedo, Vec3::from(look.shadow_tone), 0.7 * eye_shadow(look, q));
    albedo = mix3(albedo, albedo.times(v3(0.22, 0.16, 0.14)), mole(look, q));
    let brow = brow(figure, q);
    albedo = mix3(albedo, Vec3::from(look.hair) * 0.9 + v3(0.006, 0.004, 0.003), brow);
    let lip = vermilion(figure, p, q);
    if lip > 0.0 {
        albedo = mix3(albedo, lip_tone(figure, p, q), lip);
    }
    albedo = mix3(albedo, v3(0.02, 0.013, 0.01), lashes(figure, p));
    // The flesh behind the lips.
    let cavity = if p.z > 2.0 { smoothstep(0.20, 0.06, figure.mouth.cavity(p)) } else { 0.0 };

    // Nose and forehead shine, brows do not, lips are moist.
    let oil = 0.050 + 0.02 * near(v3(0.0, -3.8, 11.0), 1.6) + 0.015 * near(v3(0.0, 4.5, 9.0), 3.0);
    let gloss = mix(oil * (1.0 - 0.7 * brow.max(whiskers)), 0.055 + 0.065 * look.gloss, lip);
    // Smaller than the pixels of a face's window.
    let pores = if fine {
        v3(noise(q * 12.0), noise(q * 12.0 + v3(31.0, 0.0, 7.0)), noise(q * 12.0 + v3(0.0, 17.0, 3.0)))
    } else {
        Vec3::default()
    };
    let folds = v3(noise(q * 3.5), noise(q * 3.5 + v3(3.0, 1.0, 7.0)), noise(q * 3.5 + v3(9.0, 7.0, 3.0)));
    let mut relief = pores * mix(0.055, 0.09, lip) + folds * (0.025 + 0.12 * whiskers + 0.03 * look.age);
    relief.y += look.age * lines(q);
    Surface {
        albedo: mix3(albedo, v3(0.16, 0.035, 0.03), cavity),
        normal: (base.normal + relief).unit(),
        gloss,
        sharpness: mix(16.0, 38.0, lip),
        bleed: SKIN_BLEED,
        shade: 1.0 - 0.75 * cavity,
        ..base
    }
}

/// Bare skin: blood near the surface on cheeks, nose, ears and chin, thin dark skin around the eyes, freckles.
fn complexion(look: &Look, q: Vec3, fine: bool) -> Vec3 {
    let near = |c: Vec3, r: f32| bell((q.mirrored() - c).length(), r);
    let mottle = 1.0 + 0.10 * fbm(q * 0.9) + 0.05 * noise(q * 4.0);
    let flush = (0.34 * near(v3(4.3, -3.6, 7.4), 2.1)
        + 0.6 * near(v3(0.4, -4.2, 10.8), 1.0)
        + 0.5 * near(v3(7.6, -1.3, -0.9), 2.2)
        + 0.25 * near(v3(0.0, -10.2, 9.0), 1.1))
        * mottle;
    let blood = v3(1.0 + 0.02 * flush, 1.0 - 0.26 * flush, 1.0 - 0.28 * flush);
    let socket = near(v3(2.6, -1.25, 8.0), 0.75) * 0.8 + near(v3(3.2, 0.9, 8.3), 0.7) * 0.6;
    let thin = v3(1.0 - 0.12 * socket, 1.0 - 0.20 * socket, 1.0 - 0.16 * socket);
    let grain = if fine { 0.035 * noise(q * 9.0) + 0.05 * fbm(q * 2.3) } else { 0.05 * noise(q * 2.3) };
    let even = (1.0 + 0.05 * (mottle - 1.0)) * (1.0 + grain);
    let albedo = Vec3::from(look.skin).times(blood).times(thin) * even;
    if look.freckles < 0.02 {
        return albedo;
    }
    let specks = noise(q * 3.3 + v3(4.0, 0.0, 0.0)).max(0.0) * noise(q * 6.1).max(0.0);
    let freckles = look.freckles * smoothstep(0.12, 0.3, specks) * (near(v3(3.0, -2.8, 9.0), 2.8) + 0.3);
    mix3(albedo, albedo.times(v3(0.62, 0.48, 0.40)), freckles.min(1.0) * 0.6)
}

/// Cover of the beard's shadow on jaw, chin and upper lip.
fn stubble(look: &Look, q: Vec3) -> f32 {
    let m = q.mirrored();
    let region = smoothstep(-4.6, -6.2, q.y - 0.25 * (m.x - 2.0).max(0.0))
        * smoothstep(-13.5, -11.5, q.y)
        * smoothstep(-1.5, 1.5, q.z)
        * (1.0 - 0.75 * bell((m - v3(3.4, -6.0, 8.0)).length(), 1.5));
    if region * look.stubble < 0.01 {
        return 0.0;
    }
    region * look.stubble * (0.75 + 0.25 * noise(v3(q.x * 11.0, q.y * 7.0, q.z * 11.0)))
}

/// Cover of moustache, chin beard and cheek beard, thinned by the gaps between their strands.
fn whiskers(look: &Look, q: Vec3) -> f32 {
    if look.moustache.max(look.goatee).max(look.beard) <= 0.0 || q.y > -3.0 || q.z < -1.0 {
        return 0.0;
    }
    let m = q.mirrored();
    let base = -4.0 * look.nose_length - 0.9;
    let moustache = look.moustache
        * smoothstep(base, base - 0.7, q.y + 0.22 * m.x)
        * smoothstep(-8.8, -7.6, q.y)
        * smoothstep(3.6, 1.9, m.x)
        * smoothstep(6.5, 7.5, q.z);
    let goatee = look.goatee
        * smoothstep(-7.9, -9.1, q.y - 0.25 * m.x)
        * smoothstep(-13.8, -11.5, q.y)
        * smoothstep(3.2, 1.5, m.x + 0.12 * (q.y + 9.0))
        * smoothstep(3.0, 5.0, q.z);
    // From the sideburns along the jaw, up to a line that sinks towards the mouth.
    let upper = -2.6 - 0.42 * (q.z + 1.0).max(0.0);
    let beard = look.beard
        * smoothstep(upper + 0.4, upper - 0.9, q.y)
        * smoothstep(-13.8, -12.5, q.y)
        * smoothstep(-1.0, 0.6, q.z)
        * smoothstep(1.4, 2.4, m.x);
    let cover = moustache.max(goatee).max(beard);
    if cover < 0.01 {
        return 0.0;
    }
    let strands = noise(v3(q.x * 5.5, q.y * 2.2, q.z * 5.5)) + 0.5 * noise(q * 4.3);
    smoothstep(0.15, 0.85, cover * 1.25 + 0.30 * strands) * 0.96
}

fn eye_shadow(look: &Look, q: Vec3) -> f32 {
    if look.eye_shadow <= 0.0 || q.z < 5.0 {
        return 0.0;
    }
    let m = q.mirrored();
    look.eye_shadow * smoothstep(0.2, 0.5, m.y) * smoothstep(1.6, 0.8, m.y) * bell(m.x - EYE.x, 1.1)
}

fn mole(look: &Look, q: Vec3) -> f32 {
    (0..look.moles as i32)
        .map(|i| {
            let place = |c: i32| hash01(i, c, (look.skin[1] * 1e6) as i32);
            let (x, y) = (place(1) * 10.0 - 5.0, place(2) * 15.0 - 10.0);
            smoothstep(0.24, 0.12, (q.x - x).hypot(q.y - y) + 0.1 * place(3)) * smoothstep(3.0, 5.0, q.z)
        })
        .fold(0.0, f32::max)
}

/// Tilt of the skin in the lines of forehead and under the eyes.
fn lines(q: Vec3) -> f32 {
    let forehead = smoothstep(2.6, 3.4, q.y) * smoothstep(7.5, 6.0, q.y) * smoothstep(5.5, 3.0, q.x.abs());
    let under = bell(q.y + 1.5, 0.5) * bell(q.x.abs() - EYE.x, 1.0);
    if forehead + under < 0.02 {
        return 0.0;
    }
    let wave = (q.y * 6.5 + 1.2 * noise(v3(q.x * 0.5, q.y, 3.0))).sin();
    0.5 * (forehead + under) * wave
}

/// Cover of the shortest hairs around the hairline.
fn scalp(look: &Look, q: Vec3) -> f32 {
    let line = hairline(q.mirrored(), look.hairline);
    if q.y < line - 1.3 {
        return 0.0;
    }
    let fray = 0.18 * noise(q * 1.6) + 0.22 * noise(v3(q.x * 9.0, q.y * 3.0, q.z * 9.0));
    smoothstep(-0.8, 0.3, q.y - line + fray)
}

/// 1 on the red of the lips: where their tubes are the surface.
fn vermilion(figure: &Figure, p: Vec3, q: Vec3) -> f32 {
    if p.z < 5.0 || (p.y + 8.0).abs() > 4.0 {
        return 0.0;
    }
    let (upper, lower) = figure.mouth.lips(p);
    smoothstep(0.13, -0.02, upper.min(lower) + 0.03 * noise(q * 3.0))
}

/// The lips' colour: wrinkled, the upper in its own shade, darker and redder inside.
fn lip_tone(figure: &Figure, p: Vec3, q: Vec3) -> Vec3 {
    let (upper, lower) = figure.mouth.lips(p);
    let wrinkles = noise(v3(p.x * 9.0, p.y * 1.2, 0.0));
    let facing_down = if upper < lower { 0.86 } else { 1.0 };
    let tone = Vec3::from(figure.look.lips) * ((1.0 + 0.10 * wrinkles + 0.06 * fbm(q * 3.0)) * facing_down);
    let deep = smoothstep(0.1, -0.5, p.z - (9.95 - 0.14 * p.x * p.x));
    mix3(tone, tone.times(v3(0.7, 0.5, 0.5)), deep)
}

/// Cover of the brows' hairs, which lean outwards and thin out at the ends.
fn brow(figure: &Figure, q: Vec3) -> f32 {
    let m = q.mirrored();
    if m.z < 4.5 {
        return 0.0;
    }
    let y = q.y - 0.35 * figure.pose.brows;
    let t = (m.x - 1.25) / 4.1;
    if !(-0.1..1.1).contains(&t) {
        return 0.0;
    }
    let centre = 1.72 + 0.62 * (t.clamp(0.0, 1.0) * 2.1).sin() - 0.35 * t * t;
    let half = 0.52
        * figure.look.brow_weight
        * smoothstep(-0.06, 0.16, t)
        * (1.0 - 0.72 * smoothstep(0.45, 1.05, t));
    let lean = mix(1.4, -0.3, t.clamp(0.0, 1.0)) * (y - centre);
    let hairs = noise(v3((m.x - lean * 0.6) * 9.0, (y + 0.9 * t) * 3.0, q.x.signum() * 5.0));
    let body = smoothstep(1.0, 0.35, (y - centre).abs() / half.max(0.02) + 0.28 * hairs);
    (body * (1.0 + 0.25 * hairs)).min(0.93) * smoothstep(1.06, 0.9, t) * smoothstep(-0.05, 0.05, t)
}

/// How much of the skin next to the eyelids' edges the lashes cover.
fn lashes(figure: &Figure, p: Vec3) -> f32 {
    let m = p.mirrored();
    let x = m.x - EYE.x;
    if (m - EYE).length() > 2.2 || m.z < EYE.z {
        return 0.0;
    }
    let (above, below) = figure.lid_edges(x);
    let y = m.y - EYE.y;
    let along = smoothstep(1.75, 1.45, x.abs());
    let clumps = 0.85 + 0.15 * noise(v3(x * 14.0, 0.0, 0.0));
    let outer = 0.75 + 0.35 * smoothstep(-1.2, 1.2, x);
    let upper =
        smoothstep(0.17 * outer, 0.03, y - above) * smoothstep(-0.16, -0.05, y - above) * along * clumps;
    let lower = 0.35 * smoothstep(0.07, 0.0, below - y) * smoothstep(-0.1, 0.0, below - y) * along;
    (0.95 * upper).max(lower)
}

fn eye(figure: &Figure, p: Vec3, base: Surface) -> Surface {
    let look = figure.look;
    let side = p.x.signum();
    let centre = v3(side * EYE.x, EYE.y, EYE.z);
    let local = (p - centre) * (1.0 / EYE_RADIUS);
    // The gaze turns the ball.
    let gaze = Rotation::from_angles(figure.pose.gaze[0], -figure.pose.gaze[1], 0.0);
    let q = gaze.inverse(local);
    let r = q.x.hypot(q.y) * EYE_RADIUS;
    let iris_r = 0.61;
    let vein = smoothstep(0.25, 0.6, noise(v3(q.x * 6.0, q.y * 14.0, 2.0))) * smoothstep(0.6, 1.2, r);
    let mut albedo = v3(0.66, 0.60, 0.56).times(v3(1.0, 1.0 - 0.14 * vein, 1.0 - 0.14 * vein));
    let corner = smoothstep(0.9, 1.2, r);
    albedo = albedo.times(v3(1.0, 1.0 - 0.12 * corner, 1.0 - 0.14 * corner));
    let iris = Vec3::from(look.iris);
    let (sin, cos) = q.y.atan2(q.x).sin_cos();
    let fibres = 0.8
        + 0.25 * noise(v3(sin * 5.0, cos * 5.0, r * 2.0))
        + 0.22 * noise(v3(sin * 11.0, cos * 11.0, r * 4.0));
    let ring = smoothstep(0.42, 0.58, r);
    // Light entering opposite the lamp brightens the iris there.
    let caustic = 1.0 + 0.9 * smoothstep(0.1, -0.45, q.y);
    let collar = mix3(iris.times(v3(1.5, 1.15, 0.8)), iris, smoothstep(0.22, 0.36, r));
    let disc = collar * fibres * caustic * (1.0 - 0.75 * ring);
    albedo = mix3(disc, albedo, smoothstep(iris_r - 0.05, iris_r + 0.04, r));
    albedo = albedo * smoothstep(0.205, 0.245, r).max(0.02);
    // The upper lid and its lashes shade the ball.
    let (above, below) = figure.lid_edges(p.x * side - EYE.x);
    let shade = mix(0.30, 1.0, smoothstep(-0.02, 0.34, above - p.y))
        * mix(0.75, 1.0, smoothstep(0.0, 0.14, p.y - below))
        * mix(0.6, 1.0, smoothstep(1.5, 1.0, (p.x * side - EYE.x).abs()));
    // The cornea stands out of the ball.
    let bulge = if r < 0.72 { v3(q.x, q.y, 0.0) * 0.35 * smoothstep(0.72, 0.3, r) } else { Vec3::default() };
    let normal = figure.to_world(p + local + bulge) - figure.to_world(p);
    Surface {
        albedo: albedo * shade,
        normal: normal.unit(),
        gloss: 0.03,
        sharpness: 120.0,
        shade,
        mirror: 1.0,
        bleed: v3(0.15, 0.1, 0.1),
        ..base
    }
}

fn wet(figure: &Figure, p: Vec3, inside: Inside, base: Surface) -> Surface {
    let look = figure.look;
    // Light thins out behind the lips.
    let depth = smoothstep(9.6, 6.2, p.z);
    let (albedo, gloss, sharpness) = match inside {
        Inside::Tooth => {
            let gap = tooth_gap(p.x, if p.y > -7.64 - 0.4 * figure.mouth.gap { 1.0 } else { 0.72 });
            let tone =
                Vec3::from(look.teeth) * mix(1.0 - look.tooth_gaps, 1.0, gap) * (1.0 - 0.10 * p.x.abs());
            (tone, 0.06, 50.0)
        }
        Inside::Tongue => (Vec3::from(look.tongue) * (1.0 + 0.12 * noise(p * 7.0)), 0.06, 24.0),
        Inside::Gum => (v3(0.40, 0.12, 0.11), 0.06, 30.0),
    };
    let shade = mix(1.1, 0.22, depth);
    Surface { albedo, gloss, sharpness, shade, bleed: v3(0.25, 0.15, 0.12), ..base }
}

fn hair(figure: &Figure, p: Vec3, base: Surface) -> Surface {
    let s = strand_space(p);
    let fine = noise(v3(s.x * 9.0, s.y, s.z * 1.2));
    let lock = noise(v3(s.x * 2.6, s.y * 0.5, s.z * 1.4));
    let step = 0.05;
    // Strands run where strand space grows along z: across is its gradient, and they lie in the surface.
    let across = v3(
        strand_space(p + v3(step, 0.0, 0.0)).x - s.x,
        strand_space(p + v3(0.0, step, 0.0)).x - s.x,
        strand_space(p + v3(0.0, 0.0, step)).x - s.x,
    ) * (1.0 / step);
    let across = figure.to_world(p + across) - figure.to_world(p);
    let strand = base.normal.cross(across).unit();
    let tilt = across.unit() * (0.35 * fine + 0.2 * lock);
    let albedo = Vec3::from(figure.look.hair) * (1.0 + 0.55 * fine + 0.35 * lock).max(0.15);
    Surface {
        albedo,
        normal: (base.normal + tilt).unit(),
        gloss: 0.05 + 0.03 * fine,
        sharpness: 30.0,
        strand: Some(strand + tilt * 0.2),
        ..base
    }
}
