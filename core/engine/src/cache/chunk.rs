//! A chunk of a take on disk: the patches of a few dozen frames.
//!
//! Layout, little-endian: `LSCHUNK2`, u32 number of frames, then for each frame u32 length and as many bytes: none
//! when the frame is left as it is, else the patch: u32 width and height, six f32 of the map, the matte (u8 0
//! whole, or 1, f32 feather, u32 number of points, two f32 each), u8 bits of a sample, and the samples behind one
//! zstd frame: `width * height` u16 of green, then of red less green, then of blue less green, each as its distance
//! from its left neighbour (the first of a row from the one above), low bytes before high bytes. The file ends
//! with the BLAKE3 digest of what precedes it, so a chunk that was cut short or rotted is made again, not shown.

use lipsmith_base::{Affine, Point, Rgb};
use lipsmith_lipsync::blend::Matte;
use lipsmith_lipsync::families::Patch;
use rayon::prelude::*;

const MAGIC: &[u8; 8] = b"LSCHUNK2";
/// No patch is larger than this on a side, no matte has more points: a broken file cannot ask for more memory.
const MAX_SIDE: usize = 8192;
const MAX_POINTS: usize = 4096;

/// Codes for samples from -0.25 to 1.25: room for the overshoot of a sharp kernel.
struct Codes {
    bits: u8,
    max: f32,
}

impl Codes {
    fn new(bits: u8) -> Codes {
        Codes { bits, max: ((1u32 << bits) - 1) as f32 }
    }
    #[inline]
    fn code(&self, value: f32) -> u16 {
        ((value.clamp(-0.25, 1.25) + 0.25) * (self.max / 1.5) + 0.5) as u16
    }
    #[inline]
    fn value(&self, code: u16) -> f32 {
        f32::from(code) * (1.5 / self.max) - 0.25
    }
}

/// Bytes of the chunk file. `depth`: bits of the film's samples; patches are kept a little finer.
pub fn encode(patches: &[Option<Patch>], depth: u8) -> Vec<u8> {
    let codes = Codes::new((depth + 2).clamp(10, 16));
    let bodies = patches.par_iter().map(|patch| {
        let mut body = Vec::new();
        if let Some(patch) = patch {
            encode_patch(patch, &codes, &mut body);
        }
        body
    });
    let mut bytes = MAGIC.to_vec();
    bytes.extend((patches.len() as u32).to_le_bytes());
    for body in bodies.collect::<Vec<_>>() {
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
    }
    bytes.extend(blake3::hash(&bytes).as_bytes());
    bytes
}

fn encode_patch(patch: &Patch, codes: &Codes, body: &mut Vec<u8>) {
    let (width, height) = (patch.image.width(), patch.image.height());
    body.extend((width as u32).to_le_bytes());
    body.extend((height as u32).to_le_bytes());
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
    body.push(codes.bits);
    let count = width * height;
    let mut samples = vec![0u8; 6 * count];
    let (low, high) = samples.split_at_mut(3 * count);
    let mut above = [0u16; 3];
    for (y, row) in patch.image.pixels().chunks_exact(width.max(1)).enumerate() {
        let mut left = above;
        for (x, pixel) in row.iter().enumerate() {
            let [red, green, blue] = pixel.map(|v| codes.code(v));
            let here = [green, red.wrapping_sub(green), blue.wrapping_sub(green)];
            for c in 0..3 {
                // Steps up and down by turns, so that small ones have no high byte.
                let step = here[c].wrapping_sub(left[c]) as i16;
                let [a, b] = (((step << 1) ^ (step >> 15)) as u16).to_le_bytes();
                let at = c * count + y * width + x;
                (low[at], high[at]) = (a, b);
            }
            left = here;
            if x == 0 {
                above = here;
            }
        }
    }
    // Level 1: what noise is left does not get smaller by effort.
    body.extend(zstd::bulk::compress(&samples, 1).unwrap_or_default());
}

/// `None` for anything that [`encode`] did not write whole.
pub fn decode(bytes: &[u8]) -> Option<Vec<Option<Patch>>> {
    let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if blake3::hash(content).as_bytes() != digest {
        return None;
    }
    let mut reader = Reader(content);
    if reader.take(8)? != MAGIC {
        return None;
    }
    let count = reader.u32()?;
    let bodies = (0..count).map(|_| {
        let length = reader.u32()?;
        reader.take(length)
    });
    let bodies = bodies.collect::<Option<Vec<_>>>()?;
    let patches = bodies.into_par_iter().map(|body| match body {
        [] => Some(None),
        body => decode_patch(&mut Reader(body)).map(Some),
    });
    patches.collect()
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
    let codes = Codes::new(Some(reader.u8()?).filter(|bits| (8..=16).contains(bits))?);
    let count = width * height;
    let samples = zstd::bulk::decompress(reader.0, 6 * count).ok().filter(|s| s.len() == 6 * count)?;
    let (low, high) = samples.split_at(3 * count);
    let mut image = Rgb::black(width, height);
    let mut above = [0u16; 3];
    for (y, row) in image.pixels_mut().chunks_exact_mut(width.max(1)).enumerate() {
        let mut here = above;
        for (x, pixel) in row.iter_mut().enumerate() {
            for (c, value) in here.iter_mut().enumerate() {
                let at = c * count + y * width + x;
                let step = u16::from_le_bytes([low[at], high[at]]);
                *value = value.wrapping_add((step >> 1) ^ (step & 1).wrapping_neg());
            }
            if x == 0 {
                above = here;
            }
            let [green, red, blue] = here;
            *pixel = [red.wrapping_add(green), green, blue.wrapping_add(green)].map(|code| codes.value(code));
        }
    }
    Some(Patch { image, map, matte })
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
        for depth in [8, 10, 16] {
            let back = decode(&encode(&patches(), depth)).expect("whole");
            for (a, b) in patches().iter().zip(&back) {
                assert_eq!(a.is_some(), b.is_some());
                if let (Some(a), Some(b)) = (a, b) {
                    assert_eq!((a.map, &a.matte), (b.map, &b.matte));
                    let worst = a.image.pixels().iter().flatten().zip(b.image.pixels().iter().flatten());
                    let worst = worst.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                    // A quarter of a step of the film's samples, or as fine as it is kept.
                    assert!(worst < (0.25 / 2f32.powi(depth.into())).max(2e-5), "{worst}");
                }
            }
        }
    }

    #[test]
    fn a_broken_chunk_is_no_chunk() {
        let whole = encode(&patches(), 8);
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
