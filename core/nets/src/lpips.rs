//! LPIPS: "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (Zhang et al. 2018; repository
//! richzhang/PerceptualSimilarity, version 0.1): how far two pictures are apart in the features of an image classifier,
//! each channel counted as people's judgements were found to weigh it.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::blocks::{Conv2d, Walk, param, relu, telltale};
use crate::error::{NetsError, Result};

/// The classifier whose features are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backbone {
    /// "ImageNet Classification with Deep Convolutional Neural Networks" (Krizhevsky 2014's one-tower form).
    Alex,
    /// "Very Deep Convolutional Networks" (Simonyan & Zisserman 2015), 16 layers.
    Vgg,
}

/// A convolution as the published files number it, `[slice, layer]`, channels, kernel, stride and padding; ReLU after it.
pub(crate) type Layer = ([usize; 2], usize, usize, [usize; 2]);

/// Each slice ends in features that are compared; before each but the first is a maximum pooling, where so marked.
const ALEX: [Layer; 5] = [
    ([1, 0], 64, 11, [4, 2]),
    ([2, 3], 192, 5, [1, 2]),
    ([3, 6], 384, 3, [1, 1]),
    ([4, 8], 256, 3, [1, 1]),
    ([5, 10], 256, 3, [1, 1]),
];
const VGG: [Layer; 13] = [
    ([1, 0], 64, 3, [1, 1]),
    ([1, 2], 64, 3, [1, 1]),
    ([2, 5], 128, 3, [1, 1]),
    ([2, 7], 128, 3, [1, 1]),
    ([3, 10], 256, 3, [1, 1]),
    ([3, 12], 256, 3, [1, 1]),
    ([3, 14], 256, 3, [1, 1]),
    ([4, 17], 512, 3, [1, 1]),
    ([4, 19], 512, 3, [1, 1]),
    ([4, 21], 512, 3, [1, 1]),
    ([5, 24], 512, 3, [1, 1]),
    ([5, 26], 512, 3, [1, 1]),
    ([5, 28], 512, 3, [1, 1]),
];
/// Slices whose features are compared.
pub(crate) const SLICES: usize = 5;

impl Backbone {
    pub fn name(self) -> &'static str {
        match self {
            Backbone::Alex => "alex",
            Backbone::Vgg => "vgg",
        }
    }

    pub(crate) fn layers(self) -> &'static [Layer] {
        match self {
            Backbone::Alex => &ALEX,
            Backbone::Vgg => &VGG,
        }
    }

    /// By the shape of the first convolution's weight.
    pub(crate) fn of_shape(first: &[usize]) -> Option<Self> {
        match first {
            [64, 3, 11, 11] => Some(Backbone::Alex),
            [64, 3, 3, 3] => Some(Backbone::Vgg),
            _ => None,
        }
    }

    /// Side and stride of the maximum before a slice, counted from 1.
    fn pooling(self, slice: usize) -> Option<usize> {
        match (self, slice) {
            (Backbone::Alex, 2 | 3) => Some(3),
            (Backbone::Vgg, 2..) => Some(2),
            _ => None,
        }
    }

    /// The smallest side of a picture that leaves every slice something.
    pub fn least_side(self) -> usize {
        match self {
            Backbone::Alex => 31,
            Backbone::Vgg => 16,
        }
    }
}

pub(crate) const FIRST: &str = "net.slice1.0.weight";

/// Mean and spread of the pictures that the classifiers learned from, in [-1, 1].
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

#[derive(Debug, Clone)]
pub struct Lpips {
    pub backbone: Backbone,
    slices: Vec<Vec<Conv2d>>,
    /// `[1, c, 1, 1]` of each slice.
    weights: Vec<Tensor>,
    shift: Tensor,
    scale: Tensor,
}

impl Lpips {
    /// From the whole module's tensors, `net.*` and `lin*`, as `torch.save(lpips.LPIPS(net="alex").state_dict(), FILE)`
    /// writes them. The package's own small files hold the `lin*` alone.
    pub fn new(vb: &VarBuilder) -> Result<Self> {
        let backbone = Backbone::of_shape(telltale(vb, FIRST)?.dims()).ok_or_else(|| {
            NetsError::Invalid("LPIPS is known with AlexNet and with VGG-16; this is neither".to_owned())
        })?;
        let mut slices: Vec<Vec<Conv2d>> = vec![Vec::new(); SLICES];
        let mut weights = Vec::new();
        let mut channels = 3;
        for &([slice, layer], width, kernel, [stride, padding]) in backbone.layers() {
            let vb = vb.pp(format!("net.slice{slice}.{layer}"));
            let walk = Walk::strided(stride, padding);
            slices[slice - 1].push(Conv2d::new(&vb, channels, width, [kernel, kernel], walk)?);
            channels = width;
            weights.resize(slice, width);
            weights[slice - 1] = width;
        }
        let weight = |(slice, &width): (usize, &usize)| {
            param(&vb.pp(format!("lin{slice}.model.1")), &[1, width, 1, 1], "weight")
        };
        let per_colour = |values: &[f32]| Tensor::from_slice(values, (1, 3, 1, 1), vb.device());
        Ok(Self {
            backbone,
            slices,
            weights: weights.iter().enumerate().map(weight).collect::<Result<_>>()?,
            shift: per_colour(&SHIFT)?,
            scale: per_colour(&SCALE)?,
        })
    }

    /// Each of `[n, 3, h, w]`, red, green and blue in [-1, 1], sides of at least [`Backbone::least_side`] → `[n]`, 0 where
    /// they are the same; its gradient is right.
    pub fn forward(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let (mut a, mut b) = (self.standard(a)?, self.standard(b)?);
        let mut all: Option<Tensor> = None;
        for (at, (slice, weight)) in self.slices.iter().zip(&self.weights).enumerate() {
            for x in [&mut a, &mut b] {
                if let Some(side) = self.backbone.pooling(at + 1) {
                    *x = max_pool(x, side)?;
                }
                *x = slice.iter().try_fold(x.clone(), |x, conv| relu(&conv.forward(&x)?))?;
            }
            let apart = features_apart(&a, &b, Some(weight))?;
            all = Some(match all {
                Some(sum) => (sum + apart)?,
                None => apart,
            });
        }
        all.ok_or_else(|| NetsError::Invalid("a classifier without slices".to_owned()))
    }

    fn standard(&self, x: &Tensor) -> Result<Tensor> {
        let side = self.backbone.least_side();
        let (_, _, h, w) = x.dims4()?;
        if h.min(w) < side {
            return Err(NetsError::Invalid(format!("LPIPS needs pictures of {side} pixels, not {w}×{h}")));
        }
        Ok(x.broadcast_sub(&self.shift)?.broadcast_div(&self.scale)?)
    }
}

/// Features of two pictures, `[n, c, h, w]`, each position's made of length 1: their squared difference, summed over the
/// channels by what each counts, `[1, c, 1, 1]`, and averaged over the positions → `[n]`.
pub fn features_apart(a: &Tensor, b: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    // Where nothing is felt at all the root has no slope; so little is nothing.
    let unit = |x: &Tensor| x.broadcast_div(&x.sqr()?.sum_keepdim(1)?.maximum(1e-20)?.sqrt()?);
    let squares = (unit(a)? - unit(b)?)?.sqr()?;
    let counted = match weight {
        Some(weight) => squares.broadcast_mul(weight)?,
        None => squares,
    };
    Ok(counted.sum(1)?.mean((1, 2))?)
}

/// The largest of each window of `side`×`side` pixels, a window every second pixel. Candle's own has a wrong gradient,
/// and none where windows overlap.
fn max_pool(x: &Tensor, side: usize) -> Result<Tensor> {
    let along = |x: Tensor, dim: usize| -> Result<Tensor> {
        let windows = (x.dim(dim)? - side) / 2 + 1;
        let mut largest: Option<Tensor> = None;
        for offset in 0..side {
            let at: Vec<u32> = (0..windows).map(|window| (2 * window + offset) as u32).collect();
            let some = x.index_select(&Tensor::new(at, x.device())?, dim)?;
            largest = Some(match largest {
                Some(before) => before.maximum(&some)?,
                None => some,
            });
        }
        largest.ok_or_else(|| NetsError::Invalid("a window without pixels".to_owned()))
    };
    along(along(x.clone(), 2)?, 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;
    use candle_core::{DType, Device, Var};
    use std::collections::HashMap;

    fn made(backbone: Backbone) -> VarBuilder<'static> {
        let mut channels = 3;
        let mut tensors = HashMap::new();
        for (seed, &([slice, layer], width, kernel, _)) in backbone.layers().iter().enumerate() {
            let inputs = (channels * kernel * kernel) as f64;
            let weight = noise(seed as u64, &[width, channels, kernel, kernel]);
            let name = format!("net.slice{slice}.{layer}");
            tensors.insert(format!("{name}.weight"), (weight * (6.0 / inputs).sqrt()).expect("scaled"));
            // So that ReLU mostly passes and its kink is seldom met.
            tensors.insert(format!("{name}.bias"), (noise(40, &[width]) + 3.0).expect("shifted"));
            let lin = (noise(50 + slice as u64, &[1, width, 1, 1]) + 1.0).expect("positive");
            tensors.insert(format!("lin{}.model.1.weight", slice - 1), lin);
            channels = width;
        }
        VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
    }

    #[test]
    fn the_pool_takes_the_largest_and_gives_its_slope_back() -> Result<()> {
        let x = Tensor::arange(0f32, 49.0, &Device::Cpu)?.reshape((1, 1, 7, 7))?;
        let largest = max_pool(&x, 3)?.flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(largest, [16.0, 18.0, 20.0, 30.0, 32.0, 34.0, 44.0, 46.0, 48.0]);
        let x = Var::from_tensor(&x)?;
        let slopes = max_pool(x.as_tensor(), 3)?.sum_all()?.backward()?;
        let slopes = slopes.get(&x).map(|g| g.flatten_all()?.to_vec1::<f32>()).transpose()?;
        let wanted = |i: &usize| largest.contains(&(*i as f32));
        assert_eq!(slopes, Some((0..49).map(|i| f32::from(u8::from(wanted(&i)))).collect()));
        Ok(())
    }

    /// Two positions of two channels by hand.
    #[test]
    fn features_are_compared_by_direction() -> Result<()> {
        let t = |v: [f32; 4]| Tensor::from_slice(&v, (1, 2, 1, 2), &Device::Cpu);
        let (a, b) = (t([3.0, 0.0, 4.0, 0.0])?, t([0.6, 1.0, 0.8, 0.0])?);
        let weight = Tensor::from_slice(&[2f32, 5.0], (1, 2, 1, 1), &Device::Cpu)?;
        // The first position's point the same way; in the second nothing stands beside (1, 0).
        let apart = features_apart(&a, &b, Some(&weight))?.to_vec1::<f32>()?;
        assert!((apart[0] - 1.0).abs() < 1e-6, "{apart:?}");
        Ok(())
    }

    #[test]
    fn the_same_is_0_apart_and_the_gradient_is_true() -> Result<()> {
        for (backbone, side) in [(Backbone::Alex, 47), (Backbone::Vgg, 16)] {
            let network = Lpips::new(&made(backbone))?;
            assert_eq!(network.backbone, backbone);
            let (a, b) = (noise(1, &[1, 3, side, side]), noise(2, &[1, 3, side, side]));
            let same = network.forward(&a, &a)?.to_vec1::<f32>()?;
            assert_eq!(same, [0.0]);
            assert!(network.forward(&a, &b)?.to_vec1::<f32>()?[0] > 1e-4);
            // Along the gradient it grows as fast as the gradient claims; short steps, for the pools bend it.
            let var = Var::from_tensor(&a)?;
            let grads = network.forward(var.as_tensor(), &b)?.sum_all()?.backward()?;
            let grad = grads.get(&var).ok_or_else(|| NetsError::Invalid("no gradient".to_owned()))?;
            let length = grad.sqr()?.sum_all()?.to_scalar::<f32>()?.sqrt();
            let uphill = (grad / f64::from(length))?;
            let at = |step: f64| -> Result<f32> {
                Ok(network.forward(&(&a + (&uphill * step)?)?, &b)?.to_vec1::<f32>()?[0])
            };
            let slopes = [0.002, 0.01, 0.05]
                .map(|step| Ok::<_, NetsError>((at(step)? - at(-step)?) / (2.0 * step as f32)));
            let slopes = slopes.into_iter().collect::<Result<Vec<_>>>()?;
            let agrees = slopes.iter().any(|slope| (slope - length).abs() < 0.01 * length);
            assert!(length > 1e-4 && agrees, "{backbone:?}: slopes {slopes:?}, gradient {length}");
        }
        Ok(())
    }

    #[test]
    fn pictures_that_are_too_small_and_other_networks_are_refused() -> Result<()> {
        let network = Lpips::new(&made(Backbone::Alex))?;
        let least = Backbone::Alex.least_side();
        let picture = |side: usize| noise(1, &[1, 3, side, side]);
        network.forward(&picture(least), &picture(least))?;
        let refused = network.forward(&picture(least - 1), &picture(least - 1));
        assert!(refused.is_err_and(|e| e.to_string().contains("31 pixels")));
        Ok(())
    }
}
