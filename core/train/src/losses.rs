//! What the networks are told to make small. Each answers a scalar with a gradient.

use candle_core::{Result, Tensor};

/// Logarithms are taken of nothing smaller, so that a loss stays finite where a verdict is absolute.
const LEAST: f64 = 1e-6;

/// Mean of |a − b| (Wav2Lip's reconstruction loss).
pub fn l1(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    (a - b)?.abs()?.mean_all()
}

/// Binary cross-entropy of probabilities against one wanted verdict, `mean(−ln p)` or `mean(−ln(1 − p))`: the
/// adversarial loss on both sides.
pub fn verdict(probability: &Tensor, wanted: bool) -> Result<Tensor> {
    let right = if wanted { probability.clone() } else { probability.affine(-1.0, 1.0)? };
    right.clamp(LEAST, 1.0)?.log()?.neg()?.mean_all()
}

/// How well rows of unit length agree, `[n, d]` and `[n, d]` → `[n]`.
pub fn agreement(faces: &Tensor, sounds: &Tensor) -> Result<Tensor> {
    (faces * sounds)?.sum(1)
}

/// The expert's cosine loss (Wav2Lip, eq. 1 and 2): cross-entropy of the cosine, which is never negative because
/// both embeddings follow a ReLU. `agreement` of pairs that belong together, or that do not.
pub fn sync(agreement: &Tensor, together: bool) -> Result<Tensor> {
    verdict(agreement, together)
}

#[cfg(test)]
mod tests {
    use super::{l1, sync, verdict};
    use candle_core::{Device, Result, Tensor, Var};

    #[test]
    fn losses_are_the_numbers_of_their_formulas() -> Result<()> {
        let t = |values: &[f32]| Tensor::new(values, &Device::Cpu);
        let close = |loss: Tensor, wanted: f64| -> Result<()> {
            let got = f64::from(loss.to_scalar::<f32>()?);
            assert!((got - wanted).abs() < 1e-6, "{got} instead of {wanted}");
            Ok(())
        };
        close(l1(&t(&[1.0, 2.0])?, &t(&[0.5, 4.0])?)?, 1.25)?;
        close(sync(&t(&[0.5, 0.25])?, true)?, (2f64.ln() + 4f64.ln()) / 2.0)?;
        close(verdict(&t(&[0.5, 0.75])?, false)?, (2f64.ln() + 4f64.ln()) / 2.0)?;
        assert!(verdict(&t(&[0.0, 1.0])?, true)?.to_scalar::<f32>()?.is_finite());
        Ok(())
    }

    #[test]
    fn their_slopes_point_downhill() -> Result<()> {
        let p = Var::new(&[0.3f32, 0.6], &Device::Cpu)?;
        let grads = verdict(p.as_tensor(), true)?.backward()?;
        let slope = grads.get(&p).map(|g| g.to_vec1::<f32>()).transpose()?.unwrap_or_default();
        for (slope, p) in slope.iter().zip([0.3, 0.6]) {
            assert!((slope + 0.5 / p).abs() < 1e-5, "{slope}");
        }
        Ok(())
    }
}
