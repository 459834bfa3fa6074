//! The cheapest way through the candidates of each moment, by dynamic programming (Viterbi). A run of real
//! consecutive pictures is free; leaving it costs, and leaving it soon costs more.

/// Costs of going from a candidate of one moment to one of the next.
pub struct Step {
    pub cost: f32,
    /// The pictures follow one another in the footage: no join is seen.
    pub flows: bool,
}

/// Extra cost of leaving a run after one and after two pictures; longer runs may be left freely.
const SHORT_RUN: [f32; 3] = [1.0, 0.5, 0.0];
const RUNS: usize = SHORT_RUN.len();

/// Where a state came from: candidate and run length.
type Back = (u32, u8);

/// The candidate to take at each moment so that the sum of `costs[t][candidate]` and of `step(t, from, to)`
/// (from a candidate of `t - 1` to one of `t`) and of the price of short runs is least. Every moment
/// needs at least one candidate.
pub fn cheapest(costs: &[Vec<f32>], step: impl Fn(usize, usize, usize) -> Step) -> Vec<usize> {
    let Some(first) = costs.first() else { return Vec::new() };
    let mut best: Vec<[f32; RUNS]> = first.iter().map(|&c| [f32::INFINITY, f32::INFINITY, c]).collect();
    let mut trail: Vec<Vec<[Back; RUNS]>> = vec![vec![[(0, 0); RUNS]; first.len()]];
    for t in 1..costs.len() {
        // Cheapest way to leave each candidate.
        let leave: Vec<(f32, u8)> = best
            .iter()
            .map(|runs| {
                (0..RUNS)
                    .map(|r| (runs[r] + SHORT_RUN[r], r as u8))
                    .fold((f32::INFINITY, 0), |a, b| if b.0 < a.0 { b } else { a })
            })
            .collect();
        let mut next = vec![[f32::INFINITY; RUNS]; costs[t].len()];
        let mut back = vec![[(0, 0); RUNS]; costs[t].len()];
        for (to, &own) in costs[t].iter().enumerate() {
            for from in 0..best.len() {
                let Step { cost, flows } = step(t, from, to);
                let mut offer = |run: usize, total: f32, r: u8| {
                    if total < next[to][run] {
                        next[to][run] = total;
                        back[to][run] = (from as u32, r);
                    }
                };
                if flows {
                    for r in 0..RUNS {
                        offer((r + 1).min(RUNS - 1), best[from][r] + cost + own, r as u8);
                    }
                } else {
                    offer(0, leave[from].0 + cost + own, leave[from].1);
                }
            }
        }
        best = next;
        trail.push(back);
    }
    let mut at: Back = (0, 0);
    let mut least = f32::INFINITY;
    for (candidate, runs) in best.iter().enumerate() {
        for (r, &cost) in runs.iter().enumerate() {
            if cost < least {
                (least, at) = (cost, (candidate as u32, r as u8));
            }
        }
    }
    let mut path = vec![0; costs.len()];
    for t in (0..costs.len()).rev() {
        path[t] = at.0 as usize;
        at = trail[t][at.0 as usize][usize::from(at.1)];
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The price of a path by its definition.
    fn price(path: &[usize], costs: &[Vec<f32>], step: &impl Fn(usize, usize, usize) -> Step) -> f32 {
        let mut sum = costs[0][path[0]];
        let mut run = RUNS - 1;
        for t in 1..path.len() {
            let Step { cost, flows } = step(t, path[t - 1], path[t]);
            sum += cost + costs[t][path[t]];
            if flows {
                run = (run + 1).min(RUNS - 1);
            } else {
                sum += SHORT_RUN[run];
                run = 0;
            }
        }
        sum
    }

    #[test]
    fn nothing_is_cheaper_than_the_cheapest() {
        let mut seed = 7u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 / 65_536.0
        };
        for _ in 0..60 {
            let sizes: Vec<usize> = (0..6).map(|_| 1 + (random() * 3.0) as usize).collect();
            let costs: Vec<Vec<f32>> =
                sizes.iter().map(|&n| (0..n).map(|_| random() * 2.0).collect()).collect();
            let table: Vec<f32> = (0..6 * 16).map(|_| random()).collect();
            let step = |t: usize, from: usize, to: usize| {
                let value = table[t * 16 + from * 4 + to];
                Step { cost: value, flows: value < 0.4 }
            };
            let found = price(&cheapest(&costs, step), &costs, &step);
            let all: usize = sizes.iter().product();
            let least = (0..all)
                .map(|mut code| {
                    let path: Vec<usize> = sizes
                        .iter()
                        .map(|n| {
                            let at = code % n;
                            code /= n;
                            at
                        })
                        .collect();
                    price(&path, &costs, &step)
                })
                .fold(f32::INFINITY, f32::min);
            assert!((found - least).abs() < 1e-4, "{found} {least}");
        }
    }

    #[test]
    fn nothing_to_choose_from_is_nothing_chosen() {
        let step = |_: usize, _: usize, _: usize| Step { cost: 0.0, flows: false };
        assert!(cheapest(&[], step).is_empty());
        assert_eq!(cheapest(&[vec![3.0]], step), [0]);
    }
}
