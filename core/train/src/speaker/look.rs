//! What one speaker looks like and is filmed with: every number that may differ between people, rooms and
//! cameras. Lengths are centimetres or factors on an average adult head; colours are scene-linear.

use super::math::Random;

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
        let flush = r.within(0.45, 0.8);
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
        Look {
            face_width: r.within(0.92, 1.08),
            face_length: r.within(0.93, 1.07),
            jaw_width: r.within(0.88, 1.12),
            chin: r.within(0.85, 1.15),
            nose_width: r.within(0.85, 1.25),
            nose_length: r.within(0.9, 1.1),
            lip_fullness: r.within(0.8, 1.35),
            mouth_width: r.within(0.9, 1.12),
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
        }
    }
}
