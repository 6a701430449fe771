//! What is bound where, as the outer personality tells the inner one: a bound folder and each mount below it is a place of its own.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What is bound at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The next tree of those that were given.
    Tree,
    /// The same, which cannot be changed.
    ReadOnly,
    /// The sandbox' own /proc.
    Proc,
    /// A /dev of its own.
    Devices,
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file option, counted from 0.
    pub operation: usize,
    /// What is there.
    pub what: What,
    /// The path below the option's destination; empty for that itself.
    pub path: Vec<u8>,
}

const WORDS: [(What, &str); 4] = [
    (What::Tree, "tree"),
    (What::ReadOnly, "read"),
    (What::Proc, "proc"),
    (What::Devices, "devices"),
];

impl Place {
    /// As an argument.
    pub fn text(&self) -> Vec<u8> {
        let mut words = WORDS.iter();
        let word = words
            .find(|(what, _)| *what == self.what)
            .map_or("", |(_, word)| word);
        let mut text = format!("{}:{word}:", self.operation).into_bytes();
        text.extend_from_slice(&self.path);
        text
    }

    /// Reads such an argument.
    pub fn parse(text: &[u8]) -> Option<Place> {
        let mut parts = text.splitn(3, |byte| *byte == b':');
        let operation = String::from_utf8(parts.next()?.to_vec()).ok()?;
        let word = parts.next()?;
        let mut words = WORDS.iter();
        Some(Place {
            operation: operation.parse().ok()?,
            what: words.find(|(_, text)| text.as_bytes() == word)?.0,
            path: parts.next()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for (what, _) in WORDS {
            let place = Place {
                operation: 12,
                what,
                path: b"a:b/c".to_vec(),
            };
            assert_eq!(Place::parse(&place.text()), Some(place));
        }
        for bad in ["", "1", "1:tree", "x:tree:", "1:branch:"] {
            assert_eq!(Place::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
