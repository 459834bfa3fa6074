//! Adding to a set: clips are gathered until they fill a shard, which then appears in the folder at once and whole.

use super::{Counts, POINTS, Set, Split, shard, shards};
use crate::TrainError;
use lipsmith_nets::mel::BANDS;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Bytes of pictures after which a shard is written: large files, and no more memory than this.
const SHARD: usize = 200 << 20;

/// A clip to be written; the parts as [`super::Clip`] describes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Unique in the set; tells a resumed run what is there already.
    pub name: String,
    pub person: u32,
    pub split: Split,
    pub faces: Vec<u8>,
    pub mel: Vec<f32>,
    pub landmarks: Vec<[[f32; 2]; POINTS]>,
    pub sound: Vec<i16>,
}

/// One at a time for a folder; others may read meanwhile.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    side: usize,
    names: HashSet<String>,
    next_shard: usize,
    pending: Vec<Record>,
    pending_bytes: usize,
    /// Held while the writer lives.
    _lock: File,
}

impl Writer {
    /// Makes the folder, or continues what is in it: whole shards stay, leavings of a killed run go.
    pub fn open(folder: &Path, side: usize) -> Result<Writer, TrainError> {
        fs::create_dir_all(folder).map_err(TrainError::file("make the folder", folder))?;
        let lock_path = folder.join("writer.lock");
        let lock = File::create(&lock_path).map_err(TrainError::file("make", &lock_path))?;
        if lock.try_lock().is_err() {
            return Err(TrainError::SetInUse { folder: folder.into() });
        }
        for entry in fs::read_dir(folder).map_err(TrainError::file("read the folder", folder))?.flatten() {
            if entry.path().extension().is_some_and(|e| e == "tmp") {
                fs::remove_file(entry.path()).map_err(TrainError::file("remove", &entry.path()))?;
            }
        }
        let whole = shards(folder)?;
        let mut names = HashSet::new();
        if !whole.is_empty() {
            let set = Set::open(folder)?;
            if set.side() != side {
                return Err(TrainError::MixedSides { folder: folder.into(), one: set.side(), other: side });
            }
            names.extend(set.clips().iter().map(|c| c.name.clone()));
        }
        let number = |path: &PathBuf| path.file_stem()?.to_str()?.strip_prefix("shard-")?.parse().ok();
        let next_shard = whole.iter().filter_map(number).max().map_or(0, |n: usize| n + 1);
        let folder = folder.to_path_buf();
        Ok(Writer { folder, side, names, next_shard, pending: Vec::new(), pending_bytes: 0, _lock: lock })
    }

    /// Whether a clip of that name is in the set or waits to be written.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub fn push(&mut self, record: Record) -> Result<(), TrainError> {
        let frames = record.landmarks.len();
        let fits = record.faces.len() == frames * 3 * self.side * self.side
            && record.mel.len().is_multiple_of(BANDS)
            && !self.names.contains(&record.name);
        if frames == 0 || !fits {
            return Err(TrainError::Record { name: record.name, frames, side: self.side });
        }
        self.names.insert(record.name.clone());
        self.pending_bytes += record.faces.len();
        self.pending.push(record);
        if self.pending_bytes >= SHARD { self.flush() } else { Ok(()) }
    }

    /// Writes what waits, as a smaller shard, and the counts.
    pub fn flush(&mut self) -> Result<(), TrainError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(format!("shard-{:05}.safetensors", self.next_shard));
        shard::write(&path, self.side, &self.pending)?;
        self.next_shard += 1;
        self.pending.clear();
        self.pending_bytes = 0;
        self.write_counts().map(drop)
    }

    /// The last shard and the counts of the whole set.
    pub fn finish(mut self) -> Result<Counts, TrainError> {
        self.flush()?;
        self.write_counts()
    }

    fn write_counts(&self) -> Result<Counts, TrainError> {
        let counts = Set::open(&self.folder)?.counts();
        let (path, temporary) = (self.folder.join("set.json"), self.folder.join("set.json.tmp"));
        let save = || -> Result<(), std::io::Error> {
            fs::write(&temporary, serde_json::to_vec_pretty(&counts)?)?;
            File::open(&temporary)?.sync_all()?;
            fs::rename(&temporary, &path)
        };
        save().map_err(TrainError::file("write", &path))?;
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 4;

    fn record(name: &str, person: u32, frames: usize) -> Record {
        let faces = (0..frames * 3 * SIDE * SIDE).map(|i| (i as u32 * 7 + person) as u8).collect();
        Record {
            name: name.into(),
            person,
            split: if person == 2 { Split::Validation } else { Split::Train },
            faces,
            mel: (0..frames * 3 * BANDS).map(|i| (i % 9) as f32 - 4.0).collect(),
            landmarks: (0..frames).map(|t| [[t as f32, person as f32]; POINTS]).collect(),
            sound: (0..frames * 640).map(|i| i as i16).collect(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = [record("a", 1, 5), record("b", 2, 3), record("c", 1, 2)];
        let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
        records.iter().for_each(|r| writer.push(r.clone()).expect("pushed"));
        let counts = writer.finish().expect("finished");
        assert_eq!((counts.clips, counts.frames, counts.people, counts.validation_frames), (3, 10, 2, 3));
        let set = Set::open(folder.path()).expect("opened");
        for (clip, record) in set.clips().iter().zip(&records) {
            assert_eq!((&clip.name, clip.person, clip.split), (&record.name, record.person, record.split));
            assert_eq!(clip.faces(), record.faces);
            assert_eq!(clip.mel().as_flattened(), record.mel);
            assert_eq!(clip.landmarks(), record.landmarks);
            assert_eq!(clip.sound(), record.sound);
            assert_eq!(clip.face(1), &record.faces[48..96]);
        }
        assert_eq!(set.split(Split::Validation).map(|c| c.person).collect::<Vec<_>>(), [2]);
        let told: Counts =
            serde_json::from_slice(&fs::read(folder.path().join("set.json")).expect("read")).expect("JSON");
        assert_eq!(told, counts);
    }

    #[test]
    fn a_killed_run_keeps_whole_shards_and_continues() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
        writer.push(record("a", 1, 5)).expect("pushed");
        writer.flush().expect("written");
        writer.push(record("b", 1, 5)).expect("pushed");
        // Killed: what waits is gone, and a shard was being written.
        drop(writer);
        fs::write(folder.path().join("shard-00001.tmp"), b"half").expect("written");
        let mut writer = Writer::open(folder.path(), SIDE).expect("continued");
        assert!(writer.has("a") && !writer.has("b"));
        assert!(matches!(writer.push(record("a", 1, 5)), Err(TrainError::Record { .. })));
        writer.push(record("b", 1, 4)).expect("pushed");
        assert_eq!(writer.finish().expect("finished").frames, 9);
        assert!(!folder.path().join("shard-00001.tmp").exists());
    }

    #[test]
    fn several_sets_are_one_whose_people_are_not_mixed_up() {
        let folders = [0, 1].map(|_| tempfile::tempdir().expect("a folder"));
        for folder in &folders {
            let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
            writer.push(record("a", 0, 5)).expect("pushed");
            writer.push(record("b", 0, 4)).expect("pushed");
            writer.push(record("c", 2, 3)).expect("pushed");
            writer.finish().expect("finished");
        }
        let both = folders.each_ref().map(|folder| folder.path().to_path_buf());
        let set = Set::open_all(&both).expect("opened");
        assert_eq!((set.counts().people, set.counts().frames), (4, 24));
        let people: Vec<u32> = set.clips().iter().map(|clip| clip.person).collect();
        assert!(people[3] == people[4] && people[3] != people[5] && people[..3] == [0, 0, 2], "{people:?}");
        assert!(matches!(Set::open_all(&[]), Err(TrainError::EmptySet { .. })));
        let other = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(other.path(), 2 * SIDE).expect("a set");
        let mut large = record("a", 0, 5);
        large.faces = vec![0; 4 * large.faces.len()];
        writer.push(large).expect("pushed");
        writer.finish().expect("finished");
        let sizes = Set::open_all(&[both[0].clone(), other.path().into()]).expect_err("two sizes");
        assert!(matches!(sizes, TrainError::MixedSides { .. }), "{sizes}");
    }

    #[test]
    fn two_writers_and_other_sizes_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
        assert!(matches!(Writer::open(folder.path(), SIDE), Err(TrainError::SetInUse { .. })));
        let mut wrong = record("a", 1, 5);
        wrong.faces.pop();
        assert!(matches!(writer.push(wrong), Err(TrainError::Record { .. })));
        writer.push(record("a", 1, 5)).expect("pushed");
        writer.finish().expect("finished");
        let error = Writer::open(folder.path(), 8).expect_err("another size").to_string();
        assert!(error.contains("4") && error.contains("8"), "{error}");
    }

    #[test]
    fn broken_and_empty_sets_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Set::open(folder.path()), Err(TrainError::EmptySet { .. })));
        assert!(matches!(Set::open(&folder.path().join("none")), Err(TrainError::File { .. })));
        let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
        writer.push(record("a", 1, 5)).expect("pushed");
        writer.finish().expect("finished");
        let path = folder.path().join("shard-00000.safetensors");
        let bytes = fs::read(&path).expect("read");
        for length in [0, 4, 40, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).expect("written");
            let error = Set::open(folder.path()).expect_err("cut short").to_string();
            assert!(error.contains("shard-00000"), "{error}");
        }
    }
}
