//! Laying a patch over a picture so that nobody sees where it begins. Where the matte is 0 the picture keeps
//! its bits.

use crate::face::{Face, frame};
use crate::families::Patch;
use lipsmith_base::{Affine, Picture, Point, Rect, Rgb};

/// Where a patch covers the picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Matte {
    /// The whole patch, hard edge: what the published inference scripts do.
    Whole,
    /// Inside `outline` (film pixels, closed polygon), fading over `feather` film pixels inwards.
    Polygon { outline: Vec<Point>, feather: f32 },
}

/// How much of a patch each pixel of a window on the picture takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Top left pixel of the window; may lie outside the picture.
    pub x: i32,
    pub y: i32,
    pub width: usize,
    pub height: usize,
    /// `width * height` values, 0 keeps the picture, 1 takes the patch.
    pub alpha: Vec<f32>,
}

/// How much of a lower face is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    /// Softness of the edge, in distances between the eyes; 0.15 is soft and still covers the lips whole.
    pub feather: f32,
    /// How far it reaches from the middle of the mouth towards nose, cheeks and chin; 1 as usual.
    pub up: f32,
    pub side: f32,
    pub down: f32,
}

impl Mask {
    pub fn usual(feather: f32) -> Mask {
        Mask { feather, up: 1.0, side: 1.0, down: 1.0 }
    }

    /// Whether it reaches as far as the usual one. Another may reach farther than a patch: see [`Rect::nearest`].
    pub fn is_usual(&self) -> bool {
        [self.up, self.side, self.down] == [1.0; 3]
    }
}

/// From the nose's base to the jaw: the part of a face that speaks.
pub fn lower_face_matte(face: &Face, mask: &Mask) -> Matte {
    let map = frame::frame(face);
    let mut outline = lower_face(face, map);
    if let (false, Some(inverse)) = (mask.is_usual(), map.inverse()) {
        let mouth = frame::mouth(face, map);
        for point in &mut outline {
            let p = inverse.apply(*point);
            let along = if p.y < mouth.y { mask.up } else { mask.down };
            let (x, y) = ((p.x - mouth.x) * mask.side, (p.y - mouth.y) * along);
            *point = map.apply(Point::new(mouth.x + x, mouth.y + y));
        }
    }
    Matte::Polygon { outline, feather: mask.feather.max(0.0) * map.scale() }
}

/// The usual outline; `map` as by [`frame::frame`].
fn lower_face(face: &Face, map: Affine) -> Vec<Point> {
    match face.landmarks.as_deref() {
        Some(landmarks) if landmarks.points.len() == 68 => {
            let p = &landmarks.points;
            let mouth = p[51].lerp(p[57], 0.5);
            let cheek = |nose: usize, jaw: usize| p[nose].lerp(p[jaw], 0.7);
            let jaw = (3..=13).map(|i| p[i].lerp(mouth, 0.06));
            let nose = [35, 33, 31].map(|i| p[i].lerp(mouth, 0.1));
            [cheek(31, 2)].into_iter().chain(jaw).chain([cheek(35, 14)]).chain(nose).collect()
        }
        _ => LOWER_FACE.iter().map(|&(x, y)| map.apply(Point::new(x, y))).collect(),
    }
}

/// The usual outline on an average face, in face coordinates.
const LOWER_FACE: [(f32, f32); 12] = [
    (-0.75, 0.75),
    (-0.88, 1.15),
    (-0.72, 1.5),
    (-0.4, 1.78),
    (0.0, 1.84),
    (0.4, 1.78),
    (0.72, 1.5),
    (0.88, 1.15),
    (0.75, 0.75),
    (0.25, 0.75),
    (0.0, 0.8),
    (-0.25, 0.75),
];

/// The patch's matte over a picture of `width` × `height`; `None` when it lies wholly outside.
pub fn coverage(patch: &Patch, width: usize, height: usize) -> Option<Coverage> {
    let (pw, ph) = (patch.image.width() as f32, patch.image.height() as f32);
    let corners =
        [(0.0, 0.0), (pw, 0.0), (0.0, ph), (pw, ph)].map(|(x, y)| patch.map.apply(Point::new(x, y)));
    let mut bounds = Rect::around(corners)?;
    if let Matte::Polygon { outline, .. } = &patch.matte {
        bounds = bounds.intersect(Rect::around(outline.iter().copied())?);
    }
    bounds = bounds.intersect(Rect::new(0.0, 0.0, width as f32, height as f32));
    // Not finite, or outside the picture, or thinner than a pixel.
    let (x0, y0, x1, y1) = (bounds.x0.floor(), bounds.y0.floor(), bounds.x1.ceil(), bounds.y1.ceil());
    if !(x1 - x0 >= 1.0 && y1 - y0 >= 1.0) {
        return None;
    }
    let (w, h) = ((x1 - x0) as usize, (y1 - y0) as usize);
    let mut alpha = match &patch.matte {
        Matte::Whole => vec![1.0; w * h],
        Matte::Polygon { outline, feather } => {
            let local: Vec<Point> = outline.iter().map(|p| Point::new(p.x - x0, p.y - y0)).collect();
            polygon_alpha(&local, *feather, w, h)
        }
    };
    // Nothing can be taken from beyond the patch's own edge.
    let inverse = patch.map.inverse()?;
    let inside = |column: usize, row: usize| {
        let p = inverse.apply(Point::new(x0 + column as f32 + 0.5, y0 + row as f32 + 0.5));
        p.x >= 0.0 && p.y >= 0.0 && p.x < pw && p.y < ph
    };
    let corners = [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)];
    if !corners.into_iter().all(|(column, row)| inside(column, row)) {
        for (i, a) in alpha.iter_mut().enumerate() {
            if *a > 0.0 && !inside(i % w, i / w) {
                *a = 0.0;
            }
        }
    }
    Some(Coverage { x: x0 as i32, y: y0 as i32, width: w, height: h, alpha })
}

/// 1 deep inside the polygon, 0 outside, rising smoothly over `feather` pixels from the edge inwards.
pub fn polygon_alpha(outline: &[Point], feather: f32, width: usize, height: usize) -> Vec<f32> {
    let mut alpha = vec![0.0; width * height];
    let edges: Vec<(Point, Point)> = (0..outline.len())
        .map(|i| (outline[i], outline[(i + 1) % outline.len()]))
        .filter(|(a, b)| [a.x, a.y, b.x, b.y].iter().all(|v| v.is_finite()))
        .collect();
    let (mut crossings, mut near) = (Vec::new(), Vec::new());
    let mut nearest = vec![0.0f32; width];
    for (row, line) in alpha.chunks_exact_mut(width.max(1)).enumerate() {
        let y = row as f32 + 0.5;
        crossings.clear();
        crossings.extend(
            edges
                .iter()
                .filter(|(a, b)| (a.y <= y) != (b.y <= y))
                .map(|(a, b)| a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x)),
        );
        crossings.sort_by(f32::total_cmp);
        near.clear();
        near.extend(edges.iter().filter(|(a, b)| a.y.min(b.y) < y + feather && a.y.max(b.y) > y - feather));
        // The first pixel whose centre lies at or behind `x`.
        let pixel = |x: f32, from: usize| (x - 0.5).ceil().clamp(from as f32, width as f32) as usize;
        for span in crossings.chunks_exact(2) {
            let first = pixel(span[0], 0);
            let last = pixel(span[1], first);
            if feather <= 0.0 {
                line[first..last].fill(1.0);
                continue;
            }
            // Farther than the feather is as good as far away.
            nearest[first..last].fill(feather * feather);
            for (a, b) in &near {
                let from = pixel(a.x.min(b.x) - feather, first).min(last);
                let to = pixel(a.x.max(b.x) + feather, from).min(last);
                distances_to(*a, *b, from as f32 + 0.5, y, &mut nearest[from..to]);
            }
            for (value, d2) in line[first..last].iter_mut().zip(&nearest[first..last]) {
                *value = smoothstep(d2.sqrt() / feather);
            }
        }
    }
    alpha
}

/// Lowers `out[i]` to the squared distance of `(x + i, y)` from the segment.
fn distances_to(a: Point, b: Point, x: f32, y: f32, out: &mut [f32]) {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let scale = 1.0 / (dx * dx + dy * dy).max(1e-12);
    for (i, out) in out.iter_mut().enumerate() {
        let (px, py) = (x + i as f32 - a.x, y - a.y);
        let t = ((px * dx + py * dy) * scale).clamp(0.0, 1.0);
        let (ex, ey) = (px - t * dx, py - t * dy);
        *out = out.min(ex * ex + ey * ey);
    }
}

/// 0 below 0, 1 above 1, level at both ends.
pub fn smoothstep(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Lays `opacity` (0..=1) of the patch over the picture. Every pixel where [`coverage`] is 0 keeps its bits.
pub fn paste(picture: &mut Picture, patch: &Patch, opacity: f32) {
    let Some(cover) = faded(coverage(patch, picture.width(), picture.height()), opacity) else { return };
    let Some(inverse) = patch.map.inverse() else { return };
    let shift = Affine { c: cover.x as f32, f: cover.y as f32, ..Affine::IDENTITY };
    let map = shift.then(inverse);
    let hard = patch.matte == Matte::Whole;
    let source = &patch.image;
    let mut laid = Rgb::black(cover.width, cover.height);
    let taps = (map.a.hypot(map.d).max(map.b.hypot(map.e)).ceil() as usize).clamp(1, 32);
    let whole = map.whole_shift().filter(|_| !hard);
    let rows = laid.pixels_mut().chunks_exact_mut(cover.width).zip(cover.alpha.chunks_exact(cover.width));
    for (y, (row, alpha)) in rows.enumerate() {
        for (x, (pixel, _)) in row.iter_mut().zip(alpha).enumerate().filter(|(_, (_, alpha))| **alpha > 0.0) {
            let (px, py) = (x as f32, y as f32);
            *pixel = if let Some((dx, dy)) = whole {
                source.get((x as i32 + dx) as usize, (y as i32 + dy) as usize)
            } else if hard {
                // cv2.resize: two taps either way whatever the scale, rounded to bytes.
                let value = source.bilinear(map.apply(Point::new(px + 0.5, py + 0.5)));
                value.map(|v| (v * 255.0).round() / 255.0)
            } else if taps == 1 {
                source.bicubic(map.apply(Point::new(px + 0.5, py + 0.5)))
            } else {
                area(source, map, px, py, taps)
            };
        }
    }
    picture.composite(cover.x, cover.y, &laid, &cover.alpha);
}

/// The coverage scaled; `None` when nothing of it is left.
fn faded(cover: Option<Coverage>, opacity: f32) -> Option<Coverage> {
    let mut cover = cover.filter(|_| opacity > 0.0)?;
    if opacity < 1.0 {
        cover.alpha.iter_mut().for_each(|alpha| *alpha *= opacity);
    }
    Some(cover)
}

/// Mean of `taps` × `taps` points spread over the pixel at `(x, y)`.
fn area(image: &Rgb, map: Affine, x: f32, y: f32, taps: usize) -> [f32; 3] {
    let mut sum = [0.0; 3];
    let step = 1.0 / taps as f32;
    for i in 0..taps * taps {
        let (tx, ty) = ((i % taps) as f32 + 0.5, (i / taps) as f32 + 0.5);
        let value = image.bilinear(map.apply(Point::new(x + tx * step, y + ty * step)));
        (0..3).for_each(|c| sum[c] += value[c]);
    }
    sum.map(|v| v * step * step)
}

/// Weight of each pixel of the patch for matching its colours: what lies outside the full strength of the
/// matte, where patch and picture should show the same skin.
pub fn surroundings(patch: &Patch) -> Vec<f32> {
    let (w, h) = (patch.image.width(), patch.image.height());
    let Matte::Polygon { outline, feather } = &patch.matte else { return vec![1.0; w * h] };
    let Some(inverse) = patch.map.inverse() else { return vec![0.0; w * h] };
    let local: Vec<Point> = outline.iter().map(|p| inverse.apply(*p)).collect();
    polygon_alpha(&local, feather * inverse.scale(), w, h).iter().map(|a| 1.0 - a).collect()
}

/// The matte of several patches, each with its opacity, as a picture like `like`: white where patches lie, black
/// elsewhere.
pub fn matte_picture(patches: &[(&Patch, f32)], like: &Picture) -> Picture {
    let (width, height) = (like.width(), like.height());
    let mut out = Picture::from_rgb(&Rgb::black(width, height), like.format(), like.colour());
    let cover = |(patch, opacity): &(&Patch, f32)| faded(coverage(patch, width, height), *opacity);
    for cover in patches.iter().filter_map(cover) {
        let white = vec![[1.0; 3]; cover.width * cover.height];
        if let Some(white) = Rgb::from_pixels(cover.width, cover.height, white) {
            out.composite(cover.x, cover.y, &white, &cover.alpha);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{Chroma, ColourSpec, PixelFormat};

    fn square(x0: f32, y0: f32, x1: f32, y1: f32) -> Vec<Point> {
        [(x0, y0), (x1, y0), (x1, y1), (x0, y1)].map(|(x, y)| Point::new(x, y)).to_vec()
    }

    fn noise(width: usize, height: usize) -> Rgb {
        let mut image = Rgb::black(width, height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            let v = ((i * 2_654_435_761) % 1009) as f32 / 1009.0;
            *pixel = [v, 1.0 - v, (v * 7.0) % 1.0];
        }
        image
    }

    #[test]
    fn the_edge_of_a_polygon_is_soft_inside_and_nothing_outside() {
        let alpha = polygon_alpha(&square(4.0, 3.0, 20.0, 17.0), 4.0, 24, 20);
        let at = |x: usize, y: usize| alpha[y * 24 + x];
        for y in 0..20 {
            for x in 0..24 {
                let inside = (4..20).contains(&x) && (3..17).contains(&y);
                assert_eq!(at(x, y) > 0.0, inside, "{x} {y}");
            }
        }
        assert_eq!(at(12, 10), 1.0);
        assert!((at(5, 10) - smoothstep(1.5 / 4.0)).abs() < 1e-6);
    }

    #[test]
    fn a_mask_reaches_as_far_as_it_is_told_from_the_mouth() {
        let rect = Rect::new(100.0, 100.0, 300.0, 300.0);
        let face = Face { rect, score: 1.0, landmarks: None, interpolated: false };
        let around = |mask: Mask| match lower_face_matte(&face, &mask) {
            Matte::Polygon { outline, .. } => Rect::around(outline).expect("points"),
            Matte::Whole => unreachable!("a polygon"),
        };
        let usual = around(Mask::usual(0.15));
        let far = around(Mask { up: 0.5, side: 1.2, down: 1.5, ..Mask::usual(0.15) });
        let mouth = frame::frame(&face).apply(frame::MOUTH);
        let near = |a: f32, b: f32| (a - b).abs() < 1e-3;
        assert!(near(mouth.y - far.y0, 0.5 * (mouth.y - usual.y0)));
        assert!(near(far.y1 - mouth.y, 1.5 * (usual.y1 - mouth.y)));
        assert!(near(far.x1 - mouth.x, 1.2 * (usual.x1 - mouth.x)) && near(far.width(), 1.2 * usual.width()));
    }

    #[test]
    fn outside_the_matte_the_picture_keeps_its_bits() {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Gbr] {
            for depth in [8, 10, 16] {
                let format = PixelFormat { chroma, depth };
                let before = Picture::from_rgb(&noise(67, 53), format, ColourSpec::BT709);
                let outline = [(20.3, 9.1), (50.7, 12.2), (44.4, 41.9), (24.1, 38.8)];
                let matte =
                    Matte::Polygon { outline: outline.map(|(x, y)| Point::new(x, y)).to_vec(), feather: 5.0 };
                let map = Affine { a: 1.3, b: 0.2, c: 10.0, d: -0.1, e: 1.4, f: 4.0 };
                let patch = Patch { image: Rgb::black(30, 30), map, matte };
                let mut after = before.clone();
                paste(&mut after, &patch, 1.0);
                check_bits(&before, &after, &patch);
            }
        }
    }

    /// Samples may differ only where every pixel they stand for is covered.
    fn check_bits(before: &Picture, after: &Picture, patch: &Patch) {
        let (w, h) = (before.width(), before.height());
        let cover = coverage(patch, w, h).expect("inside");
        let covered = |x: usize, y: usize| {
            let (cx, cy) = (x as i32 - cover.x, y as i32 - cover.y);
            let inside = cx >= 0 && cy >= 0 && (cx as usize) < cover.width && (cy as usize) < cover.height;
            inside && cover.alpha[cy as usize * cover.width + cx as usize] > 0.0
        };
        let mut changed = 0;
        for plane in 0..3 {
            let (pw, ph) = before.format().plane_size(plane, w, h);
            let (sx, sy) = if plane == 0 { (0, 0) } else { before.format().subsampling() };
            let (a, b) = (samples(before, plane), samples(after, plane));
            for i in 0..pw * ph {
                if a[i] != b[i] {
                    let (x, y) = ((i % pw) << sx, (i / pw) << sy);
                    assert!(covered(x, y), "{:?} plane {plane} at {x} {y}", before.format());
                    changed += 1;
                }
            }
        }
        assert!(changed > 300, "the patch left {changed} samples");
    }

    fn samples(picture: &Picture, plane: usize) -> Vec<u32> {
        match &picture.planes()[plane] {
            lipsmith_base::Plane::U8(v) => v.iter().map(|&v| u32::from(v)).collect(),
            lipsmith_base::Plane::U16(v) => v.iter().map(|&v| u32::from(v)).collect(),
        }
    }

    #[test]
    fn a_patch_of_the_picture_itself_is_not_seen() {
        let mut smooth = noise(80, 60);
        for (i, pixel) in smooth.pixels_mut().iter_mut().enumerate() {
            let (x, y) = ((i % 80) as f32, (i / 80) as f32);
            *pixel = [0.4 + 0.2 * (x / 9.0).sin(), 0.5 + 0.2 * (y / 7.0).cos(), 0.4];
        }
        let before =
            Picture::from_rgb(&smooth, PixelFormat { chroma: Chroma::C444, depth: 10 }, ColourSpec::BT709);
        let map = Affine { a: 0.9, b: 0.1, c: 12.0, d: -0.1, e: 0.9, f: 12.0 };
        let matte = Matte::Polygon { outline: square(22.0, 20.0, 50.0, 45.0), feather: 4.0 };
        let patch = Patch { image: before.sample(map, 48, 48), map, matte };
        let mut after = before.clone();
        paste(&mut after, &patch, 1.0);
        let worst = samples(&before, 0).iter().zip(samples(&after, 0)).map(|(a, b)| a.abs_diff(b)).max();
        assert!(worst < Some(12), "{worst:?} of 1023");
    }

    #[test]
    fn the_matte_picture_shows_what_is_covered() {
        let like = Picture::from_rgb(&noise(40, 30), PixelFormat::GBR8, ColourSpec::SRGB);
        let matte = Matte::Polygon { outline: square(10.0, 5.0, 30.0, 25.0), feather: 0.0 };
        let map = Affine { c: 8.0, f: 3.0, ..Affine::IDENTITY };
        let patch = Patch { image: Rgb::black(24, 24), map, matte };
        let white = samples(&matte_picture(&[(&patch, 1.0)], &like), 0).iter().filter(|&&v| v == 255).count();
        assert_eq!(white, 20 * 20);
    }

    #[test]
    fn odd_patches_are_borne() {
        let like = Picture::from_rgb(&noise(40, 30), PixelFormat::I420, ColourSpec::BT709);
        let nan = f32::NAN;
        let outlines = [
            vec![],
            square(nan, 0.0, 9.0, 9.0),
            square(500.0, 500.0, 900.0, 900.0),
            square(5.0, 5.0, 5.0, 5.0),
        ];
        let maps = [
            Affine::IDENTITY,
            Affine { a: 0.0, e: 0.0, ..Affine::IDENTITY },
            Affine { a: nan, ..Affine::IDENTITY },
            Affine { c: -1e9, ..Affine::IDENTITY },
        ];
        for outline in outlines {
            for map in maps {
                for matte in [Matte::Whole, Matte::Polygon { outline: outline.clone(), feather: 3.0 }] {
                    for size in [0, 1, 20] {
                        let mut picture = like.clone();
                        let patch = Patch { image: Rgb::black(size, size), map, matte: matte.clone() };
                        paste(&mut picture, &patch, 1.0);
                    }
                }
            }
        }
    }
}
