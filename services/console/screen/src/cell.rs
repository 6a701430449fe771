//! A place on the screen and how it is painted.

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of 256.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How characters are painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pen {
    /// The characters' colour.
    pub foreground: Colour,
    /// The colour behind them.
    pub background: Colour,
    /// Attributes: bit n - 1 stands for the rendition with the number n (1 bold ... 9 struck through).
    pub attributes: u16,
}

impl Pen {
    /// The pen with which erased places are painted: only the background stays.
    pub(crate) fn erasing(self) -> Pen {
        Pen {
            background: self.background,
            ..Pen::default()
        }
    }
}

/// Which part of a character a cell holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Half {
    /// All of it.
    #[default]
    Whole,
    /// The left half of a wide one.
    Left,
    /// The right half; the character is in the cell before.
    Right,
}

/// One place on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character; a space where nothing was printed.
    pub character: char,
    /// Marks on it; NUL for none.
    pub marks: [char; 3],
    /// How it is painted.
    pub pen: Pen,
    /// Which part of it.
    pub half: Half,
}

impl Cell {
    /// An empty place.
    pub(crate) fn blank(pen: Pen) -> Cell {
        Cell {
            character: ' ',
            marks: ['\0'; 3],
            pen,
            half: Half::Whole,
        }
    }
}
