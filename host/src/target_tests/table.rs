//! The table of target tests: one row, one machine.

use crate::images::KERNEL;
use crate::qemu::Board;
use std::time::Duration;

/// How a test's machine must end.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// It says that all is well.
    Pass,
    /// It goes on for ever; the test ends it as soon as all lines are there.
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
    /// The time limit, about ten times what the test takes on a small computer.
    pub limit: Duration,
}

/// What most rows have in common: the kernel starts on the small board and ends well.
const USUAL: TargetTest = TargetTest {
    name: "",
    image: KERNEL,
    system: None,
    command_line: "",
    board: Board::Microvm,
    icount: false,
    ending: Ending::Pass,
    lines: &[],
    limit: Duration::from_secs(20),
};

/// What the rows of a whole system have in common: init starts every program of the manifest.
const SYSTEM: TargetTest = TargetTest {
    system: Some("serial-lines"),
    ending: Ending::Runs,
    lines: &["init: 2 programs"],
    ..USUAL
};

/// All target tests.
pub const TESTS: &[TargetTest] = &[
    TargetTest {
        name: "boot_microvm",
        lines: &["sundog: 2 CPUs"],
        ..USUAL
    },
    TargetTest {
        name: "boot_microvm_icount",
        lines: &["sundog: 2 CPUs"],
        icount: true,
        ..USUAL
    },
    TargetTest {
        name: "boot_q35",
        lines: &["sundog: 2 CPUs"],
        board: Board::Q35,
        ..USUAL
    },
    TargetTest {
        name: "system_microvm",
        ..SYSTEM
    },
    TargetTest {
        name: "system_microvm_icount",
        icount: true,
        ..SYSTEM
    },
    TargetTest {
        name: "system_q35",
        board: Board::Q35,
        ..SYSTEM
    },
];
