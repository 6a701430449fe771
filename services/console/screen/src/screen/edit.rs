//! Erasing, inserting, deleting and scrolling.
use super::State;
use crate::cell::{Cell, Half};
use alloc::vec;
use core::ops::Range;

impl State {
    /// An empty place in the colour that erasing leaves.
    fn blank(&self) -> Cell {
        Cell::blank(self.now.pen.erasing())
    }

    pub(crate) fn erase(&mut self, row: usize, columns: Range<usize>) {
        let blank = self.blank();
        let end = columns.end.min(self.columns);
        let line = &mut self.grid()[row];
        if columns.start < end {
            cut(line, columns.start);
            cut(line, end);
            line[columns.start..end].fill(blank);
        }
    }

    pub(crate) fn erase_rows(&mut self, rows: Range<usize>) {
        for row in rows {
            self.erase(row, 0..self.columns);
        }
    }

    pub(crate) fn insert_cells(&mut self, count: usize) {
        let blank = self.blank();
        let (row, column) = (self.now.row, self.now.column);
        let count = count.min(self.columns - column);
        let line = &mut self.grid()[row];
        cut(line, column);
        let kept = line.len() - count;
        cut(line, kept);
        line[column..].rotate_right(count);
        line[column..column + count].fill(blank);
    }

    pub(crate) fn delete_cells(&mut self, count: usize) {
        let blank = self.blank();
        let (row, column) = (self.now.row, self.now.column);
        let count = count.min(self.columns - column);
        let line = &mut self.grid()[row];
        cut(line, column);
        cut(line, column + count);
        line[column..].rotate_left(count);
        let kept = line.len() - count;
        line[kept..].fill(blank);
    }

    /// Moves the lines from `top` to the end of the region up; empty ones come in below.
    pub(crate) fn scroll_up(&mut self, top: usize, count: usize) {
        let (blank, bottom, columns) = (self.blank(), self.bottom, self.columns);
        let lines = &mut self.grid()[top..=bottom];
        let count = count.min(lines.len());
        lines.rotate_left(count);
        let kept = lines.len() - count;
        lines[kept..].fill(vec![blank; columns]);
    }

    /// Moves the lines from `top` to the end of the region down; empty ones come in above.
    pub(crate) fn scroll_down(&mut self, top: usize, count: usize) {
        let (blank, bottom, columns) = (self.blank(), self.bottom, self.columns);
        let lines = &mut self.grid()[top..=bottom];
        let count = count.min(lines.len());
        lines.rotate_right(count);
        lines[..count].fill(vec![blank; columns]);
    }

    /// One line down, scrolling at the end of the region.
    pub(crate) fn index(&mut self) {
        self.now.pending = false;
        if self.now.row == self.bottom {
            self.scroll_up(self.top, 1);
        } else if self.now.row + 1 < self.rows {
            self.now.row += 1;
        }
    }

    /// One line up, scrolling at the start of the region.
    pub(crate) fn reverse_index(&mut self) {
        self.now.pending = false;
        if self.now.row == self.top {
            self.scroll_down(self.top, 1);
        } else {
            self.now.row = self.now.row.saturating_sub(1);
        }
    }
}

/// A wide character that would be cut in two in front of this column becomes empty.
fn cut(line: &mut [Cell], column: usize) {
    if line
        .get(column)
        .is_some_and(|cell| cell.half == Half::Right)
    {
        for cell in &mut line[column - 1..=column] {
            *cell = Cell::blank(cell.pen);
        }
    }
}

/// Halves of wide characters that lost their other half become empty.
pub(crate) fn mend(line: &mut [Cell]) {
    for column in 0..line.len() {
        let whole = match line[column].half {
            Half::Whole => true,
            Half::Left => line
                .get(column + 1)
                .is_some_and(|next| next.half == Half::Right),
            Half::Right => column > 0 && line[column - 1].half == Half::Left,
        };
        if !whole {
            line[column] = Cell::blank(line[column].pen);
        }
    }
}
