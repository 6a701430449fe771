//! Echo: what the screen shows of what is typed, and how it is taken back.

use super::discipline::Discipline;
use super::termios::{ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHONL, VKILL};

/// Whether echo shows a byte as `^X`.
fn as_control(byte: u8) -> bool {
    (byte < b' ' || byte == 127) && byte != b'\t' && byte != b'\n'
}

impl Discipline {
    /// Shows a byte that was typed.
    pub(super) fn echo(&mut self, byte: u8) {
        if !self.settings.local(ECHO) {
            if byte == b'\n' && self.settings.local(ECHONL) {
                self.show(byte);
            }
            return;
        }
        if as_control(byte) && self.settings.local(ECHOCTL) {
            self.show(b'^');
            self.show(byte ^ 0x40);
        } else {
            self.show(byte);
        }
    }

    pub(super) fn show(&mut self, byte: u8) {
        self.output.put(&self.settings, byte);
    }

    /// How many columns a typed byte takes on the screen, standing at `column`.
    fn width(&self, byte: u8, column: usize) -> usize {
        match byte {
            b'\t' => 8 - column % 8,
            _ if as_control(byte) => {
                if self.settings.local(ECHOCTL) {
                    2
                } else {
                    0
                }
            }
            _ if byte & 0xc0 == 0x80 && self.settings.input(super::termios::IUTF8) => 0,
            _ => 1,
        }
    }

    /// Takes typed bytes off the screen, which are gone from the line already.
    pub(super) fn echo_erased(&mut self, erased: &[u8], key: u8) {
        if !self.settings.local(ECHO) {
            return;
        }
        if !self.settings.local(ECHOE) {
            self.echo(key);
            return;
        }
        let mut column = self.line_column();
        let mut columns = 0;
        for &byte in erased {
            let width = self.width(byte, column);
            column += width;
            columns += width;
        }
        for _ in 0..columns {
            self.show(8);
            self.show(b' ');
            self.show(8);
        }
    }

    /// Where the cursor stands behind what is left of the line being typed.
    fn line_column(&self) -> usize {
        let mut column = self.line_start_column;
        for byte in self.open_line() {
            column += self.width(byte, column);
        }
        column
    }

    /// Shows that a whole line was killed.
    pub(super) fn echo_killed(&mut self, erased: &[u8]) {
        let key = self.settings.characters[VKILL as usize];
        if self.settings.local(ECHOKE) && self.settings.local(ECHOE) && self.settings.local(ECHOK) {
            self.echo_erased(erased, key);
            return;
        }
        self.echo(key);
        if self.settings.local(ECHOK) && self.settings.local(ECHO) {
            self.show(b'\n');
        }
    }
}
