//! The TFLite runner against the TFLite runtime, on a graph with every operation and every kind of constant
//! (f16, sparse, integers) that the face models use; and against damaged files.

use lipsmith_nets::tflite::{Graph, Scratch};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tflite").join(name)
}

#[test]
fn golden_small_graph() {
    let graph = Graph::load(&file("small.tflite")).expect("loads");
    let bytes = std::fs::read(file("small_io.safetensors")).expect("reads");
    let tensors = SafeTensors::deserialize(&bytes).expect("a golden");
    let floats = |name: &str| -> Vec<f32> {
        let data = tensors.tensor(name).expect("listed").data().chunks_exact(4);
        data.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    let mut scratch = Scratch::default();
    // Twice: a run must not see what the one before left in the registers.
    for _ in 0..2 {
        let outputs = graph.run(&floats("input"), &mut scratch).expect("runs");
        assert_eq!(outputs.len(), 2);
        for (number, found) in outputs.iter().enumerate() {
            let expected = floats(&format!("output_{number}"));
            assert_eq!(found.len(), expected.len());
            let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
            let difference = norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
            let relative = difference / norm(&mut expected.iter().copied());
            println!("output {number}: relative L2 {relative:.1e}");
            assert!(relative < 1e-5);
        }
    }
}

#[test]
fn an_input_of_the_wrong_size_is_refused() {
    let graph = Graph::load(&file("small.tflite")).expect("loads");
    let error = graph.run(&[0.0; 5], &mut Scratch::default()).expect_err("too short").to_string();
    assert!(error.contains("462") && error.contains('5'), "{error}");
}

#[test]
fn damaged_files_are_refused_or_run_without_harm() {
    let bytes = std::fs::read(file("small.tflite")).expect("reads");
    for end in (0..bytes.len()).step_by(37) {
        assert!(Graph::parse(&bytes[..end]).is_err(), "cut at {end}");
    }
    let mut scratch = Scratch::default();
    let mut refused = 0;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            match Graph::parse(&damaged) {
                Ok(graph) => {
                    let input = vec![0.5; graph.input_shape().iter().product()];
                    graph.run(&input, &mut scratch).expect("was checked when it was read");
                }
                Err(reason) => {
                    refused += 1;
                    assert!(!reason.is_empty());
                }
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn what_is_no_graph_is_named() {
    let error = Graph::load(&file("small_io.safetensors")).expect_err("another kind").to_string();
    assert!(error.contains("small_io.safetensors") && error.contains("TFL3"), "{error}");
    assert!(Graph::load(&file("absent.tflite")).expect_err("absent").to_string().contains("absent.tflite"));
}
