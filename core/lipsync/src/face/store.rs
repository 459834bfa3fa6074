//! A shot's tracks as bytes, for the cache: about a fifth of what they take in memory, so that those of a long
//! film stay small. Positions keep 1/64 of a pixel, angles and scores 1/1024.
//!
//! Layout: magic, version, then numbers as LEB128; signed ones zigzag. A face that follows another in its
//! track is stored as differences from it.

use super::{Face, Landmarks, Look, Pose, Shot, Track};
use lipsmith_base::{Point, Rect};

const MAGIC: &[u8; 4] = b"LSFT";
const VERSION: u64 = 2;
/// Units a pixel, and a degree or a score.
const PIXEL: f32 = 64.0;
const FINE: f32 = 1024.0;
const POINTS: usize = 68;
const OVAL: usize = 36;
/// Numbers of a face without landmarks and with them.
const BARE: usize = 5;
const FULL: usize = BARE + 2 * (POINTS + OVAL) + 4;

/// Bytes that are no shot, and the place where that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored faces are damaged at byte {at}: {reason}; they will be found again")]
pub struct StoreError {
    at: usize,
    reason: &'static str,
}

impl Shot {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        unsigned(&mut bytes, VERSION);
        unsigned(&mut bytes, self.start as u64);
        unsigned(&mut bytes, self.length as u64);
        unsigned(&mut bytes, u64::from(self.runs_on));
        unsigned(&mut bytes, self.tracks.len() as u64);
        for track in &self.tracks {
            unsigned(&mut bytes, u64::from(track.person));
            track.look.values().for_each(|value| signed(&mut bytes, quantised(value, FINE)));
            let mut before = [0i64; FULL];
            for face in track.faces.iter().take(self.length) {
                encode_face(&mut bytes, face.as_ref(), &mut before);
            }
            (track.faces.len()..self.length).for_each(|_| encode_face(&mut bytes, None, &mut before));
        }
        bytes
    }

    /// # Errors
    /// When the bytes are not what [`Shot::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Shot, StoreError> {
        let mut reader = Reader { bytes, at: MAGIC.len() };
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(StoreError { at: 0, reason: "they do not begin with LSFT" });
        }
        if reader.unsigned()? != VERSION {
            return reader.fails("another version wrote them");
        }
        let (start, length) = (reader.size()?, reader.size()?);
        let runs_on = match reader.unsigned()? {
            0 => false,
            1 => true,
            _ => return reader.fails("no such end of a shot"),
        };
        // A frame takes a byte at least, a track more than its look's values: memory taken stays within a small
        // multiple of the bytes given.
        let count = reader.size()?;
        if count.saturating_mul(length.saturating_add(Look::VALUES)) > bytes.len() {
            return reader.fails("there are fewer bytes than frames");
        }
        let mut tracks = Vec::with_capacity(count);
        for _ in 0..count {
            let Ok(person) = u32::try_from(reader.unsigned()?) else { return reader.fails("no such person") };
            let values = (0..Look::VALUES).map(|_| Ok(reader.signed()? as f32 / FINE));
            let values = values.collect::<Result<Vec<_>, StoreError>>()?;
            let Some(look) = Look::from_values(&values) else { return reader.fails("no such look") };
            let mut before = [0i64; FULL];
            let faces =
                (0..length).map(|_| decode_face(&mut reader, &mut before)).collect::<Result<_, _>>()?;
            tracks.push(Track { person, faces, look });
        }
        if reader.at != bytes.len() {
            return reader.fails("they go on after their end");
        }
        Ok(Shot { start, length, runs_on, tracks })
    }
}

/// Kinds of frame; plus 2 when interpolated.
const NOTHING: u64 = 0;
const BOX: u64 = 1;
const MESH: u64 = 2;

fn encode_face(bytes: &mut Vec<u8>, face: Option<&Face>, before: &mut [i64; FULL]) {
    let Some(face) = face else { return unsigned(bytes, NOTHING) };
    let landmarks = face.landmarks.as_deref().filter(|l| l.points.len() == POINTS && l.oval.len() == OVAL);
    let kind = if landmarks.is_some() { MESH } else { BOX };
    unsigned(bytes, kind + if face.interpolated { 2 } else { 0 });
    let rect = [face.rect.x0, face.rect.y0, face.rect.x1, face.rect.y1].map(|v| quantised(v, PIXEL));
    let score = quantised(face.score, FINE);
    let mut numbers: Vec<i64> = rect.into_iter().chain([score]).collect();
    if let Some(landmarks) = landmarks {
        let points = landmarks.points.iter().chain(&landmarks.oval);
        numbers.extend(points.flat_map(|p| [quantised(p.x, PIXEL), quantised(p.y, PIXEL)]));
        let Pose { yaw, pitch, roll } = landmarks.pose;
        numbers.extend([yaw, pitch, roll, landmarks.lip_opening].map(|v| quantised(v, FINE)));
    }
    for (number, before) in numbers.iter().zip(before) {
        signed(bytes, number - *before);
        *before = *number;
    }
}

fn decode_face(reader: &mut Reader, before: &mut [i64; FULL]) -> Result<Option<Face>, StoreError> {
    let kind = reader.unsigned()?;
    let (mesh, interpolated) = match kind {
        NOTHING => return Ok(None),
        1..=4 => ((kind - 1) % 2 == 1, kind > 2),
        _ => return reader.fails("no such kind of frame"),
    };
    let count = if mesh { FULL } else { BARE };
    for number in &mut before[..count] {
        *number = number.wrapping_add(reader.signed()?);
    }
    let pixel = |i: usize| before[i] as f32 / PIXEL;
    let fine = |i: usize| before[i] as f32 / FINE;
    let point = |i: usize| Point::new(pixel(BARE + 2 * i), pixel(BARE + 2 * i + 1));
    let landmarks = mesh.then(|| {
        Box::new(Landmarks {
            points: (0..POINTS).map(point).collect(),
            oval: (POINTS..POINTS + OVAL).map(point).collect(),
            pose: Pose { yaw: fine(FULL - 4), pitch: fine(FULL - 3), roll: fine(FULL - 2) },
            lip_opening: fine(FULL - 1),
        })
    });
    let rect = Rect::new(pixel(0), pixel(1), pixel(2), pixel(3));
    Ok(Some(Face { rect, score: fine(4), landmarks, interpolated }))
}

fn quantised(value: f32, units: f32) -> i64 {
    (value * units).round() as i64
}

fn unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn signed(bytes: &mut Vec<u8>, value: i64) {
    unsigned(bytes, (value << 1 ^ value >> 63) as u64);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn fails<T>(&self, reason: &'static str) -> Result<T, StoreError> {
        Err(StoreError { at: self.at, reason })
    }

    fn unsigned(&mut self) -> Result<u64, StoreError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else { return self.fails("they end too early") };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        self.fails("a number has no end")
    }

    fn signed(&mut self) -> Result<i64, StoreError> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn size(&mut self) -> Result<usize, StoreError> {
        let value = self.unsigned()?;
        usize::try_from(value).or_else(|_| self.fails("a size that no memory holds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot() -> Shot {
        let point = |i: usize, t: usize| {
            Point::new((i * 3 + t) as f32 + 0.3, 100.0 - i as f32 * 0.7 + t as f32 * 0.1)
        };
        let face = |t: usize| Face {
            rect: Rect::new(10.0 + t as f32, 20.5, 90.25, 120.0),
            score: 0.9,
            landmarks: (t % 5 != 4).then(|| {
                Box::new(Landmarks {
                    points: (0..POINTS).map(|i| point(i, t)).collect(),
                    oval: (0..OVAL).map(|i| point(i, t + 1)).collect(),
                    pose: Pose { yaw: -30.5, pitch: 4.0, roll: t as f32 },
                    lip_opening: 0.125,
                })
            }),
            interpolated: t % 7 == 3,
        };
        let look = Look::from_values(&vec![0.25; Look::VALUES]).expect("as many as it takes");
        let faces = (0..40).map(|t| (t % 6 != 2).then(|| face(t))).collect();
        Shot { start: 1234, length: 40, runs_on: true, tracks: vec![Track { person: 3, faces, look }] }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let (shot, bytes) = (shot(), shot().encode());
        let back = Shot::decode(&bytes).expect("our own");
        assert_eq!((back.start, back.length, back.runs_on, back.tracks[0].person), (1234, 40, true, 3));
        for (a, b) in shot.tracks[0].faces.iter().zip(&back.tracks[0].faces) {
            let (Some(a), Some(b)) = (a, b) else {
                assert_eq!(a, b);
                continue;
            };
            assert_eq!((a.interpolated, a.landmarks.is_some()), (b.interpolated, b.landmarks.is_some()));
            assert!((a.rect.x0 - b.rect.x0).abs() <= 0.5 / PIXEL && (a.score - b.score).abs() <= 0.5 / FINE);
            if let (Some(a), Some(b)) = (&a.landmarks, &b.landmarks) {
                assert!(a.points.iter().zip(&b.points).all(|(a, b)| a.distance(*b) < 1.0 / PIXEL));
                assert!(a.oval.iter().zip(&b.oval).all(|(a, b)| a.distance(*b) < 1.0 / PIXEL));
                assert_eq!(a.pose, b.pose);
                assert_eq!(a.lip_opening, b.lip_opening);
            }
        }
        assert_eq!(back.encode(), bytes, "storing twice loses nothing more");
    }

    #[test]
    fn damage_is_an_error_or_another_shot_but_no_panic() {
        let bytes = shot().encode();
        for end in 0..bytes.len() {
            assert!(Shot::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for bit in [1, 0x80] {
                let mut damaged = bytes.clone();
                damaged[at] ^= bit;
                let _ = Shot::decode(&damaged);
            }
        }
        let mut claims = MAGIC.to_vec();
        [VERSION, 0, u64::MAX, u64::MAX].iter().for_each(|&v| unsigned(&mut claims, v));
        assert!(Shot::decode(&claims).is_err());
    }
}
