//! What torch means by the calls in its pickles: storages kept beside the pickle, tensors as strided
//! views of them, and the dotted names under which a state dict, a Lightning checkpoint, a pickled module
//! or TorchScript's object tree hold them.

use std::fmt::Write;

use super::Element;
use super::error::Fault;
use super::pickle::{Graph, Node, NodeId, Object, Value};

/// Deeper nests than this only an attacker makes; published checkpoints stay below 16.
const MAX_DEPTH: usize = 100;
/// Visits, not nodes: a graph whose nodes share children has exponentially many paths.
const MAX_VISITS: usize = 4 << 20;
const MAX_TENSORS: usize = 1 << 16;
const MAX_NAME: usize = 512;
const MAX_RANK: usize = 8;

/// A run of numbers beside the pickle, or (`start` > 0) a window of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageRef<'a> {
    pub key: &'a str,
    /// `None`: bytes, whose kind each tensor states.
    pub element: Option<Element>,
    /// In elements (bytes where there is no kind).
    pub len: usize,
    pub start: usize,
}

/// A tensor as the pickle describes it; nothing is checked against the storage's bytes yet.
#[derive(Clone, Debug)]
pub struct TensorRef<'a> {
    pub name: String,
    pub storage: StorageRef<'a>,
    pub element: Element,
    /// Offset, shape and stride are in elements.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub stride: Vec<usize>,
}

/// `('storage', class, key, location, length[, window])`; anything else is not a storage.
pub fn storage<'a>(graph: &Graph<'a>, id: Value<'a>) -> Result<Option<StorageRef<'a>>, Fault> {
    let Some([Value::Str("storage"), class, Value::Str(key), _location, Value::Int(len), window @ ..]) =
        graph.items(id)
    else {
        return Ok(None);
    };
    let Some((_, class)) = graph.global(*class) else {
        return Err(Fault::at_key(key, "its storage has no class"));
    };
    let element = match class {
        "UntypedStorage" => None,
        _ => Some(Element::of_storage_class(class).ok_or_else(|| {
            Fault::at_key(key, format!("its storage is of the kind {class}, which is not read"))
        })?),
    };
    let len = size(*len).ok_or_else(|| Fault::at_key(key, format!("its storage has the length {len}")))?;
    // Files of torch below 0.4: (key of the window, offset, length), `len` being that of the whole.
    let start = match window.first().and_then(|window| graph.items(*window)) {
        Some([_, Value::Int(start), Value::Int(_)]) => size(*start),
        _ => Some(0),
    };
    let start = start.filter(|start| *start <= len);
    let start = start.ok_or_else(|| Fault::at_key(key, "its window begins outside of its storage"))?;
    Ok(Some(StorageRef { key, element, len, start }))
}

/// Every tensor that can be reached from the pickle's result, with its dotted name.
pub fn tensors<'a>(graph: &Graph<'a>) -> Result<Vec<TensorRef<'a>>, Fault> {
    let mut walk = Walk { graph, path: String::new(), above: Vec::new(), visits: 0, found: Vec::new() };
    walk.value(graph.root)?;
    Ok(walk.found)
}

struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    path: String,
    /// The nodes between the root and here: a node among its own descendants is not entered again.
    above: Vec<NodeId>,
    visits: usize,
    found: Vec<TensorRef<'a>>,
}

impl<'a> Walk<'_, 'a> {
    fn value(&mut self, value: Value<'a>) -> Result<(), Fault> {
        let (Value::Node(id), Some(node)) = (value, self.graph.node(value)) else { return Ok(()) };
        self.visits += 1;
        if self.visits > MAX_VISITS || self.found.len() > MAX_TENSORS {
            return Err(Fault::at_key(&self.path, "the file names more things than any checkpoint holds"));
        }
        if self.above.contains(&id) {
            return Ok(());
        }
        if self.above.len() >= MAX_DEPTH {
            return Err(Fault::at_key(&self.path, format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        self.above.push(id);
        match node {
            Node::Tuple(items) | Node::List(items) => self.list(items)?,
            Node::Dict(entries) => self.entries(entries)?,
            Node::Object(object) => self.object(object)?,
            Node::Global { .. } | Node::Persistent(_) => {}
        }
        self.above.pop();
        Ok(())
    }

    fn object(&mut self, object: &Object<'a>) -> Result<(), Fault> {
        let class = self.graph.global(object.class).unwrap_or_default();
        match class {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
                let tensor = self.tensor(object.args)?;
                self.found.push(tensor);
                return Ok(());
            }
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                let tensor = self.graph.items(object.args).and_then(|args| args.first());
                return tensor.map_or(Ok(()), |tensor| self.value(*tensor));
            }
            // Its state is `_metadata`: versions of modules, no weights.
            ("collections", "OrderedDict") => {}
            _ => object.state.map_or(Ok(()), |state| self.value(state))?,
        }
        self.entries(&object.entries)?;
        self.list(&object.items)
    }

    fn list(&mut self, items: &[Value<'a>]) -> Result<(), Fault> {
        items.iter().enumerate().try_for_each(|(index, item)| self.child(Value::Int(index as i64), *item))
    }
    fn entries(&mut self, entries: &[(Value<'a>, Value<'a>)]) -> Result<(), Fault> {
        entries.iter().try_for_each(|(key, value)| self.child(*key, *value))
    }

    fn child(&mut self, key: Value<'a>, value: Value<'a>) -> Result<(), Fault> {
        if !matches!(value, Value::Node(_)) {
            return Ok(());
        }
        let parent = self.path.len();
        match key {
            // The drawers of a pickled module; torch leaves them out of names too.
            Value::Str("_modules" | "_parameters" | "_buffers") => {}
            Value::Str(key) => self.enter(key)?,
            Value::Int(key) => self.enter(key)?,
            _ => self.enter("?")?,
        }
        self.value(value)?;
        self.path.truncate(parent);
        Ok(())
    }
    fn enter(&mut self, key: impl std::fmt::Display) -> Result<(), Fault> {
        let dot = if self.path.is_empty() { "" } else { "." };
        let parent = self.path.len();
        let written = write!(self.path, "{dot}{key}");
        if written.is_err() || self.path.len() > MAX_NAME {
            self.path.truncate(parent);
            return Err(Fault::at_key(
                &self.path,
                format!("a name below it is longer than {MAX_NAME} bytes"),
            ));
        }
        Ok(())
    }

    /// `(storage, offset, shape, stride, …)`; the third version states its kind of element as the seventh.
    fn tensor(&self, args: Value<'a>) -> Result<TensorRef<'a>, Fault> {
        let fault = |reason: &str| Fault::at_key(&self.path, reason);
        let graph = self.graph;
        let args = graph.items(args).unwrap_or_default();
        let [place, Value::Int(offset), shape, stride, rest @ ..] = args else {
            return Err(fault("its description is not one of a tensor"));
        };
        let Some(Node::Persistent(id)) = graph.node(*place) else {
            return Err(fault("it has no storage"));
        };
        let storage = storage(graph, *id)?.ok_or_else(|| fault("it has no storage"))?;
        let stated = rest.get(2).and_then(|dtype| graph.global(*dtype));
        let element = stated.and_then(|(_, name)| Element::of_torch_dtype(name)).or(storage.element);
        Ok(TensorRef {
            name: self.path.clone(),
            element: element.ok_or_else(|| fault("its kind of element is not stated or not read"))?,
            offset: size(*offset).ok_or_else(|| fault("its offset is negative"))?,
            shape: self.sizes(*shape).ok_or_else(|| fault("its shape makes no sense"))?,
            stride: self.sizes(*stride).ok_or_else(|| fault("its strides make no sense"))?,
            storage,
        })
    }
    fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        let items = self.graph.items(value).filter(|items| items.len() <= MAX_RANK)?;
        items.iter().map(|item| if let Value::Int(n) = item { size(*n) } else { None }).collect()
    }
}

fn size(number: i64) -> Option<usize> {
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(pickle: &[u8]) -> Result<Vec<String>, Fault> {
        let graph = Graph::read(pickle, 0)?;
        Ok(tensors(&graph)?.into_iter().map(|tensor| tensor.name).collect())
    }
    /// A tensor of two floats, as an expression that can stand anywhere in a pickle.
    fn tensor() -> Vec<u8> {
        b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\n\
            U\x010U\x03cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89NtR"
            .to_vec()
    }

    #[test]
    fn names_are_the_way_to_the_tensor() {
        let nested = [&b"}U\x01a]"[..], &tensor(), b"a", b"sU\x01b}K\x07", &tensor(), b"ss."].concat();
        assert_eq!(walk(&nested).unwrap(), ["a.0", "b.7"]);
        let module = [
            &b"cm\nNet\n)\x81}U\x08_modules}U\x04convcm\nConv\n)\x81}U\x0b_parameters}U\x06weight"[..],
            &tensor(),
            b"ssbssb.",
        ]
        .concat();
        assert_eq!(walk(&module).unwrap(), ["conv.weight"]);
    }

    #[test]
    fn a_shared_graph_with_exponentially_many_paths_is_refused() {
        // Each list holds the one before twice: 2^60 ways to one tensor.
        let mut pickle = tensor();
        for level in 0u8..60 {
            pickle.extend([b'q', level, b'0', b']', b'(', b'h', level, b'h', level, b'e']);
        }
        pickle.push(b'.');
        assert!(format!("{:?}", walk(&pickle).unwrap_err()).contains("more things"));
    }

    #[test]
    fn nests_and_cycles() {
        let deep = [vec![b']'; 500], vec![b'a'; 499], vec![b'.']].concat();
        assert!(format!("{:?}", walk(&deep).unwrap_err()).contains("levels deep"));
        assert_eq!(walk(b"]q\x00h\x00a.").unwrap(), [""; 0]);
    }

    #[test]
    fn negative_sizes_are_refused() {
        let bad = b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\n\
            U\x010U\x03cpuJ\xff\xff\xff\xfftQK\x00K\x02\x85K\x01\x85\x89NtR.";
        assert!(format!("{:?}", walk(bad).unwrap_err()).contains("length -1"));
    }
}
