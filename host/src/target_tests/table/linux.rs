//! Linux programs: scripts of `tests/linux` that check themselves, in a shell of the system `linux-script`; and a person at the shell
//! of `first-light`.

use super::{Duration, Guests, SYSTEM, Step, TargetTest, USUAL};

/// What the rows have in common: the script ends with status 0 only if all was as it should be.
const SCRIPT: TargetTest = TargetTest {
    system: Some("linux-script"),
    command_line: "exit-with=linux",
    lines: &["init: linux is done with status 0"],
    limit: Duration::from_secs(60),
    ..USUAL
};

const fn guests(
    scripts: &'static [&'static str],
    programs: &'static [&'static str],
) -> Guests<'static> {
    Guests { programs, scripts }
}

/// What a person does at a shell: commands, interrupts, a stopped job, another size of the window, an interrupt from outside, the end.
const SHELL: &[Step] = &[
    Step::Output("# "),
    Step::Type("echo $((40 + 2))\n"),
    Step::Output("\n42\r\n"),
    Step::Output("# "),
    Step::Type("sh -c 'echo begun; exec sleep 100'\n"),
    Step::Output("\nbegun\r\n"),
    Step::Type("\x03"),
    Step::Output("# "),
    Step::Type("echo status $?\n"),
    Step::Output("\nstatus 130\r\n"),
    Step::Type("sh -c 'echo begun; exec sleep 100'\n"),
    Step::Output("\nbegun\r\n"),
    Step::Type("\x1a"),
    Step::Output("Stopped"),
    Step::Output("# "),
    Step::Type("fg\n"),
    Step::Output("exec sleep 100"),
    Step::Signal(2),
    Step::Output("# "),
    Step::Size(41, 113),
    Step::Type("stty size\n"),
    Step::Output("\n41 113\r\n"),
    Step::Type("tty; exit 3\n"),
    Step::Output("\n/dev/console\r\n"),
    Step::Exit(3),
];

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "shell_at_a_terminal",
        system: Some("first-light"),
        lines: &["init: 6 programs"],
        steps: SHELL,
        ..SYSTEM
    },
    TargetTest {
        name: "linux_script",
        guests: guests(&["shell"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "linux_contained",
        guests: guests(&["contained"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_script",
        guests: guests(&["sandbox"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "linux_memory_mapped_twice_in_a_row",
        guests: guests(&["memfd"], &["memfd-ring"]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_limits",
        guests: guests(&["limits"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_many_one_after_another",
        guests: guests(&["many"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_siblings",
        guests: guests(&["siblings"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_chain_ten_deep",
        guests: guests(&["chain"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "native_caps_and_ns",
        guests: guests(&["caps"], &[]),
        ..SCRIPT
    },
];
