//! Output processing: what a program writes becomes what the screen gets.

use super::termios::{OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, Termios, XTABS};
use alloc::collections::VecDeque;

/// Bytes on their way to the screen, and the column that the cursor is in.
#[derive(Default)]
pub struct Output {
    /// What the screen has not taken yet.
    pub bytes: VecDeque<u8>,
    column: usize,
}

/// Programs wait while this much is on its way.
pub const OUTPUT_LIMIT: usize = 64 * 1024;

impl Output {
    /// The cursor's column, for erasing tabs.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Processes one byte.
    pub fn put(&mut self, settings: &Termios, byte: u8) {
        if !settings.output(OPOST) {
            self.bytes.push_back(byte);
            return;
        }
        match byte {
            b'\n' => {
                if settings.output(ONLRET) {
                    self.column = 0;
                }
                if settings.output(ONLCR) {
                    self.column = 0;
                    self.bytes.push_back(b'\r');
                }
                self.bytes.push_back(b'\n');
            }
            b'\r' if settings.output(ONOCR) && self.column == 0 => {}
            b'\r' if settings.output(OCRNL) => {
                if settings.output(ONLRET) {
                    self.column = 0;
                }
                self.bytes.push_back(b'\n');
            }
            b'\r' => {
                self.column = 0;
                self.bytes.push_back(b'\r');
            }
            b'\t' => {
                let width = 8 - self.column % 8;
                self.column += width;
                if settings.output & TABDLY == XTABS {
                    self.bytes.extend(core::iter::repeat_n(b' ', width));
                } else {
                    self.bytes.push_back(b'\t');
                }
            }
            8 => {
                self.column = self.column.saturating_sub(1);
                self.bytes.push_back(byte);
            }
            _ => {
                let byte = if settings.output(OLCUC) {
                    byte.to_ascii_uppercase()
                } else {
                    byte
                };
                // Control characters and the later bytes of a UTF-8 character do not move the cursor.
                if byte >= b' ' && byte != 127 && byte & 0xc0 != 0x80 {
                    self.column += 1;
                }
                self.bytes.push_back(byte);
            }
        }
    }

    /// Writes what there is room for; how much that was.
    pub fn write(&mut self, settings: &Termios, from: &[u8]) -> usize {
        let mut count = 0;
        for &byte in from {
            if self.bytes.len() >= OUTPUT_LIMIT {
                break;
            }
            self.put(settings, byte);
            count += 1;
        }
        count
    }

    /// Whether a write would not wait.
    pub fn has_room(&self) -> bool {
        self.bytes.len() < OUTPUT_LIMIT
    }
}
