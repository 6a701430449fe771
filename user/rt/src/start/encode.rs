//! The parent's side: writing a start page.

use super::{CREATE, HEADER_WORDS, MAGIC, SEALED, TOTAL_BYTES, word};
use alloc::vec::Vec;
use core::ops::Range;
use sundog_abi::ABI_VERSION;

/// Why a start page cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// Arguments, variables, capabilities and names together are longer than [`TOTAL_BYTES`].
    TooLong,
    /// Two capabilities have the same name.
    NameTwice,
}

/// A start page under construction.
#[derive(Clone, Debug, Default)]
pub struct Start<'a> {
    /// The first empty slot of the program's CNode.
    pub free_first: u32,
    /// How many empty slots follow.
    pub free_count: u32,
    /// The slot of the program's untyped memory; 0: none.
    pub untyped: u32,
    /// The addresses of the heap.
    pub heap: Range<u64>,
    /// TSC ticks in a microsecond.
    pub ticks_per_microsecond: u64,
    /// The arguments, the program's own name first.
    pub arguments: Vec<&'a [u8]>,
    /// The environment variables, each `NAME=value`.
    pub variables: Vec<&'a [u8]>,
    /// Names of capabilities and their slots.
    pub capabilities: Vec<(&'a str, u32)>,
    /// The table of names: prefix, slot of the directory capability, whether files are created there. Rows with the same prefix are
    /// a union in this order.
    pub names: Vec<(&'a str, u32, bool)>,
    /// Whether the program may not change the table of names.
    pub sealed: bool,
}

fn put_text(into: &mut Vec<u8>, text: &[u8]) {
    // A length beyond 32 bits makes the whole far too long, which is noticed at the end.
    into.extend_from_slice(&(text.len() as u32).to_le_bytes());
    into.extend_from_slice(text);
}

impl Start<'_> {
    /// The bytes of the page (of the pages: the caller pads the last one with zeros).
    ///
    /// # Errors
    /// Those of [`EncodeError`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        for (index, (name, _)) in self.capabilities.iter().enumerate() {
            if self.capabilities[..index]
                .iter()
                .any(|(other, _)| other == name)
            {
                return Err(EncodeError::NameTwice);
            }
        }
        let texts = self
            .arguments
            .iter()
            .chain(&self.variables)
            .map(|text| text.len());
        if texts.fold(0_usize, usize::saturating_add) > TOTAL_BYTES {
            return Err(EncodeError::TooLong);
        }
        let mut bytes = alloc::vec![0; HEADER_WORDS * 8];
        let mut sections = [0_u64; 4];
        for (index, section) in sections.iter_mut().enumerate() {
            let start = bytes.len();
            self.put_section(index, &mut bytes);
            *section = start as u64 | ((bytes.len() - start) as u64) << 32;
        }
        if bytes.len() > TOTAL_BYTES {
            return Err(EncodeError::TooLong);
        }
        let mut header = [0; HEADER_WORDS];
        header[word::MAGIC] = MAGIC;
        header[word::ABI_VERSION] = ABI_VERSION;
        header[word::BYTES] = bytes.len() as u64;
        header[word::FREE] = u64::from(self.free_first) | u64::from(self.free_count) << 32;
        header[word::UNTYPED] = self.untyped.into();
        header[word::HEAP] = self.heap.start;
        header[word::HEAP_BYTES] = self.heap.end.saturating_sub(self.heap.start);
        header[word::TICKS] = self.ticks_per_microsecond;
        header[word::FLAGS] = if self.sealed { SEALED } else { 0 };
        header[word::SECTIONS..].copy_from_slice(&sections);
        for (place, word) in bytes.chunks_mut(8).zip(header) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Ok(bytes)
    }

    fn put_section(&self, index: usize, bytes: &mut Vec<u8>) {
        match index {
            0 => self.arguments.iter().for_each(|text| put_text(bytes, text)),
            1 => self.variables.iter().for_each(|text| put_text(bytes, text)),
            2 => {
                for (name, slot) in &self.capabilities {
                    bytes.extend_from_slice(&slot.to_le_bytes());
                    put_text(bytes, name.as_bytes());
                }
            }
            _ => {
                for (prefix, slot, create) in &self.names {
                    bytes.extend_from_slice(&slot.to_le_bytes());
                    bytes.extend_from_slice(&(if *create { CREATE } else { 0 }).to_le_bytes());
                    put_text(bytes, prefix.as_bytes());
                }
            }
        }
    }
}
