//! The fields of payloads: numbers little-endian, texts and bytes with a 16-bit length in front, each with its own bound.
use alloc::string::String;
use alloc::vec::Vec;

/// The most bytes of a name (program, resource, instance, sandbox).
pub const MAX_NAME: usize = 256;
/// The most bytes of a line (log, trace, reason).
pub const MAX_LINE: usize = 4096;
/// The most bytes of a piece of a stream or of a configuration.
pub const MAX_BYTES: usize = 7168;
/// The most sandboxes in the chain from a request up to init.
pub const MAX_CHAIN: usize = 16;
/// The most grants in one list; a longer list is sent in parts.
pub const MAX_GRANTS: usize = 16;

/// Why a payload was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// No such type in this version.
    Type,
    /// It ends inside a field.
    Short,
    /// Something is left over behind the last field.
    Long,
    /// A text, list or payload is longer than its bound.
    TooLong,
    /// A text is not UTF-8.
    Text,
    /// A number has no meaning in its field.
    Value,
}

/// Takes a payload apart.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Reader<'a> {
        Reader { rest: payload }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Bad> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Bad::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        self.take(N)?.try_into().map_err(|_| Bad::Short)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Bad> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Bad> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Bad> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Bad> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn flag(&mut self) -> Result<bool, Bad> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Bad::Value),
        }
    }

    pub(super) fn bytes(&mut self, most: usize) -> Result<Vec<u8>, Bad> {
        let length = usize::from(self.u16()?);
        if length > most {
            return Err(Bad::TooLong);
        }
        Ok(self.take(length)?.to_vec())
    }

    pub(super) fn text(&mut self, most: usize) -> Result<String, Bad> {
        String::from_utf8(self.bytes(most)?).map_err(|_| Bad::Text)
    }

    pub(super) fn list<T>(
        &mut self,
        most: usize,
        item: fn(&mut Self) -> Result<T, Bad>,
    ) -> Result<Vec<T>, Bad> {
        let count = usize::from(self.u8()?);
        if count > most {
            return Err(Bad::TooLong);
        }
        (0..count).map(|_| item(self)).collect()
    }

    pub(super) fn end(self) -> Result<(), Bad> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Bad::Long)
        }
    }
}

/// Puts a payload together; the bounds are checked here too, so that nobody sends what the other side must refuse.
#[derive(Debug, Default)]
pub struct Writer {
    pub(super) payload: Vec<u8>,
}

impl Writer {
    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.payload.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.payload.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.payload.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.payload.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn bytes(&mut self, value: &[u8], most: usize) -> Result<&mut Self, Bad> {
        let length = u16::try_from(value.len())
            .ok()
            .filter(|_| value.len() <= most)
            .ok_or(Bad::TooLong)?;
        self.u16(length).payload.extend_from_slice(value);
        Ok(self)
    }

    pub(super) fn text(&mut self, value: &str, most: usize) -> Result<&mut Self, Bad> {
        self.bytes(value.as_bytes(), most)
    }

    pub(super) fn count(&mut self, count: usize, most: usize) -> Result<&mut Self, Bad> {
        let count = u8::try_from(count)
            .ok()
            .filter(|_| count <= most)
            .ok_or(Bad::TooLong)?;
        Ok(self.u8(count))
    }
}
