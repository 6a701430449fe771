//! What a native program in a sandbox of Linux programs asks of the personality that started it: its streams, and to become a
//! sandbox itself.
//!
//! The endpoint's badge is the process id, so no message names one. The descriptors 0 to 2 are the only ones.
use crate::{MAX_WORDS, Malformed, Words};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Most bytes that one message carries.
pub const MAX_BYTES: usize = (MAX_WORDS - 3) * 8;

/// The labels of requests.
mod label {
    pub const READ: u64 = 1;
    pub const WRITE: u64 = 2;
    pub const BECOME: u64 = 3;
    pub const TAKE: u64 = 4;
    pub const TELL: u64 = 5;
    pub const SCREEN: u64 = 6;
    pub const KEYS: u64 = 7;
    pub const SHOW: u64 = 8;
    pub const SUSPEND: u64 = 9;
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Bytes of a stream, at most so many.
    Read {
        /// The descriptor.
        descriptor: u32,
        /// How many, at most [`MAX_BYTES`].
        length: usize,
    },
    /// Bytes for a stream.
    Write {
        /// The descriptor.
        descriptor: u32,
        /// The bytes, at most [`MAX_BYTES`].
        bytes: Vec<u8>,
    },
    /// As `Read`, but if nothing is there the answer is EAGAIN at once; when that has changed the process' notification is signalled.
    Take {
        /// The descriptor.
        descriptor: u32,
        /// How many, at most [`MAX_BYTES`].
        length: usize,
    },
    /// What the terminal among the streams is like, and which signals came for the programs of a sandbox.
    Screen,
    /// Keys of the terminal among the streams as they were typed, at most so many; answered as `Take`. From the first such request on
    /// the line discipline is the asker's, as long as its group is in the foreground.
    Keys {
        /// How many, at most [`MAX_BYTES`].
        length: usize,
    },
    /// Bytes for the terminal among the streams, to be shown as they are.
    Show {
        /// The bytes, at most [`MAX_BYTES`].
        bytes: Vec<u8>,
    },
    /// The process' group is to stop, as by the terminal's key for that.
    Suspend,
    /// The process is to become the sandbox that its own arguments describe. If that succeeds the program is gone and there is
    /// no answer.
    Become,
    /// A part of a text about the sandbox; nothing behind its end.
    Tell {
        /// What about.
        subject: Subject,
        /// The byte of the text with which the part begins.
        from: usize,
    },
}

/// What a personality tells about its sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The capabilities that it was given.
    Capabilities,
    /// How paths map, for the process that asks.
    Names,
}

/// A terminal among the streams, and signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Screen {
    /// Which of the streams lead to it: bit 0 is standard input; 0 if there is none.
    pub streams: u8,
    /// Its size.
    pub rows: u16,
    /// The same.
    pub columns: u16,
    /// Signals that came since they were asked for last, by Linux's numbers; bit 0 is signal 1.
    pub signals: u32,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was read; nothing at the end.
    Read(Vec<u8>),
    /// How many bytes were written, perhaps fewer than given.
    Written(usize),
    /// What was asked for with `Screen`.
    Screen(Screen),
    /// It failed, with Linux's error number, not 0, and a sentence or nothing.
    Failed(u32, String),
}

impl Request {
    /// The message.
    ///
    /// # Errors
    /// More bytes than a message carries.
    pub fn encode(&self) -> Result<Words, Malformed> {
        let mut words;
        match self {
            Request::Read { descriptor, length } => {
                words = Words::new(label::READ);
                words.push((*descriptor).into())?;
                words.push(*length as u64)?;
            }
            Request::Take { descriptor, length } => {
                words = Words::new(label::TAKE);
                words.push((*descriptor).into())?;
                words.push(*length as u64)?;
            }
            Request::Write { descriptor, bytes } => {
                words = Words::new(label::WRITE);
                words.push((*descriptor).into())?;
                words.push(bytes.len() as u64)?;
                words.push_bytes(bytes)?;
            }
            Request::Screen => words = Words::new(label::SCREEN),
            Request::Suspend => words = Words::new(label::SUSPEND),
            Request::Keys { length } => {
                words = Words::new(label::KEYS);
                words.push(*length as u64)?;
            }
            Request::Show { bytes } => {
                words = Words::new(label::SHOW);
                words.push(bytes.len() as u64)?;
                words.push_bytes(bytes)?;
            }
            Request::Become => words = Words::new(label::BECOME),
            Request::Tell { subject, from } => {
                words = Words::new(label::TELL);
                words.push(u64::from(*subject == Subject::Names))?;
                words.push(*from as u64)?;
            }
        }
        Ok(words)
    }

    /// Reads a message; any words are safe.
    ///
    /// # Errors
    /// What is no request.
    pub fn decode(words: &Words) -> Result<Request, Malformed> {
        let mut reader = words.reader();
        let request = match words.label() {
            label::READ => Request::Read {
                descriptor: descriptor(reader.word()?)?,
                length: length(reader.word()?)?,
            },
            label::TAKE => Request::Take {
                descriptor: descriptor(reader.word()?)?,
                length: length(reader.word()?)?,
            },
            label::WRITE => {
                let descriptor = descriptor(reader.word()?)?;
                let mut bytes = vec![0; length(reader.word()?)?];
                reader.bytes(&mut bytes)?;
                Request::Write { descriptor, bytes }
            }
            label::SCREEN => Request::Screen,
            label::SUSPEND => Request::Suspend,
            label::KEYS => Request::Keys {
                length: length(reader.word()?)?,
            },
            label::SHOW => {
                let mut bytes = vec![0; length(reader.word()?)?];
                reader.bytes(&mut bytes)?;
                Request::Show { bytes }
            }
            label::BECOME => Request::Become,
            label::TELL => Request::Tell {
                subject: match reader.word()? {
                    0 => Subject::Capabilities,
                    1 => Subject::Names,
                    _ => return Err(Malformed),
                },
                from: usize::try_from(reader.word()?).map_err(|_| Malformed)?,
            },
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(request)
    }
}

fn descriptor(word: u64) -> Result<u32, Malformed> {
    u32::try_from(word).map_err(|_| Malformed)
}

fn length(word: u64) -> Result<usize, Malformed> {
    usize::try_from(word)
        .ok()
        .filter(|length| *length <= MAX_BYTES)
        .ok_or(Malformed)
}

impl Screen {
    fn first(&self) -> u64 {
        u64::from(self.streams) << 32 | u64::from(self.rows) << 16 | u64::from(self.columns)
    }

    fn of(first: u64, signals: u64) -> Result<Screen, Malformed> {
        Ok(Screen {
            streams: u8::try_from(first >> 32).map_err(|_| Malformed)?,
            rows: (first >> 16) as u16,
            columns: first as u16,
            signals: u32::try_from(signals).map_err(|_| Malformed)?,
        })
    }
}

impl Answer {
    /// The message. A long sentence is cut.
    pub fn encode(&self) -> Words {
        let (mut words, bytes) = match self {
            Answer::Read(bytes) => (Words::new(0), &bytes[..bytes.len().min(MAX_BYTES)]),
            Answer::Written(_) | Answer::Screen(_) => (Words::new(0), &[][..]),
            Answer::Failed(number, text) => (
                Words::new(u64::from((*number).max(1))),
                &text.as_bytes()[..text.floor_char_boundary(MAX_BYTES)],
            ),
        };
        let count = match self {
            Answer::Written(count) => *count as u64,
            Answer::Screen(screen) => screen.first(),
            _ => bytes.len() as u64,
        };
        let kind = match self {
            Answer::Written(_) => 1,
            Answer::Screen(_) => 2,
            _ => 0,
        };
        let whole = words
            .push(kind)
            .and_then(|()| words.push(count))
            .and_then(|()| words.push_bytes(bytes))
            .and_then(|()| match self {
                Answer::Screen(screen) => words.push(screen.signals.into()),
                _ => Ok(()),
            });
        debug_assert!(whole.is_ok(), "the bytes were cut to what fits");
        words
    }

    /// Reads a message.
    ///
    /// # Errors
    /// What is no answer.
    pub fn decode(words: &Words) -> Result<Answer, Malformed> {
        let mut reader = words.reader();
        let (kind, count) = (reader.word()?, reader.word()?);
        if kind == 1 {
            reader.end()?;
            return usize::try_from(count)
                .map(Answer::Written)
                .map_err(|_| Malformed);
        }
        if kind == 2 {
            let second = reader.word()?;
            reader.end()?;
            return Screen::of(count, second).map(Answer::Screen);
        }
        let mut bytes = vec![0; length(count)?];
        reader.bytes(&mut bytes)?;
        reader.end()?;
        match (kind, u32::try_from(words.label())) {
            (0, Ok(0)) => Ok(Answer::Read(bytes)),
            (0, Ok(number)) => String::from_utf8(bytes)
                .map(|text| Answer::Failed(number, text))
                .map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let full = vec![7; MAX_BYTES];
        for request in [
            Request::Read {
                descriptor: 0,
                length: MAX_BYTES,
            },
            Request::Write {
                descriptor: 2,
                bytes: full.clone(),
            },
            Request::Write {
                descriptor: 1,
                bytes: Vec::new(),
            },
            Request::Take {
                descriptor: 0,
                length: 1,
            },
            Request::Become,
            Request::Screen,
            Request::Suspend,
            Request::Keys { length: MAX_BYTES },
            Request::Show {
                bytes: vec![9; MAX_BYTES],
            },
            Request::Tell {
                subject: Subject::Names,
                from: usize::MAX,
            },
        ] {
            let words = request.encode().unwrap();
            assert_eq!(Request::decode(&words), Ok(request));
        }
        for answer in [
            Answer::Read(full),
            Answer::Read(Vec::new()),
            Answer::Written(usize::MAX),
            Answer::Screen(Screen::default()),
            Answer::Screen(Screen {
                streams: 7,
                rows: u16::MAX,
                columns: 1,
                signals: u32::MAX,
            }),
            Answer::Failed(12, String::from("no memory")),
        ] {
            assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn what_no_one_may_say_is_refused() {
        let write = Request::Write {
            descriptor: 1,
            bytes: vec![0; MAX_BYTES + 1],
        };
        assert_eq!(write.encode(), Err(Malformed));
        for words in [
            &[0][..],
            &[1, 0],
            &[1, 1 << 32, 1],
            &[1, 0, MAX_BYTES as u64 + 1],
            &[2, 0, 1, 0x100],
            &[2, 0, 9, 0],
            &[3, 0],
            &[4],
            &[5, 2, 0],
            &[5, 0],
            &[6, 0, 0],
            &[7],
            &[7, MAX_BYTES as u64 + 1],
            &[8, 9, 0],
            &[9, 0],
            &[10],
        ] {
            assert_eq!(
                Request::decode(&Words::from_slice(words).unwrap()),
                Err(Malformed)
            );
        }
        let long = Answer::Failed(0, "é".repeat(MAX_BYTES)).encode();
        assert!(matches!(Answer::decode(&long), Ok(Answer::Failed(1, _))));
    }
}
