//! One file of a set: a safetensors container with four tensors a clip (`0007.faces`, `.mel`, `.landmarks`,
//! `.sound`) and a table of the clips in its metadata.

use super::{Clip, POINTS, Record, Split};
use crate::TrainError;
use lipsmith_nets::mel::BANDS;
use memmap2::Mmap;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The metadata's key.
const TABLE: &str = "clips";

#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    person: u32,
    split: Split,
}

/// Writes the records under a temporary name, syncs, and gives the file its name.
pub fn write(path: &Path, side: usize, records: &[Record]) -> Result<(), TrainError> {
    let rows: Vec<Row> =
        records.iter().map(|r| Row { name: r.name.clone(), person: r.person, split: r.split }).collect();
    let damaged = |cause: String| TrainError::Shard { path: path.into(), cause };
    let table = serde_json::to_string(&rows).map_err(|e| damaged(e.to_string()))?;
    let mut tensors = Vec::with_capacity(4 * records.len());
    for (i, r) in records.iter().enumerate() {
        let frames = r.landmarks.len();
        let mut add = |name: &str, dtype, shape: Vec<usize>, bytes| {
            let view = TensorView::new(dtype, shape, bytes).map_err(|e| damaged(e.to_string()))?;
            tensors.push((format!("{i:04}.{name}"), view));
            Ok::<(), TrainError>(())
        };
        add("faces", Dtype::U8, vec![frames, 3, side, side], &r.faces)?;
        add("mel", Dtype::F32, vec![r.mel.len() / BANDS, BANDS], bytemuck::cast_slice(&r.mel))?;
        add(
            "landmarks",
            Dtype::F32,
            vec![frames, POINTS, 2],
            bytemuck::cast_slice(r.landmarks.as_flattened()),
        )?;
        add("sound", Dtype::I16, vec![r.sound.len()], bytemuck::cast_slice(&r.sound))?;
    }
    let temporary = path.with_extension("tmp");
    let save = || -> Result<(), std::io::Error> {
        let metadata = HashMap::from([(TABLE.to_string(), table)]);
        safetensors::serialize_to_file(tensors, Some(metadata), &temporary).map_err(std::io::Error::other)?;
        File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, path)
    };
    save().map_err(|source| {
        // A half-written file is of no use to anybody; that it could not be removed adds nothing to the cause.
        let _ = fs::remove_file(&temporary);
        TrainError::file("write", path)(source)
    })
}

/// Maps a shard and checks its table and sizes, so that nothing in it can be out of bounds later.
pub fn read(path: &Path) -> Result<Vec<Clip>, TrainError> {
    let damaged = |cause: String| TrainError::Shard { path: path.into(), cause };
    let file = File::open(path).map_err(TrainError::file("open", path))?;
    // SAFETY: shards are never changed after they have their name; a file cut short by somebody else while it is
    // mapped ends the process, as for every mapped checkpoint.
    let map = Arc::new(unsafe { Mmap::map(&file) }.map_err(TrainError::file("map", path))?);
    let (header, metadata) = SafeTensors::read_metadata(&map).map_err(|e| damaged(e.to_string()))?;
    let start = header + size_of::<u64>();
    if start + metadata.data_len() != map.len() {
        return Err(damaged("its numbers are cut short".into()));
    }
    let table = metadata.metadata().as_ref().and_then(|m| m.get(TABLE));
    let table = table.ok_or_else(|| damaged("it has no table of clips".into()))?;
    let rows: Vec<Row> = serde_json::from_str(table).map_err(|e| damaged(e.to_string()))?;
    rows.into_iter()
        .enumerate()
        .map(|(i, row)| clip(&map, &metadata, start, i, row).map_err(damaged))
        .collect()
}

fn clip(map: &Arc<Mmap>, metadata: &Metadata, start: usize, i: usize, row: Row) -> Result<Clip, String> {
    let tensor = |name: &str, dtype: Dtype| -> Result<(Vec<usize>, Range<usize>), String> {
        let name = format!("{i:04}.{name}");
        let info = metadata.info(&name).ok_or_else(|| format!("it has no {name}"))?;
        let range = start + info.data_offsets.0..start + info.data_offsets.1;
        if info.dtype != dtype || range.start % dtype.bitsize().div_ceil(8) != 0 {
            return Err(format!("{name} is not {dtype:?}, or not aligned"));
        }
        Ok((info.shape.clone(), range))
    };
    let (faces_shape, faces) = tensor("faces", Dtype::U8)?;
    let (mel_shape, mel) = tensor("mel", Dtype::F32)?;
    let (points_shape, landmarks) = tensor("landmarks", Dtype::F32)?;
    let (_, sound) = tensor("sound", Dtype::I16)?;
    match (&faces_shape[..], &mel_shape[..], &points_shape[..]) {
        (&[frames, 3, side, width], &[_, BANDS], &[points, POINTS, 2])
            if side == width && points == frames =>
        {
            let Row { name, person, split } = row;
            Ok(Clip { name, person, split, side, frames, map: map.clone(), faces, mel, landmarks, sound })
        }
        shapes => Err(format!("clip {i} has unexpected shapes {shapes:?}")),
    }
}
