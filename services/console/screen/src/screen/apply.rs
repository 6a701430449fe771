//! Controls and sequences: cursor movements, modes, saving, resetting.
use super::{Modes, Saved, State};
use crate::action::Action;
use crate::cell::{Cell, Pen};
use crate::sgr;

impl State {
    pub(crate) fn apply(&mut self, action: &Action) {
        match action {
            Action::Print(_) | Action::Report(_) | Action::Repeat(_) => (),
            Action::Control(byte) => self.control(*byte),
            Action::Escape(byte) => self.escape(*byte),
            Action::Align => self.align(),
            Action::Charset(slot, drawing) => self.now.drawing[usize::from(*slot & 1)] = *drawing,
            Action::Count(count, end) => self.count(usize::from(*count), *end),
            Action::Position(row, column) => {
                self.go(usize::from(*row) - 1, usize::from(*column) - 1)
            }
            Action::Region(top, bottom) => self.region(usize::from(*top), usize::from(*bottom)),
            Action::Mode(false, mode, on) => match mode {
                4 => self.modes.insert = *on,
                _ => self.modes.newline = *on,
            },
            Action::Mode(true, mode, on) => self.mode(*mode, *on),
            Action::Rendition(normal) => sgr::apply(normal, &mut self.now.pen),
            Action::SoftReset => self.soft_reset(),
            Action::Shape(shape) => self.modes.shape = *shape,
        }
    }

    fn control(&mut self, byte: u8) {
        match byte {
            0x08 => self.move_to(self.now.row, self.now.column.saturating_sub(1)),
            0x09 => self.tab(1),
            0x0a..=0x0c => {
                self.index();
                if self.modes.newline {
                    self.now.column = 0;
                }
            }
            0x0d => self.move_to(self.now.row, 0),
            0x0e => self.now.shifted = true,
            0x0f => self.now.shifted = false,
            _ => (),
        }
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'7' => self.saved[self.shown] = self.now,
            b'8' => self.restore(),
            b'D' => self.index(),
            b'E' => {
                self.index();
                self.now.column = 0;
            }
            b'H' => self.tabs[self.now.column] = true,
            b'M' => self.reverse_index(),
            b'c' => *self = State::new(self.rows, self.columns),
            b'=' => self.modes.keypad = true,
            b'>' => self.modes.keypad = false,
            _ => (),
        }
    }

    fn restore(&mut self) {
        self.now = self.saved[self.shown];
        self.now.pending &= self.modes.wrap;
        if self.now.origin {
            self.now.row = self.now.row.clamp(self.top, self.bottom);
        }
    }

    fn align(&mut self) {
        self.now.pending = false;
        (self.now.row, self.now.column, self.top, self.bottom) = (0, 0, 0, self.rows - 1);
        self.now.origin = false;
        for row in self.grid() {
            row.fill(Cell {
                character: 'E',
                ..Cell::blank(Pen::default())
            });
        }
    }

    /// To a place anywhere on the screen.
    fn move_to(&mut self, row: usize, column: usize) {
        self.now.row = row.min(self.rows - 1);
        self.now.column = column.min(self.columns - 1);
        self.now.pending = false;
    }

    /// To a place as programs count: in origin mode within the region.
    fn go(&mut self, row: usize, column: usize) {
        if self.now.origin {
            self.move_to((self.top + row).min(self.bottom), column);
        } else {
            self.move_to(row, column);
        }
    }

    fn count(&mut self, count: usize, end: u8) {
        let Saved { row, column, .. } = self.now;
        // Up and down stop at the region's edge if they start inside of it.
        let lowest = if row <= self.bottom {
            self.bottom
        } else {
            self.rows - 1
        };
        let highest = if row >= self.top { self.top } else { 0 };
        let (down, up) = (
            (row + count).min(lowest),
            row.saturating_sub(count).max(highest),
        );
        match end {
            b'A' => self.move_to(up, column),
            b'B' => self.move_to(down, column),
            b'C' => self.move_to(row, column + count),
            b'D' => self.move_to(row, column.saturating_sub(count)),
            b'E' => self.move_to(down, 0),
            b'F' => self.move_to(up, 0),
            b'G' => self.move_to(row, count - 1),
            b'd' => self.go(count - 1, column),
            b'I' => self.tab(count),
            b'Z' => self.back_tab(count),
            b'J' => self.erase_screen(count),
            b'K' => match count {
                0 => self.erase(row, column..self.columns),
                1 => self.erase(row, 0..column + 1),
                _ => self.erase(row, 0..self.columns),
            },
            b'@' => self.insert_cells(count),
            b'P' => self.delete_cells(count),
            b'X' => self.erase(row, column..column + count),
            b'L' | b'M' if (self.top..=self.bottom).contains(&row) => {
                if end == b'L' {
                    self.scroll_down(row, count);
                } else {
                    self.scroll_up(row, count);
                }
                self.now.column = 0;
            }
            b'S' => self.scroll_up(self.top, count),
            b'T' => self.scroll_down(self.top, count),
            b'g' if count == 0 => self.tabs[column] = false,
            b'g' => self.tabs.fill(false),
            _ => (),
        }
        if b"@JKLMPX".contains(&end) {
            self.now.pending = false;
        }
    }

    fn erase_screen(&mut self, which: usize) {
        let Saved { row, column, .. } = self.now;
        match which {
            0 => {
                self.erase(row, column..self.columns);
                self.erase_rows(row + 1..self.rows);
            }
            1 => {
                self.erase_rows(0..row);
                self.erase(row, 0..column + 1);
            }
            _ => self.erase_rows(0..self.rows),
        }
    }

    fn tab(&mut self, count: usize) {
        for _ in 0..count.min(self.columns) {
            let stops = self.now.column + 1..self.columns;
            self.now.column = stops
                .clone()
                .find(|column| self.tabs[*column])
                .unwrap_or(self.columns - 1);
        }
        self.now.pending = false;
    }

    fn back_tab(&mut self, count: usize) {
        for _ in 0..count.min(self.columns) {
            self.now.column = (0..self.now.column)
                .rev()
                .find(|column| self.tabs[*column])
                .unwrap_or(0);
        }
        self.now.pending = false;
    }

    fn region(&mut self, top: usize, bottom: usize) {
        let bottom = if bottom == 0 {
            self.rows
        } else {
            bottom.min(self.rows)
        };
        if top < bottom {
            (self.top, self.bottom) = (top - 1, bottom - 1);
            self.go(0, 0);
        }
    }

    fn mode(&mut self, mode: u16, on: bool) {
        match mode {
            1 => self.modes.cursor_keys = on,
            5 => self.modes.reverse = on,
            6 => {
                self.now.origin = on;
                self.go(0, 0);
            }
            7 => {
                self.modes.wrap = on;
                self.now.pending = false;
            }
            12 => self.modes.blink = on,
            25 => self.modes.visible = on,
            47 | 1047 | 1049 => self.alternate(mode, on),
            1000 | 1002 | 1003 => self.modes.mouse = if on { mode } else { 0 },
            1004 => self.modes.focus = on,
            1005 | 1006 | 1015 => self.modes.mouse_form = if on { mode } else { 0 },
            1048 if on => self.saved[self.shown] = self.now,
            1048 => self.restore(),
            2004 => self.modes.paste = on,
            _ => (),
        }
    }

    fn alternate(&mut self, mode: u16, on: bool) {
        if on {
            if mode == 1049 {
                self.saved[self.shown] = self.now;
            }
            self.shown = 1;
            if mode == 1049 {
                self.erase_rows(0..self.rows);
            }
            return;
        }
        if mode == 1047 && self.shown == 1 {
            self.erase_rows(0..self.rows);
        }
        self.shown = 0;
        if mode == 1049 {
            self.restore();
        }
    }

    fn soft_reset(&mut self) {
        let Saved { row, column, .. } = self.now;
        let Modes {
            reverse,
            mouse,
            mouse_form,
            focus,
            paste,
            blink,
            shape,
            newline,
            ..
        } = self.modes;
        self.modes = Modes {
            reverse,
            mouse,
            mouse_form,
            focus,
            paste,
            blink,
            shape,
            newline,
            ..Modes::default()
        };
        self.now = Saved {
            row,
            column,
            ..Saved::default()
        };
        self.saved[self.shown] = Saved::default();
        (self.top, self.bottom) = (0, self.rows - 1);
    }
}
