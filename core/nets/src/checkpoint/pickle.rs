//! A pickle read as data. Python's pickle is a program for a small stack machine that may call anything;
//! here every class and every call stays an inert node of a graph, and nothing is ever executed.
//!
//! Opcodes of protocols 2 to 5 as CPython's `pickletools` documents them, less the text forms of
//! protocol 0, which no torch file holds. Memory is linear in the input and capped by the limits below:
//! strings are borrowed, nodes lie in one arena (so that neither cycles nor deep nesting can harm), and
//! counts are never believed before the bytes behind them are there.

use std::collections::HashMap;

use super::error::Fault;

/// A full DiffTalk with its optimiser takes some 200,000 operations; these are far beyond any checkpoint.
const MAX_OPERATIONS: usize = 4 << 20;
const MAX_NODES: usize = 1 << 20;
const MAX_STACK: usize = 1 << 20;
const MAX_MEMO: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: two's complement, little endian.
    Long(&'a [u8]),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    Node(NodeId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

#[derive(Debug)]
pub enum Node<'a> {
    /// A class or function by name; never looked up.
    Global {
        module: &'a str,
        name: &'a str,
    },
    Tuple(Vec<Value<'a>>),
    /// Lists and sets.
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    /// What the pickle's owner keeps outside of it; torch: a storage.
    Persistent(Value<'a>),
    Object(Box<Object<'a>>),
}

/// What a call would have made: the callable, its arguments, and what was put into the result later.
#[derive(Debug)]
pub struct Object<'a> {
    pub class: Value<'a>,
    pub args: Value<'a>,
    pub state: Option<Value<'a>>,
    pub entries: Vec<(Value<'a>, Value<'a>)>,
    pub items: Vec<Value<'a>>,
}

#[derive(Debug)]
pub struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    pub root: Value<'a>,
    /// The byte after the pickle's STOP.
    pub end: usize,
}

impl<'a> Graph<'a> {
    /// Reads the pickle that begins at byte `start` of `bytes`; what follows its end is not looked at.
    pub fn read(bytes: &'a [u8], start: usize) -> Result<Graph<'a>, Fault> {
        let mut machine = Machine { bytes, at: start, ..Machine::default() };
        let root = machine.run()?;
        Ok(Graph { nodes: machine.nodes, root, end: machine.at })
    }

    pub fn node(&self, value: Value<'a>) -> Option<&Node<'a>> {
        match value {
            Value::Node(id) => self.nodes.get(id.0 as usize),
            _ => None,
        }
    }
    /// Everything the pickle's owner keeps outside of it.
    pub fn persistent_ids(&self) -> impl Iterator<Item = Value<'a>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Persistent(id) => Some(*id),
            _ => None,
        })
    }
    /// The members of a tuple or a list.
    pub fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.node(value)? {
            Node::Tuple(items) | Node::List(items) => Some(items),
            _ => None,
        }
    }
    /// Module and name of a class or function.
    pub fn global(&self, value: Value<'a>) -> Option<(&'a str, &'a str)> {
        match self.node(value)? {
            Node::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }
    /// The value under a text key of a dictionary (or of an object that is filled like one).
    pub fn get(&self, value: Value<'a>, key: &str) -> Option<Value<'a>> {
        let entries = match self.node(value)? {
            Node::Dict(entries) => entries,
            Node::Object(object) => &object.entries,
            _ => return None,
        };
        entries.iter().find(|(k, _)| *k == Value::Str(key)).map(|(_, v)| *v)
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the operation being done begins: what errors name.
    op_at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Value<'a>>,
    /// Stack heights at the open MARKs.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
}

type Step<T> = Result<T, Fault>;

impl<'a> Machine<'a> {
    fn run(&mut self) -> Step<Value<'a>> {
        for _ in 0..MAX_OPERATIONS {
            self.op_at = self.at;
            if let Some(root) = self.step()? {
                return Ok(root);
            }
        }
        Err(self.fault(format!("the pickle has more than {MAX_OPERATIONS} operations")))
    }

    /// Does one operation; STOP answers the result.
    fn step(&mut self) -> Step<Option<Value<'a>>> {
        match self.u8()? {
            0x80 => {
                let protocol = self.u8()?;
                if !(2..=5).contains(&protocol) {
                    return Err(self.fault(format!("pickle protocol {protocol} (2 to 5 are read)")));
                }
            }
            0x95 => drop(self.take(8)?), // FRAME: a hint for buffering
            b'.' => return self.pop().map(Some),

            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'K' => self.u8().and_then(|v| self.push(Value::Int(v.into())))?,
            b'M' => self.u16().and_then(|v| self.push(Value::Int(v.into())))?,
            b'J' => self.u32().and_then(|v| self.push(Value::Int(v.cast_signed().into())))?,
            0x8a => self.u8().and_then(|length| self.long(length.into()))?,
            0x8b => self.u32().and_then(|length| self.long(length as usize))?,
            b'G' => {
                let bits = self.array::<8>()?;
                self.push(Value::Float(f64::from_be_bytes(bits)))?;
            }
            b'X' => self.u32().and_then(|length| self.text(length as usize))?,
            0x8c => self.u8().and_then(|length| self.text(length.into()))?,
            0x8d => self.u64().and_then(|length| self.text(length))?,
            // Python 2 wrote its names as byte strings.
            b'T' => self.u32().and_then(|length| self.text_or_bytes(length as usize))?,
            b'U' => self.u8().and_then(|length| self.text_or_bytes(length.into()))?,
            b'B' => self.u32().and_then(|length| self.raw(length as usize))?,
            b'C' => self.u8().and_then(|length| self.raw(length.into()))?,
            0x8e | 0x96 => self.u64().and_then(|length| self.raw(length))?,

            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => self.top().and_then(|value| self.push(value))?,

            b')' => self.push_node(Node::Tuple(Vec::new()))?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => self.pop_to_mark().and_then(|items| self.push_node(Node::Tuple(items)))?,
            b']' | 0x8f => self.push_node(Node::List(Vec::new()))?,
            b'l' | 0x91 => self.pop_to_mark().and_then(|items| self.push_node(Node::List(items)))?,
            b'}' => self.push_node(Node::Dict(Vec::new()))?,
            b'd' => {
                let entries = self.pop_pairs()?;
                self.push_node(Node::Dict(entries))?;
            }
            b'a' => self.pop().and_then(|item| self.append(&[item]))?,
            b'e' | 0x90 => self.pop_to_mark().and_then(|items| self.append(&items))?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[(key, value)])?;
            }
            b'u' => self.pop_pairs().and_then(|entries| self.set_items(&entries))?,

            b'q' => self.u8().and_then(|index| self.remember(index.into()))?,
            b'r' => self.u32().and_then(|index| self.remember(index))?,
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => self.u8().and_then(|index| self.recall(index.into()))?,
            b'j' => self.u32().and_then(|index| self.recall(index))?,

            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push_node(Node::Global { module, name })?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Str(module), Value::Str(name)) = (module, name) else {
                    return Err(self.fault("a class whose name is not text"));
                };
                self.push_node(Node::Global { module, name })?;
            }
            b'R' | 0x81 => {
                let (args, class) = (self.pop()?, self.pop()?);
                self.object(class, args)?;
            }
            0x92 => {
                let (_keywords, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(class, args)?;
            }
            b'b' => {
                let state = self.pop()?;
                if let Some(Node::Object(object)) = self.top_node()? {
                    object.state = Some(state);
                }
            }
            b'Q' => {
                let id = self.pop()?;
                self.push_node(Node::Persistent(id))?;
            }
            other => return Err(self.fault(format!("{other:#04x} is not a pickle operation that is read"))),
        }
        Ok(None)
    }

    fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::at_byte(self.op_at, reason)
    }

    // Bytes.

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or_else(|| {
            Fault::at_byte(self.at, format!("{count} more bytes are announced, {} are there", rest.len()))
        })?;
        self.at += count;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
    fn u8(&mut self) -> Step<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Step<u16> {
        self.array().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Step<u32> {
        self.array().map(u32::from_le_bytes)
    }
    /// A length of 64 bits; more than the machine can address is more than is there.
    fn u64(&mut self) -> Step<usize> {
        let length = self.array().map(u64::from_le_bytes)?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }
    fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(1024).position(|&byte| byte == b'\n');
        let length = length.ok_or_else(|| self.fault("a name without an end"))?;
        let line = self.take(length + 1)?;
        str::from_utf8(&line[..length]).map_err(|_| self.fault("a name that is not UTF-8"))
    }
    fn text(&mut self, length: usize) -> Step<()> {
        let text = str::from_utf8(self.take(length)?).map_err(|_| self.fault("text that is not UTF-8"))?;
        self.push(Value::Str(text))
    }
    fn text_or_bytes(&mut self, length: usize) -> Step<()> {
        let raw = self.take(length)?;
        self.push(str::from_utf8(raw).map_or(Value::Bytes(raw), Value::Str))
    }
    fn raw(&mut self, length: usize) -> Step<()> {
        let raw = self.take(length)?;
        self.push(Value::Bytes(raw))
    }
    fn long(&mut self, length: usize) -> Step<()> {
        let raw = self.take(length)?;
        if raw.len() > 8 {
            return self.push(Value::Long(raw));
        }
        let sign = if raw.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..raw.len()].copy_from_slice(raw);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    // Stack, marks, memo.

    fn push(&mut self, value: Value<'a>) -> Step<()> {
        if self.stack.len() >= MAX_STACK {
            return Err(self.fault(format!("more than {MAX_STACK} values wait on the stack")));
        }
        self.stack.push(value);
        Ok(())
    }
    fn push_node(&mut self, node: Node<'a>) -> Step<()> {
        if self.nodes.len() >= MAX_NODES {
            return Err(self.fault(format!("the pickle makes more than {MAX_NODES} objects")));
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.push(Value::Node(id))
    }
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }
    fn pop(&mut self) -> Step<Value<'a>> {
        if self.stack.len() <= self.floor() {
            return Err(self.fault("a value is wanted from an empty stack"));
        }
        self.stack.pop().ok_or_else(|| self.fault("a value is wanted from an empty stack"))
    }
    fn top(&self) -> Step<Value<'a>> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.floor() => Ok(*value),
            _ => Err(self.fault("a value is wanted from an empty stack")),
        }
    }
    fn top_node(&mut self) -> Step<Option<&mut Node<'a>>> {
        Ok(match self.top()? {
            Value::Node(NodeId(index)) => self.nodes.get_mut(index as usize),
            _ => None,
        })
    }
    fn pop_to_mark(&mut self) -> Step<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(|| self.fault("an end without a beginning (no MARK)"))?;
        if mark > self.stack.len() {
            return Err(self.fault("a MARK above the stack"));
        }
        Ok(self.stack.split_off(mark))
    }
    fn pop_pairs(&mut self) -> Step<Vec<(Value<'a>, Value<'a>)>> {
        let flat = self.pop_to_mark()?;
        if flat.len() % 2 != 0 {
            return Err(self.fault("a dictionary key without a value"));
        }
        Ok(flat.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }
    fn remember(&mut self, index: u32) -> Step<()> {
        if self.memo.len() >= MAX_MEMO {
            return Err(self.fault(format!("more than {MAX_MEMO} values are remembered")));
        }
        let value = self.top()?;
        self.memo.insert(index, value);
        Ok(())
    }
    fn recall(&mut self, index: u32) -> Step<()> {
        let value = self.memo.get(&index).copied();
        let value =
            value.ok_or_else(|| self.fault(format!("value {index} is recalled but was never made")))?;
        self.push(value)
    }

    // Objects.

    fn tuple(&mut self, count: usize) -> Step<()> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Step<Vec<_>>>()?;
        items.reverse();
        self.push_node(Node::Tuple(items))
    }
    fn object(&mut self, class: Value<'a>, args: Value<'a>) -> Step<()> {
        let object = Object { class, args, state: None, entries: Vec::new(), items: Vec::new() };
        self.push_node(Node::Object(Box::new(object)))
    }
    fn append(&mut self, new: &[Value<'a>]) -> Step<()> {
        match self.top_node()? {
            Some(Node::List(items)) => items.extend_from_slice(new),
            Some(Node::Object(object)) => object.items.extend_from_slice(new),
            _ => return Err(self.fault("items are appended to what is not a list")),
        }
        Ok(())
    }
    fn set_items(&mut self, new: &[(Value<'a>, Value<'a>)]) -> Step<()> {
        match self.top_node()? {
            Some(Node::Dict(entries)) => entries.extend_from_slice(new),
            Some(Node::Object(object)) => object.entries.extend_from_slice(new),
            _ => return Err(self.fault("entries are set in what is not a dictionary")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Graph<'_>, Fault> {
        Graph::read(bytes, 0)
    }

    #[test]
    fn scalars_and_containers() {
        // pickle.dumps({'a': (1, -2, 2.5), 'b': [True, None, 1 << 70]}, 2)
        let bytes =
            b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xffG@\x04\x00\x00\x00\x00\x00\x00\
            \x87q\x02X\x01\x00\x00\x00bq\x03]q\x04(\x88N\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00@eu.";
        let graph = read(bytes).unwrap();
        let a = graph.get(graph.root, "a").and_then(|v| graph.items(v)).unwrap();
        assert_eq!(a, [Value::Int(1), Value::Int(-2), Value::Float(2.5)]);
        let b = graph.get(graph.root, "b").and_then(|v| graph.items(v)).unwrap();
        assert_eq!(b, [Value::Bool(true), Value::None, Value::Long(&[0, 0, 0, 0, 0, 0, 0, 0, 0x40])]);
        assert_eq!(graph.end, bytes.len());
    }

    #[test]
    fn a_call_is_kept_and_not_made() {
        let graph = read(b"cos\nsystem\n(X\x02\x00\x00\x00lstR.").unwrap();
        let Some(Node::Object(object)) = graph.node(graph.root) else { panic!("{graph:?}") };
        assert_eq!(graph.global(object.class), Some(("os", "system")));
        assert_eq!(graph.items(object.args), Some(&[Value::Str("ls")][..]));
    }

    #[test]
    fn errors_name_the_byte() {
        let words = |bytes: &[u8]| format!("{:?}", read(bytes).unwrap_err());
        assert!(words(b"\x80\x02X\xff\xff\xff\x7fab").contains("byte 7"), "announced length");
        assert!(words(b"\x80\x02h\x05.").contains("byte 2"), "memo that was never set");
        assert!(words(b"\x80\x09.").contains("protocol 9"));
        assert!(words(b"\x80\x02(K\x01u.").contains("without a value"));
        assert!(words(b"\x80\x02a.").contains("empty stack"));
        assert!(words(b"\x80\x02(0.").contains("empty stack"), "a value below the mark is not to be had");
        assert!(words(b"\x80\x02K").contains("1 more bytes"));
    }

    #[test]
    fn deep_and_cyclic_graphs_are_held_flat() {
        let deep = [vec![b']'; 200_000], vec![b'a'; 199_999], vec![b'.']].concat();
        assert_eq!(read(&deep).unwrap().nodes.len(), 200_000);
        let cyclic = read(b"]q\x00h\x00a.").unwrap();
        assert_eq!(cyclic.items(cyclic.root), Some(&[cyclic.root][..]));
    }

    #[test]
    fn floods_are_stopped() {
        assert!(read(&vec![b'}'; MAX_NODES + 1]).is_err());
        assert!(read(&vec![b'N'; MAX_STACK + 1]).is_err());
        assert!(read(&b"N0".repeat(MAX_OPERATIONS)).is_err());
    }
}
