//! Older schemas, brought up to date one step at a time on the raw JSON: the types of today need not know them.
//! A step touches what it finds in the shape it expects; anything else is left for the reader to refuse.

use serde_json::{Map, Value, json};

/// `STEPS[n]` makes schema `n + 1` of schema `n`.
pub(super) const STEPS: &[fn(&mut Value)] = &[faces_by_stretch];

pub(super) fn up_to_date(mut raw: Value, schema: u64) -> Value {
    let done = usize::try_from(schema).unwrap_or(usize::MAX);
    STEPS.iter().skip(done).for_each(|step| step(&mut raw));
    raw
}

/// Schema 0, before the first release, bound a character to one person of a whole film (`"persons": { media:
/// number }`) and said of a line whether to `"sync"` it.
fn faces_by_stretch(raw: &mut Value) {
    let durations: Map<String, Value> = things(raw, "media")
        .filter_map(|(id, media)| Some((id.clone(), media.get("duration")?.clone())))
        .collect();
    for (_, character) in things(raw, "characters") {
        let Some(Value::Object(persons)) = character.remove("persons") else { continue };
        let face = |(media, person): (&String, &Value)| {
            let number: u64 = media.parse().ok()?;
            Some(json!({ "media": number, "range": [0, durations.get(media)?], "person": person }))
        };
        character.insert("faces".into(), persons.iter().filter_map(face).collect());
    }
    for (_, cue) in things(raw, "cues") {
        if let Some(Value::Bool(sync)) = cue.remove("sync") {
            cue.insert("treatment".into(), json!(if sync { "sync" } else { "leave" }));
        }
    }
}

/// The objects of one of the project's maps.
fn things<'a>(
    raw: &'a mut Value,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a mut Map<String, Value>)> {
    let map = raw.get_mut(name).and_then(Value::as_object_mut);
    map.into_iter().flatten().filter_map(|(id, thing)| Some((id, thing.as_object_mut()?)))
}
