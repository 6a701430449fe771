//! The program's side: reading a start page.

use super::{CREATE, HEADER_WORDS, MAGIC, SEALED, TOTAL_BYTES, word};
use core::ops::Range;
use sundog_abi::ABI_VERSION;

/// Why bytes are not a start page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// They are too few, or do not begin with the magic word.
    NotAStartPage,
    /// Parent and program were built against different contracts.
    AbiVersion,
    /// A length, section or record does not fit.
    Malformed,
}

impl StartError {
    /// A text for the people who built the two.
    pub fn text(self) -> &'static str {
        match self {
            StartError::NotAStartPage => "the parent left no start page",
            StartError::AbiVersion => {
                "the parent speaks another version of the ABI than this program was built for"
            }
            StartError::Malformed => "the start page is malformed",
        }
    }
}

/// A row of the table of names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name<'a> {
    /// The path prefix.
    pub prefix: &'a str,
    /// The slot of the directory capability.
    pub slot: u32,
    /// Whether files that do not exist are created there.
    pub create: bool,
}

/// A start page that was checked as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartPage<'a> {
    /// The first empty slot of the own CNode.
    pub free_first: u32,
    /// How many empty slots follow.
    pub free_count: u32,
    /// The slot of the untyped memory; 0: none.
    pub untyped: u32,
    /// The addresses of the heap.
    pub heap: Range<u64>,
    /// TSC ticks in a microsecond, the unit of deadlines.
    pub ticks_per_microsecond: u64,
    /// Whether the table of names may not be changed.
    pub sealed: bool,
    sections: [&'a [u8]; 4],
}

/// Takes records off the front of a section.
#[derive(Clone)]
struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*number))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes()?).ok()
    }

    fn capability(&mut self) -> Option<(&'a str, u32)> {
        let slot = self.number()?;
        Some((self.text()?, slot))
    }

    fn name(&mut self) -> Option<Name<'a>> {
        let (slot, flags) = (self.number()?, self.number()?);
        Some(Name {
            slot,
            create: flags & CREATE != 0,
            prefix: self.text()?,
        })
    }

    /// All records by one of the readers above; ends at the end, or at the first that does not fit.
    fn all<T>(mut self, read: fn(&mut Records<'a>) -> Option<T>) -> impl Iterator<Item = T> {
        core::iter::from_fn(move || {
            if self.0.is_empty() {
                None
            } else {
                read(&mut self)
            }
        })
    }

    /// Whether the section is records to its last byte.
    fn fits<T>(mut self, read: fn(&mut Records<'a>) -> Option<T>) -> bool {
        while !self.0.is_empty() {
            if read(&mut self).is_none() {
                return false;
            }
        }
        true
    }
}

fn word(page: &[u8], index: usize) -> Option<u64> {
    let bytes = page.get(index * 8..index * 8 + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

impl<'a> StartPage<'a> {
    /// How many bytes the page says that it has, at most [`TOTAL_BYTES`]; 0 for something else.
    pub fn total(page: &[u8]) -> usize {
        match (word(page, word::MAGIC), word(page, word::BYTES)) {
            (Some(MAGIC), Some(bytes)) => bytes.min(TOTAL_BYTES as u64) as usize,
            _ => 0,
        }
    }

    /// Reads and checks a start page, of which `page` is all (and perhaps more).
    ///
    /// # Errors
    /// Those of [`StartError`].
    pub fn decode(page: &'a [u8]) -> Result<StartPage<'a>, StartError> {
        let mut header = [0; HEADER_WORDS];
        for (index, value) in header.iter_mut().enumerate() {
            *value = word(page, index).ok_or(StartError::NotAStartPage)?;
        }
        if header[word::MAGIC] != MAGIC {
            return Err(StartError::NotAStartPage);
        }
        if header[word::ABI_VERSION] != ABI_VERSION {
            return Err(StartError::AbiVersion);
        }
        let total = usize::try_from(header[word::BYTES]).map_err(|_| StartError::Malformed)?;
        let whole = page.get(..total).ok_or(StartError::Malformed)?;
        let mut sections: [&[u8]; 4] = [&[]; 4];
        for (section, place) in sections.iter_mut().zip(&header[word::SECTIONS..]) {
            let (start, length) = (*place as u32 as usize, (*place >> 32) as usize);
            let end = start.checked_add(length).ok_or(StartError::Malformed)?;
            *section = whole.get(start..end).ok_or(StartError::Malformed)?;
        }
        let fits = Records(sections[0]).fits(Records::bytes)
            && Records(sections[1]).fits(Records::bytes)
            && Records(sections[2]).fits(Records::capability)
            && Records(sections[3]).fits(Records::name);
        let heap_end = header[word::HEAP].checked_add(header[word::HEAP_BYTES]);
        let (Ok(untyped), Some(heap_end), true) =
            (u32::try_from(header[word::UNTYPED]), heap_end, fits)
        else {
            return Err(StartError::Malformed);
        };
        Ok(StartPage {
            free_first: header[word::FREE] as u32,
            free_count: (header[word::FREE] >> 32) as u32,
            untyped,
            heap: header[word::HEAP]..heap_end,
            ticks_per_microsecond: header[word::TICKS],
            sealed: header[word::FLAGS] & SEALED != 0,
            sections,
        })
    }

    /// The arguments, the program's own name first.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Records(self.sections[0]).all(Records::bytes)
    }

    /// The environment variables, each `NAME=value`.
    pub fn variables(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Records(self.sections[1]).all(Records::bytes)
    }

    /// The value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<&'a [u8]> {
        self.variables()
            .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// Names of capabilities and their slots.
    pub fn capabilities(&self) -> impl Iterator<Item = (&'a str, u32)> + use<'a> {
        Records(self.sections[2]).all(Records::capability)
    }

    /// The table of names; rows with the same prefix are a union in this order.
    pub fn names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        Records(self.sections[3]).all(Records::name)
    }
}
