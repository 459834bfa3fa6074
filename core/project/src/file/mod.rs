//! A project's file: JSON with a schema number. Older schemas are brought up to date on the raw JSON; what a file
//! says that this version does not know is kept and written back; a broken file is refused with the place where.

mod migrate;
mod unknown;

pub(crate) use unknown::Unknown;

use crate::check::Violation;
use crate::project::Project;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Of the files written here.
pub const SCHEMA: u64 = migrate::STEPS.len() as u64;
/// A feature film's project is some megabytes; anything near this is not one.
const LARGEST: usize = 512 << 20;
/// Says what the file is to people and programs that open it.
const FORMAT: &str = "lipsmith project";

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file is {0} bytes long, more than a project can be; choose a Lipsmith project")]
    TooLarge(usize),
    #[error("the file is damaged at line {line}, column {column}: {cause}; open a backup instead")]
    Json { line: usize, column: usize, cause: String },
    #[error("this is no Lipsmith project; choose a file that Lipsmith has saved")]
    Foreign,
    #[error(
        "the project was saved by a newer Lipsmith (schema {0}, this one knows up to {SCHEMA}); update Lipsmith"
    )]
    Newer(u64),
    #[error("the project is damaged at {place}: {cause}; open a backup instead")]
    Content { place: String, cause: String },
    #[error("the project is damaged: {0}; open a backup instead")]
    Unsound(Violation),
    #[error(
        "the project cannot be written: {0}; rename the media file if its path is not Unicode, and relink it"
    )]
    Unwritable(String),
}

/// Reads a project of this or any older schema.
pub fn read(bytes: &[u8]) -> Result<Project, FileError> {
    if bytes.len() > LARGEST {
        return Err(FileError::TooLarge(bytes.len()));
    }
    let mut file: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(Value::Object(file)) => file,
        Ok(_) => return Err(FileError::Foreign),
        Err(e) => return Err(FileError::Json { line: e.line(), column: e.column(), cause: cause(&e) }),
    };
    if file.remove("format").as_ref().and_then(Value::as_str) != Some(FORMAT) {
        return Err(FileError::Foreign);
    }
    let schema = file.remove("schema").as_ref().and_then(Value::as_u64).ok_or(FileError::Foreign)?;
    if schema > SCHEMA {
        return Err(FileError::Newer(schema));
    }
    let raw = migrate::up_to_date(Value::Object(file), schema);
    let mut project: Project = parse(&raw)?;
    if let Some(violation) = project.check().into_iter().next() {
        return Err(FileError::Unsound(violation));
    }
    project.unknown = Unknown::of(&raw, &value(&project)?).map(Arc::new);
    Ok(project)
}

/// The file's bytes; [`read`] gives the same project back.
pub fn write(project: &Project) -> Result<Vec<u8>, FileError> {
    let mut content = value(project)?;
    if let Some(unknown) = &project.unknown {
        unknown.put_back(&mut content);
    }
    let mut file = json!({ "format": FORMAT, "schema": SCHEMA });
    if let (Value::Object(file), Value::Object(content)) = (&mut file, content) {
        file.extend(content);
    }
    let mut bytes = serde_json::to_vec_pretty(&file).map_err(|e| FileError::Unwritable(e.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn value(project: &Project) -> Result<Value, FileError> {
    serde_json::to_value(project).map_err(|e| FileError::Unwritable(e.to_string()))
}

/// With the path of the thing that is wrong, as `cues.12.range`.
fn parse(raw: &Value) -> Result<Project, FileError> {
    serde_path_to_error::deserialize(raw)
        .map_err(|e| FileError::Content { place: e.path().to_string(), cause: e.inner().to_string() })
}

/// The message without the place, which is told apart from it.
fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}
