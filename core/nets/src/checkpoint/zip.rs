//! The zip archives torch writes since version 1.6, plain and TorchScript: read by their central
//! directory, members stored as they are (or deflated, if someone packed them again).
//!
//! After PKWARE's APPNOTE.TXT 6.3: end record, its 64-bit form, directory entries and local headers.
//! Not by a general zip library: those believe the announced number of entries and allocate by it.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use super::error::Fault;

pub const SIGNATURE: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const LOCATOR_64_LEN: usize = 20;
const END_64: &[u8] = b"PK\x06\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LEN: usize = 46;
const LOCAL_LEN: usize = 30;
const MAX_COMMENT: usize = u16::MAX as usize;
/// A TorchScript of a big network has some thousands.
const MAX_MEMBERS: usize = 1 << 17;
/// Weights hardly compress. What shrinks by more than this is a bomb, unless it is small anyway.
const MAX_RATIO: usize = 64;
const SMALL: usize = 16 << 20;

#[derive(Clone, Debug)]
pub struct Member {
    pub name: String,
    /// Where the (perhaps packed) bytes lie in the file.
    pub data: Range<usize>,
    pub deflated: bool,
    /// Unpacked.
    pub len: usize,
    pub crc: u32,
}

/// The archive's members in the directory's order.
pub fn members(bytes: &[u8]) -> Result<Vec<Member>, Fault> {
    let (start, count) = directory(bytes)?;
    let mut members = Vec::new();
    let mut at = start;
    for _ in 0..count {
        if members.len() >= MAX_MEMBERS {
            return Err(Fault::at_byte(at, format!("the archive has more than {MAX_MEMBERS} members")));
        }
        let (member, next) = entry(bytes, at)?;
        members.push(member);
        at = next;
    }
    Ok(members)
}

impl Member {
    /// The unpacked bytes, borrowed where they are stored plainly.
    pub fn contents<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Fault> {
        let packed = bytes.get(self.data.clone());
        let packed =
            packed.ok_or_else(|| Fault::at_byte(self.data.start, "a member lies outside the file"))?;
        if !self.deflated {
            return Ok(Cow::Borrowed(packed));
        }
        if self.len > SMALL && self.len / MAX_RATIO > packed.len() {
            let reason = format!("'{}' would unpack from {} to {} bytes", self.name, packed.len(), self.len);
            return Err(Fault::at_byte(self.data.start, reason));
        }
        let mut plain = Vec::new();
        let unpacked =
            flate2::read::DeflateDecoder::new(packed).take(self.len as u64 + 1).read_to_end(&mut plain);
        match unpacked {
            Ok(len) if len == self.len => Ok(Cow::Owned(plain)),
            _ => Err(Fault::at_byte(
                self.data.start,
                format!("'{}' does not unpack to {} bytes", self.name, self.len),
            )),
        }
    }

    /// Whether the bytes are those that were packed, by the archive's own checksum.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Fault> {
        if crc32fast::hash(&self.contents(bytes)?) == self.crc {
            return Ok(());
        }
        Err(Fault::at_byte(
            self.data.start,
            format!("the checksum of '{}' does not fit its bytes", self.name),
        ))
    }
}

/// First byte and number of entries of the central directory.
fn directory(bytes: &[u8]) -> Result<(usize, u64), Fault> {
    let end = find_end(bytes)?;
    let count = u64::from(u16_at(bytes, end + 10)?);
    let start = u32_at(bytes, end + 16)?;
    if count < 0xffff && start < u32::MAX {
        return Ok((start as usize, count));
    }
    let locator = end.checked_sub(LOCATOR_64_LEN).filter(|at| bytes[*at..].starts_with(LOCATOR_64));
    let Some(locator) = locator else { return Ok((start as usize, count)) };
    let end = offset_at(bytes, locator + 8)?;
    if !bytes.get(end..).is_some_and(|rest| rest.starts_with(END_64)) {
        return Err(Fault::at_byte(locator, "the archive's 64-bit end record is not where it should be"));
    }
    Ok((offset_at(bytes, end + 48)?, u64_at(bytes, end + 32)?))
}

/// The end record: the last thing in the file but for a comment that reaches exactly to the end.
fn find_end(bytes: &[u8]) -> Result<usize, Fault> {
    let latest = bytes.len().checked_sub(END_LEN);
    let earliest = latest.unwrap_or(0).saturating_sub(MAX_COMMENT);
    let fits = |at: &usize| {
        bytes[*at..].starts_with(END)
            && u16_at(bytes, at + 20).is_ok_and(|comment| at + END_LEN + usize::from(comment) == bytes.len())
    };
    latest.and_then(|latest| (earliest..=latest).rev().find(fits)).ok_or_else(|| {
        Fault::at_byte(bytes.len(), "the archive has no end: the file was cut off, or is still being written")
    })
}

/// One entry of the central directory and where the next begins.
fn entry(bytes: &[u8], at: usize) -> Result<(Member, usize), Fault> {
    let fault = |reason: &str| Fault::at_byte(at, reason);
    let head = bytes.get(at..).and_then(|rest| rest.get(..ENTRY_LEN));
    if !head.is_some_and(|head| head.starts_with(ENTRY)) {
        return Err(fault("an entry of the archive's directory is not where it should be"));
    }
    let flags = u16_at(bytes, at + 8)?;
    let method = u16_at(bytes, at + 10)?;
    let [name_len, extra_len, comment_len] =
        [u16_at(bytes, at + 28)?, u16_at(bytes, at + 30)?, u16_at(bytes, at + 32)?].map(usize::from);
    let name = bytes.get(at + ENTRY_LEN..at + ENTRY_LEN + name_len);
    let name =
        name.and_then(|name| str::from_utf8(name).ok()).ok_or_else(|| fault("a member without a name"))?;
    let extra_at = at + ENTRY_LEN + name_len;
    let next = extra_at + extra_len + comment_len;
    if next > bytes.len() {
        return Err(fault("the archive's directory is cut off"));
    }
    let mut wide = Zip64 { bytes, at: extra_at, end: extra_at + extra_len }.field();
    let mut size = |at: usize| -> Result<usize, Fault> {
        match u32_at(bytes, at)? {
            u32::MAX => wide.as_mut().map_or(Ok(u32::MAX as usize), |wide| wide.next_offset()),
            small => Ok(small as usize),
        }
    };
    let len = size(at + 24)?;
    let packed = size(at + 20)?;
    let local = size(at + 42)?;
    if flags & 1 != 0 {
        return Err(fault(&format!("'{name}' is encrypted")));
    }
    if !matches!(method, 0 | 8) {
        return Err(fault(&format!("'{name}' is packed by method {method}; stored and deflated are read")));
    }
    if method == 0 && len != packed {
        return Err(fault(&format!("'{name}' is stored but has two lengths, {packed} and {len}")));
    }
    let start = data_start(bytes, local)?;
    let end = start.checked_add(packed).filter(|end| *end <= bytes.len());
    let end =
        end.ok_or_else(|| Fault::at_byte(start, format!("'{name}' reaches beyond the end of the file")))?;
    let member = Member {
        name: name.to_owned(),
        data: start..end,
        deflated: method == 8,
        len,
        crc: u32_at(bytes, at + 16)?,
    };
    Ok((member, next))
}

/// Behind the local header, whose name and padding differ in length from the directory's.
fn data_start(bytes: &[u8], local: usize) -> Result<usize, Fault> {
    if !bytes.get(local..).is_some_and(|rest| rest.starts_with(SIGNATURE)) {
        return Err(Fault::at_byte(local, "a member is not where the archive's directory says"));
    }
    let skipped = usize::from(u16_at(bytes, local + 26)?) + usize::from(u16_at(bytes, local + 28)?);
    Ok(local + LOCAL_LEN + skipped)
}

/// The extra field with the sizes that do not fit 32 bits, in the order length, packed length, offset.
struct Zip64<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl Zip64<'_> {
    /// Narrows the extra fields to the one with tag 1, if it is there.
    fn field(mut self) -> Option<Self> {
        while self.at + 4 <= self.end {
            let tag = u16_at(self.bytes, self.at).ok()?;
            let end = self.at + 4 + usize::from(u16_at(self.bytes, self.at + 2).ok()?);
            if tag == 1 {
                return (end <= self.end).then_some(Zip64 { at: self.at + 4, end, ..self });
            }
            self.at = end;
        }
        None
    }
    fn next_offset(&mut self) -> Result<usize, Fault> {
        let at = self.at;
        self.at += 8;
        if self.at > self.end {
            return Err(Fault::at_byte(at, "a 64-bit size is missing in the archive's directory"));
        }
        offset_at(self.bytes, at)
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Fault> {
    let array = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    array.copied().ok_or_else(|| Fault::at_byte(at, "the archive is cut off"))
}
fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Fault> {
    array_at(bytes, at).map(u16::from_le_bytes)
}
fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Fault> {
    array_at(bytes, at).map(u32::from_le_bytes)
}
fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Fault> {
    array_at(bytes, at).map(u64::from_le_bytes)
}
/// A 64-bit offset or length; one beyond the machine's addresses is beyond the file.
fn offset_at(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    let offset = usize::try_from(u64_at(bytes, at)?).ok().filter(|offset| *offset <= isize::MAX as usize);
    offset.ok_or_else(|| Fault::at_byte(at, "an offset beyond the end of the file"))
}
