//! Draws lines over a screen, takes them away again, paints a whole screen anew: bytes for a terminal that stands as a model says.
use crate::cell::{Cell, Half};
use crate::screen::{Modes, Saved, Screen, State};
use crate::sgr;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Draws lines over the screen from line `top` (from 0) on and leaves a visible cursor behind the last. The lines must be fit to be
/// shown: no controls, no more columns than the screen has. Drawing again over the same lines is allowed.
pub fn draw(screen: &Screen, top: usize, lines: &[String]) -> Vec<u8> {
    let mut out = neutral();
    for (row, line) in (top..screen.size().0).zip(lines) {
        out.push_str(&format!("\x1b[{};1H\x1b[2K{line}", row + 1));
    }
    out.push_str("\x1b[?25h");
    out.into_bytes()
}

/// Takes `count` lines from line `top` on away again: afterwards the terminal stands exactly as the screen says.
pub fn remove(screen: &Screen, top: usize, count: usize) -> Vec<u8> {
    let state = &screen.state;
    let mut out = neutral();
    paint(
        state,
        state.shown,
        top..top.saturating_add(count).min(state.rows),
        &mut out,
    );
    finish(state, &mut out);
    out.into_bytes()
}

/// Paints everything anew on a terminal of the same size, in whatever state it is: both screens, saved cursors, tabs, modes.
pub fn redraw(screen: &Screen) -> Vec<u8> {
    let state = &screen.state;
    let mut out = neutral();
    out.push_str("\x1b[?47l\x1b[r\x1b[3g");
    for (column, _) in state.tabs.iter().enumerate().filter(|(_, stop)| **stop) {
        out.push_str(&format!("\x1b[1;{}H\x1bH", column + 1));
    }
    for grid in 0..2 {
        out.push_str(if grid == 0 { "" } else { "\x1b[?47h" });
        paint(state, grid, 0..state.rows, &mut out);
        let full = State {
            top: 0,
            bottom: state.rows - 1,
            shown: grid,
            ..state.clone()
        };
        stand(&full, &state.saved[grid], &mut out);
        out.push_str("\x1b7");
        out.push_str(&neutral());
    }
    out.push_str(if state.shown == 0 { "\x1b[?47l" } else { "" });
    out.push_str(&format!("\x1b[{};{}r", state.top + 1, state.bottom + 1));
    finish(state, &mut out);
    out.push_str(&format!(
        "\x1b[?12{}\x1b[{} q",
        if state.modes.blink { 'h' } else { 'l' },
        state.modes.shape
    ));
    out.into_bytes()
}

/// Brings the terminal into a known way of painting and reading keys. The scrolling region stays: positions are not bound to it.
fn neutral() -> String {
    let mut out = String::from("\x1b[0m\x1b(B\x1b)B\x0f\x1b[4l\x1b[20l\x1b>");
    for mode in [1, 5, 6, 7, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004] {
        out.push_str(&format!("\x1b[?{mode}l"));
    }
    out
}

/// The terminal is neutral: puts cursor and modes where they belong.
fn finish(state: &State, out: &mut String) {
    out.push_str(if state.modes.wrap {
        "\x1b[?7h"
    } else {
        "\x1b[?7l"
    });
    stand(state, &state.now, out);
    modes(&state.modes, out);
}

/// Paints lines of a grid; the terminal is neutral and stays so, but that lines wrap. (None does; but a mark on the last column's
/// character finds it only so.)
fn paint(state: &State, grid: usize, rows: core::ops::Range<usize>, out: &mut String) {
    out.push_str("\x1b[?7h");
    for row in rows {
        out.push_str(&format!("\x1b[{};1H\x1b[0m\x1b[2K", row + 1));
        let mut pen = crate::Pen::default();
        let cells = &state.grids[grid][row];
        let empty = cells
            .iter()
            .rev()
            .take_while(|cell| **cell == Cell::blank(crate::Pen::default()))
            .count();
        for cell in cells[..cells.len() - empty]
            .iter()
            .filter(|cell| cell.half != Half::Right)
        {
            if cell.pen != pen {
                pen = cell.pen;
                out.push_str(&sgr::write(pen));
            }
            character(cell, out);
        }
    }
    out.push_str("\x1b[0m");
}

fn character(cell: &Cell, out: &mut String) {
    out.push(cell.character);
    out.extend(cell.marks.iter().filter(|mark| **mark != '\0'));
}

/// Puts cursor, pen, character sets and origin mode where they belong; the terminal is neutral before, but that lines
/// wrap if a wrap is pending.
fn stand(state: &State, cursor: &Saved, out: &mut String) {
    let origin = if cursor.origin { state.top } else { 0 };
    if cursor.origin {
        out.push_str("\x1b[?6h");
    }
    let row = cursor.row.saturating_sub(origin) + 1;
    if cursor.pending {
        // Only printing on the last column makes a wrap pending, so what is there is printed again.
        let line = &state.grids[state.shown][cursor.row];
        let column = line
            .iter()
            .rposition(|cell| cell.half != Half::Right)
            .unwrap_or(0);
        out.push_str(&format!(
            "\x1b[{row};{}H{}",
            column + 1,
            sgr::write(line[column].pen)
        ));
        character(&line[column], out);
    } else {
        out.push_str(&format!("\x1b[{row};{}H", cursor.column + 1));
    }
    out.push_str(&sgr::write(cursor.pen));
    for (slot, drawing) in ['(', ')'].into_iter().zip(cursor.drawing) {
        out.push_str(&format!("\x1b{slot}{}", if drawing { '0' } else { 'B' }));
    }
    out.push(if cursor.shifted { '\x0e' } else { '\x0f' });
}

/// Sets the modes; the terminal is neutral before, and the cursor stands where it belongs.
fn modes(modes: &Modes, out: &mut String) {
    let switches = [
        (modes.insert, "\x1b[4h"),
        (modes.newline, "\x1b[20h"),
        (modes.keypad, "\x1b="),
        (modes.cursor_keys, "\x1b[?1h"),
        (modes.reverse, "\x1b[?5h"),
        (modes.focus, "\x1b[?1004h"),
        (modes.paste, "\x1b[?2004h"),
    ];
    switches
        .iter()
        .filter(|(on, _)| *on)
        .for_each(|(_, text)| out.push_str(text));
    for mode in [modes.mouse, modes.mouse_form]
        .into_iter()
        .filter(|mode| *mode != 0)
    {
        out.push_str(&format!("\x1b[?{mode}h"));
    }
    out.push_str(if modes.visible {
        "\x1b[?25h"
    } else {
        "\x1b[?25l"
    });
}
