//! Linux programs: scripts of `tests/linux` that check themselves, in a shell of the system `linux-script`; and a person at the shell
//! of `first-light`.

use super::{Duration, Ending, Guests, SYSTEM, Step, TargetTest, USUAL};
use sundog_protocols::consent::Answer;

/// What the rows have in common: the script ends with status 0 only if all was as it should be.
const SCRIPT: TargetTest = TargetTest {
    system: Some("linux-script"),
    command_line: "exit-with=linux",
    lines: &["init: linux is done with status 0"],
    limit: Duration::from_secs(60),
    ..USUAL
};

/// What the rows have in common whose machine ends since a program that nothing can replace does.
const ENDS: TargetTest = TargetTest {
    system: Some("first-light"),
    command_line: "exit-with=serial0,console,linux",
    ending: Ending::Fail,
    ..USUAL
};

const fn guests(
    scripts: &'static [&'static str],
    programs: &'static [&'static str],
) -> Guests<'static> {
    Guests { programs, scripts }
}

/// A machine whose `/` is what is the folder `/tree` in another one; what the prober says there is compared.
const MACHINE_ROOT: TargetTest = TargetTest {
    name: "the_tree_as_the_root_of_a_machine",
    guests: guests(&["prober"], &[]),
    arguments: &[("linux", &["--pids", "50", "sh", "-e", "/tests/prober.sh"])],
    ..SCRIPT
};

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

/// A shell in a sandbox at the same terminal: its lines are edited, Ctrl-C and Ctrl-Z are for its jobs, another size is told; a program
/// that no shell in there could let go on is stopped with its sandbox; and behind it the outer shell finds everything as it was.
const SHELL_WITHIN: &[Step] = &[
    Step::Output("# "),
    Step::Type("PS1='out> '; stty -a > /tmp/before; sandbox -- sh\n"),
    Step::Output("# "),
    Step::Type("PS1='in> '; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && tty && stty size\n"),
    Step::Output("\n/dev/console\r\n24 80\r\n"),
    Step::Output("in> "),
    Step::Type("sh -c 'echo begun; exec sleep 100'\n"),
    Step::Output("\nbegun\r\n"),
    Step::Type("\x03"),
    Step::Output("in> "),
    Step::Type("echo status $?\n"),
    Step::Output("\nstatus 130\r\n"),
    Step::Type("sh -c 'echo begun; exec sleep 100'\n"),
    Step::Output("\nbegun\r\n"),
    Step::Type("\x1a"),
    Step::Output("Stopped"),
    Step::Output("in> "),
    Step::Type("jobs; fg\n"),
    Step::Output("exec sleep 100\"\r\n"),
    Step::Output("exec sleep 100\"\r\n"),
    // From outside, as a person's other window would.
    Step::Signal(2),
    Step::Output("in> "),
    Step::Size(41, 113),
    Step::Type("until stty size | grep -q '41 113'; do sleep 0.1; done; echo sized $((5 + 6))\n"),
    Step::Output("\nsized 11\r\n"),
    Step::Output("in> "),
    // The line is edited: Ctrl-A to its front, Ctrl-E to its end, one letter taken back.
    Step::Type("size\x01stty \x05x\x7f\n"),
    Step::Output("\n41 113\r\n"),
    // A size that changes while a program of the inner sandbox is in front.
    Step::Output("in> "),
    Step::Type(
        "trap 'stty size' WINCH; sh -c 'trap \"stty size; exit\" WINCH; echo waits; while :; do sleep 0.1; done'\n",
    ),
    Step::Output("\nwaits\r\n"),
    Step::Size(30, 90),
    Step::Output("30 90\r\n"),
    Step::Output("in> "),
    // What it does to its terminal ends with it.
    Step::Type("stty -echo -icanon intr ^X; exit 5\n"),
    Step::Output("out> "),
    Step::Type(
        "echo =$?; stty -a | sed 's/rows 30; columns 90/rows 24; columns 80/' | cmp - /tmp/before && echo the same $((40 + 2))\n",
    ),
    Step::Output("\n=5\r\nthe same 42\r\n"),
    Step::Output("out> "),
    // Without a shell in there: the sandbox is the outer shell's job.
    Step::Type("sandbox -- sh -c 'echo begun; cat; echo ended'\n"),
    Step::Output("\nbegun\r\n"),
    Step::Type("one\n"),
    Step::Output("one\r\none\r\n"),
    Step::Type("\x1a"),
    Step::Output("Stopped"),
    Step::Output("out> "),
    // It gets nothing of what is typed for the outer shell.
    Step::Type("echo for the outer $((50 + 5))\n"),
    Step::Output("\nfor the outer 55\r\n"),
    Step::Output("out> "),
    Step::Type("fg\n"),
    Step::Output("echo ended"),
    Step::Type("two\n"),
    Step::Output("two\r\ntwo\r\n"),
    Step::Type("\x04"),
    Step::Output("ended\r\n"),
    Step::Output("out> "),
    // One that reads in the background is stopped.
    Step::Type("sandbox -- cat &\n"),
    Step::Output("out> "),
    Step::Type("sleep 1; jobs\n"),
    Step::Output("Stopped"),
    Step::Output("out> "),
    // What reads nothing is ended by its own handler, since the key is passed on.
    Step::Type(
        "kill -9 %1; sandbox -- sh -c 'trap \"echo caught; exit\" INT; echo begun; sleep 100'\n",
    ),
    Step::Output("\r\nbegun\r\n"),
    Step::Type("\x03"),
    Step::Output("caught\r\n"),
    Step::Output("out> "),
    // What is typed ahead of a program that reads nothing is for the outer shell.
    Step::Type("sandbox -- sleep 1\necho ahead $((60 + 6))\n"),
    Step::Output("\nahead 66\r\n"),
    // A terminal three sandboxes deep.
    Step::Output("out> "),
    Step::Type("sandbox -- sandbox -- sandbox -- sh -c 'stty size; read x; echo got $x; tty'\n"),
    Step::Output("\n30 90\r\n"),
    Step::Type("deep\n"),
    Step::Output("got deep\r\n/dev/console\r\n"),
    Step::Output("out> "),
    // Only its output is the terminal.
    Step::Type(
        "echo piped | sandbox --ro-bind /bin /bin -- sh -c '[ -t 0 ] || [ -t 1 ] && cat'; exit 3\n",
    ),
    Step::Output("\npiped\r\n"),
    Step::Exit(3),
];

/// What `help` lists is what a person can do; the keys at `sleep 100` are those of [`SHELL`].
const HELP: &[Step] = &[
    Step::Output("# "),
    Step::Type("help\n"),
    Step::Output(HELP_TEXT),
    Step::Type("ps\n"),
    Step::Output("1 root     [init]\r\n"),
    Step::Type("cat /dev/ttyS1\n"),
    Step::Answer(Answer::Once),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light\n"),
    Step::Output("light\r\n"),
    Step::Type("\x03"),
    Step::Output("# "),
    Step::Type("sandbox --ro-bind /bin /bin -- ls -l /; echo =$?\n"),
    Step::Output(" bin\r\n"),
    Step::Output("=0"),
    Step::Type("bwrap --ro-bind / / -- touch /tmp/x; echo =$?\n"),
    Step::Output("Read-only file system"),
    Step::Output("=1"),
    // Without any option, three levels deep.
    Step::Type("sandbox -- sandbox -- sandbox -- sh -c 'echo $((6 * 7))'\n"),
    Step::Output("\n42\r\n"),
    Step::Output("# "),
    Step::Type("command help\n"),
    Step::Output("Built-in commands:"),
    Step::Output("# "),
    Step::Type("exit 3\n"),
    Step::Exit(3),
];

/// Many processes at the shell, up to the limit, where it can still start one; and a fork bomb, beside which it goes on and which it ends.
const FORK_BOMB: &[Step] = &[
    Step::Output("# "),
    Step::Type(
        "n=$(ulimit -u); [ $n -ge 512 ] && mkfifo /tmp/f && echo there are $n | sed 's/[0-9]*$/enough/'\n",
    ),
    Step::Output("\nthere are enough\r\n"),
    Step::Output("# "),
    Step::Type(
        "i=1; while [ $i -lt $n ]; do (read x </tmp/f) & i=$((i+1)); done; [ $i = $n ] && echo all are $((5 + 5))\n",
    ),
    Step::Output("\nall are 10\r\n"),
    Step::Output("# "),
    Step::Type("ls -d /bin | cat\n"),
    Step::Output("\n/bin\r\n"),
    Step::Output("# "),
    Step::Type("kill -9 -1\n"),
    Step::Output("# "),
    // What it says goes into a file: the line has better to do. Only what the shell does itself needs no process.
    Step::Type("bomb() { bomb | bomb & }; bomb 2>/tmp/said\n"),
    Step::Type("until [ -s /tmp/said ]; do :; done; echo $((6 * 7)) goes on\n"),
    Step::Output("42 goes on\r\n"),
    Step::Type("kill -9 -1; echo $((6 * 8)) is over\n"),
    Step::Output("48 is over\r\n"),
    Step::Type("ls -d /bin | cat; head -n 1 /tmp/said; exit 3\n"),
    Step::Output("\n/bin\r\n"),
    Step::Output("can't fork: Resource temporarily unavailable\r\n"),
    Step::Exit(3),
];

/// The text of `help`, line by line as a terminal gets it.
const HELP_TEXT: &str = "\r\nSix things to try:\r\n\
  \x20 ps                                            every process there is\r\n\
  \x20 cat /dev/ttyS1                                a device: you are asked first; Ctrl-C ends it\r\n\
  \x20 sandbox --ro-bind /bin /bin -- ls -l /        a sandbox that holds /bin and nothing else\r\n\
  \x20 bwrap --ro-bind / / -- touch /tmp/x           by bubblewrap's name: everything, to read only\r\n\
  \x20 sleep 100                                     Ctrl-Z stops it, fg goes on, Ctrl-C ends it\r\n\
  \x20 exit 3                                        ends the machine, with this status\r\n\
The shell's own commands: command help\r\n";

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "shell_at_a_terminal",
        system: Some("first-light"),
        lines: &["init: 6 programs"],
        steps: SHELL,
        ..SYSTEM
    },
    TargetTest {
        name: "shell_in_a_sandbox",
        system: Some("first-light"),
        lines: &["init: 6 programs"],
        steps: SHELL_WITHIN,
        limit: Duration::from_secs(60),
        ..SYSTEM
    },
    TargetTest {
        name: "shell_help",
        system: Some("first-light"),
        lines: &["init: 6 programs"],
        steps: HELP,
        ..SYSTEM
    },
    TargetTest {
        name: "shell_fork_bomb",
        system: Some("first-light"),
        lines: &["init: 6 programs"],
        steps: FORK_BOMB,
        limit: Duration::from_secs(240),
        ..SYSTEM
    },
    TargetTest {
        name: "machine_ends_with_its_personality",
        arguments: &[("linux", &["--no-such-option"])],
        lines: &["init: linux gave up: linux: there is no option --no-such-option"],
        ..ENDS
    },
    TargetTest {
        name: "machine_ends_with_its_drivers",
        arguments: &[("serial0", &["nonsense"])],
        lines: &[
            "init: serial0 gave up: serial: the argument must be ringed, console, control or guarded",
        ],
        ..ENDS
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
        name: "linux_memory_for_processes",
        guests: guests(&["objects"], &[]),
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
        name: "linux_bad_programs",
        guests: guests(&["elf"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_other_root",
        guests: guests(&["other-root"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_root_as_of_a_machine",
        guests: guests(&["other-machine"], &[]),
        tree: &["prober"],
        arguments: &[("linux", &["sh", "/tests/other-machine.sh"])],
        console_as: Some(&MACHINE_ROOT),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_binds",
        guests: guests(&["binds"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_nested_by_default",
        guests: guests(&["nested"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_limits",
        guests: guests(&["limits"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_nodes",
        guests: guests(&["nodes"], &[]),
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
        name: "linux_hostile_calls",
        guests: guests(&["hostile"], &["linux-hostile"]),
        limit: Duration::from_secs(120),
        ..SCRIPT
    },
    TargetTest {
        name: "linux_heap",
        guests: guests(&["heap"], &["linux-greedy"]),
        limit: Duration::from_secs(120),
        ..SCRIPT
    },
    TargetTest {
        name: "native_caps_and_ns",
        guests: guests(&["caps"], &[]),
        ..SCRIPT
    },
];
