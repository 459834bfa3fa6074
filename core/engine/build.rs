//! Whatever weights lie in `resources/models` are carried by the program under their file's name: a newly trained
//! network is put there, and nothing else is written.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(reason) = carry() {
        println!("cargo::error=the networks that the program carries: {reason}");
    }
}

fn carry() -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../resources/models");
    println!("cargo::rerun-if-changed={}", folder.display());
    let listing = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "safetensors"));
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let file = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Writing to a String cannot fail.
        let _ = writeln!(table, "    ({name:?}, include_bytes!({file:?})),");
    }
    table.push_str("]\n");
    let out = Path::new(&variable("OUT_DIR")?).join("carried.rs");
    std::fs::write(&out, table).map_err(|error| format!("{}: {error}", out.display()))
}
