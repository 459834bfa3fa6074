//! How alike two pictures are, two faces, and two crowds of pictures: PSNR, SSIM, the distance of landmarks and that of
//! Fréchet, as the papers measure them.

use lipsmith_base::{Point, Rgb};
use nalgebra::DMatrix;

/// Where the mouth lies among the 68 landmarks.
const MOUTH: std::ops::Range<usize> = 48..68;

/// Mean squared difference of two pictures of one size, in units of full scale.
pub fn squared_error(a: &Rgb, b: &Rgb) -> f64 {
    let pairs = a.pixels().iter().flatten().zip(b.pixels().iter().flatten());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    sum / (3 * a.pixels().len().max(1)) as f64
}

/// Peak signal-to-noise ratio in dB for a mean squared error; `None` without any error.
pub fn psnr(squared_error: f64) -> Option<f64> {
    (squared_error > 0.0).then(|| -10.0 * squared_error.log10())
}

/// "Image Quality Assessment: From Error Visibility to Structural Similarity" (Wang et al. 2004), of luma, with the
/// paper's window of 11 pixels; 1 for equal pictures. Windows reach nowhere over the edge; `None` for pictures
/// smaller than one.
pub fn ssim(a: &Rgb, b: &Rgb) -> Option<f64> {
    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;
    let (width, height) = (a.width().min(b.width()), a.height().min(b.height()));
    if width < WINDOW || height < WINDOW {
        return None;
    }
    let luma = |image: &Rgb| -> Vec<f64> {
        let row = |y| (0..width).map(move |x| image.get(x, y));
        (0..height).flat_map(row).map(|[r, g, b]| f64::from(0.299 * r + 0.587 * g + 0.114 * b)).collect()
    };
    let (a, b) = (luma(a), luma(b));
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let blurred = |values: &[f64]| blur(values, width, height);
    let (ma, mb) = (blurred(&a), blurred(&b));
    let (aa, bb, ab) = (blurred(&product(&a, &a)), blurred(&product(&b, &b)), blurred(&product(&a, &b)));
    let similar = (0..ma.len()).map(|i| {
        let (ma, mb) = (ma[i], mb[i]);
        let (va, vb, cov) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
        (2.0 * ma * mb + C1) * (2.0 * cov + C2) / ((ma * ma + mb * mb + C1) * (va + vb + C2))
    });
    Some(similar.sum::<f64>() / ma.len() as f64)
}

const WINDOW: usize = 11;

/// Gaussian of deviation 1.5, where the window fits.
fn blur(values: &[f64], width: usize, height: usize) -> Vec<f64> {
    let weight = |i: usize| (-(i as f64 - 5.0).powi(2) / (2.0 * 1.5 * 1.5)).exp();
    let total: f64 = (0..WINDOW).map(weight).sum();
    let weights: [f64; WINDOW] = std::array::from_fn(|i| weight(i) / total);
    let (inner, rows) = (width + 1 - WINDOW, height + 1 - WINDOW);
    let mut across = Vec::with_capacity(inner * height);
    for row in values.chunks_exact(width) {
        across.extend(row.windows(WINDOW).map(|w| w.iter().zip(weights).map(|(v, k)| v * k).sum::<f64>()));
    }
    let at =
        |x: usize, y: usize| weights.iter().enumerate().map(|(i, k)| across[(y + i) * inner + x] * k).sum();
    (0..rows).flat_map(|y| (0..inner).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

/// Mean distance of the mouth's landmarks ("LMD", Chen et al. 2018), each mouth seen from its own middle, in hundredths
/// of the distance between the eyes of `b`. Both in the 68-point layout; `None` otherwise.
pub fn landmark_distance(a: &[Point], b: &[Point]) -> Option<f64> {
    let (ours, theirs) = (a.get(MOUTH)?, b.get(MOUTH)?);
    let middle = |points: &[Point]| {
        let n = points.len() as f32;
        let sum = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.x, y + p.y));
        Point::new(sum.0 / n, sum.1 / n)
    };
    let eyes = middle(b.get(36..42)?).distance(middle(b.get(42..48)?));
    let (of_ours, of_theirs) = (middle(ours), middle(theirs));
    let from = |p: &Point, middle: Point| Point::new(p.x - middle.x, p.y - middle.y);
    let pairs = ours.iter().zip(theirs).map(|(a, b)| from(a, of_ours).distance(from(b, of_theirs)));
    let mean = pairs.sum::<f32>() / MOUTH.len() as f32;
    (eyes > 0.0).then(|| f64::from(100.0 * mean / eyes))
}

/// Fréchet's distance of two normal distributions with the means and covariances of these features, a row a picture, all
/// equally long (of Inception: "FID", Heusel et al. 2017): |μa − μb|² + tr(Σa + Σb − 2 √(Σa Σb)). `None` for fewer than two
/// rows. With few rows it is too large: the papers take thousands.
///
/// The root is never formed. Where A and B are the features less their means, divided by the roots of what counts them,
/// Σa Σb = AᵀA BᵀB has the eigenvalues of ABᵀ(ABᵀ)ᵀ, so the trace of the root is the sum of ABᵀ's singular values: a matrix
/// as large as there are pictures, and no trouble where they are fewer than features.
pub fn frechet(a: &[Vec<f32>], b: &[Vec<f32>]) -> Option<f64> {
    let (mean_a, a) = centred(a)?;
    let (mean_b, b) = centred(b)?;
    let apart: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    let shared: f64 = (&a * b.transpose()).singular_values().iter().sum();
    Some(apart + a.norm_squared() + b.norm_squared() - 2.0 * shared)
}

/// The mean, and the features less it, such that their products are the covariance.
fn centred(rows: &[Vec<f32>]) -> Option<(Vec<f64>, DMatrix<f64>)> {
    let (count, size) = (rows.len(), rows.first()?.len());
    if count < 2 || rows.iter().any(|row| row.len() != size) {
        return None;
    }
    let mean: Vec<f64> =
        (0..size).map(|at| rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / count as f64).collect();
    let scale = (count as f64 - 1.0).sqrt();
    let centred = DMatrix::from_fn(count, size, |row, at| (f64::from(rows[row][at]) - mean[at]) / scale);
    Some((mean, centred))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Random;

    /// Of normal distributions along the axes the distance is known: each axis adds (m − m')² + (s − s')².
    #[test]
    fn frechets_distance_of_known_distributions() {
        let mut random = Random::new(5);
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f32>() - 6.0;
        let mut drawn = |mean: [f32; 3], spread: [f32; 3]| -> Vec<Vec<f32>> {
            (0..900).map(|_| (0..3).map(|i| mean[i] + spread[i] * normal()).collect()).collect()
        };
        let one = drawn([0.0, 1.0, 2.0], [1.0, 2.0, 0.5]);
        let other = drawn([1.0, 1.0, 0.0], [3.0, 1.0, 0.5]);
        let found = frechet(&one, &other).expect("rows");
        assert!((found - (1.0 + 4.0 + 4.0 + 1.0)).abs() < 0.7, "{found}");
        assert!((found - frechet(&other, &one).expect("rows")).abs() < 1e-6);
        // The same pictures in another order, and fewer pictures than features.
        let few: Vec<Vec<f32>> = one[..2].iter().cloned().chain([vec![0.0; 3]]).collect();
        let turned: Vec<Vec<f32>> = few.iter().rev().cloned().collect();
        assert!(frechet(&few, &turned).expect("rows").abs() < 1e-6);
        assert_eq!(frechet(&one[..1], &other), None);
    }

    fn pattern(shift: f32) -> Rgb {
        let mut image = Rgb::black(40, 32);
        for y in 0..32 {
            for x in 0..40 {
                image.set(x, y, [0.5 + 0.3 * ((x * 3 + y * 5) as f32 * 0.4).sin() + shift; 3]);
            }
        }
        image
    }

    #[test]
    fn a_known_error_has_its_decibels() {
        assert_eq!(psnr(squared_error(&pattern(0.0), &pattern(0.0))), None);
        let psnr = psnr(squared_error(&pattern(0.0), &pattern(0.1))).expect("an error");
        assert!((psnr - 20.0).abs() < 1e-3, "{psnr}");
    }

    #[test]
    fn equal_pictures_are_similar_and_unrelated_ones_are_not() {
        let one = pattern(0.0);
        assert!((ssim(&one, &one).expect("large enough") - 1.0).abs() < 1e-9);
        // Only the means differ: the luminance term of the paper's equation 6 is what is left.
        let lit = ssim(&one, &pattern(0.1)).expect("large enough");
        assert!((0.9..0.999).contains(&lit), "{lit}");
        let mut turned = one.clone();
        turned.pixels_mut().reverse();
        turned.pixels_mut().iter_mut().flatten().for_each(|v| *v = 1.0 - *v);
        assert!(ssim(&one, &turned).expect("large enough") < 0.3);
        assert_eq!(ssim(&Rgb::black(10, 40), &Rgb::black(10, 40)), None);
    }

    #[test]
    fn a_wider_mouth_is_further_away_and_a_moved_head_is_not() {
        let face = |stretch: f32, x: f32| -> Vec<Point> {
            let point = |i: usize| match i {
                36..42 => Point::new(x, 0.0),
                42..48 => Point::new(x + 100.0, 0.0),
                _ => Point::new(x + stretch * (i as f32 - 57.5), 80.0),
            };
            (0..68).map(point).collect()
        };
        assert!(landmark_distance(&face(1.0, 30.0), &face(1.0, 0.0)).expect("68 points") < 1e-4);
        let wider = landmark_distance(&face(1.2, 0.0), &face(1.0, 0.0)).expect("68 points");
        assert!((wider - 1.0).abs() < 1e-3, "{wider}");
        assert_eq!(landmark_distance(&[], &[]), None);
    }
}
