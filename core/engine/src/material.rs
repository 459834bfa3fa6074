//! Media files as a project knows them, and what a take's spec names by digests, found again among them.

use crate::analysis::Analysis;
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::take::{ActorFootage, TakeJob};
use lipsmith_base::{Digest, FrameRate};
use lipsmith_media::{MediaInfo, Timing};
use lipsmith_project::{Media, Project, Sound, TakeSpec, Video};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A probed file as the media pool keeps it.
pub fn pool_entry(path: &Path, info: &MediaInfo) -> Result<Media, EngineError> {
    let pixels = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Media {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.to_path_buf(),
        fingerprint: fingerprint(path)?,
        // Sound that runs on behind the picture is not part of the film.
        duration: info.video.as_ref().map_or(info.duration, |video| video.duration),
        video: info.video.as_ref().map(|video| Video {
            rate: nominal(video.timing),
            width: pixels(video.display.0),
            height: pixels(video.display.1),
        }),
        sound: info.audio.as_ref().map(|audio| Sound { rate: audio.rate, channels: audio.channels }),
    })
}

/// What people would call a film's rate: the usual one nearest to the mean of a variable one, whose grid is as fine
/// as a container's clock.
fn nominal(timing: Timing) -> FrameRate {
    const USUAL: [(u32, u32); 9] = [
        (24_000, 1_001),
        (24, 1),
        (25, 1),
        (30_000, 1_001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60_000, 1_001),
        (60, 1),
    ];
    let apart = |rate: &FrameRate, mean: f64| (rate.fps() / mean.max(1.0)).ln().abs();
    match timing {
        Timing::Constant { rate } => rate,
        Timing::Variable { mean, .. } => {
            let usual = USUAL.iter().filter_map(|&(num, den)| FrameRate::new(num, den));
            let nearest = usual.min_by(|a, b| apart(a, mean).total_cmp(&apart(b, mean)));
            nearest.unwrap_or(FrameRate::FPS_25)
        }
    }
}

/// The files and analyses of one spec.
pub struct Material {
    film: PathBuf,
    analysis: Arc<Analysis>,
    voice: PathBuf,
    footage: Vec<ActorFootage>,
}

impl Material {
    /// `analysis` gives a finished analysis by its key.
    ///
    /// # Errors
    /// When a medium is not in the project, its file is not there or another than it was, or the analysis is gone.
    pub fn find(
        spec: &TakeSpec,
        project: &Project,
        analysis: &dyn Fn(Digest) -> Option<Arc<Analysis>>,
    ) -> Result<Material, EngineError> {
        let file = |fingerprint| {
            let media = project.media.values().find(|media| media.fingerprint == fingerprint);
            media.map(present).transpose()?.ok_or_else(|| {
                EngineError::Request("a film or voice of the line is not in the project any more".into())
            })
        };
        let analysis = |key| {
            analysis(key).ok_or_else(|| {
                EngineError::Request("the film's faces were analysed anew; render the line again".into())
            })
        };
        let footage = spec.footage.iter().map(|&footage| {
            let (path, analysis) = (file(footage.film)?, analysis(footage.analysis)?);
            Ok(ActorFootage { path, analysis, spec: footage })
        });
        Ok(Material {
            film: file(spec.film)?,
            analysis: analysis(spec.analysis)?,
            voice: file(spec.voice)?,
            footage: footage.collect::<Result<_, EngineError>>()?,
        })
    }

    /// The take that `spec`, from which this was found, stands for.
    pub fn job<'a>(&'a self, spec: &'a TakeSpec) -> TakeJob<'a> {
        let Material { film, analysis, voice, footage } = self;
        TakeJob { spec, film, analysis, voice, more_footage: footage }
    }
}

/// A medium's file, if it still is what the project knows.
///
/// # Errors
/// When it cannot be read or holds something else: what is made from it would be kept under a wrong name.
pub fn present(media: &Media) -> Result<PathBuf, EngineError> {
    if fingerprint(&media.path)? == media.fingerprint {
        return Ok(media.path.clone());
    }
    let path = media.path.display();
    Err(EngineError::Request(format!(
        "{path} is not the file it was; relink '{}' to the right one",
        media.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_rate_is_called_by_the_usual_one_next_to_it() {
        let base = FrameRate::new(90_000, 1).expect("positive");
        let named = |mean| nominal(Timing::Variable { mean, base }).to_string();
        assert_eq!([24.9, 29.7, 58.0, 12.0].map(named), ["25", "29.97", "59.94", "23.976"]);
        assert_eq!(nominal(Timing::constant(base)), base);
    }
}
