//! Project files: what older and newer versions wrote, and what is broken.

use crate::sketch::{clip, cue, draw, f, span};
use lipsmith_project::edit::{ClipEdit, CueEdit};
use lipsmith_project::{Edit, MediaId, Project, Treatment, file};
use serde_json::{Value, json};

fn sample() -> Project {
    draw("V [a0----][b3--]\n1 ..[x0--]\nC ..{one}\nM ....m")
}

fn as_json(project: &Project) -> Value {
    serde_json::from_slice(&file::write(project).expect("written")).expect("JSON")
}

fn read(json: &Value) -> Result<Project, file::FileError> {
    file::read(json.to_string().as_bytes())
}

#[test]
fn schema_0_is_brought_up_to_date() {
    let project = file::read(include_bytes!("schema-0.json")).expect("migrated");
    assert_eq!(project.check(), []);
    let mia = project.characters.values().next().expect("a character");
    let face = mia.faces.first().expect("a face");
    assert_eq!((face.media, face.range, face.person), (MediaId(3), span(0, 36), 2));
    let treatments: Vec<_> = project.cues.values().map(|cue| cue.treatment).collect();
    assert_eq!(treatments, [Treatment::Sync, Treatment::Leave]);
    assert_eq!(file::read(&file::write(&project).expect("written")).expect("read"), project);
}

#[test]
fn what_is_not_known_is_kept_for_as_long_as_its_thing_exists() {
    let project = sample();
    let (line, first) = (cue(&project, "one"), clip(&project, "V", 0));
    let mut json = as_json(&project);
    json["grading"] = json!({ "lut": "kodak" });
    json["settings"]["loudness"] = json!(-23);
    json["cues"][line.to_string()]["emotion"] = json!("angry");
    json["sequence"]["picture"]["clips"][0]["speed"] = json!(2);
    let loaded = read(&json).expect("read");
    assert_eq!(as_json(&loaded), json);

    let split = Edit::from(ClipEdit::Split { clip: first, at: f(4) }).apply(&loaded).expect("split");
    let clips = as_json(&split)["sequence"]["picture"]["clips"].clone();
    assert_eq!((&clips[0]["speed"], &clips[1]["speed"]), (&json!(2), &Value::Null));
    let removed = Edit::from(CueEdit::Remove(line)).apply(&split).expect("removed");
    assert_eq!(as_json(&removed)["cues"], json!({}));
    assert_eq!(as_json(&removed)["settings"]["loudness"], json!(-23));
}

#[test]
fn broken_files_say_where_and_what_to_do() {
    let good = as_json(&sample());
    let broken = |change: fn(&mut Value)| {
        let mut json = good.clone();
        change(&mut json);
        json.to_string()
    };
    let text = good.to_string();
    for (bytes, words) in [
        (String::new(), "line 1"),
        (text[..text.len() / 2].to_string(), "damaged at line 1, column"),
        ("[]".into(), "no Lipsmith project"),
        ("{\"schema\": 1}".into(), "no Lipsmith project"),
        ("[".repeat(100_000), "damaged at line 1, column 1"),
        (broken(|json| json["schema"] = json!(99)), "newer Lipsmith (schema 99"),
        (broken(|json| json["schema"] = json!("one")), "no Lipsmith project"),
        (
            broken(|json| json["sequence"]["picture"]["clips"][1]["source"] = json!([5, 2])),
            "sequence.picture.clips[1].source",
        ),
        (broken(|json| json["media"]["3"]["fingerprint"] = json!("xyz")), "media.3.fingerprint"),
        (broken(|json| json["sequence"]["rate"] = json!([25, 0])), "sequence.rate"),
        (
            broken(|json| json["sequence"]["picture"]["clips"][0]["media"] = json!(77)),
            "media 77 is not in the pool",
        ),
        (broken(|json| json["sequence"]["picture"]["clips"][0]["start"] = json!(i64::MAX)), "not within"),
        (broken(|json| json["next_id"] = json!(4)), "does not follow"),
        (broken(|json| json["next_id"] = json!(u64::MAX)), "does not follow"),
    ] {
        let error = file::read(bytes.as_bytes()).map(|_| ()).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}
