//! The models of this installation: imported once from whatever the editor downloaded, kept as
//! safetensors under the data folder, found again by what they are.
//!
//! `models/registry.json` tells what each file is and where it came from; it is replaced as a whole, after
//! the weights are safely on the disk, so a crash costs an import and never a model.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lipsmith_base::{Cancel, Cancelled, Progress, Sink};
use lipsmith_lipsync::FAMILIES;
pub use lipsmith_lipsync::families::Pace;
use lipsmith_nets::checkpoint::{Checkpoint, CheckpointError, write_safetensors};
use lipsmith_nets::zoo::{self, Network, Published, Recognised, ZOO};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const SCHEMA: u32 = 1;
/// Digests are taken and cancelling is looked at in pieces of this many bytes.
const PIECE: usize = 4 << 20;
/// No honest file's weights are this many times its own size; overlapping tensors of a hostile one are.
const MAX_GROWTH: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A sound file, but not one that can be used; `why` says what it is instead, or lacks.
    #[error("{} cannot be imported: {why}", path.display())]
    Unfit { path: PathBuf, why: String },
    #[error("cannot {doing} {}: {source}", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("the list of models {} is damaged ({why}); move it away and import the models again", path.display())]
    Registry { path: PathBuf, why: String },
}

impl From<Cancelled> for ModelsError {
    fn from(_: Cancelled) -> Self {
        ModelsError::Cancelled
    }
}

impl ModelsError {
    fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ModelsError {
        move |source| ModelsError::File { doing, path: path.to_owned(), source }
    }
    fn unfit(path: &Path, why: impl Into<String>) -> ModelsError {
        ModelsError::Unfit { path: path.to_owned(), why: why.into() }
    }
}

/// An imported model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    pub network: Network,
    /// Width, levels and the like, for people.
    pub variant: String,
    /// The published file's name, if its digest is known.
    pub published: Option<String>,
    /// Of the file that was imported, hexadecimal.
    pub sha256: String,
    /// Where that file was.
    pub origin: PathBuf,
    /// The terms of the weights, in words: the file's own, or those of the network's published weights.
    pub licence: String,
    /// What the weights were trained from and on, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ancestry: Option<String>,
    /// Seconds since 1970.
    pub imported: u64,
    /// Name of the converted file in the folder of models, and its length.
    pub file: String,
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Records {
    schema: u32,
    models: Vec<Model>,
}

/// What a family has and lacks here.
#[derive(Clone, Debug, Serialize)]
pub struct FamilyState {
    pub family: &'static str,
    pub title: &'static str,
    /// `None` for what paints nothing.
    pub pace: Option<Pace>,
    /// The terms of the weights: of those installed, or of the published ones.
    pub licence: Option<String>,
    pub lacks: Vec<Lack>,
    /// Not needed, but better with it.
    pub would_gain: Vec<Lack>,
}

impl FamilyState {
    pub fn is_ready(&self) -> bool {
        self.lacks.is_empty()
    }
}

/// A network that is not installed, and the published files that would do.
#[derive(Clone, Debug, Serialize)]
pub struct Lack {
    pub network: Network,
    pub title: &'static str,
    pub files: Vec<&'static str>,
}

/// What [`verify`] found out about a file.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
    pub container: String,
    pub published: Option<&'static str>,
    pub network: Option<Network>,
    pub variant: Option<String>,
    pub licence: Option<String>,
    /// Tensors in the file, and how many of them the network uses.
    pub tensors: usize,
    pub used: usize,
    /// Why it cannot be used; empty: it can.
    pub defects: Vec<String>,
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.defects.is_empty()
    }
}

/// The folder of models and what is in it.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    models: Vec<Model>,
}

impl Registry {
    /// `data`: the installation's data folder; nothing in it need exist yet, and nothing is written.
    pub fn open(data: &Path) -> Result<Registry, ModelsError> {
        let folder = data.join("models");
        let models = read_records(&folder.join("registry.json"))?;
        Ok(Registry { folder, models })
    }

    /// The models whose files are there, in the order of import.
    pub fn models(&self) -> impl DoubleEndedIterator<Item = &Model> {
        self.models.iter().filter(|model| self.is_whole(model))
    }

    /// The weights of a network by its name in the zoo: those imported last.
    pub fn installed(&self, network: &str) -> Option<PathBuf> {
        self.models().rfind(|model| model.network.name() == network).map(|model| self.path(model))
    }

    pub fn path(&self, model: &Model) -> PathBuf {
        self.folder.join(&model.file)
    }

    /// What each family still needs.
    pub fn families(&self) -> Vec<FamilyState> {
        let absent = |networks: &'static [Network]| {
            let absent = networks.iter().filter(|network| self.installed(network.name()).is_none());
            absent.map(|network| lack(*network)).collect()
        };
        let of_network = |network: &Network| {
            let installed = self.models().rfind(|model| model.network == *network);
            installed.map_or_else(|| network.about().licence.clone(), |model| model.licence.clone())
        };
        let state = |family: &'static zoo::Family| FamilyState {
            family: &family.family,
            title: &family.title,
            pace: FAMILIES.iter().find(|known| known.name == family.family).map(|known| known.pace),
            licence: family.licence.clone().or_else(|| family.needs.first().map(of_network)),
            lacks: absent(&family.needs),
            would_gain: absent(&family.helps),
        };
        ZOO.families.iter().map(state).collect()
    }

    /// Converts a checkpoint into a model of this installation. Importing the same file again, or a model
    /// that is imported already, changes nothing.
    ///
    /// # Errors
    /// A file that is damaged, of an unknown network, incomplete, or holding numbers that are not finite
    /// is refused; nothing is left behind, also after cancelling.
    pub fn import(&mut self, file: &Path, sink: &dyn Sink, cancel: &Cancel) -> Result<Model, ModelsError> {
        let checkpoint = Checkpoint::open(file)?;
        let origin = fs::canonicalize(file).map_err(ModelsError::file("find", file))?;
        let own = |model: &&Model| fs::canonicalize(self.path(model)).is_ok_and(|path| path == origin);
        if let Some(model) = self.models().find(own) {
            return Ok(model.clone());
        }
        let sha256 = digest(&checkpoint, sink, cancel)?;
        if let Some(model) = self.models().find(|model| model.sha256 == sha256) {
            return Ok(model.clone());
        }
        let found = zoo::recognise(&checkpoint).map_err(|what| ModelsError::unfit(file, what))?;
        if let Some(defect) = defects(&checkpoint, &found, sink, cancel)?.into_iter().next() {
            return Err(ModelsError::unfit(file, defect));
        }
        fs::create_dir_all(&self.folder).map_err(ModelsError::file("make the folder", &self.folder))?;
        let name = format!("{}-{}.safetensors", found.network.name(), &sha256[..12]);
        let bytes = self.convert(&checkpoint, &found, &name, sink, cancel)?;
        let model = Model {
            network: found.network,
            variant: found.variant.to_string(),
            published: published(&sha256, &found).map(|published| published.file.clone()),
            licence: terms(&checkpoint, &found),
            ancestry: checkpoint.words().remove("ancestry"),
            imported: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            file: name,
            sha256,
            origin,
            bytes,
        };
        self.record(model.clone())?;
        Ok(model)
    }

    /// Takes a model out, by the digest of the file it was imported from, and removes its weights.
    ///
    /// # Errors
    /// When the registry cannot be written; a model that is not there is no error.
    pub fn remove(&mut self, sha256: &str) -> Result<(), ModelsError> {
        let gone: Vec<_> = self.models.iter().filter(|model| model.sha256 == sha256).cloned().collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.change(|models| models.retain(|model| model.sha256 != sha256))?;
        for model in gone {
            let path = self.path(&model);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ModelsError::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the network's tensors as `name`; answers the file's length.
    fn convert(
        &self,
        checkpoint: &Checkpoint,
        found: &Recognised,
        name: &str,
        sink: &dyn Sink,
        cancel: &Cancel,
    ) -> Result<u64, ModelsError> {
        let tensors = found.tensors(checkpoint);
        let size: usize = tensors.iter().map(|(_, info)| info.elements() * info.element.size()).sum();
        if size > MAX_GROWTH * checkpoint.bytes().len() {
            let why = "its tensors overlap: they would take many times the file's own size";
            return Err(ModelsError::unfit(checkpoint.path(), why));
        }
        let mut each = |done, total| {
            sink.progress(Progress { stage: "convert", done, total: Some(total) });
            cancel.check().map_err(io::Error::other)
        };
        let path = self.folder.join(name);
        let written = replace(&path, |file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            write_safetensors(&mut out, checkpoint, &tensors, &mut each)?;
            out.flush()
        });
        cancel.check()?;
        written.map_err(ModelsError::file("write", &path))?;
        Ok(fs::metadata(&path).map_err(ModelsError::file("read", &path))?.len())
    }

    fn record(&mut self, model: Model) -> Result<(), ModelsError> {
        self.change(|models| {
            models.retain(|other| other.sha256 != model.sha256);
            models.push(model);
        })
    }

    /// Changes the registry on the disk, which another process may have changed meanwhile.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Model>)) -> Result<(), ModelsError> {
        let lock = self.folder.join("registry.lock");
        let file = File::create(&lock).map_err(ModelsError::file("make", &lock))?;
        file.lock().map_err(ModelsError::file("lock", &lock))?;
        let path = self.folder.join("registry.json");
        let mut models = read_records(&path)?;
        change(&mut models);
        let records = Records { schema: SCHEMA, models };
        let text = serde_json::to_vec_pretty(&records).map_err(|error| damaged(&path, error.to_string()))?;
        replace(&path, |file| file.write_all(&text)).map_err(ModelsError::file("write", &path))?;
        self.models = records.models;
        Ok(())
    }

    /// Whether a model's file is there, and not cut off.
    fn is_whole(&self, model: &Model) -> bool {
        fs::metadata(self.path(model)).is_ok_and(|about| about.len() == model.bytes)
    }
}

/// What a file is, whether it is whole and sound. Nothing is written.
///
/// # Errors
/// Only what cannot be read at all; all else is in the report.
pub fn verify(file: &Path, sink: &dyn Sink, cancel: &Cancel) -> Result<Report, ModelsError> {
    let checkpoint = Checkpoint::open(file)?;
    let sha256 = digest(&checkpoint, sink, cancel)?;
    let mut report = Report {
        path: file.to_owned(),
        bytes: checkpoint.bytes().len() as u64,
        sha256,
        container: checkpoint.container().to_string(),
        published: None,
        network: None,
        variant: None,
        licence: None,
        tensors: checkpoint.tensors().len(),
        used: 0,
        defects: Vec::new(),
    };
    match zoo::recognise(&checkpoint) {
        Err(what) => report.defects.push(what),
        Ok(found) => {
            report.published = published(&report.sha256, &found).map(|published| published.file.as_str());
            report.network = Some(found.network);
            report.variant = Some(found.variant.to_string());
            report.licence = Some(terms(&checkpoint, &found));
            report.used = found.tensors(&checkpoint).len();
            report.defects = defects(&checkpoint, &found, sink, cancel)?;
        }
    }
    Ok(report)
}

/// The file's own, if it tells any; else those of the published weights of its kind.
fn terms(checkpoint: &Checkpoint, found: &Recognised) -> String {
    checkpoint.words().remove("licence").unwrap_or_else(|| found.network.about().licence.clone())
}

/// What speaks against using the network: missing tensors, bytes that do not fit the container's
/// checksums, numbers that are none.
fn defects(
    checkpoint: &Checkpoint,
    found: &Recognised,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Vec<String>, ModelsError> {
    let mut defects: Vec<String> = found.defect().into_iter().collect();
    if let Err(error) = checkpoint.check_integrity() {
        defects.push(error.to_string());
    }
    let tensors = found.tensors(checkpoint);
    let mut rotten = Vec::new();
    for (done, (name, info)) in tensors.iter().enumerate() {
        cancel.check()?;
        sink.progress(Progress { stage: "check", done: done as u64, total: Some(tensors.len() as u64) });
        if checkpoint.non_finite(info)? > 0 {
            rotten.push(*name);
        }
    }
    if let Some(first) = rotten.first() {
        let count = rotten.len();
        defects.push(format!("{count} of its tensors hold NaN or infinity, the first being '{first}'"));
    }
    Ok(defects)
}

fn digest(checkpoint: &Checkpoint, sink: &dyn Sink, cancel: &Cancel) -> Result<String, ModelsError> {
    let bytes = checkpoint.bytes();
    let mut hasher = Sha256::new();
    for (index, piece) in bytes.chunks(PIECE).enumerate() {
        cancel.check()?;
        let done = (index * PIECE) as u64;
        sink.progress(Progress { stage: "digest", done, total: Some(bytes.len() as u64) });
        hasher.update(piece);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The published file by digest. Digests are known by both ends only, so the network must agree.
fn published(sha256: &str, found: &Recognised) -> Option<&'static Published> {
    zoo::published(sha256).filter(|published| published.network == found.network)
}

fn lack(network: Network) -> Lack {
    let files = ZOO.published.iter().filter(|file| file.network == network);
    Lack { network, title: &network.about().title, files: files.map(|file| file.file.as_str()).collect() }
}

fn read_records(path: &Path) -> Result<Vec<Model>, ModelsError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ModelsError::file("read", path)(error)),
    };
    let records: Records = serde_json::from_slice(&text).map_err(|error| damaged(path, error.to_string()))?;
    if records.schema > SCHEMA {
        return Err(damaged(path, format!("schema {} is a newer Lipsmith's", records.schema)));
    }
    // A file name is joined to the folder: it must not lead out of it.
    let escapes = |model: &&Model| Path::new(&model.file).file_name() != Some(model.file.as_ref());
    match records.models.iter().find(escapes) {
        Some(model) => Err(damaged(path, format!("'{}' is no file name", model.file))),
        None => Ok(records.models),
    }
}

fn damaged(path: &Path, why: String) -> ModelsError {
    ModelsError::Registry { path: path.to_owned(), why }
}

/// Writes a file under a temporary name and gives it its own when it is safely on the disk.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        // What went wrong is told; that the rest could not be removed either would only hide it.
        let _ = fs::remove_file(&temporary);
    }
    written
}
