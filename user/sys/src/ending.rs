//! How a program says why it stopped: a record in its message page that the supervisor reads after the last fault.

use sundog_abi::Word;

/// The first word of the record in the message page; the kernel uses nothing from here on.
pub(crate) const FIRST: usize = 128;
/// Words in front of the text.
pub(crate) const HEADER: usize = 2;
/// Most bytes of a text.
const TEXT_BYTES: usize = (512 - FIRST - HEADER) * 8;
/// The first word of an exit: "SDEXITED".
const EXIT: Word = Word::from_le_bytes(*b"SDEXITED");
/// The first word of a panic: "SDPANIC!".
const PANIC: Word = Word::from_le_bytes(*b"SDPANIC!");

/// The end of a program, in its own words. What it says of itself is a claim, good for messages only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending<'a> {
    /// It was done, with a status: 0 is success.
    Exit(Word),
    /// It gave up, with a text.
    Panic(&'a [u8]),
}

impl<'a> Ending<'a> {
    /// Kind, number and text of the record.
    pub(crate) fn parts(self) -> (Word, Word, &'a [u8]) {
        match self {
            Ending::Exit(status) => (EXIT, status, &[]),
            Ending::Panic(text) => {
                let text = &text[..text.len().min(TEXT_BYTES)];
                (PANIC, text.len() as Word, text)
            }
        }
    }

    /// Reads the record in the bytes of a message page; `None` if there is none.
    pub fn decode(page: &'a [u8]) -> Option<Ending<'a>> {
        let word = |index: usize| {
            let bytes = page.get(index * 8..index * 8 + 8)?;
            Some(Word::from_le_bytes(bytes.try_into().ok()?))
        };
        let number = word(FIRST + 1)?;
        match word(FIRST)? {
            EXIT => Some(Ending::Exit(number)),
            PANIC => {
                let length = usize::try_from(number).ok()?.min(TEXT_BYTES);
                let start = (FIRST + HEADER) * 8;
                page.get(start..start + length).map(Ending::Panic)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_ending() {
        let mut page = [0; 4096];
        assert_eq!(Ending::decode(&page), None);
        assert_eq!(Ending::decode(&page[..100]), None);
        page[FIRST * 8..FIRST * 8 + 8].copy_from_slice(&PANIC.to_le_bytes());
        page[FIRST * 8 + 8..FIRST * 8 + 16].copy_from_slice(&[0xff; 8]);
        assert!(
            matches!(Ending::decode(&page), Some(Ending::Panic(text)) if text.len() == TEXT_BYTES)
        );
        page[FIRST * 8..FIRST * 8 + 8].copy_from_slice(&EXIT.to_le_bytes());
        assert_eq!(Ending::decode(&page), Some(Ending::Exit(Word::MAX)));
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(Ending::Panic(&[b'x'; 5000]).parts().2.len(), TEXT_BYTES);
    }
}
