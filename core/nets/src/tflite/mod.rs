//! A small reader and runner of TFLite graphs: what MediaPipe's face models need, no more. Weights in f32 or
//! f16, dense or sparse, become f32 when the file is read; activations are NHWC f32 with batch 1.
//!
//! Format: `tensorflow/lite/schema/schema.fbs`, version 3. A file that uses anything else is refused by name.

mod build;
mod flatbuffer;
mod kernels;

use crate::error::{NetsError, Result};
use kernels::{Activation, Filter, Map, Window};
use std::path::Path;

/// A graph ready to run.
#[derive(Debug)]
pub struct Graph {
    steps: Vec<Step>,
    /// Values each register holds at most. A register is used by many activations in turn.
    registers: Vec<usize>,
    input: Port,
    outputs: Vec<Port>,
}

#[derive(Clone, Debug)]
struct Port {
    register: usize,
    shape: Vec<usize>,
}

impl Port {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// One operation between registers; `into` may be the first of `from` where the operation allows it.
#[derive(Debug)]
struct Step {
    op: Op,
    from: Vec<usize>,
    into: usize,
    /// Values written.
    len: usize,
    activation: Activation,
}

#[derive(Debug)]
enum Op {
    Conv {
        from: Map,
        window: Window,
        to: Map,
        filter: Filter,
    },
    Depthwise {
        from: Map,
        window: Window,
        to: Map,
        filter: Filter,
    },
    Add,
    /// Nothing but the activation, or another shape for the same values.
    Copy,
    MaxPool {
        from: Map,
        window: Window,
        to: Map,
    },
    Pad {
        from: Map,
        before: [usize; 3],
        to: Map,
    },
    Resize {
        from: Map,
        to: Map,
    },
    DepthToSpace {
        from: Map,
        block: usize,
        to: Map,
    },
}

/// The memory of one running graph, kept from run to run.
#[derive(Debug, Default)]
pub struct Scratch {
    registers: Vec<Vec<f32>>,
    columns: Vec<f32>,
}

impl Graph {
    /// # Errors
    /// When the file cannot be read, is damaged, or holds an operation that is not supported.
    pub fn load(path: &Path) -> Result<Graph> {
        let bytes = std::fs::read(path).map_err(NetsError::io(path))?;
        Graph::parse(&bytes).map_err(|reason| NetsError::bad_checkpoint(path, reason))
    }

    /// The error says what is wrong with `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Graph, String> {
        build::graph(bytes)
    }

    pub fn input_shape(&self) -> &[usize] {
        &self.input.shape
    }

    /// Shapes of the outputs, in the file's order.
    pub fn output_shapes(&self) -> impl Iterator<Item = &[usize]> {
        self.outputs.iter().map(|port| port.shape.as_slice())
    }

    /// One value each of `input_shape`, NHWC; answers with the outputs in the file's order.
    ///
    /// # Errors
    /// When `input` has another length.
    pub fn run<'s>(&self, input: &[f32], scratch: &'s mut Scratch) -> Result<Vec<&'s [f32]>> {
        if input.len() != self.input.len() {
            let (found, wanted) = (input.len(), self.input.len());
            return Err(NetsError::Invalid(format!("the graph takes {wanted} values, not {found}")));
        }
        let Scratch { registers, columns } = scratch;
        registers.resize_with(self.registers.len(), Vec::new);
        for (register, &len) in registers.iter_mut().zip(&self.registers) {
            register.resize(len, 0.0);
        }
        registers[self.input.register][..input.len()].copy_from_slice(input);
        for step in &self.steps {
            step.run(registers, columns);
        }
        Ok(self.outputs.iter().map(|port| &scratch.registers[port.register][..port.len()]).collect())
    }
}

impl Step {
    fn run(&self, registers: &mut [Vec<f32>], columns: &mut Vec<f32>) {
        let mut target = std::mem::take(&mut registers[self.into]);
        let out = &mut target[..self.len];
        let x = |i: usize| registers[self.from[i]].as_slice();
        match &self.op {
            Op::Conv { from, window, to, filter } => {
                kernels::conv(*from, &x(0)[..from.len()], filter, *window, *to, out, columns);
            }
            Op::Depthwise { from, window, to, filter } => {
                kernels::depthwise(*from, &x(0)[..from.len()], filter, *window, *to, out);
            }
            Op::Add => {
                if self.from[0] != self.into {
                    out.copy_from_slice(&x(0)[..self.len]);
                }
                out.iter_mut().zip(x(1)).for_each(|(sum, value)| *sum += value);
            }
            Op::Copy => {
                if self.from[0] != self.into {
                    out.copy_from_slice(&x(0)[..self.len]);
                }
            }
            Op::MaxPool { from, window, to } => kernels::max_pool(*from, x(0), *window, *to, out),
            Op::Pad { from, before, to } => kernels::pad(*from, &x(0)[..from.len()], *before, *to, out),
            Op::Resize { from, to } => kernels::resize(*from, x(0), *to, out),
            Op::DepthToSpace { from, block, to } => kernels::depth_to_space(*from, x(0), *block, *to, out),
        }
        self.activation.apply(out);
        registers[self.into] = target;
    }
}
