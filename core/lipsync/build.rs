//! rustface ships the model it needs in its package, but not in its library: this finds the file, so that
//! it can be built into ours and a detector is there on every machine.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    match rustface_folder() {
        Ok(folder) => println!(
            "cargo::rustc-env=RUSTFACE_MODEL={}",
            folder.join("model/seeta_fd_frontal_v1.0.bin").display()
        ),
        Err(reason) => println!("cargo::error=cannot find the package rustface: {reason}"),
    }
}

fn rustface_folder() -> Result<PathBuf, String> {
    let variable = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let manifest = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let output = Command::new(variable("CARGO")?)
        .args(["metadata", "--format-version=1", "--filter-platform", &variable("TARGET")?])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == "rustface");
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    manifest.and_then(|path| Path::new(path).parent()).map(Path::to_owned).ok_or("it is not listed".into())
}
