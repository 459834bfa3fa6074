//! What one speaker looks like and is filmed with: every number that may differ between people, rooms and
//! cameras. Lengths are centimetres or factors on an average adult head; colours are scene-linear.

use lipsmith_base::Random;

/// Half the lenses' width and height and the rounding of their corners, centimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glasses {
    pub width: f32,
    pub height: f32,
    pub corner: f32,
    pub rim: f32,
    pub colour: [f32; 3],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Factors on the average head, 0.85..1.15.
    pub face_width: f32,
    pub face_length: f32,
    pub jaw_width: f32,
    pub chin: f32,
    pub nose_width: f32,
    pub nose_length: f32,
    pub lip_fullness: f32,
    pub mouth_width: f32,
    pub eye_size: f32,
    pub brow_weight: f32,
    /// Colours, scene-linear 0..1.
    pub skin: [f32; 3],
    pub lips: [f32; 3],
    pub iris: [f32; 3],
    pub hair: [f32; 3],
    pub jacket: [f32; 3],
    pub shirt: [f32; 3],
    pub backdrop: [f32; 3],
    /// 0..1 each.
    pub freckles: f32,
    pub stubble: f32,
    pub hair_volume: f32,
    /// Cover of facial hair, 0..1 each: over the mouth, round the chin, on the cheeks.
    pub moustache: f32,
    pub goatee: f32,
    pub beard: f32,
    /// Depth of folds and lines, 0..1.
    pub age: f32,
    /// Centimetres the hairline lies higher (receding) or lower (a fringe) than the average.
    pub hairline: f32,
    /// Lower lip's height over the upper's, as a factor on the average.
    pub lip_ratio: f32,
    /// Shine of the lips and colour round the eyes, 0..1.
    pub gloss: f32,
    pub eye_shadow: f32,
    pub shadow_tone: [f32; 3],
    pub teeth: [f32; 3],
    /// How dark the gaps between teeth are, and centimetres by which the upper row reaches lower.
    pub tooth_gaps: f32,
    pub tooth_drop: f32,
    pub tongue: [f32; 3],
    pub moles: u32,
    /// Shear of the face, centimetres across per centimetre down.
    pub skew: f32,
    pub glasses: Option<Glasses>,
    /// Colour of the key light and of what the room sends back, about 1.
    pub key_tint: [f32; 3],
    pub room: [f32; 3],
    /// Strength of the lamps behind, and hardness of the shadows, as factors.
    pub rims: f32,
    pub hardness: f32,
    /// Direction of the key light in degrees: to the right of the camera, and above it.
    pub key_azimuth: f32,
    pub key_elevation: f32,
    pub key_strength: f32,
    /// Fill light as a share of the key, 0..1.
    pub fill: f32,
    /// Height of the picture at the speaker, centimetres.
    pub framing: f32,
    /// Standard deviation of the sensor noise in coded values, 0..0.05.
    pub grain: f32,
}

impl Default for Look {
    /// The presenter of the sample film.
    fn default() -> Look {
        Look {
            face_width: 1.0,
            face_length: 1.0,
            jaw_width: 1.0,
            chin: 1.0,
            nose_width: 1.0,
            nose_length: 1.0,
            lip_fullness: 1.0,
            mouth_width: 1.0,
            eye_size: 1.0,
            brow_weight: 1.0,
            skin: [0.50, 0.275, 0.185],
            lips: [0.40, 0.125, 0.11],
            iris: [0.085, 0.055, 0.03],
            hair: [0.022, 0.013, 0.009],
            jacket: [0.022, 0.030, 0.052],
            shirt: [0.36, 0.37, 0.39],
            backdrop: [0.055, 0.095, 0.125],
            freckles: 0.3,
            stubble: 0.5,
            hair_volume: 0.35,
            moustache: 0.0,
            goatee: 0.0,
            beard: 0.0,
            age: 0.0,
            hairline: 0.0,
            lip_ratio: 1.0,
            gloss: 0.3,
            eye_shadow: 0.0,
            shadow_tone: [0.0; 3],
            teeth: [0.62, 0.565, 0.47],
            tooth_gaps: 0.38,
            tooth_drop: 0.0,
            tongue: [0.42, 0.14, 0.13],
            moles: 0,
            skew: 0.0,
            glasses: None,
            key_tint: [1.0, 0.93, 0.85],
            room: [1.0; 3],
            rims: 1.0,
            hardness: 1.0,
            key_azimuth: -38.0,
            key_elevation: 32.0,
            key_strength: 1.55,
            fill: 0.22,
            framing: 37.0,
            grain: 0.003,
        }
    }
}

impl Look {
    /// Somebody else: every number drawn from its range.
    pub fn random(seed: u64) -> Look {
        let mut r = Random::new(seed ^ 0x5eed_100c);
        // One axis of melanin from very fair to very dark, and a little hue around it.
        let melanin = r.unit();
        let tone = |fair: f32, dark: f32| fair * (dark / fair).powf(melanin);
        let warmth = r.within(0.93, 1.07);
        let skin = [tone(0.66, 0.10) * warmth, tone(0.44, 0.055), tone(0.34, 0.033) / warmth];
        let flush = r.within(0.38, 0.72);
        let hairs = [
            [0.012, 0.010, 0.009],
            [0.05, 0.028, 0.016],
            [0.30, 0.19, 0.09],
            [0.22, 0.07, 0.025],
            [0.33, 0.32, 0.31],
        ];
        let irises = [
            [0.05, 0.025, 0.012],
            [0.12, 0.075, 0.03],
            [0.10, 0.15, 0.09],
            [0.10, 0.18, 0.28],
            [0.17, 0.19, 0.20],
        ];
        let pick = |r: &mut Random, from: &[[f32; 3]; 5]| {
            let jitter = r.within(0.8, 1.2);
            from[((r.unit() * 5.0) as usize).min(4)].map(|c| c * jitter)
        };
        let cloth = |r: &mut Random| {
            let value = r.within(0.02, 0.6);
            [0; 3].map(|_| (value * r.within(0.5, 1.5)).min(0.8))
        };
        let mut look = Look {
            face_width: r.within(0.92, 1.08),
            face_length: r.within(0.93, 1.07),
            jaw_width: r.within(0.88, 1.12),
            chin: r.within(0.85, 1.15),
            nose_width: r.within(0.85, 1.25),
            nose_length: r.within(0.9, 1.1),
            lip_fullness: r.within(0.8, 1.35),
            mouth_width: r.within(0.92, 1.25),
            eye_size: r.within(0.9, 1.1),
            brow_weight: r.within(0.5, 1.5),
            lips: [skin[0] * 0.85, skin[1] * flush, skin[2] * flush],
            skin,
            iris: pick(&mut r, &irises),
            hair: pick(&mut r, &hairs),
            jacket: cloth(&mut r),
            shirt: cloth(&mut r),
            backdrop: cloth(&mut r),
            freckles: r.unit().powi(2),
            stubble: r.unit().powi(2),
            hair_volume: r.unit(),
            key_azimuth: r.within(-70.0, 70.0),
            key_elevation: r.within(5.0, 60.0),
            key_strength: r.within(1.1, 2.0),
            fill: r.within(0.1, 0.7),
            framing: r.within(30.0, 70.0),
            grain: r.within(0.0, 0.03),
            ..Look::default()
        };
        look.vary(&mut r);
        look
    }

    /// What is not about proportions: hair on the face, age, make-up, teeth, glasses, the colours of the light.
    fn vary(&mut self, r: &mut Random) {
        let tint = |r: &mut Random, spread: f32| {
            [r.within(1.0 - spread, 1.0 + spread), 1.0, r.within(1.0 - spread, 1.0 + spread)]
        };
        if r.unit() < 0.35 {
            // A full beard, one of the chin, or a moustache alone.
            let cover = r.within(0.4, 1.0);
            let kind = r.unit();
            self.moustache = if kind < 0.85 { cover } else { 0.0 };
            self.goatee = if kind < 0.75 { cover } else { 0.0 };
            self.beard = if kind < 0.5 { cover * r.within(0.7, 1.0) } else { 0.0 };
        } else if r.unit() < 0.35 {
            let strength = r.within(0.3, 0.9);
            let lipstick = [
                [0.42, 0.02, 0.035],
                [0.20, 0.015, 0.03],
                [0.50, 0.11, 0.13],
                [0.33, 0.06, 0.15],
                [0.16, 0.06, 0.05],
                [0.52, 0.13, 0.07],
            ];
            let colour = lipstick[((r.unit() * 6.0) as usize).min(5)];
            let worn = |skin: f32, paint: f32| skin + (paint - skin) * strength;
            self.lips = std::array::from_fn(|c| worn(self.lips[c], colour[c]));
            self.gloss = r.within(0.1, 1.0);
            self.eye_shadow = r.within(0.0, 0.8);
            self.shadow_tone = [r.within(0.02, 0.25), r.within(0.02, 0.15), r.within(0.02, 0.25)];
            self.stubble = 0.0;
        }
        self.age = r.unit() * r.unit();
        if self.age > 0.45 && r.unit() < 0.6 {
            let grey = r.within(0.15, 0.5);
            self.hair = [grey, grey * 0.98, grey * 0.95];
        }
        self.hairline = if r.unit() < 0.25 { r.within(1.5, 6.5) } else { r.within(-1.8, 0.8) };
        self.lip_ratio = r.within(0.8, 1.3);
        let bright = r.within(0.38, 0.80);
        let yellow = r.within(0.0, 0.28);
        self.teeth = [bright, bright * (1.0 - 0.3 * yellow), bright * (0.97 - yellow)];
        self.tooth_gaps = r.within(0.1, 0.65);
        self.tooth_drop = r.within(-0.18, 0.22);
        let red = r.within(0.25, 0.5);
        self.tongue = [red, red * r.within(0.28, 0.42), red * r.within(0.25, 0.42)];
        self.moles = (r.unit() * r.unit() * 6.0) as u32;
        self.skew = r.within(-0.035, 0.035);
        if r.unit() < 0.2 {
            let tone = r.unit() * r.unit();
            self.glasses = Some(Glasses {
                width: r.within(2.2, 2.8),
                height: r.within(1.5, 2.4),
                corner: r.within(0.5, 1.45),
                rim: r.within(0.12, 0.22),
                colour: [tone * r.within(0.3, 0.8), tone * r.within(0.2, 0.6), tone * r.within(0.15, 0.6)],
            });
        }
        self.key_tint = tint(r, 0.16);
        let level = r.within(0.5, 2.2);
        self.room = tint(r, 0.12).map(|c| c * level);
        self.rims = if r.unit() < 0.5 { 0.0 } else { r.within(0.0, 1.3) };
        self.hardness = r.within(0.5, 3.0);
    }
}
