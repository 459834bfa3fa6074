//! What a file says and this version does not know.
//!
//! It is found by comparing the file with what the project read from it would write, kept beside the project as a
//! tree of what is left over, and merged back when the project is written. So no type has to carry it, and an edit
//! need not think of it: it stays with the thing it was said of for as long as that thing exists.

use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unknown {
    /// Nothing of this is known.
    Whole(Value),
    /// The thing is known but something in it is not: by field, or by number in a list.
    Parts(BTreeMap<String, Unknown>),
}

impl Unknown {
    /// What `file` says beyond `known`.
    pub(super) fn of(file: &Value, known: &Value) -> Option<Unknown> {
        let parts: BTreeMap<_, _> = match (file, known) {
            (Value::Object(file), Value::Object(known)) => {
                let left = |(name, value): (&String, &Value)| {
                    let of_known = |known| Unknown::of(value, known);
                    let left =
                        known.get(name).map_or_else(|| Some(Unknown::Whole(value.clone())), of_known)?;
                    Some((name.clone(), left))
                };
                file.iter().filter_map(left).collect()
            }
            (Value::Array(file), Value::Array(known)) => {
                let left = |(file, known)| Some((number(known)?, Unknown::of(file, known)?));
                file.iter().zip(known).filter_map(left).collect()
            }
            _ => return None,
        };
        (!parts.is_empty()).then_some(Unknown::Parts(parts))
    }

    /// Adds it to the things that still exist; what the project says by itself wins.
    pub(super) fn put_back(&self, into: &mut Value) {
        let Unknown::Parts(parts) = self else { return };
        match into {
            Value::Object(into) => {
                for (name, part) in parts {
                    match (part, into.get_mut(name)) {
                        (Unknown::Whole(value), None) => drop(into.insert(name.clone(), value.clone())),
                        (Unknown::Whole(_), Some(_)) | (Unknown::Parts(_), None) => {}
                        (part, Some(known)) => part.put_back(known),
                    }
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    if let Some(part) = number(element).and_then(|number| parts.get(&number)) {
                        part.put_back(element);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Tracks and clips stand in lists and are told apart by their numbers.
fn number(element: &Value) -> Option<String> {
    element.get("id")?.as_u64().map(|id| id.to_string())
}
