//! Characters: where they go, how they wrap, marks and wide ones.
use super::State;
use crate::cell::{Cell, Half};
use crate::width::{Width, width};

/// What line drawing makes of the characters from ` to ~.
const DRAWING: [char; 31] = [
    '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

impl State {
    pub(crate) fn print(&mut self, character: char) {
        let drawing = self.now.drawing[usize::from(self.now.shifted)];
        if !drawing && character.is_ascii() {
            return self.put(character, 1);
        }
        let index = u32::from(character).wrapping_sub(0x60) as usize;
        let character = if drawing {
            DRAWING.get(index).copied().unwrap_or(character)
        } else {
            character
        };
        match width(character) {
            Width::None => (),
            Width::Mark => self.mark(character),
            Width::One => self.put(character, 1),
            Width::Two => self.put(character, 2),
        }
    }

    fn put(&mut self, character: char, columns: usize) {
        if self.now.pending && self.modes.wrap {
            self.wrap();
        }
        if self.now.column + columns > self.columns {
            if !self.modes.wrap || columns > self.columns {
                return;
            }
            self.wrap();
        }
        let (row, column, pen) = (self.now.row, self.now.column, self.now.pen);
        if self.modes.insert {
            self.insert_cells(columns);
        }
        let line = &mut self.grid()[row];
        for place in [column, column + columns - 1] {
            split(line, place);
        }
        line[column] = Cell {
            character,
            half: if columns == 2 {
                Half::Left
            } else {
                Half::Whole
            },
            ..Cell::blank(pen)
        };
        if columns == 2 {
            line[column + 1] = Cell {
                half: Half::Right,
                ..Cell::blank(pen)
            };
        }
        if column + columns >= self.columns {
            self.now.column = self.columns - 1;
            self.now.pending = self.modes.wrap;
        } else {
            self.now.column += columns;
        }
    }

    fn wrap(&mut self) {
        self.now.column = 0;
        self.index();
    }

    /// Puts a mark onto the character before the cursor; at a line's start it is lost.
    fn mark(&mut self, mark: char) {
        let Some(mut place) = (if self.now.pending {
            Some(self.now.column)
        } else {
            self.now.column.checked_sub(1)
        }) else {
            return;
        };
        let row = self.now.row;
        let line = &mut self.grid()[row];
        if line[place].half == Half::Right {
            place -= 1;
        }
        if let Some(free) = line[place].marks.iter_mut().find(|free| **free == '\0') {
            *free = mark;
        }
    }
}

/// A wide character of which one half is overwritten loses the other.
fn split(line: &mut [Cell], place: usize) {
    let other = match line[place].half {
        Half::Whole => return,
        Half::Left => place + 1,
        Half::Right => place - 1,
    };
    for place in [place, other] {
        line[place] = Cell::blank(line[place].pen);
    }
}
