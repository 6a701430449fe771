//! The table of target tests: one row, one machine.

use super::conversation::Step;
use crate::images::KERNEL;
use crate::qemu::Board;
use std::time::Duration;
use sundog_protocols::consent::Answer;

/// How a test's machine must end.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// It says that all is well.
    Pass,
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
    command_line: "",
    board: Board::Microvm,
    icount: false,
    ending: Ending::Pass,
    lines: &[],
    console: None,
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

/// What the rows about consent have in common: a test program asks for the guarded line.
const CONSENT: TargetTest = TargetTest {
    system: Some("consent-trial"),
    lines: &["init: 6 programs"],
    ..SYSTEM
};

/// The essay's conversation: the terminal's bytes, then each message of a request up to the record, then the revoke.
const ONCE: &[Step] = &[
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Output("asker: you typed hello"),
    Step::Message("program -> consent: open"),
    Step::Message("consent -> person: ask"),
    Step::Answer(Answer::Once),
    Step::Message("person -> consent: answer once"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Output("asker: opened, once"),
    Step::Device("S"),
    Step::Output("asker: recorded S"),
    Step::Message("program -> handler: record"),
    Step::Log("\"event\":\"use\""),
    Step::Revoke,
    Step::Message("consent -> handler: revoke"),
    Step::Output("asker: revoked"),
    Step::Exit(0),
];

/// No means no.
const DENIED: &[Step] = &[
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Answer(Answer::Deny),
    Step::Output("asker: refused, Denied"),
    Step::Exit(3),
    Step::Never("recorded"),
];

/// An empty device delivers nothing, and can be taken back as well.
const BLACK: &[Step] = &[
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Answer(Answer::Black),
    Step::Output("asker: opened, black"),
    Step::Device("S"),
    Step::Revoke,
    Step::Output("asker: revoked"),
    Step::Exit(0),
    Step::Never("recorded"),
];

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
        name: "hostile_driver",
        system: Some("hostile"),
        command_line: "exit-with=witness",
        lines: &["init: 3 programs", "init: witness is done with status 0"],
        console: Some((".", 300)),
        ..USUAL
    },
    TargetTest {
        name: "hostile_driver_on_the_other_cpu",
        system: Some("hostile-two-cpus"),
        command_line: "exit-with=witness",
        lines: &["init: 3 programs", "init: witness is done with status 0"],
        console: Some((".", 300)),
        ..USUAL
    },
    TargetTest {
        name: "linux_script",
        system: Some("linux-script"),
        command_line: "exit-with=linux",
        lines: &["init: linux is done with status 0"],
        limit: Duration::from_secs(60),
        ..USUAL
    },
    TargetTest {
        name: "sandbox_script",
        system: Some("sandbox-script"),
        command_line: "exit-with=linux",
        lines: &["init: linux is done with status 0"],
        limit: Duration::from_secs(60),
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
    TargetTest {
        name: "consent_once",
        steps: ONCE,
        ..CONSENT
    },
    TargetTest {
        name: "consent_once_q35",
        steps: ONCE,
        board: Board::Q35,
        ..CONSENT
    },
    TargetTest {
        name: "consent_denied",
        steps: DENIED,
        ..CONSENT
    },
    TargetTest {
        name: "consent_black",
        steps: BLACK,
        ..CONSENT
    },
    TargetTest {
        name: "bench_runs",
        system: Some("bench"),
        command_line: "exit-with=bench",
        limit: Duration::from_secs(60),
        ..USUAL
    },
];
