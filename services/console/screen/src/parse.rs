//! Takes a terminal's bytes apart into characters, controls and sequences, in any chunks.

/// The most bytes between `ESC [` and its end; a longer sequence means nothing.
const MAX_BODY: usize = 128;

/// A piece of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A character beyond the controls; what is not UTF-8 is U+FFFD.
    Print(char),
    /// A C0 control.
    Control(u8),
    /// `ESC`, an intermediate byte (0 for none), a final byte.
    Escape(u8, u8),
    /// `ESC [`, the body, a final byte.
    Csi(&'a [u8], u8),
    /// A string (OSC, DCS, SOS, PM, APC), or a sequence of no form.
    Dropped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Intermediate(u8),
    Csi,
    /// A sequence that is too long or broken, up to its final byte.
    Ignore,
    /// A string up to its end; true: BEL ends it too.
    Text(bool),
}

/// The state between bytes.
#[derive(Clone, Debug)]
pub(crate) struct Parser {
    state: State,
    body: [u8; MAX_BODY],
    length: usize,
    /// A character that is not complete: bytes still missing, its bits, the bounds of its next byte.
    missing: u8,
    code: u32,
    bounds: (u8, u8),
}

impl Default for Parser {
    fn default() -> Self {
        Parser {
            state: State::Ground,
            body: [0; MAX_BODY],
            length: 0,
            missing: 0,
            code: 0,
            bounds: (0x80, 0xbf),
        }
    }
}

impl Parser {
    /// Whether no character or sequence is half read.
    pub(crate) fn at_rest(&self) -> bool {
        self.state == State::Ground && self.missing == 0
    }

    /// How many bytes from the start are characters of ASCII by themselves: the way for most of all output.
    pub(crate) fn plain(&self, bytes: &[u8]) -> usize {
        if !self.at_rest() {
            return 0;
        }
        bytes
            .iter()
            .position(|byte| !matches!(byte, b' '..=b'~'))
            .unwrap_or(bytes.len())
    }

    /// Takes a byte and gives what it completes.
    pub(crate) fn feed(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) {
        if self.missing > 0 {
            if (self.bounds.0..=self.bounds.1).contains(&byte) {
                return self.continuation(byte, found);
            }
            self.missing = 0;
            found(Token::Print(char::REPLACEMENT_CHARACTER));
        }
        match (self.state, byte) {
            (State::Text(_), 0x18 | 0x1a) | (State::Text(true), 0x07) => {
                self.state = State::Ground;
                found(Token::Dropped);
            }
            (State::Text(_), 0x1b) => {
                self.state = State::Escape;
                found(Token::Dropped);
            }
            (State::Text(_), _) => (),
            (_, 0x18 | 0x1a) => self.state = State::Ground,
            (_, 0x1b) => self.state = State::Escape,
            (_, 0..=0x1f) => found(Token::Control(byte)),
            (State::Ground, 0x20..=0x7e) => found(Token::Print(char::from(byte))),
            (State::Ground, _) => self.lead(byte, found),
            (_, 0x7f) => (),
            (State::Escape, b'[') => (self.state, self.length) = (State::Csi, 0),
            (State::Escape, b']') => self.state = State::Text(true),
            (State::Escape, b'P' | b'X' | b'^' | b'_') => self.state = State::Text(false),
            (State::Escape, 0x20..=0x2f) => self.state = State::Intermediate(byte),
            (State::Intermediate(_), 0x20..=0x2f) => self.state = State::Ignore,
            (State::Escape, 0x30..=0x7e) => self.end(Token::Escape(0, byte), found),
            (State::Intermediate(first), 0x30..=0x7e) => {
                self.end(Token::Escape(first, byte), found)
            }
            (State::Csi, 0x20..=0x3f) => match self.body.get_mut(self.length) {
                Some(place) => (*place, self.length) = (byte, self.length + 1),
                None => self.state = State::Ignore,
            },
            (State::Csi, 0x40..=0x7e) => {
                self.state = State::Ground;
                found(Token::Csi(&self.body[..self.length], byte));
            }
            (State::Ignore, 0x20..=0x3f) => (),
            (State::Ignore, 0x40..=0x7e) => self.end(Token::Dropped, found),
            // A byte beyond ASCII ends a sequence and is a character.
            (_, 0x80..) => {
                self.end(Token::Dropped, found);
                self.lead(byte, found);
            }
        }
    }

    fn end(&mut self, token: Token<'_>, found: &mut impl FnMut(Token<'_>)) {
        self.state = State::Ground;
        found(token);
    }

    fn lead(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) {
        (self.missing, self.code, self.bounds) = match byte {
            0xc2..=0xdf => (1, u32::from(byte & 0x1f), (0x80, 0xbf)),
            0xe0 => (2, 0, (0xa0, 0xbf)),
            0xed => (2, 0xd, (0x80, 0x9f)),
            0xe1..=0xef => (2, u32::from(byte & 0xf), (0x80, 0xbf)),
            0xf0 => (3, 0, (0x90, 0xbf)),
            0xf1..=0xf3 => (3, u32::from(byte & 7), (0x80, 0xbf)),
            0xf4 => (3, 4, (0x80, 0x8f)),
            0x7f => return found(Token::Dropped),
            _ => return found(Token::Print(char::REPLACEMENT_CHARACTER)),
        };
    }

    fn continuation(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) {
        self.code = self.code << 6 | u32::from(byte & 0x3f);
        self.bounds = (0x80, 0xbf);
        self.missing -= 1;
        if self.missing == 0 {
            found(Token::Print(
                char::from_u32(self.code).unwrap_or(char::REPLACEMENT_CHARACTER),
            ));
        }
    }
}
