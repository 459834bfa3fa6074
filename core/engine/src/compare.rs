//! Several families on the same line, side by side: one film with their scores burnt in, a contact sheet, a table.

use crate::analysis::Analyst;
use crate::detector::Detector;
use crate::dub::{DubRequest, Dubbed, FaceChoice, dub};
use crate::error::EngineError;
use crate::export::check_outputs;
use crate::files::{fingerprint, write_atomically};
use crate::film::{FilmReader, reading};
use crate::letters;
use crate::paths::Paths;
use crate::recipe::Prepared;
use crate::score::{ScoreRequest, score};
use lipsmith_base::{
    Affine, Cancel, ColourSpec, Picture, PixelFormat, Progress, Rect, Rgb, Sink, Time, TimeRange,
};
use lipsmith_lipsync::score::SyncScore;
use lipsmith_media::{AudioReader, AudioSpec, MediaError, MovieWriter, Profile, VideoSpec};
use lipsmith_project::Method;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Pixels of a cell's square picture, and of the words below it.
const CELL: usize = 256;
const WORDS: usize = 48;
/// Moments on the contact sheet.
const MOMENTS: usize = 8;

pub struct CompareRequest {
    pub film: PathBuf,
    pub voice: PathBuf,
    /// Each with its sampler, steps and seed.
    pub methods: Vec<Method>,
    /// The film; the contact sheet and the table lie beside it, with the endings `.png` and `.md`.
    pub output: PathBuf,
    pub profile: Profile,
    pub at: Option<Time>,
    pub ranges: Vec<TimeRange>,
    pub face: FaceChoice,
    pub detector: Detector,
    pub device: String,
}

#[derive(Debug, Serialize)]
pub struct Compared {
    pub output: PathBuf,
    pub contact_sheet: PathBuf,
    pub table: PathBuf,
    /// With what sync was measured; `None` where nothing is installed that judges.
    pub judge: Option<String>,
    /// The film with the voice over it first.
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub family: String,
    pub score: Option<SyncScore>,
    /// Of its making, without what was in the cache.
    pub seconds: f64,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.judge {
            Some(judge) => writeln!(f, "Sync measured by {judge}.\n")?,
            None => writeln!(f, "Sync is not measured: no weights that judge are installed.\n")?,
        }
        writeln!(f, "| family | LSE-D | LSE-C | offset ms | seconds |")?;
        write!(f, "|---|---|---|---|---|")?;
        for Row { family, score, seconds } in &self.rows {
            write!(f, "\n| {family} | ")?;
            match score {
                Some(s) => write!(f, "{:.3} | {:.3} | {:+}", s.lse_d, s.lse_c, s.offset_ms)?,
                None => write!(f, "– | – | –")?,
            }
            write!(f, " | {seconds:.1} |")?;
        }
        Ok(())
    }
}

/// # Errors
/// Before anything is rendered: a family that is unknown or lacks its weights. Nothing is left at the outputs' paths
/// unless all was made.
pub fn compare(
    paths: &Paths,
    request: &CompareRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Compared, EngineError> {
    let beside = |ending: &str| request.output.with_extension(ending);
    let sources = [&request.film, &request.voice].into_iter().map(PathBuf::as_path);
    for output in [&request.output, &beside("png"), &beside("md")] {
        check_outputs(output, None, sources.clone())?;
    }
    if request.methods.is_empty() {
        return Err(EngineError::Request(
            "--families: name one at least, as --families rewrite,wav2lip".into(),
        ));
    }
    for method in &request.methods {
        Prepared::new(method, None, &request.device, paths)?.check()?;
    }
    let work = paths.cache.join(format!("compare/{}", std::process::id()));
    fs::create_dir_all(&work).map_err(EngineError::file("make the folder", &work))?;
    let made = sheet(paths, request, &work, sink, cancel);
    // Whether or not it worked, the films in between are of no more use; the takes stay in the cache.
    let _ = fs::remove_dir_all(&work);
    made
}

fn sheet(
    paths: &Paths,
    request: &CompareRequest,
    work: &Path,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Compared, EngineError> {
    let mut person = request.face;
    let mut films = vec![request.film.clone()];
    let mut rows = vec![Row { family: "film".into(), score: None, seconds: 0.0 }];
    for method in &request.methods {
        let output = work.join(format!("{}.mkv", method.family));
        let begun = Instant::now();
        let Dubbed { person: number, .. } = dub(paths, &order(request, method, &output), sink, cancel)?;
        person = FaceChoice::Person(number);
        films.push(output);
        rows.push(Row { family: method.family.clone(), score: None, seconds: begun.elapsed().as_secs_f64() });
    }
    let voiced = films.get(1).cloned().unwrap_or_default();
    let mut judge = None;
    for (film, row) in films.iter().zip(&mut rows) {
        let request = ScoreRequest {
            set: None,
            film: film.clone(),
            // The unchanged pictures beside the new voice: how far off they were.
            voice: Some(voiced.clone()),
            against: None,
            lines: None,
            face: FaceChoice::Auto,
            detector: request.detector,
            checkpoint: None,
            device: request.device.clone(),
        };
        match score(paths, &request, sink, cancel) {
            Ok(scored) => {
                row.score = scored.whole;
                let of = if scored.judge.papers_own { "" } else { " (does not compare with the papers')" };
                judge = Some(format!("{}{of}", scored.judge.title));
            }
            Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
            Err(why) => sink.note(format!("{} is not scored: {why}", row.family)),
        }
    }
    let png = draw(paths, request, &films, &rows, person, sink, cancel)?;
    let compared = Compared {
        output: request.output.clone(),
        contact_sheet: request.output.with_extension("png"),
        table: request.output.with_extension("md"),
        judge,
        rows,
    };
    write_atomically(&compared.contact_sheet, &png)?;
    write_atomically(&compared.table, format!("{compared}\n").as_bytes())?;
    Ok(compared)
}

fn order(request: &CompareRequest, method: &Method, output: &Path) -> DubRequest {
    DubRequest {
        at: request.at,
        ranges: request.ranges.clone(),
        detector: request.detector,
        face: request.face,
        device: request.device.clone(),
        ..DubRequest::new(&request.film, &request.voice, output.to_path_buf(), method)
    }
}

/// Writes the film; the contact sheet's bytes.
fn draw(
    paths: &Paths,
    request: &CompareRequest,
    films: &[PathBuf],
    rows: &[Row],
    person: FaceChoice,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Vec<u8>, EngineError> {
    let analyst = Analyst::new(paths, sink, cancel).using(request.detector, &request.device);
    let analysis = analyst.analyse(&request.film, fingerprint(&request.film)?)?;
    let times = analysis.times().clone();
    let number = match person {
        FaceChoice::Person(number) => number,
        FaceChoice::Auto => 0,
    };
    let faces = analysis.faces(number, &(0..times.count()))?;
    let columns = (1..=films.len()).find(|n| n * n >= films.len()).unwrap_or(1);
    let lines = films.len().div_ceil(columns);
    let mut readers =
        films.iter().map(|film| FilmReader::open(film, cancel)).collect::<Result<Vec<_>, _>>()?;
    let video = readers[0].video().clone();
    let spec = VideoSpec {
        width: columns * CELL,
        height: lines * (CELL + WORDS),
        format: PixelFormat::I420,
        colour: ColourSpec::BT709,
        pixel_aspect: (1, 1),
        timing: video.timing,
    };
    let mut sound = match AudioReader::open(&films[films.len() - 1], 48_000, None, &reading(cancel)) {
        Ok(sound) => Some(sound),
        Err(MediaError::NoSound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut block = match &mut sound {
        Some(sound) => sound.next()?,
        None => None,
    };
    let audio = block.as_ref().map(|block| AudioSpec { rate: 48_000, channels: block.channels });
    let mut writer = MovieWriter::create(&request.output, request.profile, spec, audio)?;
    let moments: Vec<u64> =
        (0..MOMENTS as u64).map(|i| times.count() * (2 * i + 1) / (2 * MOMENTS as u64)).collect();
    let mut contact = Rgb::black(MOMENTS * CELL, films.len() * (CELL + WORDS));
    let whole = Rect::new(0.0, 0.0, video.width as f32, video.height as f32);
    let mut seen = faces.iter().flatten().next().map_or(whole, |face| around(face.rect));
    let mut heard = Time::ZERO;
    for frame in 0..times.count() {
        cancel.check()?;
        if let Some(face) = faces.get(frame as usize).and_then(Option::as_ref) {
            // Follows the head softly: what is compared is the mouth, not the tracking.
            seen = between(seen, around(face.rect), 0.08);
        }
        let mut picture = Rgb::black(spec.width, spec.height);
        for (index, (reader, row)) in readers.iter_mut().zip(rows).enumerate() {
            let Some(shown) = reader.picture(frame)? else { continue };
            let here = Rect::new(0.0, 0.0, CELL as f32, CELL as f32);
            let cell = shown.sample(Affine::rect_to_rect(here, seen), CELL, CELL);
            lay(&mut picture, &cell, row, (index % columns * CELL, index / columns * (CELL + WORDS)));
            for (column, _) in moments.iter().enumerate().filter(|(_, moment)| **moment == frame) {
                lay(&mut contact, &cell, row, (column * CELL, index * (CELL + WORDS)));
            }
        }
        let (start, end) = (times.start(frame), times.start(frame + 1));
        let picture = Picture::from_rgb(&picture, spec.format, spec.colour);
        writer.write_picture(&picture, start, end - start)?;
        while let Some(some) = block.take_if(|_| heard < end) {
            heard += some.duration();
            writer.write_audio(&some)?;
            block = match &mut sound {
                Some(sound) => sound.next()?,
                None => None,
            };
        }
        sink.progress(Progress { stage: "sheet", done: frame + 1, total: Some(times.count()) });
    }
    writer.finish()?;
    png(&contact)
}

/// The head and what is around it, square.
fn around(face: Rect) -> Rect {
    let (centre, half) = (face.centre(), 0.75 * face.width().max(face.height()));
    Rect::new(centre.x - half, centre.y - half, centre.x + half, centre.y + half)
}

fn between(a: Rect, b: Rect, share: f32) -> Rect {
    let mix = |a: f32, b: f32| a + (b - a) * share;
    Rect::new(mix(a.x0, b.x0), mix(a.y0, b.y0), mix(a.x1, b.x1), mix(a.y1, b.y1))
}

/// A cell with its words below it.
fn lay(onto: &mut Rgb, cell: &Rgb, row: &Row, (left, top): (usize, usize)) {
    for y in 0..CELL {
        for x in 0..CELL {
            onto.set(left + x, top + y, cell.get(x, y));
        }
    }
    letters::write(onto, &row.family, (left + 6, top + CELL + 5), 2);
    let score = match &row.score {
        Some(score) => {
            format!("D {:.2} C {:.2} {:+}F", score.lse_d, score.lse_c, score.offset_frames)
        }
        None => "NOT SCORED".into(),
    };
    letters::write(onto, &score, (left + 6, top + CELL + 27), 2);
}

fn png(image: &Rgb) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    let pixels = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut bytes, pixels(image.width()), pixels(image.height()));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&image.to_bytes()));
    written.map_err(|error| EngineError::Request(format!("the contact sheet cannot be drawn: {error}")))?;
    Ok(bytes)
}
