//! The table of target tests: one row, one machine.

use crate::images::KERNEL;
use crate::qemu::Board;
use std::time::Duration;

/// A test that starts a machine and waits until it has ended itself well.
pub struct TargetTest {
    /// The test's name.
    pub name: &'static str,
    /// The bare program that is started as the kernel.
    pub image: &'static str,
    /// The board.
    pub board: Board,
    /// Whether instructions are counted instead of time.
    pub icount: bool,
    /// Lines that the kernel's text must contain.
    pub lines: &'static [&'static str],
    /// The time limit, about ten times what the test takes on a small computer.
    pub limit: Duration,
}

/// All target tests.
pub const TESTS: &[TargetTest] = &[
    TargetTest {
        name: "boot_microvm",
        image: KERNEL,
        board: Board::Microvm,
        icount: false,
        lines: &["sundog: 2 CPUs"],
        limit: Duration::from_secs(20),
    },
    TargetTest {
        name: "boot_microvm_icount",
        image: KERNEL,
        board: Board::Microvm,
        icount: true,
        lines: &["sundog: 2 CPUs"],
        limit: Duration::from_secs(20),
    },
    TargetTest {
        name: "boot_q35",
        image: KERNEL,
        board: Board::Q35,
        icount: false,
        lines: &["sundog: 2 CPUs"],
        limit: Duration::from_secs(20),
    },
];
