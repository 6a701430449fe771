//! A new program's arguments and environment: all texts of a list in one run of bytes, as the program will have them.
use crate::{Errno, fallible};
use alloc::vec::Vec;

/// A list of texts without zero bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The texts, each with a zero byte behind it.
    bytes: Vec<u8>,
    count: usize,
}

/// The strings of a new program.
#[derive(Debug, Default)]
pub struct Texts {
    /// Its arguments.
    pub arguments: List,
    /// Its environment.
    pub environment: List,
}

impl List {
    /// A list of what is given.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn of<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Errno> {
        let mut list = Self::default();
        for text in texts {
            list.push(text.as_ref())?;
        }
        Ok(list)
    }

    /// Adds a text.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn push(&mut self, text: &[u8]) -> Result<(), Errno> {
        self.bytes
            .try_reserve(text.len() + 1)
            .map_err(|_| Errno::ENOMEM)?;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        self.count += 1;
        Ok(())
    }

    /// Puts `texts` in the place of the first one.
    ///
    /// # Errors
    /// ENOMEM; the list is as it was.
    pub fn replace_first<'a>(
        &mut self,
        texts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Errno> {
        let mut list = Self::of(texts)?;
        let skip = self.first().map_or(0, |first| first.len() + 1);
        fallible::extend(&mut list.bytes, &self.bytes[skip..])?;
        list.count += self.count.saturating_sub(1);
        *self = list;
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All texts, each with a zero byte behind it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The texts.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .split_inclusive(|byte| *byte == 0)
            .map(|text| &text[..text.len() - 1])
    }

    /// Where each begins in [`List::bytes`].
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        self.iter().scan(0, |at, text| {
            let start = *at;
            *at += text.len() + 1;
            Some(start)
        })
    }

    /// The first text.
    #[must_use]
    pub fn first(&self) -> Option<&[u8]> {
        self.iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again_in_their_order() {
        let mut list = List::of(["a", "", "bcd"]).unwrap();
        assert_eq!(list.bytes(), b"a\0\0bcd\0");
        assert_eq!(list.iter().collect::<Vec<_>>(), [&b"a"[..], b"", b"bcd"]);
        assert_eq!(list.starts().collect::<Vec<_>>(), [0, 2, 3]);
        list.replace_first([&b"x"[..], b"yz"].into_iter()).unwrap();
        assert_eq!(list.bytes(), b"x\0yz\0\0bcd\0");
        assert_eq!((list.len(), list.first()), (4, Some(&b"x"[..])));
        let mut empty = List::default();
        assert!(empty.is_empty() && empty.first().is_none());
        empty.replace_first([&b"x"[..]].into_iter()).unwrap();
        assert_eq!((empty.len(), empty.bytes()), (1, &b"x\0"[..]));
    }
}
