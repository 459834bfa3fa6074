//! Lays mouths of the actor on one frame's face: to a fraction of a pixel, their light matched, the jaw moved to where the
//! new mouth needs it.

mod align;

use crate::blend::{Mask, Matte, lower_face_matte, polygon_alpha, smoothstep};
use crate::colour::Light;
use crate::face::{Face, frame};
use crate::families::{Crop, Patch};
use align::{Pyramid, Trust, register};
use lipsmith_base::{Affine, Point, Rect, Rgb};

/// Corners of the crop in face coordinates.
const LEFT: f32 = -1.15;
const TOP: f32 = -0.35;
const WIDTH: f32 = 2.3;
const HEIGHT: f32 = 2.85;
/// Most pixels of a crop to a unit of the face.
const DETAIL: f32 = 320.0;
/// How far below the chin the picture gives way when the jaw moves, in units of the face.
const NECK: f32 = 0.5;
/// Feather of the inner matte, in units of the face.
const FEATHER: f32 = 0.16;
/// Width of the outermost edge, over which the patch, there the film's own picture, fades out.
const EDGE: f32 = 0.07;
/// Evened pictures of heads that look the same way differ by less: seen on film, by about 0.2; of others by 0.6.
const MISFIT: f32 = 0.5;
/// Registration works on pictures of at most this many pixels a side.
const FINEST: usize = 280;

/// From the eyes to below the chin, in the film's own pixels, so that of all that is laid on only the mouths are
/// resampled. A face of more than [`DETAIL`] pixels is shrunk by a whole number.
pub fn crop(face: &Face) -> Crop {
    crop_with(face, seen(face))
}

/// [`crop`], with all of `more` in it, in pixels of the film.
pub fn crop_with(face: &Face, more: Rect) -> Crop {
    let seen = seen(face).union(more);
    let step = (frame::frame(face).scale() / DETAIL).ceil().max(1.0);
    let (x, y) = (seen.x0.floor(), seen.y0.floor());
    let size = |from: f32, to: f32| (((to - from) / step).ceil() as usize).max(1);
    let map = Affine { a: step, b: 0.0, c: x, d: 0.0, e: step, f: y };
    Crop { map, width: size(x, seen.x1), height: size(y, seen.y1) }
}

/// Around what a crop shows of the face, in pixels of the film.
fn seen(face: &Face) -> Rect {
    let map = frame::frame(face);
    let corners = [(LEFT, TOP), (LEFT + WIDTH, TOP), (LEFT, TOP + HEIGHT), (LEFT + WIDTH, TOP + HEIGHT)];
    Rect::around(corners.map(|(x, y)| map.apply(Point::new(x, y)))).unwrap_or_default()
}

/// A picture of the actor and what is known of the face in it.
pub struct Mouth<'a> {
    pub image: &'a Rgb,
    pub face: &'a Face,
    pub crop: Crop,
    /// What its mouth was made to do; `None`: what it does.
    pub spoken: Option<Spoken>,
}

/// The picture of a [`Mouth`] after something made it speak.
pub struct Spoken {
    pub image: Rgb,
    pub face: Face,
}

impl Mouth<'_> {
    /// What is laid on. How it lies is seen by what was filmed, whose cheeks stand still.
    fn shown(&self) -> (&Rgb, &Face) {
        self.spoken.as_ref().map_or((self.image, self.face), |spoken| (&spoken.image, &spoken.face))
    }
}

/// The patch that shows `mouths` (with their shares) on the target; `own` is the share of the target itself.
/// `None` when none of the mouths can be laid on.
pub fn patch(
    image: &Rgb,
    face: &Face,
    crop: Crop,
    mouths: &[(Mouth, f32)],
    own: f32,
    mask: &Mask,
) -> Option<Patch> {
    let canvas = Canvas::new(image, face, crop)?;
    let layers: Vec<Layer> = mouths.iter().filter_map(|(mouth, share)| canvas.lay(mouth, *share)).collect();
    let total: f32 = layers.iter().map(|layer| layer.share).sum();
    let drop: f32 = layers.iter().map(|layer| layer.share * layer.drop).sum();
    if total > 0.0 { canvas.compose(&layers, own, drop / (total + own), mask) } else { None }
}

/// A mouth where it belongs on the target.
struct Layer<'a> {
    image: &'a Rgb,
    /// Target crop pixel ↦ source crop pixel.
    map: Affine,
    light: Option<Light>,
    share: f32,
    /// How much lower its chin is than the target's, in units of the face.
    drop: f32,
}

impl Layer<'_> {
    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let value = self.image.bicubic(self.map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5)));
        self.light.as_ref().map_or(value, |light| light.on(x, y, value))
    }
}

/// The target, prepared.
struct Canvas<'a> {
    image: &'a Rgb,
    face: &'a Face,
    crop: Crop,
    pyramid: Pyramid,
    /// Weight of each pixel for laying on and for colour: nose and cheeks, which do not speak.
    skin: Vec<f32>,
    /// Face coordinates of the target ↦ crop pixel.
    local: Affine,
}

impl<'a> Canvas<'a> {
    fn new(image: &'a Rgb, face: &'a Face, crop: Crop) -> Option<Canvas<'a>> {
        let local = frame::frame(face).then(crop.map.inverse()?);
        let pyramid = Pyramid::of(image, FINEST);
        let skin = skin(face, local, crop.width, crop.height)?;
        Some(Canvas { image, face, crop, pyramid, skin, local })
    }

    fn lay<'m>(&self, mouth: &'m Mouth, share: f32) -> Option<Layer<'m>> {
        let map = self.align(mouth)?;
        let (w, h) = (mouth.image.width() as f32 - 1.0, mouth.image.height() as f32 - 1.0);
        let laid = |x: usize, y: usize| {
            let q = map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
            let inside = q.x >= 1.0 && q.y >= 1.0 && q.x < w && q.y < h;
            inside.then(|| mouth.image.bilinear(q))
        };
        let light = Light::between(laid, self.image, &self.skin);
        Some(Layer { image: mouth.shown().0, map, light, share, drop: self.drop(mouth, map) })
    }

    /// Target crop pixel ↦ source crop pixel.
    fn align(&self, mouth: &Mouth) -> Option<Affine> {
        let to_source = mouth.crop.map.inverse()?;
        let film = steady(self.face, mouth.face)?;
        let start = self.crop.map.then(film).then(to_source);
        let source = Pyramid::of(mouth.image, FINEST);
        let measured = self.face.landmarks.is_some() && mouth.face.landmarks.is_some();
        // A detector's box is known to a few hundredths only; the mesh to a pixel or so. Neither sees a head sheared.
        let trust = if measured {
            Trust { zoom: 0.004, shear: 0.004, shift: 0.01 }
        } else {
            Trust { zoom: 0.05, shear: 0.012, shift: 0.05 }
        };
        let found =
            register(&self.pyramid, self.crop.width, &self.skin, &source, mouth.image.width(), start, &trust);
        let (map, misfit) = found.unwrap_or((start, 0.0));
        // A head turned another way cannot be laid on; only the mesh tells beforehand.
        (measured || misfit < MISFIT).then_some(map)
    }

    /// How much lower the laid source's chin is than the target's, in units of the face.
    fn drop(&self, mouth: &Mouth, map: Affine) -> f32 {
        let chin = |face: &Face| {
            let points = face.landmarks.as_deref().filter(|l| l.points.len() == 68)?;
            let chin = &points.points[6..11];
            let n = chin.len() as f32;
            Some(Point::new(
                chin.iter().map(|p| p.x).sum::<f32>() / n,
                chin.iter().map(|p| p.y).sum::<f32>() / n,
            ))
        };
        let drop = || {
            let to_source = mouth.crop.map.inverse()?;
            let laid = map.inverse()?.apply(to_source.apply(chin(mouth.shown().1)?));
            let here = self.crop.map.inverse()?.apply(chin(self.face)?);
            let to_face = self.local.inverse()?;
            Some(to_face.apply(laid).y - to_face.apply(here).y)
        };
        // Half the neck's give, or the picture would fold.
        drop().unwrap_or(0.0).clamp(-0.5 * NECK, 0.5 * NECK)
    }

    /// The new mouth over the target with its jaw moved by `drop`; `own` is the share of the
    /// target itself in the mouth. `None` when none of it lies in the crop.
    fn compose(&self, layers: &[Layer], own: f32, drop: f32, mask: &Mask) -> Option<Patch> {
        let unit = self.local.scale();
        let give = Give::new(self.face, self.local, drop);
        let outline = match lower_face_matte(self.face, mask) {
            Matte::Polygon { outline, .. } => outline,
            Matte::Whole => Vec::new(),
        };
        let to_crop = self.crop.map.inverse()?;
        let edge = EDGE * unit;
        let (w, h) = (self.crop.width as f32, self.crop.height as f32);
        let room =
            Rect::new(edge.min(w / 2.0), edge.min(h / 2.0), (w - edge).max(w / 2.0), (h - edge).max(h / 2.0));
        let inside = |p: Point| if mask.is_usual() { p } else { room.nearest(p) };
        let inner: Vec<Point> = outline.iter().map(|p| inside(give.moved(to_crop.apply(*p)))).collect();
        let outline = give.outline(&inner, edge);
        // Nothing is made that the matte does not show.
        let seen = Rect::around(outline.iter().copied())?.grown(2.0, 2.0);
        let seen = seen.intersect(Rect::new(0.0, 0.0, self.crop.width as f32, self.crop.height as f32));
        let (left, top) = (seen.x0 as usize, seen.y0 as usize);
        let (width, height) = (seen.x1.ceil() as usize - left, seen.y1.ceil() as usize - top);
        if width == 0 || height == 0 {
            return None;
        }
        let corner = Point::new(left as f32, top as f32);
        let local: Vec<Point> = inner.iter().map(|p| Point::new(p.x - corner.x, p.y - corner.y)).collect();
        let alpha = polygon_alpha(&local, mask.feather * unit, width, height);
        let mut image = Rgb::black(width, height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            *pixel = self.pixel(left + i % width, top + i / width, alpha[i], layers, own, &give);
        }
        let outline = outline.iter().map(|p| self.crop.map.apply(*p)).collect();
        let matte = Matte::Polygon { outline, feather: edge * self.crop.map.scale() };
        let shift = Affine { c: corner.x, f: corner.y, ..Affine::IDENTITY };
        Some(Patch { image, map: shift.then(self.crop.map), matte })
    }

    /// `alpha` of the layers and of the share `own` of what is below, over the target with its jaw moved.
    #[inline]
    fn pixel(&self, x: usize, y: usize, alpha: f32, layers: &[Layer], own: f32, give: &Give) -> [f32; 3] {
        let p = Point::new(x as f32 + 0.5, y as f32 + 0.5);
        let shift = give.at(p);
        let below = if shift == 0.0 {
            self.image.get(x, y)
        } else {
            self.image.bicubic(Point::new(p.x - give.down.x * shift, p.y - give.down.y * shift))
        };
        if alpha == 0.0 {
            return below;
        }
        let (mut above, mut total) = (below.map(|v| v * own), own);
        for layer in layers {
            let value = layer.at(x, y);
            (0..3).for_each(|c| above[c] += layer.share * value[c]);
            total += layer.share;
        }
        std::array::from_fn(|c| below[c] + (above[c] / total - below[c]) * alpha)
    }
}

/// Target film pixel ↦ source film pixel from what does not move when the face speaks.
fn steady(target: &Face, source: &Face) -> Option<Affine> {
    let points = |face: &Face| {
        let landmarks = face.landmarks.as_deref().filter(|l| l.points.len() == 68)?;
        Some(STEADY.map(|i| landmarks.points[i]))
    };
    if let (Some(t), Some(s)) = (points(target), points(source)) {
        return Affine::similarity(&t, &s);
    }
    Some(frame::frame(target).inverse()?.then(frame::frame(source)))
}

/// Corners of the eyes, nose, and the jaw below the ears.
const STEADY: [usize; 19] = [36, 39, 42, 45, 27, 28, 29, 30, 31, 32, 33, 34, 35, 0, 1, 2, 14, 15, 16];

/// Nose and cheeks: inside the face, below the eyes, above the jaw, away from the mouth.
fn skin(face: &Face, local: Affine, width: usize, height: usize) -> Option<Vec<f32>> {
    let to_face = local.inverse()?;
    let map = frame::frame(face);
    let to_unit = map.inverse()?;
    let points = face.landmarks.as_deref().filter(|l| l.points.len() == 68).map(|l| &l.points);
    let at = |i: usize, x: f32, y: f32| points.map_or(Point::new(x, y), |p| to_unit.apply(p[i]));
    let mouth = at(51, 0.0, 1.05).lerp(at(57, 0.0, 1.35), 0.5);
    let (left, right) = (at(2, -1.0, 0.6).x + 0.1, at(14, 1.0, 0.6).x - 0.1);
    let nose = at(33, 0.0, 0.72);
    let (reach, rise) = (0.62f32, (0.9 * (mouth.y - nose.y)).max(0.2));
    let weights = (0..width * height).map(|i| {
        let p = to_face.apply(Point::new((i % width) as f32 + 0.5, (i / width) as f32 + 0.5));
        if p.x <= left || p.x >= right || p.y <= 0.15 || p.y >= 1.35 {
            return 0.0;
        }
        let face = smoothstep((p.x - left) / 0.1)
            * smoothstep((right - p.x) / 0.1)
            * smoothstep((p.y - 0.15) / 0.1)
            * smoothstep((1.35 - p.y) / 0.15);
        let (dx, dy) = ((p.x - mouth.x) / reach, (p.y - mouth.y) / rise);
        let speaks = smoothstep((1.25 - (dx * dx + dy * dy).sqrt()) / 0.25);
        face * (1.0 - speaks)
    });
    Some(weights.collect())
}

/// The displacement that moves the target's jaw, along the face's axis, in crop pixels.
struct Give {
    to_face: Affine,
    /// Down the face, in crop pixels, of length 1.
    down: Point,
    unit: f32,
    drop: f32,
    chin: Point,
}

impl Give {
    fn new(face: &Face, local: Affine, drop: f32) -> Give {
        let to_face = local.inverse().unwrap_or(Affine::IDENTITY);
        let unit = local.scale();
        let down = Point::new(local.b / unit, local.e / unit);
        let to_unit = frame::frame(face).inverse().unwrap_or(Affine::IDENTITY);
        let points = face.landmarks.as_deref().filter(|l| l.points.len() == 68);
        let chin = points.map_or(Point::new(0.0, frame::CHIN), |l| to_unit.apply(l.points[8]));
        // A hundredth is measuring noise.
        let drop = if drop.abs() < 0.004 { 0.0 } else { drop };
        Give { to_face, down, unit, drop, chin }
    }

    /// Displacement at a point of the new picture.
    fn at(&self, p: Point) -> f32 {
        if self.drop == 0.0 {
            return 0.0;
        }
        let q = self.to_face.apply(p);
        let jaw = self.chin.y + self.drop;
        if q.y <= jaw - 0.7 || q.y >= jaw + 0.04 + NECK {
            return 0.0;
        }
        let side = 1.0 - smoothstep((q.x - self.chin.x).abs() / 0.95);
        let above = smoothstep((q.y - (jaw - 0.7)) / 0.5);
        let below = 1.0 - smoothstep((q.y - jaw - 0.04) / NECK);
        self.drop * self.unit * side * above * below
    }

    /// Where a point of the target's own lower face comes to lie.
    fn moved(&self, p: Point) -> Point {
        let mut to = p;
        for _ in 0..3 {
            let shift = self.at(to);
            to = Point::new(p.x + self.down.x * shift, p.y + self.down.y * shift);
        }
        to
    }

    /// `inner` grown by `margin` and down over everything that gives way.
    fn outline(&self, inner: &[Point], margin: f32) -> Vec<Point> {
        let n = inner.len() as f32;
        let centre = Point::new(
            inner.iter().map(|p| p.x).sum::<f32>() / n,
            inner.iter().map(|p| p.y).sum::<f32>() / n,
        );
        let needed = smoothstep(self.drop.abs() / 0.03) * NECK * self.unit;
        let grow = |p: &Point| {
            let far = p.distance(centre).max(1e-3);
            let out = p.lerp(centre, -margin / far);
            let q = self.to_face.apply(*p);
            // Only what lies along the jaw goes down with it.
            let low = smoothstep((q.y - self.chin.y + 0.75) / 0.5)
                * (1.0 - smoothstep((q.x - self.chin.x).abs() / 1.3));
            Point::new(out.x + self.down.x * needed * low, out.y + self.down.y * needed * low)
        };
        inner.iter().map(grow).collect()
    }
}

/// The matte's feather when nothing else is asked for.
pub fn usual_feather() -> f32 {
    FEATHER
}
