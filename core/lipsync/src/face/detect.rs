//! Where faces are in a picture nobody has looked at before.

use super::Face;
use super::mesh::{Mesh, Region};
use crate::error::LipsyncError;
use lipsmith_base::{Affine, Picture, Point, Rect, Rgb};
use lipsmith_nets::tflite::{Graph, Scratch};
use std::ops::RangeInclusive;
use std::path::Path;

/// A face as a detector sees it, in film pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    pub rect: Rect,
    /// 0..=1.
    pub score: f32,
    /// The eyes, the picture's left one first; `None` from a detector that knows boxes only.
    pub eyes: Option<[Point; 2]>,
}

/// Finds faces in a window of a picture.
pub trait FaceDetector: Send {
    /// The faces inside `window` (film pixels), best first, none twice. Faces narrower than `least` film pixels
    /// need not be found.
    fn detect(&mut self, picture: &Picture, window: Rect, least: f32)
    -> Result<Vec<Detection>, LipsyncError>;
}

pub const DETECTOR_FILE: &str = "face_detection_full_range_sparse.tflite";
pub const MESH_FILE: &str = "face_landmark.tflite";

/// What finds faces on this machine.
pub struct Finder {
    pub detector: Box<dyn FaceDetector>,
    /// `None`: boxes only, no landmarks.
    pub mesh: Option<Mesh>,
}

impl Finder {
    /// MediaPipe's detector and mesh out of `folder`, where `packaging/fetch-face-models` puts their files.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn media_pipe(folder: &Path) -> Result<Finder, LipsyncError> {
        let detector = FullRange::load(&folder.join(DETECTOR_FILE)).map_err(refetch)?;
        Ok(Finder { detector: Box::new(detector), mesh: Some(Finder::mesh_in(folder)?) })
    }

    /// The mesh alone, for another detector.
    ///
    /// # Errors
    /// As [`Finder::media_pipe`].
    pub fn mesh_in(folder: &Path) -> Result<Mesh, LipsyncError> {
        Mesh::load(&folder.join(MESH_FILE)).map_err(refetch)
    }

    /// The detector inside the program: boxes only.
    ///
    /// # Errors
    /// When its model is damaged.
    pub fn built_in() -> Result<Finder, LipsyncError> {
        Ok(Finder { detector: Box::new(BuiltIn::new()?), mesh: None })
    }

    /// The faces in one picture, surest first, small ones included.
    pub fn find(&mut self, picture: &Picture) -> Result<Vec<Face>, LipsyncError> {
        let detections = detect_all(self.detector.as_mut(), picture, true)?;
        let faces = detections.iter().map(|detection| self.look(picture, detection));
        let mut faces: Vec<Face> = faces.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        faces.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(faces)
    }

    /// The detected face with its landmarks; `None` when the mesh finds that there is none.
    pub fn look(&mut self, picture: &Picture, detection: &Detection) -> Result<Option<Face>, LipsyncError> {
        let Some(mesh) = &mut self.mesh else {
            let Detection { rect, score, .. } = *detection;
            return Ok(Some(Face { rect, score, landmarks: None, interpolated: false }));
        };
        // A detector's box is rough: the mesh's own region, seen once more, is what the mesh was trained on.
        let rough = mesh.fit(picture, Region::of_detection(detection))?;
        if rough.score < Mesh::PRESENT {
            return Ok(None);
        }
        let face = mesh.fit(picture, Region::of_face(&rough))?;
        Ok((face.score >= Mesh::PRESENT).then_some(face))
    }

    /// The face that was `last` seen, in the picture after; `None` when it is not where it was.
    pub fn follow(&mut self, picture: &Picture, last: &Face) -> Result<Option<Face>, LipsyncError> {
        if let Some(mesh) = &mut self.mesh {
            let face = mesh.fit(picture, Region::of_face(last))?;
            return Ok((face.score >= Mesh::PRESENT).then_some(face));
        }
        let (rect, reach) = (last.rect, 0.6 * last.rect.width().max(last.rect.height()));
        let found = self.detector.detect(picture, rect.grown(reach, reach), 0.6 * rect.width())?;
        let nearest = found.into_iter().max_by(|a, b| a.rect.iou(rect).total_cmp(&b.rect.iou(rect)));
        Ok(nearest.map(|Detection { rect, score, .. }| Face {
            rect,
            score,
            landmarks: None,
            interpolated: false,
        }))
    }
}

fn refetch(error: LipsyncError) -> LipsyncError {
    LipsyncError::Unfit(format!("{error}; delete the file and run packaging/fetch-face-models"))
}

/// Looks at the whole picture and, when `fine`, also at overlapping tiles of it, for faces too small to be
/// found in the whole.
pub fn detect_all(
    detector: &mut dyn FaceDetector,
    picture: &Picture,
    fine: bool,
) -> Result<Vec<Detection>, LipsyncError> {
    let whole = Rect::new(0.0, 0.0, picture.width() as f32, picture.height() as f32);
    let mut found = detector.detect(picture, whole, 0.0)?;
    if fine {
        for tile in tiles(whole) {
            let inside = tile.intersect(whole).grown(-tile.width() / 64.0, -tile.width() / 64.0);
            // A face cut by the tile's edge is whole in the next tile.
            let cut = |r: Rect| {
                (r.x0 < inside.x0 && tile.x0 > whole.x0)
                    || (r.y0 < inside.y0 && tile.y0 > whole.y0)
                    || (r.x1 > inside.x1 && tile.x1 < whole.x1)
                    || (r.y1 > inside.y1 && tile.y1 < whole.y1)
            };
            found.extend(detector.detect(picture, tile, 0.0)?.into_iter().filter(|d| !cut(d.rect)));
        }
        found = without_doubles(found);
    }
    Ok(found)
}

/// Squares of about half the shorter side that overlap by a third.
fn tiles(whole: Rect) -> Vec<Rect> {
    let side = (whole.width().min(whole.height()) / 2.0).max(192.0).min(whole.width().min(whole.height()));
    let starts = |length: f32| {
        let steps = ((length - side) / (side * 2.0 / 3.0)).ceil().max(0.0);
        (0..=steps as usize).map(move |i| if steps > 0.0 { (length - side) * i as f32 / steps } else { 0.0 })
    };
    starts(whole.height())
        .flat_map(|y| starts(whole.width()).map(move |x| Rect::new(x, y, x + side, y + side)))
        .collect()
}

/// Keeps the best of every heap of boxes that cover each other; best first.
fn without_doubles(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in found {
        let doubled = kept.iter().any(|other| {
            let smaller = detection.rect.area().min(other.rect.area());
            detection.rect.intersect(other.rect).area() > 0.5 * smaller
        });
        if !doubled {
            kept.push(detection);
        }
    }
    kept
}

/// Side of the square picture that MediaPipe's detector looks at.
const SIDE: usize = 192;
/// Pixels between its anchors; one anchor in each of the 48 × 48 cells.
const CELL: usize = 4;
/// Values of an anchor: centre, size, then six points (eyes, nose, mouth, ears) from the picture's left.
const VALUES: usize = 16;

/// MediaPipe's full-range face detector (Bazarevsky et al. 2019, the model card "full range, sparse").
pub struct FullRange {
    graph: Graph,
    scratch: Scratch,
}

impl FullRange {
    /// Weaker boxes are dropped. The published graph uses 0.6; the mesh's presence score removes what
    /// a lower bar lets in.
    const SCORE: f32 = 0.5;

    /// # Errors
    /// When the file is damaged or another network.
    pub fn load(file: &Path) -> Result<FullRange, LipsyncError> {
        let graph = Graph::load(file).map_err(|error| LipsyncError::Network(error.to_string()))?;
        let anchors = (SIDE / CELL) * (SIDE / CELL);
        let outputs: Vec<_> = graph.output_shapes().map(<[usize]>::to_vec).collect();
        if graph.input_shape() != [1, SIDE, SIDE, 3]
            || outputs != [vec![1, anchors, VALUES], vec![1, anchors, 1]]
        {
            return Err(LipsyncError::Network(format!("{} is another network", file.display())));
        }
        Ok(FullRange { graph, scratch: Scratch::default() })
    }
}

impl FaceDetector for FullRange {
    fn detect(&mut self, picture: &Picture, window: Rect, _: f32) -> Result<Vec<Detection>, LipsyncError> {
        // The window keeps its shape; what it leaves of the square is black.
        let scale = window.width().max(window.height()) / SIDE as f32;
        let (width, height) = (shrunk(window.width(), scale), shrunk(window.height(), scale));
        let (left, top) = ((SIDE - width) / 2, (SIDE - height) / 2);
        let to_film = Affine { a: scale, b: 0.0, c: window.x0, d: 0.0, e: scale, f: window.y0 };
        let image = picture.sample(to_film, width, height);
        let mut input = vec![-1.0; SIDE * SIDE * 3];
        for row in 0..height {
            let start = ((row + top) * SIDE + left) * 3;
            let pixels = &image.pixels()[row * width..][..width];
            for (value, v) in input[start..].iter_mut().zip(pixels.iter().flatten()) {
                *value = v.clamp(0.0, 1.0) * 2.0 - 1.0;
            }
        }
        let outputs = self.graph.run(&input, &mut self.scratch);
        let outputs = outputs.map_err(|error| LipsyncError::Network(error.to_string()))?;
        let (boxes, logits) = (outputs[0], outputs[1]);
        let candidates = logits.iter().enumerate().filter_map(|(anchor, &logit)| {
            let score = sigmoid(logit);
            if !score.is_finite() || score < Self::SCORE {
                return None;
            }
            let cell = (anchor % (SIDE / CELL), anchor / (SIDE / CELL));
            let centre = Point::new((cell.0 as f32 + 0.5) * CELL as f32, (cell.1 as f32 + 0.5) * CELL as f32);
            let values = &boxes[anchor * VALUES..][..VALUES];
            let point = |i: usize| {
                let square = Point::new(values[i] + centre.x, values[i + 1] + centre.y);
                to_film.apply(Point::new(square.x - left as f32, square.y - top as f32))
            };
            let (middle, w, h) = (point(0), values[2] * scale, values[3] * scale);
            let rect =
                Rect::new(middle.x - w / 2.0, middle.y - h / 2.0, middle.x + w / 2.0, middle.y + h / 2.0);
            (rect.area() > 0.0 && rect.area().is_finite()).then(|| Detection {
                rect,
                score,
                eyes: Some([point(4), point(6)]),
            })
        });
        Ok(blended(candidates.collect()))
    }
}

fn shrunk(length: f32, scale: f32) -> usize {
    ((length / scale).round() as usize).clamp(1, SIDE)
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Boxes that overlap become their mean by score, as in the published graph: steadier than the best alone.
fn blended(mut candidates: Vec<Detection>) -> Vec<Detection> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut found = Vec::new();
    while let Some(best) = candidates.first().cloned() {
        let (heap, rest): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|other| other.rect.iou(best.rect) > 0.3);
        candidates = rest;
        let total: f32 = heap.iter().map(|d| d.score).sum();
        let mean = |get: &dyn Fn(&Detection) -> Option<f32>| {
            heap.iter().filter_map(|d| get(d).map(|v| v * d.score)).sum::<f32>() / total
        };
        let eye = |i: usize| {
            Point::new(mean(&|d| d.eyes.map(|eyes| eyes[i].x)), mean(&|d| d.eyes.map(|eyes| eyes[i].y)))
        };
        found.push(Detection {
            rect: Rect::new(
                mean(&|d| Some(d.rect.x0)),
                mean(&|d| Some(d.rect.y0)),
                mean(&|d| Some(d.rect.x1)),
                mean(&|d| Some(d.rect.y1)),
            ),
            score: best.score,
            eyes: best.eyes.map(|_| [eye(0), eye(1)]),
        });
    }
    found
}

/// `window` of a picture, shrunk until no side is longer than `sides` allow, and at least `shrink` times; sides that
/// are too short then reach beyond the window. With it comes the map from its pixels to the film's.
pub(super) fn shrunk_window(
    picture: &Picture,
    window: Rect,
    sides: RangeInclusive<usize>,
    shrink: f32,
) -> (Rgb, Affine) {
    let (shortest, longest) = sides.into_inner();
    let scale = (window.width().max(window.height()) / longest as f32).max(shrink).max(1.0);
    let size = |length: f32| ((length / scale).round() as usize).max(shortest);
    let map = Affine { a: scale, b: 0.0, c: window.x0, d: 0.0, e: scale, f: window.y0 };
    (picture.sample(map, size(window.width()), size(window.height())), map)
}

/// SeetaFace's funnel cascade by the crate rustface, whose model is built in: slower and coarser, but always
/// there.
pub struct BuiltIn {
    model: rustface::Model,
}

impl BuiltIn {
    /// Sides of the picture it looks at: larger ones cost more than they find.
    const SIDES: RangeInclusive<usize> = 40..=480;
    /// Narrowest face it knows, in the pixels of that picture.
    const LEAST: f32 = 20.0;
    /// Without false boxes on all measured footage; 2.0 gave 13.
    const SCORE: f64 = 3.85;

    /// # Errors
    /// When the model that was built in is damaged.
    pub fn new() -> Result<BuiltIn, LipsyncError> {
        let bytes = include_bytes!(env!("RUSTFACE_MODEL"));
        let model = rustface::read_model(bytes.as_slice());
        let model = model.map_err(|error| LipsyncError::Network(format!("rustface's model: {error}")))?;
        Ok(BuiltIn { model })
    }
}

impl FaceDetector for BuiltIn {
    fn detect(
        &mut self,
        picture: &Picture,
        window: Rect,
        least: f32,
    ) -> Result<Vec<Detection>, LipsyncError> {
        let (image, map) = shrunk_window(picture, window, Self::SIDES, least / Self::LEAST);
        let (width, height) = (image.width(), image.height());
        let grey: Vec<u8> = image
            .pixels()
            .iter()
            .map(|[r, g, b]| ((0.299 * r + 0.587 * g + 0.114 * b).clamp(0.0, 1.0) * 255.0).round() as u8)
            .collect();
        let mut detector = rustface::create_detector_with_model(self.model.clone());
        detector.set_min_face_size(Self::LEAST as u32);
        detector.set_score_thresh(Self::SCORE);
        detector.set_pyramid_scale_factor(0.8);
        let faces = detector.detect(&rustface::ImageData::new(&grey, width as u32, height as u32));
        let detections = faces.iter().map(|face| {
            let bbox = face.bbox();
            let (x, y) = (bbox.x() as f32, bbox.y() as f32);
            let corner = map.apply(Point::new(x, y));
            let far = map.apply(Point::new(x + bbox.width() as f32, y + bbox.height() as f32));
            Detection {
                rect: Rect::new(corner.x, corner.y, far.x, far.y),
                // Scores run from the threshold to about 100.
                score: 1.0 - 1.0 / (1.0 + face.score() as f32),
                eyes: None,
            }
        });
        Ok(without_doubles(detections.collect()))
    }
}
