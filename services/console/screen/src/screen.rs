//! The model: what is on a terminal's screen and how the terminal stands, after all output so far.
mod apply;
mod edit;
mod print;

use crate::action::{Action, Translator};
use crate::cell::{Cell, Pen};
use crate::parse::Parser;
use alloc::vec;
use alloc::vec::Vec;

/// The most lines that are modelled.
pub const MAX_ROWS: usize = 512;
/// The most columns that are modelled.
pub const MAX_COLUMNS: usize = 1024;
/// The most bytes of answers that wait to be fetched.
const MAX_REPLIES: usize = 256;

pub(crate) type Row = Vec<Cell>;

/// What a save of the cursor keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) row: usize,
    pub(crate) column: usize,
    /// The last column was printed on; the next character goes to the next line.
    pub(crate) pending: bool,
    pub(crate) pen: Pen,
    /// Line drawing in G0 and G1.
    pub(crate) drawing: [bool; 2],
    /// G1 is in use.
    pub(crate) shifted: bool,
    pub(crate) origin: bool,
}

/// Modes beside those that [`Saved`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) insert: bool,
    pub(crate) newline: bool,
    pub(crate) cursor_keys: bool,
    pub(crate) keypad: bool,
    pub(crate) reverse: bool,
    pub(crate) wrap: bool,
    pub(crate) blink: bool,
    pub(crate) visible: bool,
    pub(crate) focus: bool,
    pub(crate) paste: bool,
    /// Which mouse reports: 0, 1000, 1002 or 1003.
    pub(crate) mouse: u16,
    /// How they are written: 0, 1005, 1006 or 1015.
    pub(crate) mouse_form: u16,
    pub(crate) shape: u16,
}

impl Default for Modes {
    fn default() -> Self {
        Modes {
            insert: false,
            newline: false,
            cursor_keys: false,
            keypad: false,
            reverse: false,
            wrap: true,
            blink: false,
            visible: true,
            focus: false,
            paste: false,
            mouse: 0,
            mouse_form: 0,
            shape: 0,
        }
    }
}

/// All that a terminal remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The main and the alternate screen.
    pub(crate) grids: [Vec<Row>; 2],
    /// Which is shown.
    pub(crate) shown: usize,
    /// The cursor, pen and character sets.
    pub(crate) now: Saved,
    /// Saved ones, one for each screen.
    pub(crate) saved: [Saved; 2],
    pub(crate) modes: Modes,
    /// First and last line of the scrolling region.
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) tabs: Vec<bool>,
}

/// A terminal's screen. Two are equal when what is shown and all that later output depends on are equal.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(crate) state: State,
    parser: Parser,
    translator: Translator,
    last: Option<char>,
    replies: Vec<u8>,
}

impl PartialEq for Screen {
    fn eq(&self, other: &Screen) -> bool {
        self.state == other.state
    }
}

impl Screen {
    /// An empty screen. Sizes are brought into 1 to [`MAX_ROWS`] and 2 to [`MAX_COLUMNS`].
    pub fn new(rows: usize, columns: usize) -> Screen {
        let state = State::new(rows.clamp(1, MAX_ROWS), columns.clamp(2, MAX_COLUMNS));
        Screen {
            state,
            parser: Parser::default(),
            translator: Translator::default(),
            last: None,
            replies: Vec::new(),
        }
    }

    /// Takes output in any chunks.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let plain = self.parser.plain(rest);
            if plain > 0 {
                rest[..plain]
                    .iter()
                    .for_each(|byte| self.state.print(char::from(*byte)));
                self.last = Some(char::from(rest[plain - 1]));
                self.translator.plain();
                rest = &rest[plain..];
                continue;
            }
            self.byte(*byte);
            rest = after;
        }
    }

    fn byte(&mut self, byte: u8) {
        let Screen {
            state,
            parser,
            translator,
            last,
            replies,
        } = self;
        parser.feed(byte, &mut |token| {
            translator.translate(token, &mut |action| match action {
                Action::Report(which) => reply(state, which, replies),
                Action::Repeat(count) => {
                    for character in last.iter().cycle().take(usize::from(count.min(1024))) {
                        state.print(*character);
                    }
                }
                Action::Print(character) => {
                    *last = Some(character);
                    state.print(character);
                }
                action => {
                    *last = None;
                    state.apply(&action);
                }
            });
        });
    }

    /// Whether no character or sequence is half read.
    pub fn at_rest(&self) -> bool {
        self.parser.at_rest()
    }

    /// The answers to questions in the output (status, cursor position, kind of terminal), made by the model. They belong into the
    /// program's input; the person's terminal was never asked. Feed the screen with the program's own bytes to get them.
    pub fn take_replies(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.replies)
    }

    /// The terminal has another size. Lines are cut or lengthened on the right and at the bottom.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        self.state
            .resize(rows.clamp(1, MAX_ROWS), columns.clamp(2, MAX_COLUMNS));
    }

    /// Lines and columns.
    pub fn size(&self) -> (usize, usize) {
        (self.state.rows, self.state.columns)
    }

    /// The cursor's line and column, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        (self.state.now.row, self.state.now.column)
    }

    /// A line of what is shown; none beyond the last.
    pub fn row(&self, row: usize) -> Option<&[Cell]> {
        self.state.grids[self.state.shown]
            .get(row)
            .map(Vec::as_slice)
    }

    /// A line's text, without spaces at its end.
    pub fn text(&self, row: usize) -> alloc::string::String {
        let cells = self
            .row(row)
            .unwrap_or_default()
            .iter()
            .filter(|cell| cell.half != crate::Half::Right);
        let mut text = alloc::string::String::new();
        for cell in cells {
            text.push(cell.character);
            text.extend(cell.marks.iter().filter(|mark| **mark != '\0'));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text
    }
}

impl State {
    fn new(rows: usize, columns: usize) -> State {
        let grid = vec![vec![Cell::blank(Pen::default()); columns]; rows];
        State {
            rows,
            columns,
            grids: [grid.clone(), grid],
            shown: 0,
            now: Saved::default(),
            saved: [Saved::default(); 2],
            modes: Modes::default(),
            top: 0,
            bottom: rows - 1,
            tabs: (0..columns).map(|column| column % 8 == 0).collect(),
        }
    }

    fn resize(&mut self, rows: usize, columns: usize) {
        for grid in &mut self.grids {
            for row in grid.iter_mut() {
                row.resize(columns, Cell::blank(Pen::default()));
                edit::mend(row);
            }
            grid.resize(rows, vec![Cell::blank(Pen::default()); columns]);
        }
        let old = self.tabs.len();
        self.tabs.resize(columns, false);
        for column in old..columns {
            self.tabs[column] = column % 8 == 0;
        }
        for cursor in core::iter::once(&mut self.now).chain(&mut self.saved) {
            cursor.row = cursor.row.min(rows - 1);
            cursor.column = cursor.column.min(columns - 1);
            cursor.pending = false;
        }
        (self.rows, self.columns, self.top, self.bottom) = (rows, columns, 0, rows - 1);
    }

    pub(crate) fn grid(&mut self) -> &mut Vec<Row> {
        &mut self.grids[self.shown]
    }
}

fn reply(state: &State, which: u16, replies: &mut Vec<u8>) {
    let origin = if state.now.origin { state.top } else { 0 };
    let answer = match which {
        0 => "\x1b[?6c".into(),
        5 => "\x1b[0n".into(),
        6 => alloc::format!(
            "\x1b[{};{}R",
            state.now.row - origin + 1,
            state.now.column + 1
        ),
        _ => alloc::string::String::new(),
    };
    if replies.len() + answer.len() <= MAX_REPLIES {
        replies.extend_from_slice(answer.as_bytes());
    }
}
