//! What a mouth does, in six numbers read off the points of its face, and the words in which an ear that was taught here
//! says the same of a sound.

use candle_core::{Device, Tensor};
use lipsmith_base::Random;
use lipsmith_nets::zoo::Network;

/// Pairs of points (68-point layout) whose distances say what a mouth does: three across the inner lips, one across
/// the outer, the widths of both.
pub const DISTANCES: [(usize, usize); 6] = [(61, 67), (62, 66), (63, 65), (51, 57), (48, 54), (60, 64)];
/// Outer corners of the eyes: the measure of all distances.
const EYES: (usize, usize) = (36, 45);
/// Brings the distances' changes, a few hundredths of that of the eyes, to about 1.
pub const SCALE: f32 = 15.0;

/// The distances of a face whose points lie `at` these places, in distances between the eyes.
pub fn distances(at: impl Fn(usize) -> [f32; 2]) -> [f32; DISTANCES.len()] {
    let between = |(a, b): (usize, usize)| {
        let ([ax, ay], [bx, by]) = (at(a), at(b));
        (ax - bx).hypot(ay - by)
    };
    let measure = between(EYES).max(1.0);
    DISTANCES.map(|pair| between(pair) / measure)
}

/// What an ear that hears perfectly would say of mouths, given [`SCALE`] times how far their distances are from the person's usual
/// ones, `[n, distances]` → `[n, channels]`: a fixed mixture that needs no weights in the network's file. That of Wav2Lip has
/// an offset and is cut at zero, as its ear's last layer is.
pub fn told(network: Network, shapes: &Tensor, channels: usize) -> candle_core::Result<Tensor> {
    let (mixture, offset) = words(network, channels, shapes.device())?;
    let mixed = shapes.matmul(&mixture)?;
    match network {
        Network::Wav2Lip => mixed.broadcast_add(&offset)?.relu(),
        _ => Ok(mixed),
    }
}

/// What an ear of Wav2Lip's that was taught here says, `[n, channels, …]`, as it would say it of a mouth that does `gain` times
/// as much.
pub fn emphasised(said: &Tensor, gain: f64) -> candle_core::Result<Tensor> {
    if gain == 1.0 {
        return Ok(said.clone());
    }
    let flat = said.flatten_from(1)?;
    let (_, offset) = words(Network::Wav2Lip, flat.dim(1)?, said.device())?;
    let more = (flat.broadcast_sub(&offset)? * gain)?.broadcast_add(&offset)?.relu()?;
    // Of what was cut off nobody knows how much it was.
    (more * flat.gt(0f32)?.to_dtype(said.dtype())?)?.reshape(said.shape())
}

/// The mixture, `[distances, channels]`, and the offset, `[1, channels]`.
fn words(network: Network, channels: usize, device: &Device) -> candle_core::Result<(Tensor, Tensor)> {
    let (seed, reach) = match network {
        Network::Wav2Lip => (0xea5, 1.0),
        _ => (0x6d6f_7574, 0.6),
    };
    let mut random = Random::new(seed);
    let mut fixed = |rows: usize| {
        let values = (0..rows * channels).map(|_| random.within(-reach, reach)).collect();
        Tensor::from_vec(values, (rows, channels), device)
    };
    Ok((fixed(DISTANCES.len())?, fixed(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emphasis_is_what_a_mouth_that_does_more_would_be_told_by() -> candle_core::Result<()> {
        let shapes = Tensor::new(&[[0.8f32, 0.6, 0.7, 0.5, -0.3, -0.2]], &Device::Cpu)?;
        let said = told(Network::Wav2Lip, &shapes, 64)?;
        let of = |t: &Tensor| t.flatten_all()?.to_vec1::<f32>();
        let (plain, more) = (of(&said)?, of(&emphasised(&said, 1.5)?)?);
        let wanted = of(&told(Network::Wav2Lip, &(shapes * 1.5)?, 64)?)?;
        let apart = |made: &[f32]| -> f32 { made.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).sum() };
        // Channels that begin to speak only then are not known.
        assert!(apart(&more) < 0.1 * apart(&plain), "{} beside {}", apart(&more), apart(&plain));
        assert!(emphasised(&said, 1.0)?.sub(&said)?.abs()?.max_all()?.to_scalar::<f32>()? < 1e-6);
        Ok(())
    }
}
