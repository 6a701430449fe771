//! Keys from a terminal's bytes. Escape sequences (arrows, pastes, a terminal's reports) are recognised as such: none of their bytes
//! is a character, and a lone Escape is told from them by time.
use crate::SECOND;

/// Ctrl-], the key that calls Sundog.
pub const ATTENTION: u8 = 0x1d;
/// How long after an Escape the rest of a sequence may come, in nanoseconds.
const SEQUENCE: u64 = SECOND / 20;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A visible ASCII character or a space.
    Character(char),
    /// Return, or a line feed.
    Enter,
    /// Takes the last character away.
    Erase,
    /// Takes the line away.
    EraseLine,
    /// Escape, alone.
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-].
    Attention,
    /// Anything else: another control, a part of a sequence, a byte beyond ASCII.
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// An Escape came at this time.
    Escape(u64),
    /// `ESC [`: up to a byte from `@` to `~`.
    Control,
    /// `ESC O`: one byte more.
    Single,
    /// `ESC ]`, `ESC P` and the like: up to BEL or the next Escape.
    Text,
}

/// The state between bytes.
#[derive(Debug, Default)]
pub struct Keys {
    state: State,
}

impl Keys {
    /// The keys that a byte completes: none, one, or an Escape and one.
    pub fn feed(&mut self, byte: u8, now: u64) -> [Option<Key>; 2] {
        let escape = self.tick(now);
        [escape, self.byte(byte, now)]
    }

    /// An Escape that has stayed alone.
    pub fn tick(&mut self, now: u64) -> Option<Key> {
        let State::Escape(since) = self.state else {
            return None;
        };
        (now >= since.saturating_add(SEQUENCE)).then(|| {
            self.state = State::Ground;
            Key::Escape
        })
    }

    /// When [`Keys::tick`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        if let State::Escape(since) = self.state {
            Some(since.saturating_add(SEQUENCE))
        } else {
            None
        }
    }

    fn byte(&mut self, byte: u8, now: u64) -> Option<Key> {
        let (state, key) = match (self.state, byte) {
            (State::Escape(_), 0x1b) => (State::Escape(now), Some(Key::Escape)),
            (_, 0x1b) => (State::Escape(now), None),
            (State::Ground, _) => (State::Ground, Some(plain(byte))),
            (State::Escape(_), b'[') => (State::Control, Some(Key::Other)),
            (State::Escape(_), b'O') => (State::Single, Some(Key::Other)),
            (State::Escape(_), b']' | b'P' | b'_' | b'^' | b'X') => (State::Text, Some(Key::Other)),
            (State::Escape(_) | State::Single, b' '..=b'~') => (State::Ground, Some(Key::Other)),
            (State::Control, b' '..=b'?') => (State::Control, None),
            (State::Control, b'@'..=b'~') => (State::Ground, Some(Key::Other)),
            (State::Text, 0x07) => (State::Ground, Some(Key::Other)),
            (State::Text, b' '..) => (State::Text, None),
            // A control in the middle of a sequence: the sequence was none. The line is spoiled already.
            (_, _) => (State::Ground, Some(plain(byte))),
        };
        self.state = state;
        key
    }
}

fn plain(byte: u8) -> Key {
    match byte {
        b' '..=b'~' => Key::Character(char::from(byte)),
        b'\r' | b'\n' => Key::Enter,
        0x08 | 0x7f => Key::Erase,
        0x15 => Key::EraseLine,
        0x03 => Key::Interrupt,
        ATTENTION => Key::Attention,
        _ => Key::Other,
    }
}
