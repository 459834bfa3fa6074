//! What a mouth does, in six numbers read off the points of its face, and the words in which an ear that was taught here
//! says the same of a sound.

use candle_core::Tensor;
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
    let (seed, reach) = match network {
        Network::Wav2Lip => (0xea5, 1.0),
        _ => (0x6d6f_7574, 0.6),
    };
    let mut random = Random::new(seed);
    let mut fixed = |rows: usize| {
        let values = (0..rows * channels).map(|_| random.within(-reach, reach)).collect();
        Tensor::from_vec(values, (rows, channels), shapes.device())
    };
    let mixed = shapes.matmul(&fixed(DISTANCES.len())?)?;
    match network {
        Network::Wav2Lip => mixed.broadcast_add(&fixed(1)?)?.relu(),
        _ => Ok(mixed),
    }
}
