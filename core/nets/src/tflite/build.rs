//! From the bytes of a TFLite file to steps between registers: constants are unpacked once, padding and
//! activations join the layer they belong to, and every shape is checked so that running cannot fail.

use super::flatbuffer::{Damaged, Table};
use super::kernels::{Activation, Filter, Map, Window};
use super::{Graph, Op, Port, Step};

/// More values than any face model has, in one tensor or in all activations together (256 MiB).
const LIMIT: usize = 1 << 26;

type Built<T> = Result<T, String>;

impl From<Damaged> for String {
    fn from(damage: Damaged) -> String {
        damage.to_string()
    }
}

#[derive(Clone, Debug)]
enum Values {
    Floats(Vec<f32>),
    Ints(Vec<i32>),
    /// Computed while running.
    Activation,
}

struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

impl Tensor {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A step between tensors instead of registers.
struct Node {
    op: Op,
    from: Vec<usize>,
    into: usize,
    activation: Activation,
}

pub fn graph(bytes: &[u8]) -> Built<Graph> {
    if bytes.get(4..8) != Some(b"TFL3") {
        return Err("it does not begin like a TFLite file (no TFL3 at byte 4)".into());
    }
    let model = Table::root(bytes)?;
    let codes = model.tables(1)?.iter().map(operation_code).collect::<Result<Vec<_>, _>>()?;
    let subgraphs = model.tables(2)?;
    let [subgraph] = subgraphs.as_slice() else {
        return Err(format!("it holds {} graphs instead of one", subgraphs.len()));
    };
    let buffers = model.tables(4)?;
    let tables = subgraph.tables(0)?;
    let mut tensors = Vec::with_capacity(tables.len());
    for (number, table) in tables.iter().enumerate() {
        tensors.push(tensor(table, &buffers).map_err(|reason| format!("tensor {number}: {reason}"))?);
    }
    let mut builder = Builder { tensors, nodes: Vec::new() };
    for (number, operator) in subgraph.tables(3)?.iter().enumerate() {
        let code = usize::try_from(operator.int(0, 0)?).ok().and_then(|index| codes.get(index));
        let &code = code.ok_or_else(|| format!("operation {number} has no code"))?;
        builder
            .add(code, operator)
            .map_err(|reason| format!("operation {number} (code {code}): {reason}"))?;
    }
    let input = builder.ids(&subgraph.ints(1)?)?;
    let outputs = builder.ids(&subgraph.ints(2)?)?;
    let &[input] = input.as_slice() else {
        return Err(format!("it takes {} inputs instead of one", input.len()));
    };
    builder.join_padding(&outputs);
    builder.join_activations(&outputs);
    builder.assign_registers(input, &outputs)
}

/// The `BuiltinOperator` of the schema; an old file holds it in one byte.
fn operation_code(table: &Table) -> Result<i32, Damaged> {
    Ok(table.int(3, 0)?.max(i32::from(table.byte(0)?)))
}

fn tensor(table: &Table, buffers: &[Table]) -> Built<Tensor> {
    let shape = extents(&table.ints(0)?)?;
    let buffer = usize::try_from(table.int(2, 0)?).ok().and_then(|index| buffers.get(index));
    let data = buffer.ok_or("its buffer does not exist")?.vector(0, 1)?;
    let len = shape.iter().product::<usize>();
    let sparsity = table.table(6)?;
    let values = match table.byte(1)? {
        _ if data.is_empty() => Values::Activation,
        0 => Values::Floats(
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        ),
        1 => Values::Floats(
            data.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        ),
        2 => {
            Values::Ints(data.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        other => return Err(format!("element type {other} is not supported")),
    };
    let values = match (values, sparsity) {
        (Values::Floats(packed), Some(sparsity)) => Values::Floats(densify(&packed, &shape, &sparsity)?),
        (values, _) => values,
    };
    let found = match &values {
        Values::Floats(floats) => floats.len(),
        Values::Ints(ints) => ints.len(),
        Values::Activation => len,
    };
    if found != len {
        return Err(format!("{found} values for the shape {shape:?}"));
    }
    Ok(Tensor { shape, values })
}

fn extents(shape: &[i32]) -> Built<Vec<usize>> {
    let extents =
        shape.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0)).collect::<Option<Vec<_>>>();
    let len = extents.iter().flatten().try_fold(1usize, |len, &n| len.checked_mul(n)).filter(|&n| n <= LIMIT);
    len.and(extents).ok_or_else(|| format!("the shape {shape:?} makes no sense here"))
}

/// Unpacks a sparse tensor: each axis, outermost first, is either dense or lists its occupied positions
/// (`DimensionMetadata` of the schema).
fn densify(packed: &[f32], shape: &[usize], sparsity: &Table) -> Built<Vec<f32>> {
    let axes = sparsity.tables(2)?;
    let in_order = sparsity.ints(0)?.iter().zip(0..).all(|(&axis, place)| axis == place);
    if !in_order || !sparsity.ints(1)?.is_empty() || axes.len() != shape.len() {
        return Err("this kind of sparsity (blocks or another order of axes) is not supported".into());
    }
    let outside = || "its sparse positions lie outside its shape".to_string();
    // Per packed entry so far: its place among the axes seen.
    let mut places = vec![0usize];
    for (axis, &extent) in axes.iter().zip(shape) {
        let mut next = Vec::new();
        if axis.byte(0)? == 0 {
            if places.len().checked_mul(extent).is_none_or(|n| n > LIMIT) {
                return Err(outside());
            }
            next.extend(places.iter().flat_map(|&place| (0..extent).map(move |i| place * extent + i)));
        } else {
            let (segments, indices) = (unsigned(axis, 2)?, unsigned(axis, 4)?);
            if segments.len() != places.len() + 1 || indices.iter().any(|&i| i >= extent) {
                return Err(outside());
            }
            for (&place, bounds) in places.iter().zip(segments.windows(2)) {
                let row = indices.get(bounds[0]..bounds[1]).ok_or_else(outside)?;
                next.extend(row.iter().map(|&i| place * extent + i));
            }
            if next.len() > LIMIT {
                return Err(outside());
            }
        }
        places = next;
    }
    if packed.len() < places.len() {
        return Err(format!("{} values for {} sparse positions", packed.len(), places.len()));
    }
    let mut dense = vec![0.0; shape.iter().product()];
    places.iter().zip(packed).for_each(|(&place, &value)| dense[place] = value);
    Ok(dense)
}

/// A `SparseIndexVector` union: its type in field `number`, the vector in the next.
fn unsigned(axis: &Table, number: usize) -> Built<Vec<usize>> {
    let table = axis.table(number + 1)?.ok_or("a sparse axis lacks its positions")?;
    Ok(match axis.byte(number)? {
        1 => table.ints(0)?.iter().map(|&v| v as u32 as usize).collect(),
        2 => table
            .vector(0, 2)?
            .chunks_exact(2)
            .map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))
            .collect(),
        3 => table.vector(0, 1)?.iter().map(|&b| usize::from(b)).collect(),
        other => return Err(format!("sparse positions of type {other} are not supported")),
    })
}

struct Builder {
    tensors: Vec<Tensor>,
    nodes: Vec<Node>,
}

impl Builder {
    fn ids(&self, numbers: &[i32]) -> Built<Vec<usize>> {
        let id = |&n: &i32| usize::try_from(n).ok().filter(|&id| id < self.tensors.len());
        numbers.iter().map(|n| id(n).ok_or_else(|| format!("tensor {n} does not exist"))).collect()
    }

    fn add(&mut self, code: i32, operator: &Table) -> Built<()> {
        let inputs = self.ids(&operator.ints(1)?)?;
        let outputs = self.ids(&operator.ints(2)?)?;
        let (Some(&x), &[into]) = (inputs.first(), outputs.as_slice()) else {
            return Err(format!("{} inputs and {} outputs", inputs.len(), outputs.len()));
        };
        if !matches!(self.tensors[into].values, Values::Activation) {
            return Err("it would overwrite a constant".into());
        }
        let options = operator.table(4)?;
        let option = |number| options.as_ref().map_or(Ok(0), |table| table.byte(number));
        let mut from = vec![x];
        let mut activation = Activation::None;
        let op = match code {
            0 => {
                let &[_, other] = inputs.as_slice() else { return Err("it needs two inputs".into()) };
                from.push(other);
                if self.tensors[x].shape != self.tensors[other].shape {
                    return Err("its inputs have different shapes".into());
                }
                activation = fused(option(0)?)?;
                self.same_len(x, into)?;
                Op::Add
            }
            3 | 4 => {
                let depthwise = code == 4;
                activation = fused(option(if depthwise { 4 } else { 3 })?)?;
                let &[_, weight, bias] = inputs.as_slice() else {
                    return Err("it needs three inputs".into());
                };
                let options = options.as_ref().ok_or("it lacks its options")?;
                let dilations = if depthwise { [5, 6] } else { [4, 5] };
                if options.int(dilations[0], 1)? != 1 || options.int(dilations[1], 1)? != 1 {
                    return Err("dilation is not supported".into());
                }
                self.convolution(x, weight, bias, into, options, depthwise)?
            }
            5 => {
                let (from, to) = (self.map(x)?, self.map(into)?);
                let block = options.as_ref().map_or(Ok(0), |table| table.int(0, 0))?;
                let block = usize::try_from(block).ok().filter(|&b| b > 0 && b <= from.channels);
                let block = block.ok_or("its block size makes no sense")?;
                let grown = Map {
                    height: from.height.saturating_mul(block),
                    width: from.width.saturating_mul(block),
                    channels: from.channels / (block * block),
                };
                if grown != to || grown.channels * block * block != from.channels {
                    return Err(format!("{from:?} cannot become {to:?}"));
                }
                Op::DepthToSpace { from, block, to }
            }
            // DEQUANTIZE and DENSIFY: constants were unpacked when they were read.
            6 | 124 => {
                if !matches!(self.tensors[x].values, Values::Floats(_)) {
                    return Err("only constants can be unpacked".into());
                }
                self.same_len(x, into)?;
                self.tensors[into].values = self.tensors[x].values.clone();
                return Ok(());
            }
            17 => {
                activation = fused(option(5)?)?;
                let options = options.as_ref().ok_or("it lacks its options")?;
                let size = [sized(options.int(4, 0)?)?, sized(options.int(3, 0)?)?];
                let (from, to) = (self.map(x)?, self.map(into)?);
                if from.channels != to.channels {
                    return Err("it changes the number of channels".into());
                }
                Op::MaxPool { from, window: window(from, size, options, to)?, to }
            }
            19 | 54 => {
                self.same_len(x, into)?;
                activation = if code == 19 { Activation::Relu } else { self.slopes(&inputs)? };
                Op::Copy
            }
            22 => {
                self.same_len(x, into)?;
                Op::Copy
            }
            23 => {
                let (from, to) = (self.map(x)?, self.map(into)?);
                if option(3)? == 0 || option(2)? != 0 || from.channels != to.channels {
                    return Err("only half-pixel bilinear scaling is supported".into());
                }
                Op::Resize { from, to }
            }
            34 => self.padding(x, &inputs, into)?,
            _ => return Err("this operation is not supported".into()),
        };
        if from.iter().any(|&id| !matches!(self.tensors[id].values, Values::Activation)) {
            return Err("a constant stands where an activation is expected".into());
        }
        self.nodes.push(Node { op, from, into, activation });
        Ok(())
    }

    fn same_len(&self, a: usize, b: usize) -> Built<()> {
        let (a, b) = (&self.tensors[a], &self.tensors[b]);
        if a.len() == b.len() { Ok(()) } else { Err(format!("{:?} cannot become {:?}", a.shape, b.shape)) }
    }

    fn map(&self, id: usize) -> Built<Map> {
        match self.tensors[id].shape.as_slice() {
            &[1, height, width, channels] => Ok(Map { height, width, channels }),
            other => Err(format!("the shape {other:?} is not [1, rows, columns, channels]")),
        }
    }

    fn floats(&self, id: usize) -> Built<&[f32]> {
        match &self.tensors[id].values {
            Values::Floats(floats) => Ok(floats),
            _ => Err("its weights are not constant numbers".into()),
        }
    }

    fn slopes(&self, inputs: &[usize]) -> Built<Activation> {
        let &[x, slopes] = inputs else { return Err("it needs two inputs".into()) };
        let slopes = self.floats(slopes)?.to_vec();
        if slopes.len() != self.map(x)?.channels {
            return Err("it needs one slope for each channel".into());
        }
        Ok(Activation::Prelu(slopes))
    }

    fn convolution(
        &self,
        x: usize,
        weight: usize,
        bias: usize,
        into: usize,
        options: &Table,
        depthwise: bool,
    ) -> Built<Op> {
        let (from, to) = (self.map(x)?, self.map(into)?);
        let &[outer, rows, columns, inner] = self.tensors[weight].shape.as_slice() else {
            return Err("its weights have no four axes".into());
        };
        let window = window(from, [rows, columns], options, to)?;
        let fits = if depthwise {
            outer == 1 && inner == from.channels && to.channels == inner
        } else {
            inner == from.channels && outer == to.channels
        };
        let (weight, bias) = (self.floats(weight)?, self.floats(bias)?.to_vec());
        if !fits || bias.len() != to.channels {
            return Err("its weights do not fit its input and output".into());
        }
        if depthwise {
            return Ok(Op::Depthwise { from, window, to, filter: Filter { weight: weight.to_vec(), bias } });
        }
        let depth = rows * columns * inner;
        if depth.saturating_mul(to.height * to.width) > LIMIT {
            return Err("it is too large".into());
        }
        let transposed = (0..depth).flat_map(|k| (0..outer).map(move |n| weight[n * depth + k])).collect();
        Ok(Op::Conv { from, window, to, filter: Filter { weight: transposed, bias } })
    }

    fn padding(&self, x: usize, inputs: &[usize], into: usize) -> Built<Op> {
        let (from, to) = (self.map(x)?, self.map(into)?);
        let amounts = inputs.get(1).map(|&id| &self.tensors[id].values);
        let Some(Values::Ints(amounts)) = amounts else { return Err("it needs constant amounts".into()) };
        let amounts = amounts.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>();
        let Some(&[0, 0, top, bottom, left, right, near, far]) = amounts.as_deref() else {
            return Err("its amounts make no sense".into());
        };
        let sums = [(top, from.height, bottom), (left, from.width, right), (near, from.channels, far)];
        if sums.map(|(a, b, c)| a.saturating_add(b).saturating_add(c)) != [to.height, to.width, to.channels] {
            return Err(format!("{from:?} cannot be padded to {to:?}"));
        }
        Ok(Op::Pad { from, before: [top, left, near], to })
    }

    /// How often each tensor is read, the graph's outputs included.
    fn readers(&self, outputs: &[usize]) -> Vec<usize> {
        let mut readers = vec![0; self.tensors.len()];
        self.nodes.iter().flat_map(|node| &node.from).chain(outputs).for_each(|&id| readers[id] += 1);
        readers
    }

    /// Lets a convolution walk over the edge instead of over a padded copy.
    fn join_padding(&mut self, outputs: &[usize]) {
        let readers = self.readers(outputs);
        let walks = |node: &&Node| matches!(node.op, Op::Conv { .. } | Op::Depthwise { .. });
        let walked: Vec<usize> = self.nodes.iter().filter(walks).map(|node| node.from[0]).collect();
        let mut padded: Vec<Option<(usize, Map, [usize; 3])>> = vec![None; self.tensors.len()];
        self.nodes.retain_mut(|node| match &mut node.op {
            Op::Pad { from, before: before @ [_, _, 0], to }
                if readers[node.into] == 1 && from.channels == to.channels && walked.contains(&node.into) =>
            {
                padded[node.into] = Some((node.from[0], *from, *before));
                false
            }
            Op::Conv { from, window, .. } | Op::Depthwise { from, window, .. } => {
                if let Some((source, map, before)) = padded[node.from[0]] {
                    node.from[0] = source;
                    *from = map;
                    window.before[0] += before[0];
                    window.before[1] += before[1];
                }
                true
            }
            _ => true,
        });
    }

    /// Lets a layer finish with the activation that alone reads it.
    fn join_activations(&mut self, outputs: &[usize]) {
        let readers = self.readers(outputs);
        let mut joined: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut writer: Vec<Option<usize>> = vec![None; self.tensors.len()];
        for node in self.nodes.drain(..) {
            let source = writer[node.from[0]].filter(|_| {
                let alone = readers[node.from[0]] == 1;
                alone && matches!(node.op, Op::Copy) && !matches!(node.activation, Activation::None)
            });
            if let Some(layer) = source.and_then(|index| joined.get_mut(index))
                && matches!(layer.activation, Activation::None)
            {
                layer.activation = node.activation;
                layer.into = node.into;
                writer[node.into] = source;
                continue;
            }
            writer[node.into] = Some(joined.len());
            joined.push(node);
        }
        self.nodes = joined;
    }

    fn assign_registers(mut self, input: usize, outputs: &[usize]) -> Built<Graph> {
        const NEVER: usize = usize::MAX;
        let mut last_use = vec![0; self.tensors.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            node.from.iter().for_each(|&id| last_use[id] = number);
        }
        outputs.iter().for_each(|&id| last_use[id] = NEVER);

        let mut register_of = vec![None; self.tensors.len()];
        register_of[input] = Some(0);
        let mut registers = vec![self.tensors[input].len()];
        let mut free: Vec<usize> = Vec::new();
        let mut steps = Vec::with_capacity(self.nodes.len());
        for (number, mut node) in self.nodes.drain(..).enumerate() {
            let dies = |id: usize| last_use[id] == number;
            if matches!(node.op, Op::Add) && !dies(node.from[0]) {
                node.from.swap(0, 1);
            }
            let from = node.from.iter().map(|&id| register_of[id]).collect::<Option<Vec<_>>>();
            let from = from.ok_or_else(|| format!("step {number} reads what nothing has written"))?;
            let in_place = match node.op {
                Op::Copy => dies(node.from[0]),
                Op::Add => dies(node.from[0]) && node.from[0] != node.from[1],
                _ => false,
            };
            let len = self.tensors[node.into].len();
            let into = if in_place {
                from[0]
            } else if let Some(register) = free.pop() {
                register
            } else {
                registers.push(0);
                registers.len() - 1
            };
            registers[into] = registers[into].max(len);
            let mut dying: Vec<usize> = node.from.iter().copied().filter(|&id| dies(id)).collect();
            dying.dedup();
            free.extend(dying.iter().filter_map(|&id| register_of[id]).filter(|&register| register != into));
            if register_of[node.into].replace(into).is_some() {
                return Err(format!("step {number} writes what another has written"));
            }
            steps.push(Step { op: node.op, from, into, len, activation: node.activation });
        }
        if registers.iter().try_fold(0usize, |sum, &n| sum.checked_add(n)).is_none_or(|sum| sum > LIMIT) {
            return Err("its activations are too large".into());
        }
        let port = |id: usize| {
            let register = register_of[id].ok_or_else(|| format!("nothing writes the output {id}"))?;
            Ok(Port { register, shape: self.tensors[id].shape.clone() })
        };
        let outputs = outputs.iter().map(|&id| port(id)).collect::<Built<Vec<_>>>()?;
        Ok(Graph { steps, registers, input: port(input)?, outputs })
    }
}

/// `ActivationFunctionType` of the schema.
fn fused(code: u8) -> Built<Activation> {
    match code {
        0 => Ok(Activation::None),
        1 => Ok(Activation::Relu),
        3 => Ok(Activation::Relu6),
        other => Err(format!("fused activation {other} is not supported")),
    }
}

fn sized(value: i32) -> Built<usize> {
    usize::try_from(value).ok().filter(|&n| n > 0 && n < 1 << 12).ok_or_else(|| format!("a size of {value}"))
}

/// The walk of a convolution or pooling from its options: field 0 is the padding (0 same, 1 valid), 1 and 2
/// are the horizontal and vertical steps.
fn window(from: Map, size: [usize; 2], options: &Table, to: Map) -> Built<Window> {
    let stride = [sized(options.int(2, 0)?)?, sized(options.int(1, 0)?)?];
    let same = options.byte(0)? == 0;
    let mut before = [0; 2];
    for (axis, (extent, found)) in [(from.height, to.height), (from.width, to.width)].into_iter().enumerate()
    {
        let walked = if same {
            let walked = extent.div_ceil(stride[axis]);
            before[axis] = ((walked - 1) * stride[axis] + size[axis]).saturating_sub(extent) / 2;
            walked
        } else {
            extent.checked_sub(size[axis]).map_or(0, |rest| rest / stride[axis] + 1)
        };
        if walked != found {
            return Err(format!("a walk over {extent} samples gives {walked}, not {found}"));
        }
    }
    Ok(Window { size, stride, before })
}
