//! What a take's spec names by digests, found again among a project's media.

use crate::analysis::Analysis;
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::take::{ActorFootage, TakeJob};
use lipsmith_base::Digest;
use lipsmith_project::{Media, Project, TakeSpec};
use std::path::PathBuf;
use std::sync::Arc;

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
