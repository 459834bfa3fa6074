//! What the mouth should look like while the voice sounds, as learnt from this actor: ridge regression from
//! the sound of the actor's own speech to the mouth seen with it. Where that sound says little (no sound, music,
//! somebody else's voice), what holds for everybody stands in: an open vowel is loud between 500 and 3000 Hz.

use super::units::{GAP, STATE, State, Unit};
use crate::speech::{CONTEXT, Context, Features};
use lipsmith_base::Time;

const INPUTS: usize = CONTEXT + 1;

/// A wish for a moment.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub state: State,
    /// How much each number of the state is known to matter, 0..=1.
    pub trust: State,
    pub quiet: bool,
}

pub struct Desire {
    /// One row of weights for each number of the state.
    weights: Vec<Vec<f64>>,
    /// Correlation with mouths left out of the fit, 0..=1.
    skill: State,
    mean: State,
    /// Spread of each number over the actor's mouths; positive.
    pub spread: State,
    closed: State,
    /// Gaps between the lips while the mouth moves, ascending; never empty.
    gaps: Vec<f32>,
}

impl Desire {
    /// `None` when no mouth was measured.
    pub fn learn(units: &[Unit]) -> Option<Desire> {
        let states: Vec<State> = units.iter().filter_map(|u| u.state).collect();
        if states.is_empty() {
            return None;
        }
        let n = states.len() as f32;
        let mean: State = std::array::from_fn(|k| states.iter().map(|s| s[k]).sum::<f32>() / n);
        let spread = std::array::from_fn(|k| {
            let variance = states.iter().map(|s| (s[k] - mean[k]).powi(2)).sum::<f32>() / n;
            variance.sqrt().max(0.012)
        });
        let mut gaps: Vec<f32> = states.iter().map(|s| s[GAP]).collect();
        gaps.sort_by(f32::total_cmp);
        let shut = gaps[gaps.len() / 10];
        let closed_ones: Vec<&State> = states.iter().filter(|s| s[GAP] <= shut).collect();
        let closed = std::array::from_fn(|k| {
            closed_ones.iter().map(|s| s[k]).sum::<f32>() / closed_ones.len().max(1) as f32
        });
        let mut desire = Desire {
            weights: Vec::new(),
            skill: [0.0; STATE],
            mean,
            spread,
            closed,
            gaps: moving(units, gaps),
        };
        desire.fit(units);
        Some(desire)
    }

    fn fit(&mut self, units: &[Unit]) {
        let heard: Vec<(&Context, &State, i64)> = units
            .iter()
            .filter(|u| u.audible)
            .filter_map(|u| Some((u.context.as_ref(), u.state.as_ref()?, u.time.floor_units(1) / 2)))
            .collect();
        if heard.len() < 50 {
            return;
        }
        // Blocks of two seconds alternate between fitting and judging, or neighbours would judge themselves.
        let half = |odd: i64| heard.iter().filter(move |(_, _, block)| block % 2 == odd).copied();
        let (even, odd): (Vec<_>, Vec<_>) = (half(0).collect(), half(1).collect());
        let sums = [&even, &odd].map(|half| Sums::of(half, &self.mean));
        let judge = |fit: &Sums, test: &[(&Context, &State, i64)]| -> State {
            let weights = fit.ridge();
            std::array::from_fn(|k| {
                let pairs = test.iter().map(|(c, s, _)| (apply(&weights[k], c) as f32, s[k]));
                correlation(pairs)
            })
        };
        let (a, b) = (judge(&sums[0], &odd), judge(&sums[1], &even));
        self.skill = std::array::from_fn(|k| ((a[k] + b[k]) / 2.0).clamp(0.0, 1.0));
        let [even, odd] = sums;
        self.weights = even.and(&odd).ridge();
    }

    /// How well this actor's mouth follows this footage's sound, 0..=1.
    pub fn skill(&self) -> State {
        self.skill
    }

    pub fn closed(&self) -> State {
        self.closed
    }

    /// What the mouth should look like at `time` of the voice.
    pub fn wish(&self, voice: &Features, time: Time, context: &Context) -> Wish {
        if voice.is_quiet(time) {
            return Wish { state: self.closed, trust: [1.0, 0.2, 0.4, 0.3, 0.2], quiet: true };
        }
        // The widest tenth are laughs and yawns.
        let rank = (0.9 * voice.openness(time) * (self.gaps.len() - 1) as f32).round() as usize;
        let usual = self.gaps[rank.min(self.gaps.len() - 1)];
        // What nothing is known of should at least be nothing unusual.
        let mut state = self.mean;
        let mut trust: State = [0.06; STATE];
        for k in 0..STATE {
            let Some(weights) = self.weights.get(k) else { break };
            // A fit shrinks towards the mean by its correlation; speech is not mumbled for that.
            let lively = (1.0 / self.skill[k].max(0.3)).min(1.5);
            state[k] = self.mean[k] + apply(weights, context) as f32 * lively;
            trust[k] = trust[k].max(self.skill[k] * self.skill[k]);
        }
        let (learnt, general) = (self.skill[GAP] * self.skill[GAP], 0.25);
        state[GAP] = (state[GAP] * learnt + usual * general) / (learnt + general);
        state[GAP] = state[GAP].max(self.gaps[0]);
        // Whatever else is known, the lips must open and close with the voice.
        trust[GAP] = (2.0 * learnt).max(1.5);
        Wish { state, trust, quiet: false }
    }
}

/// The gaps of mouths that move, or all when hardly any does.
fn moving(units: &[Unit], all: Vec<f32>) -> Vec<f32> {
    let mut gaps: Vec<f32> = units.iter().filter(|u| u.lively).filter_map(|u| Some(u.state?[GAP])).collect();
    gaps.sort_by(f32::total_cmp);
    if gaps.len() < 20 { all } else { gaps }
}

fn apply(weights: &[f64], context: &Context) -> f64 {
    weights[CONTEXT] + context.iter().zip(weights).map(|(c, w)| f64::from(*c) * w).sum::<f64>()
}

/// What least squares from contexts to the state's distance from `mean` need to know of their pairs.
struct Sums {
    pairs: usize,
    /// Of products of inputs: the upper triangle.
    gram: Vec<Vec<f64>>,
    /// Of products with each number of the state.
    right: Vec<Vec<f64>>,
}

impl Sums {
    fn of(pairs: &[(&Context, &State, i64)], mean: &State) -> Sums {
        let mut gram = vec![vec![0.0f64; INPUTS]; INPUTS];
        let mut right = vec![vec![0.0f64; INPUTS]; STATE];
        let mut x = [1.0; INPUTS];
        for (context, state, _) in pairs {
            x.iter_mut().zip(*context).for_each(|(x, value)| *x = f64::from(*value));
            for (i, row) in gram.iter_mut().enumerate() {
                row[i..].iter_mut().zip(&x[i..]).for_each(|(sum, xj)| *sum += x[i] * xj);
            }
            for (k, row) in right.iter_mut().enumerate() {
                let off = f64::from(state[k] - mean[k]);
                row.iter_mut().zip(&x).for_each(|(sum, xi)| *sum += xi * off);
            }
        }
        Sums { pairs: pairs.len(), gram, right }
    }

    /// Of the pairs of both.
    fn and(mut self, other: &Sums) -> Sums {
        self.pairs += other.pairs;
        let rows = self.gram.iter_mut().chain(&mut self.right);
        for (row, others) in rows.zip(other.gram.iter().chain(&other.right)) {
            row.iter_mut().zip(others).for_each(|(sum, more)| *sum += more);
        }
        self
    }

    /// Weights for each number of the state, with Tikhonov's penalty.
    fn ridge(&self) -> Vec<Vec<f64>> {
        let mut gram = self.gram.clone();
        let penalty = 0.05 * self.pairs as f64 + 10.0;
        for i in 0..INPUTS {
            for j in 0..i {
                gram[i][j] = gram[j][i];
            }
            gram[i][i] += if i == CONTEXT { 1e-6 } else { penalty };
        }
        let factor = cholesky(gram);
        self.right.iter().map(|b| substitute(&factor, b.clone())).collect()
    }
}

/// Lower factor of a symmetric positive definite matrix (the penalty makes it so).
fn cholesky(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for j in 0..n {
        for k in 0..j {
            let pivot = a[j][k];
            for i in j..n {
                a[i][j] -= a[i][k] * pivot;
            }
        }
        let root = a[j][j].max(1e-12).sqrt();
        for row in a.iter_mut().skip(j) {
            row[j] /= root;
        }
    }
    a
}

fn substitute(lower: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| lower[i][k] * b[k]).sum();
        b[i] = (b[i] - sum) / lower[i][i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| lower[k][i] * b[k]).sum();
        b[i] = (b[i] - sum) / lower[i][i];
    }
    b
}

/// Pearson's; 0 when either side never changes.
pub fn correlation(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let pairs: Vec<(f64, f64)> = pairs.map(|(a, b)| (f64::from(a), f64::from(b))).collect();
    let n = pairs.len().max(1) as f64;
    let (ma, mb) = pairs.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        aa += (a - ma) * (a - ma);
        bb += (b - mb) * (b - mb);
        ab += (a - ma) * (b - mb);
    }
    let norm = (aa * bb).sqrt();
    if norm > 1e-12 { (ab / norm) as f32 } else { 0.0 }
}
