//! FlatBuffers, as much as a TFLite file needs: tables, vectors, strings. Every offset is checked against
//! the file before it is followed, so that a hostile file gets an error and nothing else.

/// The file ends, or points outside itself, at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the structure at byte {at} reaches outside the file")]
pub struct Damaged {
    pub at: usize,
}

type Read<T> = Result<T, Damaged>;

fn array<const N: usize>(bytes: &[u8], at: usize) -> Read<[u8; N]> {
    let end = at.checked_add(N).ok_or(Damaged { at })?;
    bytes.get(at..end).and_then(|found| found.try_into().ok()).ok_or(Damaged { at })
}

fn u32_at(bytes: &[u8], at: usize) -> Read<usize> {
    Ok(u32::from_le_bytes(array(bytes, at)?) as usize)
}

/// Follows the forward offset stored at `at`.
fn follow(bytes: &[u8], at: usize) -> Read<usize> {
    at.checked_add(u32_at(bytes, at)?).filter(|&to| to < bytes.len()).ok_or(Damaged { at })
}

/// A table: fields by number, each of which may be absent and then has its default.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the table's field offsets lie, and how many there are.
    offsets: usize,
    fields: usize,
}

impl<'a> Table<'a> {
    /// The table that the file begins with.
    pub fn root(bytes: &'a [u8]) -> Read<Self> {
        Self::new(bytes, follow(bytes, 0)?)
    }

    fn new(bytes: &'a [u8], at: usize) -> Read<Self> {
        let back = i64::from(i32::from_le_bytes(array(bytes, at)?));
        let vtable = usize::try_from(at as i64 - back).map_err(|_| Damaged { at })?;
        let size = usize::from(u16::from_le_bytes(array(bytes, vtable)?));
        let fields = size.saturating_sub(4) / 2;
        Ok(Self { bytes, at, offsets: vtable + 4, fields })
    }

    fn field(&self, number: usize) -> Read<Option<usize>> {
        if number >= self.fields {
            return Ok(None);
        }
        let offset = u16::from_le_bytes(array(self.bytes, self.offsets + 2 * number)?);
        Ok((offset != 0).then(|| self.at + usize::from(offset)))
    }

    pub fn byte(&self, number: usize) -> Read<u8> {
        self.field(number)?.map_or(Ok(0), |at| Ok(array::<1>(self.bytes, at)?[0]))
    }

    pub fn int(&self, number: usize, default: i32) -> Read<i32> {
        self.field(number)?.map_or(Ok(default), |at| Ok(i32::from_le_bytes(array(self.bytes, at)?)))
    }

    pub fn table(&self, number: usize) -> Read<Option<Table<'a>>> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        Ok(Some(Self::new(self.bytes, follow(self.bytes, at)?)?))
    }

    /// Where a vector of elements of `width` bytes lies.
    fn span(&self, number: usize, width: usize) -> Read<std::ops::Range<usize>> {
        let Some(at) = self.field(number)? else { return Ok(0..0) };
        let start = follow(self.bytes, at)?;
        let length = u32_at(self.bytes, start)?.checked_mul(width);
        let end = length.and_then(|length| length.checked_add(start + 4));
        let end = end.filter(|&end| end <= self.bytes.len()).ok_or(Damaged { at: start })?;
        Ok(start + 4..end)
    }

    /// The bytes of a vector whose elements take `width` bytes each; empty when absent.
    pub fn vector(&self, number: usize, width: usize) -> Read<&'a [u8]> {
        Ok(&self.bytes[self.span(number, width)?])
    }

    pub fn ints(&self, number: usize) -> Read<Vec<i32>> {
        let bytes = self.vector(number, 4)?;
        Ok(bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    pub fn tables(&self, number: usize) -> Read<Vec<Table<'a>>> {
        let offsets = self.span(number, 4)?;
        offsets.step_by(4).map(|at| Self::new(self.bytes, follow(self.bytes, at)?)).collect()
    }
}
