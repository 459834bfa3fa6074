//! Steadying a track without lag: each value is replaced by what a parabola through its neighbours, as many
//! before as after, gives in its place (Savitzky & Golay 1964; at the ends, through what neighbours there are).

use super::{Face, Landmarks};
use lipsmith_base::{Affine, Point, Rect};

/// Neighbours on each side.
const REACH: usize = 4;

/// Points of the 68 that move with the skull only: bridge and wings of the nose, corners of the eyes.
const RIGID: [usize; 11] = [27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45];

/// Steadies each unbroken run of faces. The head's movement is smoothed as a whole and every point is carried
/// along, so that nothing a mouth does is blurred.
pub fn steady(faces: &mut [Option<Face>]) {
    for run in faces.split_mut(Option::is_none) {
        let mut run: Vec<&mut Face> = run.iter_mut().flatten().collect();
        let rigid: Vec<Option<Vec<Point>>> =
            run.iter().map(|face| face.landmarks.as_ref().and_then(|landmarks| rigid(landmarks))).collect();
        let rects = smoothed(&run, |face| {
            let (centre, rect) = (face.rect.centre(), face.rect);
            [centre.x, centre.y, rect.width(), rect.height()]
        });
        let points: Option<Vec<Vec<Point>>> = rigid.into_iter().collect();
        let moves = points.map(|points| rigid_moves(&points));
        let poses = smoothed(&run, |face| {
            face.landmarks.as_ref().map_or([0.0; 3], |l| [l.pose.yaw, l.pose.pitch, l.pose.roll])
        });
        for (i, face) in run.iter_mut().enumerate() {
            let [x, y, w, h] = rects[i];
            face.rect = Rect::new(x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0);
            if let (Some(moves), Some(landmarks)) = (&moves, &mut face.landmarks) {
                let carried = landmarks.points.iter_mut().chain(&mut landmarks.oval);
                carried.for_each(|point| *point = moves[i].apply(*point));
                [landmarks.pose.yaw, landmarks.pose.pitch, landmarks.pose.roll] = poses[i];
            }
        }
    }
}

fn rigid(landmarks: &Landmarks) -> Option<Vec<Point>> {
    RIGID.iter().map(|&i| landmarks.points.get(i).copied()).collect()
}

/// For each picture of a run, what brings the skull to where its smoothed path runs.
fn rigid_moves(points: &[Vec<Point>]) -> Vec<Affine> {
    let flat = |points: &Vec<Point>| -> [f32; 2 * RIGID.len()] {
        std::array::from_fn(|i| if i % 2 == 0 { points[i / 2].x } else { points[i / 2].y })
    };
    let paths = smoothed(points, flat);
    let moves = points.iter().zip(paths).map(|(from, path)| {
        let to: Vec<Point> = path.chunks_exact(2).map(|p| Point::new(p[0], p[1])).collect();
        Affine::similarity(from, &to).unwrap_or(Affine::IDENTITY)
    });
    moves.collect()
}

fn smoothed<T, const N: usize>(run: &[T], values: impl Fn(&T) -> [f32; N]) -> Vec<[f32; N]> {
    let values: Vec<[f32; N]> = run.iter().map(values).collect();
    let smooth = |i: usize| {
        let (first, last) = (i.saturating_sub(REACH), (i + REACH).min(values.len() - 1));
        let weights = parabola(i - first, last - i);
        let mut sum = [0.0; N];
        for (weight, neighbour) in weights.iter().zip(&values[first..=last]) {
            sum.iter_mut().zip(neighbour).for_each(|(sum, value)| *sum += weight * value);
        }
        sum
    };
    (0..values.len()).map(smooth).collect()
}

/// Weights of the neighbours, `before` of them, the value itself and `after` more, whose sum is the value at
/// the place of the least-squares parabola (a line through fewer than five, the value itself below three).
fn parabola(before: usize, after: usize) -> Vec<f32> {
    let n = before + after + 1;
    if n < 3 {
        return (0..n).map(|i| if i == before { 1.0 } else { 0.0 }).collect();
    }
    let order = if n < 5 { 2 } else { 3 };
    let at = |i: usize| i as f64 - before as f64;
    // Normal equations of the fit, solved for the unit right-hand side that picks the value at 0.
    let mut system = [[0.0f64; 4]; 3];
    for (row, equation) in system.iter_mut().enumerate().take(order) {
        for (column, cell) in equation.iter_mut().enumerate().take(order) {
            *cell = (0..n).map(|i| at(i).powi((row + column) as i32)).sum();
        }
        equation[3] = if row == 0 { 1.0 } else { 0.0 };
    }
    for pivot in 0..order {
        let scale = system[pivot][pivot];
        system[pivot].iter_mut().for_each(|cell| *cell /= scale);
        let source = system[pivot];
        for (row, equation) in system.iter_mut().enumerate().take(order) {
            if row != pivot {
                let factor = equation[pivot];
                equation.iter_mut().zip(source).for_each(|(cell, from)| *cell -= factor * from);
            }
        }
    }
    (0..n).map(|i| (0..order).map(|k| system[k][3] * at(i).powi(k as i32)).sum::<f64>() as f32).collect()
}

/// The published inference scripts' smoothing of boxes (x0, y0, x1, y1 in whole pixels): each becomes the mean
/// of itself and the four after it, cut to a whole number. Near the end the window is the last five, of
/// which the earlier ones are already smoothed; in clips of fewer than five, Python's reading of a negative
/// index decides. Kept exactly, for parity.
pub fn reference_boxes(boxes: &mut [[i64; 4]]) {
    const WINDOW: usize = 5;
    let n = boxes.len();
    for i in 0..n {
        let window = if i + WINDOW > n {
            // `boxes[n - 5:]`, where a negative start counts from the end and stops at the beginning.
            let start = if n >= WINDOW { n - WINDOW } else { (2 * n).saturating_sub(WINDOW) };
            start..n
        } else {
            i..i + WINDOW
        };
        let count = window.len() as f64;
        boxes[i] = std::array::from_fn(|side| {
            (boxes[window.clone()].iter().map(|b| b[side]).sum::<i64>() as f64 / count) as i64
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_left_alone_and_noise_is_not() {
        let path = |i: usize| [3.0 + 0.5 * i as f32 - 0.02 * (i * i) as f32];
        let run: Vec<[f32; 1]> = (0..30).map(path).collect();
        for (i, found) in smoothed(&run, |v| *v).into_iter().enumerate() {
            assert!((found[0] - run[i][0]).abs() < 1e-3, "{i}: {found:?}");
        }
        let noise = |i: usize| [((i * 7919 % 101) as f32 / 101.0) - 0.5];
        let noisy: Vec<[f32; 1]> = (0..200).map(noise).collect();
        let power = |run: &[[f32; 1]]| run.iter().map(|v| v[0] * v[0]).sum::<f32>();
        assert!(power(&smoothed(&noisy, |v| *v)) < 0.35 * power(&noisy));
    }

    #[test]
    fn golden_reference_boxes() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/boxes/smooth_boxes.safetensors");
        let bytes = std::fs::read(file).expect("reads");
        let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("a golden");
        let boxes = |name: &str| -> Vec<[i64; 4]> {
            let data = tensors.tensor(name).expect("listed").data().to_vec();
            let numbers: Vec<i64> = data
                .chunks_exact(8)
                .map(|b| i64::from_le_bytes(b.try_into().expect("eight bytes")))
                .collect();
            numbers.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect()
        };
        let cases: Vec<&str> =
            tensors.names().into_iter().filter_map(|name| name.strip_prefix("in_")).collect();
        assert!(!cases.is_empty());
        for case in &cases {
            let mut found = boxes(&format!("in_{case}"));
            reference_boxes(&mut found);
            assert_eq!(found, boxes(&format!("out_{case}")), "{case} boxes");
        }
        println!("golden boxes: {} cases", cases.len());
    }

    #[test]
    fn short_runs_survive() {
        for n in 1..6 {
            let run = vec![[1.0f32, -2.0]; n];
            for found in smoothed(&run, |v| *v) {
                assert!((found[0] - 1.0).abs() < 1e-5 && (found[1] + 2.0).abs() < 1e-5);
            }
        }
        steady(&mut []);
    }
}
