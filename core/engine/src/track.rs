//! Who is in a film: the analysis as a person reads it, and a film with the faces drawn in.

use crate::analysis::{Analysis, Analyst};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::export::{like, profile_for};
use crate::files::fingerprint;
use crate::film::reading;
use crate::paths::Paths;
use lipsmith_base::{Cancel, Picture, Point, Progress, Rect, Rgb, Sink};
use lipsmith_lipsync::Face;
use lipsmith_media::{MovieWriter, VideoReader};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The film's analysis, made or taken from the cache.
pub fn track(
    paths: &Paths,
    film: &Path,
    detector: Detector,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Analysis, EngineError> {
    Analyst::new(paths, sink, cancel).using(detector, "auto").analyse(film, fingerprint(film)?)
}

/// A person of the film.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Person {
    /// What `--face` takes.
    pub number: u32,
    /// Frames in which the face is known.
    pub frames: u64,
    /// First and last of them, seconds.
    pub from: f64,
    pub to: f64,
    /// Mean width of the face, pixels.
    pub width: f32,
}

/// The film's shots and people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct People {
    pub frames: u64,
    pub seconds: f64,
    /// Starts of the shots, seconds; the first is 0.
    pub cuts: Vec<f64>,
    pub people: Vec<Person>,
}

impl fmt::Display for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames, {:.3} s, {} shot(s)", self.frames, self.seconds, self.cuts.len())?;
        if self.people.is_empty() {
            write!(f, "; no face was found")?;
        }
        for p in &self.people {
            let Person { number, frames, from, to, width } = p;
            write!(
                f,
                "\nperson {number}: {frames} frames between {from:.2} s and {to:.2} s, face {width:.0} px wide"
            )?;
        }
        Ok(())
    }
}

impl Analysis {
    /// People by number, with what the whole film shows of them.
    pub fn people(&self) -> Vec<Person> {
        let mut people = BTreeMap::<u32, Person>::new();
        for shot in self.shots() {
            let span = self.span(&shot.frames);
            for (&number, presence) in &shot.people {
                let entry = people.entry(number).or_insert(Person {
                    number,
                    frames: 0,
                    from: span.start().secs_f64(),
                    to: 0.0,
                    width: 0.0,
                });
                let frames = entry.frames + presence.frames;
                let share = presence.frames as f32 / frames.max(1) as f32;
                entry.width += (presence.area.max(0.0).sqrt() - entry.width) * share;
                entry.frames = frames;
                entry.to = span.end().secs_f64();
            }
        }
        people.into_values().collect()
    }

    pub fn summary(&self) -> People {
        People {
            frames: self.times().count(),
            seconds: self.times().end().secs_f64(),
            cuts: self.cuts().map(|frame| self.times().start(frame).secs_f64()).collect(),
            people: self.people(),
        }
    }
}

/// Colours of the boxes, by person number; told apart also by those who see few colours.
const COLOURS: [[f32; 3]; 6] = [
    [0.90, 0.62, 0.0],
    [0.34, 0.71, 0.91],
    [0.0, 0.62, 0.45],
    [0.94, 0.89, 0.26],
    [0.84, 0.37, 0.0],
    [0.80, 0.47, 0.65],
];

/// Writes the film with each person's box and points drawn in; as many dots over the box as the person's number.
pub fn write_overlay(
    film: &Path,
    analysis: &Analysis,
    output: &Path,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<(), EngineError> {
    let profile = profile_for(output).ok_or_else(|| {
        EngineError::Request(format!(
            "{}: its ending names no film format; end it in .mp4, .mov, .mkv or .webm",
            output.display()
        ))
    })?;
    let mut reader = VideoReader::open(film, &reading(cancel))?;
    let mut writer = MovieWriter::create(output, profile, like(reader.video()), None)?;
    for (index, summary) in analysis.shots().iter().enumerate() {
        let shot = analysis.shot(index)?;
        for at in summary.frames.clone() {
            cancel.check()?;
            let Some(frame) = reader.next()? else { break };
            let mut picture = frame.picture;
            for track in &shot.tracks {
                if let Some(Some(face)) = track.faces.get((at - summary.frames.start) as usize) {
                    draw(&mut picture, face, track.person);
                }
            }
            writer.write_picture(&picture, frame.pts, frame.duration)?;
            sink.progress(Progress { stage: "overlay", done: at + 1, total: Some(analysis.times().count()) });
        }
    }
    writer.finish()?;
    Ok(())
}

fn draw(picture: &mut Picture, face: &Face, person: u32) {
    let colour = COLOURS[person as usize % COLOURS.len()];
    let line = (picture.height() as f32 / 360.0).max(1.0);
    let Rect { x0, y0, x1, y1 } = face.rect;
    // Filled in between two sightings: a thinner box.
    let line = if face.interpolated { line * 0.5 } else { line };
    for edge in [
        Rect::new(x0, y0, x1, y0 + line),
        Rect::new(x0, y1 - line, x1, y1),
        Rect::new(x0, y0, x0 + line, y1),
        Rect::new(x1 - line, y0, x1, y1),
    ] {
        fill(picture, edge, colour);
    }
    let dot = |p: Point, size: f32| Rect::new(p.x - size, p.y - size, p.x + size, p.y + size);
    for n in 0..person.min(12) {
        fill(
            picture,
            dot(Point::new(x0 + (3.0 + 5.0 * n as f32) * line, y0 - 4.0 * line), 1.5 * line),
            colour,
        );
    }
    let points = face.landmarks.iter().flat_map(|l| &l.points);
    points.for_each(|&p| fill(picture, dot(p, 0.75 * line), colour));
}

/// Paints at least one pixel.
fn fill(picture: &mut Picture, area: Rect, colour: [f32; 3]) {
    let (x, y) = (area.x0.round() as i32, area.y0.round() as i32);
    let (width, height) = (area.width().round().max(1.0) as usize, area.height().round().max(1.0) as usize);
    if width > picture.width() || height > picture.height() {
        return;
    }
    let mut patch = Rgb::black(width, height);
    patch.pixels_mut().fill(colour);
    picture.composite(x, y, &patch, &vec![1.0; width * height]);
}
