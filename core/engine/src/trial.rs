//! One frame of a take, without the rest: what an editor looks at before rendering a line.

use crate::error::EngineError;
use crate::take::{Clips, Held, Scene, TakeJob, layout};
use lipsmith_base::{Cancel, Picture, Rgb};
use lipsmith_lipsync::LipsyncError;
use lipsmith_lipsync::families::{Crop, Patch, Recipe, Source, SourceImages, Target};
use std::sync::{Mutex, PoisonError};

/// A frame of the film and what the take would lay over it; `None` where the frame would stay as it is.
pub struct Trial {
    pub picture: Picture,
    pub patch: Option<Patch>,
}

/// Plans the whole segment that holds film frame `frame`, as a render does, but renders that frame alone. `open` is
/// and `held` are as for [`take::render`](crate::take::render).
///
/// # Errors
/// As a render, and when the person's face is not found in the frame.
pub fn trial(
    job: &TakeJob,
    frame: u64,
    open: &dyn Fn(bool) -> Result<Box<dyn Recipe>, EngineError>,
    held: &mut Held,
    cancel: &Cancel,
) -> Result<Trial, EngineError> {
    let segments = layout(job.analysis, job.spec).segments;
    let segment = segments.into_iter().find(|segment| segment.contains(&frame)).ok_or_else(faceless)?;
    let mut clips = Clips::new(job, held, cancel);
    let scene = clips.scene(job, &segment)?;
    let line = scene.line();
    let index = (frame - segment.start) as usize;
    let face = line.faces.get(index).and_then(Option::as_ref).ok_or_else(faceless)?;
    let Some(picture) = clips.film()?.picture(frame)? else {
        let film = job.film.display();
        return Err(EngineError::Request(format!("frame {frame} of {film} cannot be decoded; try another")));
    };
    let clips = Mutex::new(clips);
    let attempt = |on_cpu: bool| -> Result<Option<Patch>, EngineError> {
        let mut recipe = open(on_cpu)?;
        let wanted = recipe.plan(&line, cancel)?;
        cancel.check()?;
        let crop = recipe.crop(index, face);
        let image = picture.sample(crop.map, crop.width, crop.height);
        let sources = Asked { wanted, scene: &scene, clips: &clips, cancel };
        let targets = [Target { frame: index, face, crop, image }];
        Ok(recipe.render(&line, &targets, &sources, cancel)?.into_iter().next().flatten())
    };
    let patch = match attempt(false) {
        Err(EngineError::Lipsync(LipsyncError::OutOfMemory { .. })) => attempt(true)?,
        other => other?,
    };
    Ok(Trial { picture, patch })
}

fn faceless() -> EngineError {
    EngineError::Request("the speaker's face is not found in this frame; test another one".into())
}

/// The planned pictures, each read from the film when it is asked for: one frame needs few of them.
struct Asked<'a> {
    wanted: Vec<(Source, Crop)>,
    scene: &'a Scene,
    clips: &'a Mutex<Clips<'a>>,
    cancel: &'a Cancel,
}

impl SourceImages for Asked<'_> {
    fn image(&self, index: usize) -> Result<Rgb, LipsyncError> {
        self.cancel.check()?;
        let unfit = |why: &str| LipsyncError::Unfit(format!("picture {index} of the actor: {why}"));
        let &(source, crop) = self.wanted.get(index).ok_or_else(|| unfit("it was not planned"))?;
        let mut clips = self.clips.lock().unwrap_or_else(PoisonError::into_inner);
        let image = clips.image(&self.scene.gathered, source, crop).map_err(|e| unfit(&e.to_string()))?;
        image.ok_or_else(|| unfit("it was not found in the footage"))
    }
}
