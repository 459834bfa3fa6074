//! Forward beside Candle's own, gradients beside Candle's and beside finite differences.

use candle_core::{Result, Tensor, Var};

use super::drive::{self, Output};
use super::geometry::Plan;
use super::tile_amx::{AmxKernel, AmxTiles};
use super::tile_f32::{F32Kernel, F32Tiles, Isa};
use super::winograd::{self, WinogradKernel};
use super::{Conv2dSpec, Kernel, Prepared, amx, conv_transpose2d, conv2d};
use crate::ops::Precision;
use crate::ops::testing::{check_gradients, distance, flat, noise};

/// n, in, out, height, width, kernel, and how it walks. Odd sizes on purpose; the larger ones fill tiles.
struct Case(usize, [usize; 2], [usize; 2], [usize; 2], [usize; 2], [usize; 2], [usize; 2], usize);

impl Case {
    fn spec(&self) -> Conv2dSpec {
        let &Self(.., stride, padding, dilation, groups) = self;
        Conv2dSpec { stride, padding, dilation, groups }
    }

    fn conv(&self) -> (Tensor, Tensor, Tensor) {
        let &Self(n, [i, o], [h, w], [kh, kw], .., groups) = self;
        (noise(1, &[n, i, h, w]), noise(2, &[o, i / groups, kh, kw]), noise(3, &[o]))
    }

    fn transposed(&self) -> (Tensor, Tensor, Tensor) {
        let &Self(n, [i, o], [h, w], [kh, kw], .., groups) = self;
        (noise(1, &[n, i, h, w]), noise(2, &[i, o / groups, kh, kw]), noise(3, &[o]))
    }
}

const CASES: [Case; 10] = [
    Case(1, [3, 5], [7, 9], [3, 3], [1, 1], [1, 1], [1, 1], 1),
    Case(2, [40, 72], [13, 11], [3, 3], [1, 1], [1, 1], [1, 1], 1),
    Case(3, [64, 33], [8, 8], [3, 3], [1, 1], [1, 1], [1, 1], 1),
    Case(2, [33, 40], [9, 6], [1, 1], [1, 1], [0, 0], [1, 1], 1),
    Case(1, [6, 16], [20, 21], [7, 7], [1, 1], [3, 3], [1, 1], 1),
    Case(2, [32, 48], [15, 13], [3, 3], [2, 2], [1, 1], [1, 1], 1),
    Case(1, [16, 16], [11, 14], [3, 3], [1, 1], [6, 6], [6, 6], 1),
    Case(2, [8, 12], [9, 9], [3, 3], [1, 1], [1, 1], [1, 1], 4),
    Case(1, [64, 64], [10, 10], [3, 3], [2, 2], [0, 0], [2, 2], 2),
    Case(1, [32, 64], [64, 70], [3, 3], [1, 1], [1, 1], [1, 1], 1),
];

fn candle(case: &Case, x: &Tensor, w: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let s = case.spec();
    x.conv2d(w, s.padding[0], s.stride[0], s.dilation[0], s.groups)?.broadcast_add(&bias.reshape((
        1,
        (),
        1,
        1,
    ))?)
}

#[test]
fn forward_equals_candle() -> Result<()> {
    for (i, case) in CASES.iter().enumerate() {
        let (x, w, bias) = case.conv();
        let d = distance(&conv2d(&x, &w, Some(&bias), case.spec())?, &candle(case, &x, &w, &bias)?);
        assert!(d < 1e-5, "case {i}: {d}");
    }
    Ok(())
}

#[test]
fn gradients_equal_candles() -> Result<()> {
    for (i, case) in CASES.iter().enumerate() {
        let (x, w, bias) = case.conv();
        let (x, w, bias) = (Var::from_tensor(&x)?, Var::from_tensor(&w)?, Var::from_tensor(&bias)?);
        let ours = conv2d(&x, &w, Some(&bias), case.spec())?;
        let theirs = candle(case, &x, &w, &bias)?;
        let weights = noise(4, ours.dims());
        let ours = (ours * &weights)?.sum_all()?.backward()?;
        let theirs = (theirs * &weights)?.sum_all()?.backward()?;
        for (name, var) in [("input", &x), ("weight", &w), ("bias", &bias)] {
            let (Some(ours), Some(theirs)) = (ours.get(var), theirs.get(var)) else {
                panic!("case {i}: no gradient of the {name}")
            };
            let d = distance(ours, theirs);
            assert!(d < 1e-5, "case {i}, {name}: {d}");
        }
    }
    Ok(())
}

/// Many pictures, several layings-out, panels that are not full, runs that are not whole.
#[test]
fn gradients_of_large_batches_equal_candles() -> Result<()> {
    for (n, [i, o], side, kernel, stride) in [
        (24, [64, 64], 40, 3, 1),
        (24, [40, 100], 12, 1, 1),
        (6, [64, 128], 48, 3, 2),
        (64, [96, 33], 6, 3, 1),
    ] {
        let spec = Conv2dSpec { stride: [stride; 2], padding: [kernel / 2; 2], ..Default::default() };
        let (x, w) = (noise(1, &[n, i, side, side]), Var::from_tensor(&noise(2, &[o, i, kernel, kernel]))?);
        let ours = conv2d(&x, &w, None, spec)?;
        let weights = noise(3, ours.dims());
        let theirs = x.conv2d(&w, kernel / 2, stride, 1, 1)?;
        let [ours, theirs] = [ours, theirs].map(|y| -> Result<Tensor> {
            let grads = (y * &weights)?.sum_all()?.backward()?;
            Ok(grads.get(&w).cloned().expect("it is tracked"))
        });
        let d = distance(&ours?, &theirs?);
        assert!(d < 1e-4, "{n} pictures of {side}, {i} → {o}: {d}");
    }
    Ok(())
}

#[test]
fn gradients_equal_finite_differences() -> Result<()> {
    // Unequal directions, which Candle cannot do.
    for case in [
        Case(2, [3, 4], [7, 6], [3, 2], [1, 2], [2, 1], [2, 1], 1),
        Case(1, [36, 40], [6, 5], [5, 3], [3, 1], [1, 2], [1, 1], 1),
        Case(1, [4, 6], [7, 7], [2, 2], [3, 3], [0, 0], [1, 1], 2),
    ] {
        let (x, w, bias) = case.conv();
        check_gradients(&[x, w, bias], |t| conv2d(&t[0], &t[1], Some(&t[2]), case.spec()))?;
        let (x, w, bias) = case.transposed();
        check_gradients(&[x, w, bias], |t| conv_transpose2d(&t[0], &t[1], Some(&t[2]), case.spec(), [1, 0]))?;
    }
    Ok(())
}

#[test]
fn transposed_equals_candle() -> Result<()> {
    for case in [
        Case(2, [5, 3], [6, 7], [3, 3], [2, 2], [1, 1], [1, 1], 1),
        Case(1, [64, 40], [8, 8], [4, 4], [2, 2], [1, 1], [1, 1], 1),
        Case(3, [48, 32], [1, 1], [3, 3], [1, 1], [0, 0], [1, 1], 1),
        Case(1, [4, 4], [5, 6], [2, 2], [3, 3], [0, 0], [1, 1], 1),
    ] {
        let (x, w, bias) = case.transposed();
        let s = case.spec();
        for extra in 0..s.stride[0] {
            let theirs = x
                .conv_transpose2d(&w, s.padding[0], extra, s.stride[0], s.dilation[0])?
                .broadcast_add(&bias.reshape((1, (), 1, 1))?)?;
            let d = distance(&conv_transpose2d(&x, &w, Some(&bias), s, [extra, extra])?, &theirs);
            assert!(d < 1e-5, "{d}");
        }
    }
    Ok(())
}

#[test]
fn inputs_need_not_be_contiguous() -> Result<()> {
    let x = noise(1, &[2, 9, 8, 16]).transpose(1, 3)?;
    let w = noise(2, &[3, 3, 8, 16]).permute((2, 3, 0, 1))?;
    let spec = Conv2dSpec { padding: [1, 1], ..Default::default() };
    let ours = conv2d(&x, &w, None, spec)?;
    let theirs = x.contiguous()?.conv2d(&w.contiguous()?, 1, 1, 1, 1)?;
    assert!(distance(&ours, &theirs) < 1e-5);
    Ok(())
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let spec = Conv2dSpec::default();
    let (x, w) = (noise(1, &[1, 4, 5, 5]), noise(2, &[3, 4, 3, 3]));
    assert!(conv2d(&x, &noise(2, &[3, 5, 3, 3]), None, spec).is_err());
    assert!(conv2d(&x, &noise(2, &[3, 4, 7, 3]), None, spec).is_err());
    assert!(conv2d(&x, &w, Some(&noise(3, &[4])), spec).is_err());
    assert!(conv2d(&x, &w, None, Conv2dSpec { groups: 3, ..spec }).is_err());
    assert!(conv2d(&x, &w, None, Conv2dSpec { stride: [0, 1], ..spec }).is_err());
    assert!(conv2d(&x, &w, None, Conv2dSpec { dilation: [1, 0], ..spec }).is_err());
    assert!(conv2d(&noise(1, &[1, 4, 0, 5]), &w, None, Conv2dSpec { padding: [2, 2], ..spec }).is_err());
    assert!(conv_transpose2d(&x, &w, None, spec, [0, 0]).is_err());
    let all_padding = Conv2dSpec { padding: [9, 9], ..spec };
    assert!(conv_transpose2d(&x, &noise(2, &[4, 3, 3, 3]), None, all_padding, [0, 0]).is_err());
}

#[test]
fn every_kind_of_tile_gives_the_same() -> Result<()> {
    for (i, case) in CASES.iter().enumerate() {
        let (x, w, bias) = case.conv();
        let wanted = conv2d(&x, &w, Some(&bias), case.spec())?;
        let (n, c, h, _) = x.dims4()?;
        let (o, ins, kh, kw) = w.dims4()?;
        let (_, _, oh, ow) = wanted.dims4()?;
        let spec = case.spec();
        let plan = Plan::forward([h, x.dim(3)?], [oh, ow], [kh, kw], &spec);
        let (xs, ws, bs) = (flat(&x), flat(&w), flat(&bias));
        let taps = kh * kw;
        let outs = o / spec.groups;
        let kernel = Kernel {
            data: &ws,
            outs,
            ins,
            out_stride: ins * taps,
            in_stride: taps,
            group_stride: outs * ins * taps,
        };
        assert_eq!(ins * spec.groups, c);
        let output = Output { images: n, groups: spec.groups, channels: outs, bias: Some(&bs) };
        for kernel in F32Kernel::of_every_kind(&plan, &kernel, spec.groups) {
            let tiles = F32Tiles::new(&plan, &kernel, &xs);
            let got = Tensor::from_vec(drive::run(&plan, &tiles, &output), wanted.shape(), x.device())?;
            let d = distance(&got, &wanted);
            assert!(d < 1e-5, "case {i}: {d}");
        }
        if amx::available() {
            let kernel = AmxKernel::new(&plan, &kernel, spec.groups, Precision::Full);
            let tiles = AmxTiles::new(&plan, &kernel, &xs);
            let got = Tensor::from_vec(drive::run(&plan, &tiles, &output), wanted.shape(), x.device())?;
            let d = distance(&got, &wanted);
            assert!(d < 1e-5, "case {i}: {d}");
        }
    }
    Ok(())
}

#[test]
fn half_precision_is_as_near_as_bfloat16_both_ways() -> Result<()> {
    for (i, case) in CASES.iter().enumerate() {
        let (x, w, bias) = case.conv();
        let (x, w) = (Var::from_tensor(&x)?, Var::from_tensor(&w)?);
        let run = |precision: Precision| {
            precision.within(|| -> Result<_> {
                let y = conv2d(&x, &w, Some(&bias), case.spec())?;
                let grads = (&y * noise(4, y.dims()))?.sum_all()?.backward()?;
                let of = |var: &Var| grads.get(var).cloned().expect("it is tracked");
                Ok([y.detach(), of(&x), of(&w)])
            })
        };
        let (exact, rough) = (run(Precision::Full)?, run(Precision::Half)?);
        for (name, (rough, exact)) in ["output", "input", "weight"].into_iter().zip(rough.iter().zip(&exact))
        {
            let d = distance(rough, exact);
            assert!(d < 5e-3, "case {i}, {name}: {d}");
        }
        // Few channels go by vectors, as exactly as ever.
        let (ins, outs) = (w.dim(1)?, w.dim(0)? / case.spec().groups);
        let by_amx = amx::available() && ins.min(outs) >= 16;
        let rounded = [0, 1, 2].map(|of| distance(&rough[of], &exact[of]) > 1e-5);
        assert_eq!(rounded, [by_amx; 3], "case {i}");
    }
    Ok(())
}

/// The same in f64, straight from the definition.
fn exact(x: &Tensor, w: &Tensor, pad: usize) -> Result<Tensor> {
    let wide = |t: &Tensor| t.to_dtype(candle_core::DType::F64);
    wide(x)?.conv2d(&wide(w)?, pad, 1, 1, 1)?.to_dtype(candle_core::DType::F32)
}

#[test]
fn winograds_filtering_equals_the_same_in_f64() -> Result<()> {
    // Whole tiles, broken ones, more channels than a panel or a block, several pictures; walked both ways.
    for (n, [i, o], [h, w], pad) in [
        (1, [16, 16], [16, 16], 1),
        (2, [33, 50], [13, 11], 1),
        (3, [200, 20], [9, 14], 0),
        (1, [24, 97], [30, 7], 2),
    ] {
        let (x, weight) = (noise(1, &[n, i, h, w]), noise(2, &[o, i, 3, 3]));
        let wanted = exact(&x, &weight, pad)?;
        let (_, _, oh, ow) = wanted.dims4()?;
        let (xs, ws, turned) = (
            flat(&x),
            flat(&weight),
            flat(&weight).chunks(9).flat_map(|k| k.iter().rev().copied()).collect::<Vec<_>>(),
        );
        for (data, backwards) in [(&ws, false), (&turned, true)] {
            let kernel = Kernel { data, outs: o, ins: i, out_stride: i * 9, in_stride: 9, group_stride: 0 };
            for isa in Isa::every_kind() {
                let job =
                    winograd::Job { images: n, source: [h, w], output: [oh, ow], pad: [pad; 2], bias: None };
                let got = WinogradKernel::with(isa, &kernel, backwards).run(&xs, &job);
                let d = distance(&Tensor::from_vec(got, wanted.shape(), x.device())?, &wanted);
                // The transforms' constants (up to 8) magnify f32's rounding about tenfold; measured: up to 1.1e-5.
                assert!(d < 3e-5, "{i} → {o}: {d}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_prepared_weight_follows_its_tensor() -> Result<()> {
    let prepared = Prepared::default();
    let spec = Conv2dSpec { padding: [1, 1], ..Default::default() };
    let x = noise(1, &[1, 32, 6, 6]);
    for seed in 2..5 {
        let w = noise(seed, &[32, 32, 3, 3]);
        for _ in 0..2 {
            let got = prepared.conv2d(&x, &w, None, spec)?;
            assert!(distance(&got, &x.conv2d(&w, 1, 1, 1, 1)?) < 1e-5);
        }
    }
    Ok(())
}

#[test]
fn a_bias_may_be_each_pictures_own() -> Result<()> {
    let (x, w, bias) = (noise(1, &[3, 20, 5, 6]), noise(2, &[18, 20, 3, 3]), noise(3, &[3, 18]));
    let spec = Conv2dSpec { padding: [1, 1], ..Default::default() };
    let wanted = conv2d(&x, &w, None, spec)?.broadcast_add(&bias.reshape((3, 18, 1, 1))?)?;
    assert!(distance(&conv2d(&x, &w, Some(&bias), spec)?, &wanted) < 1e-6);
    check_gradients(&[bias], |t| conv2d(&x, &w, Some(&t[0]), spec))
}
