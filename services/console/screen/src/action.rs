//! What output asks a terminal to do: the whole of what the model understands and the filter passes on.
use crate::parse::Token;
use crate::sgr;
use crate::width::{Width, width};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The most of anything that one sequence may ask for.
const MOST: u16 = 4096;
/// Marks on one character that are passed on.
const MARKS: u8 = 3;

/// One thing to do. Numbers are counted from 1 where terminals do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Print(char),
    /// Bell, backspace, tab, line feeds, carriage return, shift out and in.
    Control(u8),
    /// `ESC` and one byte: 7 8 D E H M c = >
    Escape(u8),
    /// `ESC # 8`
    Align,
    /// A character set (true: line drawing) becomes G0 or G1.
    Charset(u8, bool),
    /// A sequence with one number: how many, or which.
    Count(u16, u8),
    /// Row and column.
    Position(u16, u16),
    /// First and last line of the scrolling region; 0 for the last.
    Region(u16, u16),
    /// A mode, private or not, set or reset.
    Mode(bool, u16, bool),
    /// The pen is changed by these parameters.
    Rendition(String),
    /// `CSI ! p`
    SoftReset,
    /// The cursor's shape.
    Shape(u16),
    /// A question: 5 status, 6 cursor position, 0 what are you.
    Report(u16),
    /// The last character again.
    Repeat(u16),
}

/// The modes that are understood: private (`?`) ones.
pub(crate) const PRIVATE_MODES: [u16; 18] = [
    1, 5, 6, 7, 12, 25, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1048, 1049, 2004,
];

/// Turns tokens into actions; remembers how many marks in a row there were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Translator {
    marks: u8,
}

impl Translator {
    /// The actions of a token; false if it has none and is dropped.
    pub(crate) fn translate(&mut self, token: Token<'_>, act: &mut impl FnMut(Action)) -> bool {
        match token {
            Token::Print(character) => return self.print(character, act),
            Token::Control(byte @ 0x07..=0x0f) => act(Action::Control(byte)),
            Token::Escape(0, byte) if b"78DEHMc=>".contains(&byte) => act(Action::Escape(byte)),
            Token::Escape(b'#', b'8') => act(Action::Align),
            Token::Escape(slot @ b'('..=b')', set) if b"B0A".contains(&set) => {
                act(Action::Charset(slot - b'(', set == b'0'))
            }
            Token::Csi(body, end) => return csi(body, end, act),
            // The end of a string, whose beginning was counted.
            Token::Escape(0, b'\\') => return true,
            _ => return false,
        }
        true
    }

    /// Characters of ASCII went by on the short way.
    pub(crate) fn plain(&mut self) {
        self.marks = 0;
    }

    fn print(&mut self, character: char, act: &mut impl FnMut(Action)) -> bool {
        match width(character) {
            Width::None => return false,
            Width::Mark if self.marks >= MARKS => return false,
            Width::Mark => self.marks += 1,
            Width::One | Width::Two => self.marks = 0,
        }
        act(Action::Print(character));
        true
    }
}

fn csi(body: &[u8], end: u8, act: &mut impl FnMut(Action)) -> bool {
    let private = body.first() == Some(&b'?');
    let middle = body
        .last()
        .copied()
        .filter(|byte| matches!(byte, 0x20..=0x2f));
    let start = usize::from(private);
    let parameters = &body[start..body.len() - usize::from(middle.is_some())];
    let colons = end == b'm' && middle.is_none();
    if !parameters
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b';') || colons && *byte == b':')
    {
        return false;
    }
    let mut numbers = parameters.split(|byte| *byte == b';').map(number);
    let mut next = || numbers.next().unwrap_or(0);
    match (private, middle, end) {
        (
            false,
            None,
            b'@' | b'A'..=b'G' | b'I' | b'L' | b'M' | b'P' | b'S' | b'T' | b'X' | b'Z' | b'd',
        ) => {
            act(Action::Count(next().max(1), end));
        }
        (false, None, b'`') => act(Action::Count(next().max(1), b'G')),
        (false, None, b'a') => act(Action::Count(next().max(1), b'C')),
        (false, None, b'e') => act(Action::Count(next().max(1), b'B')),
        (false, None, b'J' | b'K') => match next() {
            which @ 0..=2 => act(Action::Count(which, end)),
            // 3 would wipe what the person can scroll back to.
            _ => return false,
        },
        (false, None, b'g') => match next() {
            which @ (0 | 3) => act(Action::Count(which, end)),
            _ => return false,
        },
        (false, None, b'H' | b'f') => act(Action::Position(next().max(1), next().max(1))),
        (false, None, b'r') => act(Action::Region(next().max(1), next())),
        (false, None, b's') if parameters.is_empty() => act(Action::Escape(b'7')),
        (false, None, b'u') if parameters.is_empty() => act(Action::Escape(b'8')),
        (false, None, b'b') => act(Action::Repeat(next().max(1))),
        (false, None, b'm') => match sgr::normal(parameters) {
            normal if normal.is_empty() => return false,
            normal => act(Action::Rendition(normal)),
        },
        (false, None, b'n') => act(Action::Report(next())),
        (false, None, b'c') => act(Action::Report(0)),
        (false, Some(b'!'), b'p') => act(Action::SoftReset),
        (false, Some(b' '), b'q') => act(Action::Shape(next().min(6))),
        (_, None, b'h' | b'l') => {
            let mut known = true;
            for mode in numbers {
                if if private {
                    PRIVATE_MODES.contains(&mode)
                } else {
                    matches!(mode, 4 | 20)
                } {
                    act(Action::Mode(private, mode, end == b'h'));
                } else {
                    known = false;
                }
            }
            return known;
        }
        _ => return false,
    }
    true
}

fn number(digits: &[u8]) -> u16 {
    let digits = digits
        .iter()
        .map(|digit| u16::from(digit.wrapping_sub(b'0') % 10));
    digits
        .fold(0u16, |sum, digit| {
            sum.saturating_mul(10).saturating_add(digit)
        })
        .min(MOST)
}

impl Action {
    /// Writes the action as a terminal takes it. Questions are not written: the model answers them, the terminal is not asked.
    /// Neither are repetitions: the filter writes the character itself.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let text = match self {
            Action::Print(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
            Action::Control(byte) => return out.push(*byte),
            Action::Escape(byte) => return out.extend_from_slice(&[0x1b, *byte]),
            Action::Align => return out.extend_from_slice(b"\x1b#8"),
            Action::Charset(slot, drawing) => {
                return out.extend_from_slice(&[
                    0x1b,
                    b'(' + slot,
                    if *drawing { b'0' } else { b'B' },
                ]);
            }
            Action::Count(count, end) => format!("\x1b[{count}{}", char::from(*end)),
            Action::Position(row, column) => format!("\x1b[{row};{column}H"),
            Action::Region(top, 0) => format!("\x1b[{top}r"),
            Action::Region(top, bottom) => format!("\x1b[{top};{bottom}r"),
            Action::Mode(private, mode, on) => {
                format!(
                    "\x1b[{}{mode}{}",
                    if *private { "?" } else { "" },
                    if *on { 'h' } else { 'l' }
                )
            }
            Action::SoftReset => "\x1b[!p".into(),
            Action::Shape(shape) => format!("\x1b[{shape} q"),
            Action::Rendition(normal) => format!("\x1b[{normal}m"),
            Action::Report(_) | Action::Repeat(_) => return,
        };
        out.extend_from_slice(text.as_bytes());
    }
}
