//! A film without files: pictures that carry their own number, and a tone. For tests, benchmarks and demos.

use lipsmith_base::{Audio, Chroma, ColourSpec, Picture, PixelFormat, Plane};

/// Bits of the number, drawn as blocks along the top edge.
const BITS: usize = 16;

/// A picture with `number` (0..=65535) written into the top eighth as 16 black and white blocks, over a moving
/// gradient. At least 64×32.
pub fn picture(
    number: u64,
    width: usize,
    height: usize,
    format: PixelFormat,
    colour: ColourSpec,
) -> Option<Picture> {
    let max = (1_u32 << format.depth) - 1;
    let (black, white) = if colour.full_range { (0, max) } else { ((max + 1) / 16, (max + 1) / 256 * 235) };
    let step = number as usize;
    let value = |plane: usize, x: usize, y: usize, w: usize, h: usize| -> u32 {
        let luma = plane == 0 || format.chroma == Chroma::Gbr;
        if y < h / 8 {
            let bit = number >> (BITS - 1 - (x * BITS / w).min(BITS - 1)) & 1;
            return match (luma, bit) {
                (true, 1) => white,
                (true, _) => black,
                (false, _) => max / 2 + 1,
            };
        }
        let ramp = match plane {
            0 => (x + y + 2 * step) % w.max(1) * 256 / w,
            1 => 96 + y * 64 / h,
            _ => 96 + (x + step) % w * 64 / w,
        };
        black + ramp as u32 * (white - black) / 256
    };
    let planes = [0, 1, 2].map(|p| {
        let (w, h) = format.plane_size(p, width, height);
        let samples = (0..w * h).map(|i| value(p, i % w, i / w, w, h));
        if format.depth == 8 {
            Plane::U8(samples.map(|v| v as u8).collect())
        } else {
            Plane::U16(samples.map(|v| v as u16).collect())
        }
    });
    Picture::new(format, width, height, colour, planes).ok()
}

/// The number in a picture made by [`picture`], read through any lossy codec.
pub fn number_in(picture: &Picture) -> u64 {
    let (width, height) = (picture.width(), picture.height());
    let row = height / 16;
    let threshold = (1_u32 << picture.format().depth) / 2;
    (0..BITS).fold(0, |number, bit| {
        let x = (2 * bit + 1) * width / (2 * BITS);
        let sample = match &picture.planes()[0] {
            Plane::U8(samples) => u32::from(samples[row * width + x]),
            Plane::U16(samples) => u32::from(samples[row * width + x]),
        };
        number << 1 | u64::from(sample >= threshold)
    })
}

/// The bytes of a WAV file with this sound in 16 bits.
pub fn wav(audio: &Audio) -> Vec<u8> {
    let data: Vec<u8> = audio
        .samples
        .iter()
        .flat_map(|v| ((v.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes())
        .collect();
    let (size, frame) = (data.len() as u32, audio.channels * 2);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(audio.channels.to_le_bytes());
    bytes.extend([audio.rate, audio.rate * u32::from(frame)].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend([frame, 16].into_iter().flat_map(u16::to_le_bytes));
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// `frames` samples of a sine of `hertz` from sample `from` on, half of full scale, the same in every channel.
pub fn tone(rate: u32, channels: u16, from: u64, frames: usize, hertz: f64) -> Audio {
    let sample = |n: u64| (0.5 * (std::f64::consts::TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32;
    let samples = (0..frames as u64)
        .flat_map(|i| std::iter::repeat_n(sample(from + i), usize::from(channels)))
        .collect();
    Audio { rate, channels, samples }
}
