//! Where Lipsmith keeps its own files, by the platform's conventions.

use crate::error::EngineError;
use directories::ProjectDirs;
use std::path::PathBuf;

/// The folders of one installation. `data` cannot be had again (imported models); `cache` may vanish at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub data: PathBuf,
    pub cache: PathBuf,
}

impl Paths {
    /// `LIPSMITH_DATA` and `LIPSMITH_CACHE`, or the platform's folders for `lipsmith`.
    ///
    /// # Errors
    /// When neither the variable nor a home folder is there.
    pub fn of_user() -> Result<Paths, EngineError> {
        let platform = ProjectDirs::from("", "", "lipsmith");
        let choose = |variable: &str, folder: Option<PathBuf>| {
            std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from).or(folder).ok_or_else(
                || {
                    EngineError::Request(format!(
                        "there is no home folder to keep files in: set {variable} to a folder"
                    ))
                },
            )
        };
        Ok(Paths {
            data: choose("LIPSMITH_DATA", platform.as_ref().map(|p| p.data_dir().to_path_buf()))?,
            cache: choose("LIPSMITH_CACHE", platform.as_ref().map(|p| p.cache_dir().to_path_buf()))?,
        })
    }

    /// The face detector's and mesh's files, put there by `packaging/fetch-face-models`.
    pub fn face_models(&self) -> PathBuf {
        self.data.join("models").join("faces")
    }
}
