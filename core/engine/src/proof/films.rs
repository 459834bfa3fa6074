//! What families are worth on films, dubbed by the way that an editor's lines go: references chosen, mouths laid on, all
//! of the picture judged. Each film speaks with its own voice, which has a truth, and with the next film's, whose
//! speaker's mouth is known too. A family that shows the film's own mouths would with its own voice find them again,
//! and is not asked to.

use crate::analysis::{Analysis, Analyst};
use crate::detector::Detector;
use crate::dub::{DubRequest, Dubbed, FaceChoice, choose, dub};
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::paths::Paths;
use crate::recipe::Prepared;
use crate::score::{ScoreRequest, Scored, score};
use lipsmith_base::{Cancel, Progress, Sink, Time, TimeRange};
use lipsmith_lipsync::FAMILIES;
use lipsmith_project::Method;
use lipsmith_train::measure::{correlation, mean, spread};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Moments a second at which mouths are compared, whatever the films' rates.
const MOMENTS: i64 = 25;
/// Fewer moments than these tell nothing.
const FEWEST: usize = 25;

pub struct FilmsProof {
    /// Films whose most prominent person speaks; two at least, so that each has another's voice.
    pub films: Vec<PathBuf>,
    /// Each with the weights to use instead of the installed ones.
    pub methods: Vec<(Method, Option<PathBuf>)>,
    pub detector: Detector,
    pub device: String,
}

/// A line of the table: means over the films. `[own voice, another's]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FilmsRow {
    pub method: String,
    /// Beside the film, own voice: dB and structural similarity of the face, and the distance of the mouth's points in percent
    /// of that between the eyes.
    pub psnr: Option<f64>,
    pub ssim: Option<f64>,
    pub points: Option<f64>,
    /// How the lips' opening goes with that of whoever said it, correlation from -1 to 1.
    pub follows: [Option<f64>; 2],
    /// How much the opening varies with another's voice, as a share of how much it does in the film.
    pub opens: Option<f64>,
    /// LSE-D and LSE-C by the judge.
    pub lse_d: [Option<f64>; 2],
    pub lse_c: [Option<f64>; 2],
    /// For a picture, on this machine, faces and footage read before.
    pub seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilmsTable {
    pub films: Vec<PathBuf>,
    pub judge: String,
    pub rows: Vec<FilmsRow>,
}

/// Markdown.
impl fmt::Display for FilmsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Sync measured by {}, over {} films.\n", self.judge, self.films.len())?;
        writeln!(
            f,
            "| method | face dB | SSIM | points % | follows own / other | opens | LSE-D own / other | LSE-C own / other | ms a picture |"
        )?;
        write!(f, "|---|---|---|---|---|---|---|---|---|")?;
        let one = |value: Option<f64>, digits: usize| value.map_or("–".into(), |v| format!("{v:.digits$}"));
        let pair =
            |[own, other]: [Option<f64>; 2], digits| format!("{} / {}", one(own, digits), one(other, digits));
        for row in &self.rows {
            write!(
                f,
                "\n| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.method,
                one(row.psnr, 1),
                one(row.ssim, 3),
                one(row.points, 2),
                pair(row.follows, 2),
                one(row.opens, 2),
                pair(row.lse_d, 2),
                pair(row.lse_c, 3),
                one(row.seconds.map(|seconds| seconds * 1e3), 0)
            )?;
        }
        Ok(())
    }
}

/// Judges the unchanged films and the methods.
///
/// # Errors
/// Fewer than two films, a film without a face or sound, a method that cannot be had.
pub fn films_proof(
    paths: &Paths,
    wanted: &FilmsProof,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<FilmsTable, EngineError> {
    if wanted.films.len() < 2 {
        return Err(EngineError::Request(
            "give two films at least: each is also dubbed with the voice of another".into(),
        ));
    }
    for (method, weights) in &wanted.methods {
        Prepared::new(method, weights.as_deref(), &wanted.device, paths)?.check()?;
    }
    let work = paths.cache.join(format!("proof/{}", std::process::id()));
    fs::create_dir_all(&work).map_err(EngineError::file("make the folder", &work))?;
    let made = Bench { paths, wanted, work: &work, sink, cancel }.table();
    // Whether or not it worked, the films in between are of no more use; the takes stay in the cache.
    let _ = fs::remove_dir_all(&work);
    made
}

struct Bench<'a> {
    paths: &'a Paths,
    wanted: &'a FilmsProof,
    work: &'a Path,
    sink: &'a dyn Sink,
    cancel: &'a Cancel,
}

/// A film and how far its person's lips part, moment by moment, in the units of
/// [`Landmarks::lip_opening`](lipsmith_lipsync::face::Landmarks::lip_opening).
struct Speaker<'a> {
    film: &'a Path,
    person: u32,
    openings: Vec<Option<f64>>,
}

impl Bench<'_> {
    fn table(&self) -> Result<FilmsTable, EngineError> {
        let speakers = self.wanted.films.iter().map(|film| self.speaker(film));
        let speakers = speakers.collect::<Result<Vec<_>, _>>()?;
        let methods: Vec<Option<&(Method, Option<PathBuf>)>> =
            std::iter::once(None).chain(self.wanted.methods.iter().map(Some)).collect();
        let total = (methods.len() * speakers.len()) as u64;
        let (mut rows, mut judge) = (Vec::new(), String::new());
        for (at, method) in methods.iter().enumerate() {
            let mut found = Vec::new();
            for (number, speaker) in speakers.iter().enumerate() {
                let other = &speakers[(number + 1) % speakers.len()];
                let (row, by) = match method {
                    None => self.unchanged(speaker, other)?,
                    Some((method, weights)) => self.judge(speaker, other, method, weights.as_deref())?,
                };
                found.push(row);
                judge = by;
                let done = (at * speakers.len() + number + 1) as u64;
                self.sink.progress(Progress { stage: "films", done, total: Some(total) });
            }
            rows.push(average(&found));
        }
        Ok(FilmsTable { films: self.wanted.films.clone(), judge, rows })
    }

    fn speaker<'f>(&self, film: &'f Path) -> Result<Speaker<'f>, EngineError> {
        let analysis = self.analysis(film)?;
        if analysis.people().is_empty() {
            return Err(EngineError::Request(format!("{} shows no face to judge by", film.display())));
        }
        let whole = TimeRange::new(Time::ZERO, analysis.times().end());
        let person = choose(FaceChoice::Auto, &analysis, &[whole], &())?;
        Ok(Speaker { film, person, openings: openings(&analysis, person)? })
    }

    fn analysis(&self, film: &Path) -> Result<Analysis, EngineError> {
        let FilmsProof { detector, device, .. } = self.wanted;
        let analyst = Analyst::new(self.paths, self.sink, self.cancel).using(*detector, device);
        analyst.analyse(film, fingerprint(film)?)
    }

    fn unchanged(&self, speaker: &Speaker, other: &Speaker) -> Result<(FilmsRow, String), EngineError> {
        let own = self.score(speaker.film, speaker.film, None)?;
        let cross = self.score(speaker.film, other.film, None)?;
        let row = FilmsRow {
            method: "unchanged film".into(),
            follows: [Some(1.0), follows(&speaker.openings, &other.openings)],
            opens: Some(1.0),
            ..scores(Some(&own), &cross)
        };
        Ok((row, cross.judge.title.to_owned()))
    }

    fn judge(
        &self,
        speaker: &Speaker,
        other: &Speaker,
        method: &Method,
        weights: Option<&Path>,
    ) -> Result<(FilmsRow, String), EngineError> {
        let name = weights.map_or_else(|| method.family.clone(), super::name);
        // One that shows the film's own mouths finds those that are asked for.
        let paints = FAMILIES.iter().any(|family| family.name == method.family && family.network.is_some());
        let own = match paints {
            true => Some(self.dubbed(speaker, speaker.film, method, weights)?),
            false => None,
        };
        let begun = Instant::now();
        let cross = self.dubbed(speaker, other.film, method, weights)?;
        let seconds = begun.elapsed().as_secs_f64() / cross.frames.max(1) as f64;
        let said = |dub: &Dubbed| openings(&self.analysis(&dub.output)?, speaker.person);
        let [mine, theirs] = [own.as_ref().map(said).transpose()?, Some(said(&cross)?)];
        let judged = own.as_ref().map(|dub| self.score(&dub.output, speaker.film, Some(speaker.film)));
        let judged = judged.transpose()?;
        let crossed = self.score(&cross.output, other.film, None)?;
        let spread_of =
            |openings: &[Option<f64>]| spread(&openings.iter().copied().flatten().collect::<Vec<_>>());
        let filmed = spread_of(&speaker.openings);
        let row = FilmsRow {
            method: name,
            follows: [
                mine.and_then(|mine| follows(&mine, &speaker.openings)),
                theirs.as_ref().and_then(|theirs| follows(theirs, &other.openings)),
            ],
            opens: theirs.filter(|_| filmed > 0.0).map(|theirs| spread_of(&theirs) / filmed),
            seconds: Some(seconds),
            ..scores(judged.as_ref(), &crossed)
        };
        for dub in own.iter().chain([&cross]) {
            // Losslessly coded films are large.
            let _ = fs::remove_file(&dub.output);
        }
        Ok((row, crossed.judge.title.to_owned()))
    }

    fn dubbed(
        &self,
        speaker: &Speaker,
        voice: &Path,
        method: &Method,
        weights: Option<&Path>,
    ) -> Result<Dubbed, EngineError> {
        let which = if voice == speaker.film { "own" } else { "other" };
        let output = self.work.join(format!("{which}.mkv"));
        let request = DubRequest {
            detector: self.wanted.detector,
            face: FaceChoice::Person(speaker.person),
            checkpoint: weights.map(Path::to_path_buf),
            device: self.wanted.device.clone(),
            ..DubRequest::new(speaker.film, voice, output, method)
        };
        dub(self.paths, &request, self.sink, self.cancel)
    }

    fn score(&self, film: &Path, voice: &Path, against: Option<&Path>) -> Result<Scored, EngineError> {
        let request = ScoreRequest {
            film: film.to_path_buf(),
            voice: Some(voice.to_path_buf()),
            against: against.map(Path::to_path_buf),
            set: None,
            lines: None,
            face: FaceChoice::Auto,
            detector: self.wanted.detector,
            checkpoint: None,
            device: self.wanted.device.clone(),
        };
        score(self.paths, &request, self.sink, self.cancel)
    }
}

/// What scores tell of a row.
fn scores(own: Option<&Scored>, cross: &Scored) -> FilmsRow {
    let likeness = own.and_then(|scored| scored.against.as_ref());
    let whole = [own.and_then(|scored| scored.whole), cross.whole];
    FilmsRow {
        psnr: likeness.and_then(|likeness| likeness.psnr_face),
        ssim: likeness.map(|likeness| likeness.ssim_face),
        points: likeness.and_then(|likeness| likeness.landmarks),
        lse_d: whole.map(|score| score.map(|score| score.lse_d)),
        lse_c: whole.map(|score| score.map(|score| score.lse_c)),
        ..FilmsRow::default()
    }
}

/// Of each moment of the film; `None` where the lips are not seen.
fn openings(analysis: &Analysis, person: u32) -> Result<Vec<Option<f64>>, EngineError> {
    let times = analysis.times();
    let faces = analysis.faces(person, &(0..times.count()))?;
    let opening = |moment: i64| {
        let frame = times.index_at(Time::from_units(moment, MOMENTS)) as usize;
        Some(f64::from(faces.get(frame)?.as_ref()?.landmarks.as_ref()?.lip_opening))
    };
    Ok((0..times.end().floor_units(MOMENTS)).map(opening).collect())
}

fn follows(seen: &[Option<f64>], said: &[Option<f64>]) -> Option<f64> {
    let both = seen.iter().zip(said).filter_map(|(seen, said)| seen.zip(*said));
    let (seen, said): (Vec<f64>, Vec<f64>) = both.unzip();
    (seen.len() >= FEWEST).then(|| correlation(&seen, &said))
}

fn average(rows: &[FilmsRow]) -> FilmsRow {
    let some = |of: &dyn Fn(&FilmsRow) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| mean(values.into_iter()))
    };
    let both = |of: &dyn Fn(&FilmsRow) -> [Option<f64>; 2]| [0, 1].map(|voice| some(&|row| of(row)[voice]));
    FilmsRow {
        method: rows.first().map_or(String::new(), |row| row.method.clone()),
        psnr: some(&|row| row.psnr),
        ssim: some(&|row| row.ssim),
        points: some(&|row| row.points),
        follows: both(&|row| row.follows),
        opens: some(&|row| row.opens),
        lse_d: both(&|row| row.lse_d),
        lse_c: both(&|row| row.lse_c),
        seconds: some(&|row| row.seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mouths_are_compared_where_both_are_seen() {
        let course = |shift: usize| (0..60).map(|i| Some(((i + shift) % 8) as f64)).collect::<Vec<_>>();
        let mut gaps = course(0);
        gaps[10..20].fill(None);
        assert!(follows(&gaps, &course(0)).is_some_and(|v| v > 0.999));
        assert!(follows(&gaps, &course(4)).is_some_and(|v| v < 0.0));
        assert_eq!(follows(&gaps[..30], &course(0)), None, "too few moments");
    }

    #[test]
    fn what_is_not_known_of_one_film_is_known_of_the_others() {
        let row = |psnr, other| FilmsRow { psnr, follows: [None, Some(other)], ..FilmsRow::default() };
        let mean = average(&[row(Some(30.0), 0.2), row(None, 0.4)]);
        assert_eq!(mean.psnr, Some(30.0));
        assert!(mean.follows[0].is_none() && mean.follows[1].is_some_and(|v| (v - 0.3).abs() < 1e-9));
        let table = FilmsTable { films: vec![], judge: "an ear".into(), rows: vec![mean] };
        assert!(table.to_string().contains("| 30.0 | – | – | – / 0.30 |"), "{table}");
    }
}
