//! Reads numbers, texts and lists from bytes that may be anything.
//!
//! Binary form: numbers are little-endian; a text is its length in 16 bits and UTF-8; a list is its length in bytes and its count,
//! 32 bits each, and the items.

use core::marker::PhantomData;

/// What is left to read. Every method takes from the front, or returns none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.u16()?;
        core::str::from_utf8(self.bytes(length.into())?).ok()
    }

    pub(crate) fn list<T: Item<'a>>(&mut self) -> Option<Items<'a, T>> {
        let length = self.u32()?;
        let count = self.u32()?;
        let items = Items {
            rest: Reader(self.bytes(usize::try_from(length).ok()?)?),
            count,
            item: PhantomData,
        };
        items.is_whole().then_some(items)
    }
}

/// Something that lists are made of.
pub trait Item<'a>: Sized {
    /// Reads one from the front of `bytes`; returns it with what follows. None if the bytes are not one.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])>;
}

/// A list in the binary: an iterator that was found whole when the manifest was decoded.
#[derive(Debug)]
pub struct Items<'a, T> {
    rest: Reader<'a>,
    count: u32,
    item: PhantomData<T>,
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        Items {
            rest: self.rest,
            count: self.count,
            item: PhantomData,
        }
    }
}

impl<'a, T: Item<'a>> Items<'a, T> {
    /// Whether there are as many items as the list says, and nothing behind them.
    fn is_whole(&self) -> bool {
        let mut items = self.clone();
        // Each step takes at least a byte or fails, so a false count ends with the bytes.
        while items.count > 0 {
            let before = items.rest.0.len();
            if items.next().is_none() || items.rest.0.len() == before {
                return false;
            }
        }
        items.rest.0.is_empty()
    }
}

impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.count = self.count.checked_sub(1)?;
        let (item, rest) = T::read(self.rest.0)?;
        self.rest = Reader(rest);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, usize::try_from(self.count).ok())
    }
}

impl<'a> Item<'a> for &'a str {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let text = reader.text()?;
        Some((text, reader.0))
    }
}
