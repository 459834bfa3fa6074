//! A chunk of a take on disk: the patches of a few dozen frames.
//!
//! Layout, little-endian: `LSCHUNK1`, u32 number of frames, then for each frame u8 0 (left as it is) or 1 and
//! the patch: u32 width and height, six f32 of the map, the matte (u8 0 whole, or 1, f32 feather, u32 number
//! of points, two f32 each), then `3 * width * height` u16 samples. All behind one zstd frame; the file ends with
//! the BLAKE3 digest of what precedes it, so a chunk that was cut short or rotted is made again, not shown.

use lipsmith_base::{Affine, Point, Rgb};
use lipsmith_lipsync::blend::Matte;
use lipsmith_lipsync::families::Patch;

const MAGIC: &[u8; 8] = b"LSCHUNK1";
/// No patch is larger than this on a side, no matte has more points: a broken file cannot ask for more memory.
const MAX_SIDE: usize = 8192;
const MAX_POINTS: usize = 4096;

/// Samples are kept from -0.25 to 1.25: room for the overshoot of a sharp kernel.
pub(super) fn quantise(value: f32) -> u16 {
    ((value.clamp(-0.25, 1.25) + 0.25) / 1.5 * 65_535.0).round() as u16
}
pub(super) fn restore(code: u16) -> f32 {
    f32::from(code) / 65_535.0 * 1.5 - 0.25
}

/// Bytes of the chunk file.
pub fn encode(patches: &[Option<Patch>]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(MAGIC);
    body.extend((patches.len() as u32).to_le_bytes());
    for patch in patches {
        match patch {
            None => body.push(0),
            Some(patch) => {
                body.push(1);
                encode_patch(patch, &mut body);
            }
        }
    }
    // Level 1: the samples are noisy, more effort buys little.
    let mut bytes = zstd::bulk::compress(&body, 1).unwrap_or_default();
    bytes.extend(blake3::hash(&bytes).as_bytes());
    bytes
}

fn encode_patch(patch: &Patch, body: &mut Vec<u8>) {
    body.extend((patch.image.width() as u32).to_le_bytes());
    body.extend((patch.image.height() as u32).to_le_bytes());
    let Affine { a, b, c, d, e, f } = patch.map;
    body.extend([a, b, c, d, e, f].into_iter().flat_map(f32::to_le_bytes));
    match &patch.matte {
        Matte::Whole => body.push(0),
        Matte::Polygon { outline, feather } => {
            body.push(1);
            body.extend(feather.to_le_bytes());
            body.extend((outline.len() as u32).to_le_bytes());
            body.extend(outline.iter().flat_map(|p| [p.x, p.y]).flat_map(f32::to_le_bytes));
        }
    }
    body.extend(patch.image.pixels().iter().flatten().flat_map(|&v| quantise(v).to_le_bytes()));
}

/// `None` for anything that [`encode`] did not write whole.
pub fn decode(bytes: &[u8]) -> Option<Vec<Option<Patch>>> {
    let (packed, digest) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if blake3::hash(packed).as_bytes() != digest {
        return None;
    }
    let body = zstd::stream::decode_all(packed).ok()?;
    let mut reader = Reader(&body);
    if reader.take(8)? != MAGIC {
        return None;
    }
    let count = reader.u32()?;
    (0..count)
        .map(|_| Some(if reader.u8()? == 0 { None } else { Some(decode_patch(&mut reader)?) }))
        .collect()
}

fn decode_patch(reader: &mut Reader) -> Option<Patch> {
    let (width, height) = (reader.u32()?, reader.u32()?);
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut number = || reader.f32();
    let map = Affine { a: number()?, b: number()?, c: number()?, d: number()?, e: number()?, f: number()? };
    let matte = match reader.u8()? {
        0 => Matte::Whole,
        _ => {
            let feather = reader.f32()?;
            let points = reader.u32()?;
            if points > MAX_POINTS {
                return None;
            }
            let outline = (0..points).map(|_| Some(Point::new(reader.f32()?, reader.f32()?)));
            Matte::Polygon { outline: outline.collect::<Option<_>>()?, feather }
        }
    };
    let samples = reader.take(width * height * 6)?;
    let value = |at: &[u8]| restore(u16::from_le_bytes([at[0], at[1]]));
    let pixels = samples.chunks_exact(6).map(|p| [value(&p[0..]), value(&p[2..]), value(&p[4..])]).collect();
    Some(Patch { image: Rgb::from_pixels(width, height, pixels)?, map, matte })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }
    fn u32(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }
    fn f32(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patches() -> Vec<Option<Patch>> {
        let mut image = Rgb::black(5, 4);
        image.pixels_mut().iter_mut().enumerate().for_each(|(i, p)| *p = [i as f32 / 20.0, 1.1, -0.1]);
        let outline = vec![Point::new(1.0, 2.0), Point::new(3.0, 4.5), Point::new(0.5, 7.0)];
        let soft = Patch {
            image: image.clone(),
            map: Affine { c: 3.5, ..Affine::IDENTITY },
            matte: Matte::Polygon { outline, feather: 2.5 },
        };
        let hard = Patch { image, map: Affine::IDENTITY, matte: Matte::Whole };
        vec![Some(soft), None, Some(hard)]
    }

    #[test]
    fn a_chunk_comes_back_as_it_was() {
        let back = decode(&encode(&patches())).expect("whole");
        for (a, b) in patches().iter().zip(&back) {
            assert_eq!(a.is_some(), b.is_some());
            if let (Some(a), Some(b)) = (a, b) {
                assert_eq!((a.map, &a.matte), (b.map, &b.matte));
                let worst = a.image.pixels().iter().flatten().zip(b.image.pixels().iter().flatten());
                assert!(worst.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max) < 2e-5);
            }
        }
    }

    #[test]
    fn a_broken_chunk_is_no_chunk() {
        let whole = encode(&patches());
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_none(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 0x10;
            assert!(decode(&bent).is_none(), "bent at {at}");
        }
    }
}
