//! Words that go into a system call and come out of it.

use sundog_abi::{Address, ObjectType, Protection, Rights, Slot, Word};

/// What a call answers: a value, and for some calls a second one. The table says what they mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The value (rdx).
    pub value: Word,
    /// The second value (r8).
    pub second: Word,
}

/// A typed argument as the word that travels in a register.
pub trait ToWord {
    /// The word.
    fn to_word(self) -> Word;
}

impl ToWord for Word {
    fn to_word(self) -> Word {
        self
    }
}

impl ToWord for Address {
    fn to_word(self) -> Word {
        self.0
    }
}

impl ToWord for Slot {
    fn to_word(self) -> Word {
        Word::from(self.0)
    }
}

impl ToWord for Rights {
    fn to_word(self) -> Word {
        Word::from(self.0)
    }
}

impl ToWord for Protection {
    fn to_word(self) -> Word {
        Word::from(self.0)
    }
}

impl ToWord for ObjectType {
    fn to_word(self) -> Word {
        self as Word
    }
}
