//! The filter between a program's output and the person's terminal.
use crate::action::{Action, Translator};
use crate::parse::Parser;
use alloc::vec::Vec;

/// The most copies that one repetition writes.
const MAX_REPEAT: u16 = 1024;

/// Passes on characters and the sequences that draw, and nothing else.
///
/// Dropped: everything that makes a terminal answer (status and attribute reports, answerback, title and colour queries), reaches
/// the clipboard or the window (OSC), programs its keys or keyboard protocols, switches its character encoding, wipes what can be
/// scrolled back to, drives a printer or device (DCS, APC, PM), or hides text (bidirectional and zero-width controls). Use it
/// only where the program's descriptor is a terminal; other output is passed on untouched.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    parser: Parser,
    translator: Translator,
    last: Option<char>,
    dropped: u64,
}

impl Filter {
    /// A filter at the start of a program's output.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Takes output in any chunks and adds what may be shown to `out`, in whole sequences only.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let plain = self.parser.plain(rest);
            if plain > 0 {
                out.extend_from_slice(&rest[..plain]);
                self.last = Some(char::from(rest[plain - 1]));
                self.translator.plain();
                rest = &rest[plain..];
                continue;
            }
            self.byte(*byte, out);
            rest = after;
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Filter {
            parser,
            translator,
            last,
            dropped,
        } = self;
        parser.feed(byte, &mut |token| {
            let mut asked = false;
            let passed = translator.translate(token, &mut |action| {
                asked |= matches!(action, Action::Report(_));
                write(&action, last, out);
            });
            *dropped += u64::from(asked || !passed);
        });
    }

    /// Characters and sequences that were dropped in whole or in part.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn write(action: &Action, last: &mut Option<char>, out: &mut Vec<u8>) {
    match action {
        Action::Repeat(count) => {
            for character in last
                .iter()
                .cycle()
                .take(usize::from(*count.min(&MAX_REPEAT)))
            {
                Action::Print(*character).write(out);
            }
        }
        Action::Print(character) => {
            *last = Some(*character);
            action.write(out);
        }
        _ => {
            *last = None;
            action.write(out);
        }
    }
}
