//! The interface of the console to the personality whose terminal it is.
//!
//! Input and output go through two rings; output stands there in [`crate::pieces`] where the two streams of output are not the same
//! terminal. The rest are calls, none of which waits; the console signals the personality's
//! notification when there is news, and the personality asks for it until there is none.
//!
//! | label | request | reply when done |
//! |---|---|---|
//! | [`label::NEXT`] | nothing | [`News`] |
//! | [`label::EXIT`] | word 1 = status as a shell sees it, 0 to 255 | nothing; what stands in the ring goes out first |
//!
//! A status other than 0 in word 0 is a [`Failure`].
use crate::{Malformed, Words};

/// Labels of the requests.
pub mod label {
    /// What is new.
    pub const NEXT: u64 = 0x0e01;
    /// The program ended.
    pub const EXIT: u64 = 0x0e03;
}

/// What the terminal's user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing more.
    Nothing,
    /// Which streams are terminals; the first news that there is, and the program starts after it.
    Terminals {
        /// Standard input.
        input: bool,
        /// Standard output.
        output: bool,
        /// Standard error.
        error: bool,
    },
    /// The terminal's size.
    Size {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// A signal for the program, by Linux's number, 1 to 64.
    Signal(u8),
    /// Input ends behind the bytes that are in the ring now.
    EndOfInput,
    /// The sandbox shall end.
    Stop,
    /// Input that no program has read is thrown away: a question begins that it was not typed for.
    Discard,
}

impl News {
    /// The reply's words: kind and one number.
    pub fn encode(self) -> Result<Words, Malformed> {
        let (kind, number) = match self {
            News::Nothing => (0, 0),
            News::Terminals {
                input,
                output,
                error,
            } => (
                1,
                u64::from(input) | u64::from(output) << 1 | u64::from(error) << 2,
            ),
            News::Size { rows, columns } => (2, u64::from(rows) | u64::from(columns) << 16),
            News::Signal(number) => (3, u64::from(number)),
            News::EndOfInput => (4, 0),
            News::Stop => (5, 0),
            News::Discard => (6, 0),
        };
        let mut words = Words::new(0);
        words.push(kind)?;
        words.push(number)?;
        Ok(words)
    }

    /// Reads the reply.
    pub fn decode(words: &Words) -> Result<News, Malformed> {
        let mut reader = words.reader();
        let (kind, number) = (reader.word()?, reader.word()?);
        reader.end()?;
        let news = match kind {
            _ if words.label() != 0 => return Err(Malformed),
            0 => News::Nothing,
            1 => News::Terminals {
                input: number & 1 != 0,
                output: number & 2 != 0,
                error: number & 4 != 0,
            },
            2 => News::Size {
                rows: number as u16,
                columns: (number >> 16) as u16,
            },
            3 if (1..=64).contains(&number) => News::Signal(number as u8),
            4 => News::EndOfInput,
            5 => News::Stop,
            6 => News::Discard,
            _ => return Err(Malformed),
        };
        // Each content has one encoding.
        if news.encode()? == *words {
            Ok(news)
        } else {
            Err(Malformed)
        }
    }
}

/// Why the console did not do it; the status of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// The request is malformed, or its label is unknown.
    Malformed = 1,
    /// The program has ended: nothing follows an EXIT.
    Ended = 2,
}

impl Failure {
    /// The reply's words.
    pub fn encode(self) -> Words {
        Words::new(self as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        let all = [
            News::Nothing,
            News::Terminals {
                input: true,
                output: false,
                error: true,
            },
            News::Size {
                rows: 24,
                columns: 65535,
            },
            News::Signal(64),
            News::EndOfInput,
            News::Stop,
            News::Discard,
        ];
        for news in all {
            assert_eq!(News::decode(&news.encode().unwrap()), Ok(news));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            &[0, 3, 65][..],
            &[0, 3, 0],
            &[0, 0, 1],
            &[0, 7, 0],
            &[0, 2, 1 << 32],
            &[1, 0, 0],
            &[0, 0],
            &[0, 0, 0, 0],
        ] {
            assert!(
                News::decode(&Words::from_slice(words).unwrap()).is_err(),
                "{words:?}"
            );
        }
    }
}
