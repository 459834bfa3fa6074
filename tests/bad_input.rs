//! Every bad input gets one clear error: what, why, what to do; exit code 2 for arguments that do not fit and 1
//! otherwise; no output file left, sources never touched.

mod harness;

use harness::{Bench, write_film, write_voice};
use std::fs;
use std::path::Path;
use std::process::Output;

/// A film of two seconds with a tone, and a voice of one second.
struct Material {
    bench: Bench,
    film: String,
    voice: String,
    out: String,
}

impl Material {
    fn new() -> Material {
        let bench = Bench::new();
        let text = |name: &str| bench.path(name).to_string_lossy().into_owned();
        let (film, voice, out) = (text("film.mp4"), text("voice.wav"), text("out.mp4"));
        write_film(Path::new(&film), 50, true);
        write_voice(Path::new(&voice), 1.0);
        Material { bench, film, voice, out }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.bench.path(name);
        fs::write(&path, bytes).expect("written");
        path.to_string_lossy().into_owned()
    }

    /// Runs a dub that must fail with `code`, saying each of `words`, leaving nothing behind.
    fn refuses(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let sources: Vec<_> = [&self.film, &self.voice].iter().map(|path| fs::read(path).ok()).collect();
        let output = self.bench.run(arguments);
        assert_refused(&output, arguments, code, words);
        assert!(!Path::new(&self.out).exists(), "{arguments:?} left an output");
        let left = fs::read_dir(self.bench.path("")).expect("listed").flatten();
        let left: Vec<_> = left.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        assert!(
            !left.iter().any(|name| name.ends_with(".tmp") || name.contains(".part")),
            "{arguments:?}: {left:?}"
        );
        let after: Vec<_> = [&self.film, &self.voice].iter().map(|path| fs::read(path).ok()).collect();
        assert!(sources == after, "{arguments:?} touched a source");
    }

    fn dub<'a>(&'a self, film: &'a str, voice: &'a str) -> Vec<&'a str> {
        vec!["dub", film, voice, "-o", &self.out]
    }
}

fn assert_refused(output: &Output, arguments: &[&str], code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for word in words {
        assert!(
            text.to_lowercase().contains(&word.to_lowercase()),
            "{arguments:?} should say '{word}': {text}"
        );
    }
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
}

#[test]
fn films_that_are_none() {
    let m = Material::new();
    let whole = fs::read(&m.film).expect("read");
    let empty = m.file("empty.mp4", &[]);
    let noise: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let garbage = m.file("garbage.mp4", &noise);
    let text = m.file("page.mp4", b"<html><body>404 Not Found</body></html>");
    // The index of an MP4 stands at its end: without it there is nothing to decode.
    let truncated = m.file("truncated.mp4", &whole[..whole.len() / 3]);
    let missing = m.bench.path("missing.mp4").to_string_lossy().into_owned();
    let folder = m.bench.path("").to_string_lossy().into_owned();
    for (film, word) in [
        (&missing, "missing.mp4"),
        (&empty, "empty"),
        (&garbage, "garbage.mp4"),
        (&text, "page.mp4"),
        (&truncated, "truncated.mp4"),
        (&folder, "folder"),
    ] {
        m.refuses(&m.dub(film, &m.voice), 1, &[word]);
        let probe = m.bench.run(&["probe", film]);
        assert_refused(&probe, &["probe", film], 1, &[word]);
    }
}

#[test]
fn a_film_without_picture_and_a_voice_without_sound() {
    let m = Material::new();
    m.refuses(&m.dub(&m.voice, &m.voice), 2, &["no picture"]);
    let silent = m.bench.path("silent.mp4");
    write_film(&silent, 10, false);
    let silent = silent.to_string_lossy().into_owned();
    m.refuses(&m.dub(&m.film, &silent), 2, &["no sound"]);
}

#[test]
fn places_outside_the_film() {
    let m = Material::new();
    for (option, value, words) in [
        ("--range", "00:00:01:00-00:01:00:00", vec!["--range", "outside", "00:00:02:00"]),
        ("--range", "00:00:01:00-00:00:00:10", vec!["ends before"]),
        ("--range", "00:00:01:00", vec!["two timecodes"]),
        ("--range", "a-b", vec!["timecode"]),
        ("--at", "00:10:00:00", vec!["--at", "outside"]),
        ("--at", "12:99:00:00", vec!["minutes"]),
        ("--reference", "00:00:09:00", vec!["outside"]),
    ] {
        m.refuses(&[m.dub(&m.film, &m.voice), vec![option, value]].concat(), 2, &words);
    }
}

#[test]
fn choices_that_do_not_exist() {
    let m = Material::new();
    for (option, value, words) in [
        ("--face", "x", vec!["--face", "lipsmith track"]),
        ("--family", "magic", vec!["magic", "rewrite", "wav2lip"]),
        ("--profile", "betamax", vec!["betamax", "prores-mov"]),
        ("--preset", "best", vec!["best", "reference"]),
        ("--device", "abacus", vec!["abacus", "cpu"]),
    ] {
        m.refuses(&[m.dub(&m.film, &m.voice), vec![option, value]].concat(), 2, &words);
    }
    let odd = m.bench.path("out.xyz").to_string_lossy().into_owned();
    m.refuses(&["dub", &m.film, &m.voice, "-o", &odd], 2, &["out.xyz", "--profile"]);
}

#[test]
fn outputs_that_cannot_be() {
    let m = Material::new();
    let nowhere = m.bench.path("no/such/folder/out.mp4").to_string_lossy().into_owned();
    m.refuses(&["dub", &m.film, &m.voice, "-o", &nowhere], 2, &["no/such/folder", "does not exist"]);
    m.refuses(&["dub", &m.film, &m.voice, "-o", &m.film], 2, &["sources"]);
    let full = "/dev/full/out.mp4";
    m.refuses(&["dub", &m.film, &m.voice, "-o", full], 2, &["/dev/full"]);
}

#[test]
fn checkpoints_that_do_not_fit() {
    let m = Material::new();
    let page = m.file("weights.pth", b"<!DOCTYPE html><html>rate limited</html>");
    for family in ["wav2lip", "diff2lip"] {
        let arguments = [m.dub(&m.film, &m.voice), vec!["--family", family, "--checkpoint", &page]].concat();
        m.refuses(&arguments, 1, &["weights.pth"]);
        // Nothing imported: it says how to get there.
        m.refuses(
            &[m.dub(&m.film, &m.voice), vec!["--family", family]].concat(),
            2,
            &[family, "models import"],
        );
    }
    let import = m.bench.run(&["models", "import", &page]);
    assert_refused(&import, &["models import"], 1, &["weights.pth"]);
}

#[test]
fn a_score_without_weights_that_judge() {
    let m = Material::new();
    // Without the face mesh, by which our own ear judges.
    fs::create_dir(m.bench.path("data")).expect("a folder");
    m.refuses(&["score", &m.film], 2, &["none are installed", "lipsmith models import"]);
    let damaged = m.file("syncnet.pth", b"no weights");
    m.refuses(&["score", &m.film, "--checkpoint", &damaged], 2, &["--checkpoint", "syncnet.pth"]);
}

#[test]
fn what_a_family_cannot_do() {
    let m = Material::new();
    let dub = |more: &[&'static str]| [&m.dub(&m.film, &m.voice)[..], more].concat();
    m.refuses(
        &dub(&["--family", "rewrite", "--in-betweens"]),
        2,
        &["--in-betweens", "diff2lip and difftalk"],
    );
    m.refuses(&dub(&["--family", "rewrite", "--emphasis", "1.5"]), 2, &["--emphasis 1.5", "lipsmith-w"]);
    m.refuses(&dub(&["--family", "rewrite", "--inner-every", "2"]), 2, &["--inner-every 2", "diff2lip"]);
    m.refuses(&dub(&["--family", "diff2lip", "--inner-every", "9"]), 2, &["--inner-every 9", "1 to 5"]);
    m.refuses(&dub(&["--family", "lipsmith-w", "--emphasis", "3"]), 2, &["--emphasis 3", "0 to 2"]);
    let set = m.bench.path("set").to_string_lossy().into_owned();
    m.refuses(&["score", &m.film, "--set", &set], 2, &["--set", "pt_inception-2015-12-05-6726825d.pth"]);
}

#[test]
fn usage_is_told_apart() {
    let bench = Bench::new();
    for arguments in
        [&["dub"][..], &["dub", "a", "b"], &["--fly"], &["dub", "a", "b", "-o", "c.mp4", "--steps", "many"]]
    {
        assert_eq!(bench.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
