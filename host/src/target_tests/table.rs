//! The table of target tests: one row, one machine.

mod consent;
mod device;
mod drivers;
mod kernel;
mod linux;
mod native;

use super::conversation::Step;
use super::typist::Answer;
use crate::image::Guests;
use crate::images::KERNEL;
use crate::qemu::Board;
use std::time::Duration;

/// How a test's machine must end.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// It says that all is well.
    Pass,
    /// It says that not all is well.
    Fail,
    /// It goes on for ever; the test ends it as soon as all lines are there and the conversation is over.
    Runs,
    /// The kernel panics, with this in its line.
    #[expect(
        dead_code,
        reason = "rows that try what the kernel forbids come with the kernels that try it"
    )]
    Panic(&'static str),
}

/// A test that starts a machine and judges how it ends.
#[derive(Debug)]
pub struct TargetTest {
    /// The test's name.
    pub name: &'static str,
    /// The bare program that is started as the kernel.
    pub image: &'static str,
    /// The manifest of the system in the boot package; without one there is no package.
    pub system: Option<&'static str>,
    /// What the system's Linux programs have besides busybox: the first script is what the personality runs.
    pub guests: Guests<'static>,
    /// The root folder of Linux programs is there once more, as `/tree`, with these scripts; empty: it is not.
    pub tree: &'static [&'static str],
    /// Arguments that programs get instead of those of the manifest: a name and they, each time.
    pub arguments: &'static [(&'static str, &'static [&'static str])],
    /// A native program whose image a program of the system reads and hashes: the kernel's text must say so.
    pub hashed: Option<&'static str>,
    /// The kernel's command line.
    pub command_line: &'static str,
    /// The board.
    pub board: Board,
    /// Whether instructions are counted instead of time.
    pub icount: bool,
    /// How the machine must end.
    pub ending: Ending,
    /// Lines that the kernel's text must contain.
    pub lines: &'static [&'static str],
    /// What COM1 gets, no more and no less: this text, so many times. Only for a test without a conversation.
    pub console: Option<(&'static str, usize)>,
    /// A machine that is started besides, at whose COM1 must appear the same as at this one's, byte for byte.
    pub console_as: Option<&'static TargetTest>,
    /// What arrives at COM1 in answer to what it says. Only for a test without a conversation.
    pub typed: &'static [Answer],
    /// What the host and the system say to each other; empty: the host is silent.
    pub steps: &'static [Step],
    /// The time limit, about ten times what the test takes on a small computer.
    pub limit: Duration,
}

/// What most rows have in common: the kernel starts on the small board and ends well.
const USUAL: TargetTest = TargetTest {
    name: "",
    image: KERNEL,
    system: None,
    guests: Guests {
        programs: &[],
        scripts: &[],
    },
    tree: &[],
    arguments: &[],
    hashed: None,
    command_line: "",
    board: Board::Microvm,
    icount: false,
    ending: Ending::Pass,
    lines: &[],
    console: None,
    console_as: None,
    typed: &[],
    steps: &[],
    limit: Duration::from_secs(20),
};

/// What the rows of a whole system have in common: init starts every program of the manifest.
const SYSTEM: TargetTest = TargetTest {
    system: Some("serial-lines"),
    ending: Ending::Runs,
    lines: &["init: 2 programs"],
    ..USUAL
};

/// The rows, by what they are about.
const GROUPS: &[&[TargetTest]] = &[
    kernel::ROWS,
    drivers::ROWS,
    linux::ROWS,
    native::ROWS,
    consent::ROWS,
    device::ROWS,
];

/// All target tests.
pub fn tests() -> impl Iterator<Item = &'static TargetTest> {
    GROUPS.iter().copied().flatten()
}
