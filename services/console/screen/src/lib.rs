//! A model of a terminal's screen, so that something can be drawn over it and taken away again exactly; and a filter for what a
//! program may send to the person's terminal.
//!
//! A program's output goes through a [`Filter`], and what comes out of it both to the terminal and into a [`Screen`]. The filter
//! passes on only what the model understands, in one canonical form and only as whole sequences, so the model and the terminal
//! agree and the terminal is never left in the middle of a sequence. [`draw`] and [`remove`] then put lines over the screen and
//! take them away; [`redraw`] paints everything anew.
//!
//! Terminals differ in corners (erasing half a wide character, a pending wrap under cursor movements); the model does what xterm
//! does. After a resize a terminal may reflow its lines, so the caller has the program redraw.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
mod cell;
mod filter;
mod parse;
mod redraw;
mod screen;
mod sgr;
mod width;

pub use cell::{Cell, Colour, Half, Pen};
pub use filter::Filter;
pub use redraw::{draw, redraw, remove};
pub use screen::{MAX_COLUMNS, MAX_ROWS, Screen};

#[cfg(test)]
mod tests;
