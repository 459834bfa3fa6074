//! torch's container before version 1.6, which all of Wav2Lip's published files are: five pickles one
//! after another (magic number, protocol, machine, object, storage keys), then for each key, in the order
//! of the last pickle, an i64 count of elements and the raw elements, little endian.

use std::collections::HashMap;
use std::ops::Range;

use super::error::Fault;
use super::pickle::{Graph, Value};
use super::torch::{self, StorageRef};

/// 0x1950a86a20f9469cfc6c, the first pickle's value.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

/// A pickle opens every legacy file; the magic number in it tells it from any other pickle.
pub fn is_legacy(bytes: &[u8]) -> bool {
    bytes.get(2..14).is_some_and(|head| head[..2] == [0x8a, 10] && head[2..] == MAGIC)
}

/// The object, and where in the file each storage's bytes lie.
pub fn read(bytes: &[u8]) -> Result<(Graph<'_>, HashMap<String, Range<usize>>), Fault> {
    let magic = Graph::read(bytes, 0)?;
    let protocol = Graph::read(bytes, magic.end)?;
    if protocol.root != Value::Int(PROTOCOL) {
        return Err(Fault::at_byte(magic.end, "the container's protocol is not 1001"));
    }
    let machine = Graph::read(bytes, protocol.end)?;
    if machine.get(machine.root, "little_endian") == Some(Value::Bool(false)) {
        return Err(Fault::another_kind("it was written by a big-endian machine; convert it there"));
    }
    let object = Graph::read(bytes, machine.end)?;
    let keys = Graph::read(bytes, object.end)?;
    let storages = storages(bytes, &object, &keys)?;
    Ok((object, storages))
}

fn storages<'a>(
    bytes: &[u8],
    object: &Graph<'a>,
    keys: &Graph<'a>,
) -> Result<HashMap<String, Range<usize>>, Fault> {
    let mut known: HashMap<&str, StorageRef> = HashMap::new();
    for id in object.persistent_ids() {
        if let Some(storage) = torch::storage(object, id)? {
            known.insert(storage.key, storage);
        }
    }
    let list = keys.items(keys.root);
    let list = list.ok_or_else(|| Fault::at_byte(object.end, "the list of storages is not a list"))?;
    let mut places = HashMap::new();
    let mut at = keys.end;
    for key in list {
        let storage = if let Value::Str(key) = key { known.get(key) } else { None };
        let storage = storage.ok_or_else(|| Fault::at_byte(at, "a storage follows that no tensor uses"))?;
        let count = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        let count = count.ok_or_else(|| Fault::at_byte(at, "the file ends before all weights are there"))?;
        let count = i64::from_le_bytes(*count);
        if usize::try_from(count) != Ok(storage.len) {
            let said = storage.len;
            return Err(Fault::at_byte(
                at,
                format!("a storage has {count} elements where {said} are announced"),
            ));
        }
        let start = at + 8;
        let width = storage.element.map_or(1, |element| element.size());
        let end = storage.len.checked_mul(width).and_then(|len| start.checked_add(len));
        let end = end.filter(|end| *end <= bytes.len()).ok_or_else(|| {
            let (need, left) = (storage.len.saturating_mul(width), bytes.len() - start);
            Fault::at_byte(start, format!("{need} bytes of weights are announced, {left} are there"))
        })?;
        places.insert(storage.key.to_owned(), start..end);
        at = end;
    }
    Ok(places)
}
