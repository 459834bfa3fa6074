//! The lane that touches project files: open, save, journal, look at media, relink. One thread, so that what is
//! written last was asked for last.
//!
//! The journal is the whole project, replaced after each edit: a crash costs what was edited since the last
//! replacement began, some hundredths of a second. A lock file that dies with its process tells a crashed session's
//! journal from a living one's.

use super::event::{Event, Recovery, Weight};
use super::port::Port;
use super::request::Request;
use super::welcome;
use crate::error::EngineError;
use crate::files::{fingerprint, write_atomically};
use crate::material::pool_entry;
use crate::paths::Paths;
use lipsmith_base::Time;
use lipsmith_media::probe;
use lipsmith_project::interchange::{FORMATS, Format};
use lipsmith_project::{Edit, Media, MediaId, Project, file};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Files looked at for one relink; a folder of more is a disk, not a film's home.
const MOST_CANDIDATES: usize = 20_000;

/// A killed program may hold its lock for seconds, while the system takes its memory back: so often and for so long
/// journals that were in use at the start are looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOKS: u32 = 60;

pub fn run(paths: Paths, port: Port, inbox: Receiver<Request>) {
    let (journal, mut in_use) = Journal::begin(&paths.data.join("sessions"), &port);
    let mut disk = Disk { journal, port, media: None };
    let mut looks = 0;
    loop {
        let wait = if in_use.is_empty() || looks == LOOKS { Duration::MAX } else { LOOK_EVERY };
        let first = match inbox.recv_timeout(wait) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => {
                looks += 1;
                offer(in_use.extract_if(.., |journal| !alive(journal)).collect(), &disk.port);
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Of projects that wait only the newest is worth writing.
        let mut requests = vec![first];
        requests.extend(inbox.try_iter());
        let newest = requests.iter().rposition(|r| matches!(r, Request::Project { settled: Some(_), .. }));
        for (at, request) in requests.into_iter().enumerate() {
            match request {
                Request::Project { project, settled: Some(revision), unsaved } if newest == Some(at) => {
                    if unsaved {
                        disk.journal(&project, revision);
                    } else {
                        disk.journal.clear();
                    }
                    disk.look_for_media(&project);
                }
                Request::New => {
                    disk.journal.path = None;
                    disk.journal.clear();
                }
                Request::Open(path) => disk.open(path),
                Request::Save { path, project, revision } => disk.save(path, &project, revision),
                Request::Recover(journal) => disk.recover(&journal),
                Request::Forget(journal) => disk.forget(&journal),
                Request::Import(files) => files.into_iter().for_each(|path| {
                    let media = look_at(&path).map_err(|e| e.to_string());
                    disk.port.tell(Event::Imported { path, media });
                }),
                Request::OpenSample => disk.open_sample(&paths),
                Request::ImportScript { path, project } => {
                    let edit = read_script(&path, &project);
                    disk.port.tell(Event::Scripted { path, edit });
                }
                Request::ExportScript { path, project } => match write_script(&path, &project) {
                    Ok(()) => disk.port.say(Weight::Done, format!("{} is written", path.display())),
                    Err(why) => disk.port.say(Weight::Failed, why),
                },
                Request::Keep { name, bytes } => {
                    if let Err(error) = write_atomically(&kept_path(&paths, name), &bytes) {
                        disk.port.say(Weight::Note, error.to_string());
                    }
                }
                Request::Relink { media, at } => disk.relink(media, &at),
                Request::Close => return disk.journal.end(),
                _ => {}
            }
        }
    }
}

struct Disk {
    port: Port,
    journal: Journal,
    /// The media of the last project, whose files have been looked for.
    media: Option<Arc<BTreeMap<MediaId, Media>>>,
}

impl Disk {
    fn open(&mut self, path: PathBuf) {
        let read = fs::read(&path).map_err(EngineError::file("open", &path)).map_err(|e| e.to_string());
        let read = read.and_then(|bytes| {
            file::read(&bytes).map_err(|e| format!("{} cannot be opened: {e}", path.display()))
        });
        match read {
            Ok(project) => {
                self.journal.path = Some(path.clone());
                self.journal.clear();
                self.port.tell(Event::Opened { project: Box::new(project), path: Some(path), dirty: false });
            }
            Err(why) => self.port.say(Weight::Failed, why),
        }
    }

    fn open_sample(&mut self, paths: &Paths) {
        match welcome::project(&paths.data.join("sample")) {
            Ok(project) => {
                self.journal.path = None;
                self.journal.clear();
                self.port.tell(Event::Opened { project: Box::new(project), path: None, dirty: false });
            }
            Err(error) => self.port.say(Weight::Failed, format!("the sample cannot be opened: {error}")),
        }
    }

    fn save(&mut self, path: PathBuf, project: &Project, revision: u64) {
        let written = file::write(project)
            .map_err(|e| e.to_string())
            .and_then(|bytes| write_atomically(&path, &bytes).map_err(|e| e.to_string()));
        match written {
            Ok(()) => {
                self.journal.path = Some(path.clone());
                // Edits made since then are journaled again by the next request.
                if self.journal.revision <= Some(revision) {
                    self.journal.clear();
                }
                self.port.tell(Event::Saved { path, revision });
            }
            Err(why) => self.port.tell(Event::NotSaved(format!("the project is not saved: {why}"))),
        }
    }

    fn journal(&mut self, project: &Arc<Project>, revision: u64) {
        match self.journal.write(project, revision) {
            Ok(()) => self.port.tell(Event::Journaled { revision }),
            Err(error) => self.port.say(
                Weight::Failed,
                format!("the recovery journal cannot be written, save by hand: {error}"),
            ),
        }
    }

    fn look_for_media(&mut self, project: &Arc<Project>) {
        if self.media.as_ref().is_none_or(|media| !Arc::ptr_eq(media, &project.media)) {
            self.media = Some(project.media.clone());
            let offline = project.media.iter().filter(|(_, media)| !media.path.is_file());
            let offline: BTreeSet<_> = offline.map(|(id, _)| *id).collect();
            self.port.tell(Event::Offline(offline));
        }
    }

    fn recover(&mut self, journal: &Path) {
        let read = Journal::read(journal).and_then(|(head, bytes)| {
            let project = file::read(&bytes).map_err(|e| format!("the journal cannot be read: {e}"))?;
            Ok((head, project))
        });
        match read {
            Ok((head, project)) => {
                self.journal.path.clone_from(&head.path);
                // First the new journal, then away with the old one: at no moment is there none.
                if let Err(error) = self.journal.write(&project, 0) {
                    return self.port.say(Weight::Failed, error.to_string());
                }
                self.forget(journal);
                self.port.tell(Event::Opened { project: Box::new(project), path: head.path, dirty: true });
            }
            Err(why) => self.port.say(Weight::Failed, format!("{}: {why}", journal.display())),
        }
    }

    fn forget(&self, journal: &Path) {
        if let Err(error) = fs::remove_file(journal) {
            self.port.say(Weight::Note, format!("cannot remove {}: {error}", journal.display()));
        }
        // Its lock is empty and nobody's.
        let _ = fs::remove_file(journal.with_extension("lock"));
    }

    fn relink(&mut self, id: MediaId, at: &Path) {
        let Some(wanted) = self.media.as_ref().and_then(|media| media.get(&id)) else {
            return self.port.say(Weight::Failed, "that medium is not in the project any more");
        };
        self.port.tell(Event::Found { media: id, file: find(wanted, at) });
    }
}

pub fn kept_path(paths: &Paths, name: &str) -> PathBuf {
    paths.data.join("settings").join(name)
}

fn format_of(path: &Path) -> Result<&'static Format, String> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    Format::by_extension(&ending).ok_or_else(|| {
        let known = FORMATS.iter().map(|f| f.extension).collect::<Vec<_>>().join(", ");
        format!("{}: '{ending}' names no script format; known are {known}", path.display())
    })
}

fn read_script(path: &Path, project: &Project) -> Result<Edit, String> {
    let format = format_of(path)?;
    let bytes = fs::read(path).map_err(EngineError::file("open", path)).map_err(|e| e.to_string())?;
    (format.read)(project, &bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn write_script(path: &Path, project: &Project) -> Result<(), String> {
    let format = format_of(path)?;
    write_atomically(path, &(format.write)(project)).map_err(|e| e.to_string())
}

/// What a file is, as the media pool keeps it.
pub fn look_at(path: &Path) -> Result<Media, EngineError> {
    let info = probe(path)?;
    if info.duration <= Time::ZERO {
        return Err(EngineError::Request(format!(
            "{} is a still picture; give a film or a sound",
            path.display()
        )));
    }
    let absolute = path.canonicalize().map_err(EngineError::file("find", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Media { name, ..pool_entry(&absolute, &info)? })
}

/// The file that a medium was, at a path or below a folder: by its contents, else by name and length.
fn find(wanted: &Media, at: &Path) -> Result<Media, String> {
    if at.is_file() {
        let found = look_at(at).map_err(|e| e.to_string())?;
        return if found.fingerprint == wanted.fingerprint || same_length(wanted, &found) {
            Ok(found)
        } else {
            Err(format!(
                "{} lasts {}, but {} lasted {}; choose the file it was",
                at.display(),
                found.duration,
                wanted.name,
                wanted.duration
            ))
        };
    }
    let wanted_name = wanted.path.file_name();
    let mut candidates = files_below(at);
    // Those of the right name first: most are found by the first look.
    candidates.sort_by_key(|path| path.file_name() != wanted_name);
    let by_contents = candidates.iter().find(|path| {
        let right_kind = path.extension() == wanted.path.extension() || path.file_name() == wanted_name;
        right_kind && fingerprint(path).is_ok_and(|print| print == wanted.fingerprint)
    });
    let by_name = || candidates.iter().filter(|path| path.file_name() == wanted_name);
    if let Some(path) = by_contents {
        return look_at(path).map_err(|e| e.to_string());
    }
    let alike = by_name().find_map(|path| look_at(path).ok().filter(|found| same_length(wanted, found)));
    alike.ok_or_else(|| {
        format!("{} is not in {} (looked for its contents, name and length)", wanted.name, at.display())
    })
}

fn same_length(a: &Media, b: &Media) -> bool {
    a.duration == b.duration && a.video == b.video
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // A folder that may not be read hides its files, no more.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
            if files.len() + folders.len() > MOST_CANDIDATES {
                return files;
            }
        }
    }
    files
}

/// This session's journal.
struct Journal {
    file: PathBuf,
    /// Held while the session lives.
    lock: Option<File>,
    /// The project's own file.
    path: Option<PathBuf>,
    /// What the journal on disk holds.
    revision: Option<u64>,
}

/// The first line of a journal; the project's file follows.
#[derive(Serialize, Deserialize)]
struct Head {
    path: Option<PathBuf>,
    name: String,
    written: u64,
}

impl Journal {
    /// Tells of the sessions that did not end well and locks a name for this one. Also the journals of sessions that
    /// live, or seem to.
    fn begin(folder: &Path, port: &Port) -> (Journal, Vec<PathBuf>) {
        let (in_use, orphans): (Vec<_>, Vec<_>) = journals(folder).partition(|journal| alive(journal));
        offer(orphans, port);
        let name = format!("{}-{}", now(), std::process::id());
        let lock = folder.join(&name).with_extension("lock");
        let locked = fs::create_dir_all(folder).and_then(|()| {
            let file = File::create(&lock)?;
            file.lock()?;
            Ok(file)
        });
        if let Err(error) = &locked {
            port.say(
                Weight::Failed,
                format!("{} cannot be written ({error}): a crash would lose unsaved edits", folder.display()),
            );
        }
        let file = folder.join(name).with_extension("journal");
        (Journal { file, lock: locked.ok(), path: None, revision: None }, in_use)
    }

    fn write(&mut self, project: &Project, revision: u64) -> Result<(), EngineError> {
        let head = Head { path: self.path.clone(), name: project.name.clone(), written: now() };
        let unwritable = |why: String| EngineError::Request(why);
        let mut bytes = serde_json::to_vec(&head).map_err(|e| unwritable(e.to_string()))?;
        bytes.push(b'\n');
        bytes.extend(file::write(project).map_err(|e| unwritable(e.to_string()))?);
        write_atomically(&self.file, &bytes)?;
        self.revision = Some(revision);
        Ok(())
    }

    fn read(path: &Path) -> Result<(Head, Vec<u8>), String> {
        let bytes = fs::read(path).map_err(|e| e.to_string())?;
        let line = bytes.iter().position(|b| *b == b'\n').ok_or("the journal is not whole")?;
        let head = serde_json::from_slice(&bytes[..line]).map_err(|e| format!("not a journal: {e}"))?;
        Ok((head, bytes[line + 1..].to_vec()))
    }

    /// Everything is in the project's file.
    fn clear(&mut self) {
        self.revision = None;
        // It may never have been written.
        let _ = fs::remove_file(&self.file);
    }

    fn end(mut self) {
        self.clear();
        self.lock = None;
        let _ = fs::remove_file(self.file.with_extension("lock"));
    }
}

/// No folder, no journals.
fn journals(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "journal"))
}

/// Somebody holds its lock.
fn alive(journal: &Path) -> bool {
    File::open(journal.with_extension("lock")).is_ok_and(|lock| lock.try_lock().is_err())
}

/// Tells of journals that nobody writes any more, the newest first.
fn offer(orphans: Vec<PathBuf>, port: &Port) {
    let recovery = |journal: PathBuf| {
        let (head, _) = Journal::read(&journal).ok()?;
        Some(Recovery { journal, path: head.path, name: head.name, written: head.written })
    };
    let mut left: Vec<_> = orphans.into_iter().filter_map(recovery).collect();
    left.sort_by_key(|recovery| std::cmp::Reverse(recovery.written));
    if !left.is_empty() {
        port.tell(Event::Recoverable(left));
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
