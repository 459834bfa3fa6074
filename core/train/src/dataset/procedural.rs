//! A set of people who do not exist: as many as wanted, with the truth of every frame, and nobody's rights.

use super::{Counts, POINTS, Record, Split, Writer};
use crate::TrainError;
use crate::speaker::Sitting;
use lipsmith_base::{Cancel, Progress, Sink};
use lipsmith_nets::mel::{Mel, Padding};
use rayon::prelude::*;
use std::path::Path;

/// One person of so many is kept for validation.
pub const VALIDATION: u32 = 20;

/// What set to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Procedural {
    /// Below a million.
    pub people: u32,
    /// Length of each person's one clip, pictures.
    pub frames: usize,
    /// Pixels of the square pictures.
    pub side: usize,
    /// Another seed is other people; below 4096.
    pub seed: u64,
    /// How likely each speaks by flite, whose voices were people's, instead of by espeak-ng, 0..=1.
    pub flite: f32,
}

/// Adds the people who are not in the folder's set yet; a cancelled or killed run goes on where it was.
pub fn make(
    folder: &Path,
    plan: &Procedural,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Counts, TrainError> {
    let mut writer = Writer::open(folder, plan.side)?;
    let total = Some(u64::from(plan.people));
    for person in 0..plan.people {
        let name = format!("speaker {} {person:06}", plan.seed);
        if !writer.has(&name) {
            match record(plan, person, name, cancel) {
                Ok(record) => writer.push(record)?,
                // What is ready is worth a shard.
                Err(TrainError::Cancelled) => return writer.flush().and(Err(TrainError::Cancelled)),
                Err(error) => return Err(error),
            }
        }
        sink.progress(Progress { stage: "people", done: u64::from(person) + 1, total });
    }
    writer.finish()
}

fn record(plan: &Procedural, person: u32, name: String, cancel: &Cancel) -> Result<Record, TrainError> {
    // Far apart for neighbours: people must not resemble the next one.
    let seed = (plan.seed << 32 | u64::from(person)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sitting = Sitting::new(seed, plan.frames, plan.side, plan.flite)?;
    let faces: Result<Vec<Vec<u8>>, TrainError> = (0..sitting.frames())
        .into_par_iter()
        .map(|frame| {
            cancel.check().map_err(|_| TrainError::Cancelled)?;
            Ok(sitting.portrait(frame).face)
        })
        .collect();
    let landmarks = (0..sitting.frames())
        .map(|frame| -> [[f32; 2]; POINTS] { sitting.landmarks(frame).map(|p| [p.x, p.y]) });
    let sound = sitting.sound();
    Ok(Record {
        name,
        // Another seed is other people.
        person: (plan.seed as u32) << 20 | person,
        split: if person % VALIDATION == VALIDATION - 1 { Split::Validation } else { Split::Train },
        landmarks: landmarks.collect(),
        faces: faces?.concat(),
        mel: Mel::new(sound, Padding::Reflect).values().to_vec(),
        sound: sound.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Set;
    use super::*;

    #[test]
    fn people_are_made_once_and_a_stopped_run_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Procedural { people: 2, frames: 3, side: 32, seed: 3, flite: 0.0 };
        let stopped = Cancel::new();
        stopped.cancel();
        match make(folder.path(), &plan, &(), &stopped) {
            Err(error @ (TrainError::NoSpeechLibrary { .. } | TrainError::NoSpeechData { .. })) => {
                println!("SKIPPED: people_are_made_once_and_a_stopped_run_goes_on: {error}");
                return;
            }
            ended => assert!(matches!(ended, Err(TrainError::Cancelled)), "{ended:?}"),
        }
        let counts = make(folder.path(), &plan, &(), &Cancel::new()).expect("made");
        assert_eq!((counts.people, counts.frames), (2, 6));
        let more = Procedural { people: 20, frames: 1, ..plan };
        let counts = make(folder.path(), &more, &(), &Cancel::new()).expect("continued");
        assert_eq!((counts.people, counts.clips, counts.frames), (20, 20, 24));
        assert_eq!(counts.validation_people, 1);
        let set = Set::open(folder.path()).expect("opened");
        let clip = &set.clips()[0];
        assert_eq!((clip.sound().len(), clip.mel().len()), (3 * 640, 1 + 3 * 640 / 200));
        assert!(clip.landmarks().iter().flatten().flatten().all(|v| v.is_finite()));
    }
}
