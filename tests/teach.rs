//! The way to the shipped network, walked from nothing in its shortened form.

mod harness;

use harness::{Bench, root};
use std::fs;
use std::process::Command;

#[test]
fn the_shipped_network_is_taught_from_nothing_by_one_command() {
    const NAME: &str = "the_shipped_network_is_taught_from_nothing_by_one_command";
    for voice in ["espeak-ng", "flite"] {
        if Command::new(voice).arg("--version").output().is_err() {
            println!("SKIPPED: {NAME}: {voice} is not installed");
            return;
        }
    }
    let bench = Bench::new();
    let teach = || {
        let mut command = Command::new(root().join("packaging/teach"));
        command.env("LIPSMITH", env!("CARGO_BIN_EXE_lipsmith")).arg("--trial").arg(bench.path("run"));
        let output = command.output().expect("the script starts");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
        words
    };
    teach();
    let network = bench.path("run/lipsmith-w.safetensors");
    let taught = fs::read(&network).expect("written");
    // The same network as the one that ships, but for what it has learned.
    let shipped = root().join("resources/models/lipsmith-w.safetensors");
    let of = |file: &std::path::Path| {
        let told = bench.result(&["models", "verify", &file.to_string_lossy()]);
        (told["network"].clone(), told["variant"].clone(), told["tensors"].clone())
    };
    assert_eq!(of(&network), of(&shipped));
    assert_ne!(taught, fs::read(&shipped).expect("read"));
    // Again, it finds everything done.
    let words = teach();
    assert_eq!(fs::read(&network).expect("written"), taught, "{words}");
}
