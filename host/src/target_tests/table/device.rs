//! Unmodified Linux programs open a guarded device, and a person answers.

use super::{Duration, Guests, SYSTEM, Step, TargetTest};
use sundog_protocols::consent::Answer;

/// What these rows have in common: a shell, and `/dev/ttyS1`, which asks.
const DEVICE: TargetTest = TargetTest {
    system: Some("first-light"),
    lines: &["init: 6 programs"],
    limit: Duration::from_secs(60),
    ..SYSTEM
};

/// The essay's scene.
const ONCE: &[Step] = &[
    Step::Output("# "),
    Step::Type("head -c 5 /dev/ttyS1; echo =$?\n"),
    Step::Message("program -> consent: open serial +1"),
    Step::Message("consent -> person: ask serial +1"),
    Step::Answer(Answer::Once),
    Step::Message("person -> consent: answer once"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light"),
    Step::Output("light=0"),
    Step::Message("program -> handler: record"),
    Step::Log("\"event\":\"use\""),
    Step::Log("\"event\":\"close\""),
];

/// Looking at the node asks nobody; no means no.
const DENIED: &[Step] = &[
    Step::Output("# "),
    Step::Type("ls -l /dev/ttyS1; cat /dev/ttyS1; echo =$?\n"),
    Step::Output("4,  65"),
    Step::Message("consent -> person: ask serial +1 [question 1: "),
    Step::Answer(Answer::Deny),
    Step::Output("cat: can't open '/dev/ttyS1': Permission denied"),
    Step::Output("=1"),
];

/// An empty device delivers nothing, and can be taken back as well.
const BLACK: &[Step] = &[
    Step::Output("# "),
    Step::Type("cat /dev/ttyS1 > /tmp/got & sleep 0.1; wait %1; echo =$?; wc -c < /tmp/got\n"),
    Step::Answer(Answer::Black),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("secret"),
    Step::Revoke,
    Step::Output("cat: read error: Input/output error"),
    Step::Output("=1"),
    Step::Output("0"),
];

/// What is taken back is gone for a reader that waits, through a descriptor that was duplicated and inherited, and for the next.
const REVOKED: &[Step] = &[
    Step::Output("# "),
    Step::Type("exec 3< /dev/ttyS1; sh -c 'exec 4<&3; cat <&4; echo =$?'\n"),
    Step::Answer(Answer::Run),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light"),
    Step::Output("light"),
    Step::Revoke,
    Step::Output("cat: read error: Input/output error"),
    Step::Output("=1"),
    Step::Type("cat <&3; echo =$?\n"),
    Step::Output("cat: read error: Input/output error"),
    Step::Output("=1"),
];

/// Other processes go on while the question stands; two questions wait for their turn.
const OTHERS: &[Step] = &[
    Step::Output("# "),
    Step::Type("(head -c 3 /dev/ttyS1; echo =$?) &\n"),
    Step::Message("consent -> person: ask serial +1 [question 1: "),
    Step::Type("(cat /dev/ttyS1; echo :$?) &\n"),
    Step::Message("program -> consent: open serial +1"),
    Step::Type("for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; echo on$i | cat\n"),
    Step::Output("on9"),
    Step::Answer(Answer::Once),
    Step::Answer(Answer::Deny),
    Step::Output(": Permission denied"),
    Step::Output(":1"),
    Step::Device("one"),
    Step::Output("one=0"),
];

/// Ctrl-C ends the program, and the question with it.
const WITHDRAWN: &[Step] = &[
    Step::Output("# "),
    Step::Type("cat /dev/ttyS1\n"),
    Step::Message("consent -> person: ask serial +1"),
    Step::Type("\x03"),
    Step::Message("program -> consent: withdraw"),
    Step::Log("\"withdrawn\""),
    Step::Type("echo =$?; cat /dev/ttyS1\n"),
    Step::Output("=130"),
    Step::Message("consent -> person: ask serial +1 [question 2: "),
    Step::Answer(Answer::Once),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light"),
    Step::Output("light"),
    Step::Type("\x03echo =$?\n"),
    Step::Output("=130"),
    Step::Log("\"event\":\"close\""),
];

/// What was typed ahead of a question is neither its answer nor the shell's next command.
const TYPED_AHEAD: &[Step] = &[
    Step::Output("# "),
    Step::Type("head -c 5 /dev/ttyS1; echo =$?\nonce\nec"),
    Step::Question,
    Step::Answer(Answer::Once),
    Step::Message("person -> consent: answer once"),
    Step::Device("light"),
    Step::Output("light=0"),
    Step::Output("# "),
    Step::Type("echo on\n"),
    Step::Output("\r\non\r\n"),
    Step::Never("not found"),
];

/// The shell's `read -t` polls.
const POLLED: &[Step] = &[
    Step::Output("# "),
    Step::Type("exec 3< /dev/ttyS1; read -t 0.1 x <&3; echo =$?; read -t 30 x <&3; echo $x$?\n"),
    Step::Answer(Answer::Once),
    Step::Output("=1"),
    Step::Device("light\n"),
    Step::Output("light0"),
];

/// A sandbox within gets the device from the one around it, and the question names both.
const WITHIN: &[Step] = &[
    Step::Output("# "),
    Step::Type(concat!(
        "sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 ",
        "-- sh -c 'ls -l /dev/ttyS1; head -c 5 /dev/ttyS1; echo =$?'\n"
    )),
    Step::Output("4,  65"),
    Step::Message("program -> consent: open serial +1 [linux > sandbox 1, /bin/sh]"),
    Step::Message("consent -> person: ask serial +1 [question 1 of linux > sandbox 1: once, "),
    Step::Answer(Answer::Once),
    Step::Log("\"via\":[\"linux\",\"sandbox 1\"]"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light"),
    Step::Output("light=0"),
    Step::Message("program -> handler: record"),
    Step::Log("\"event\":\"close\""),
    Step::Output("# "),
    // Another one within, and no, and nothing without the option.
    Step::Type(
        "sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /x/line -- cat /x/line; echo =$?\n",
    ),
    Step::Message("consent -> person: ask serial +1 [question 2 of linux > sandbox 2: once, "),
    Step::Answer(Answer::Deny),
    Step::Output("cat: can't open '/x/line': Permission denied"),
    Step::Output("=1"),
    Step::Type("sandbox --ro-bind / / --dev /dev -- ls /dev/ttyS1; echo =$?\n"),
    Step::Output("ls: /dev/ttyS1: No such file or directory"),
    Step::Output("=1"),
];

/// What is taken back is gone within too, although it was duplicated, inherited and handed on to a third sandbox' standard input.
const WITHIN_REVOKED: &[Step] = &[
    Step::Output("# "),
    Step::Type(concat!(
        "sandbox --mem 40M --mem-within 20M --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 -- sh -c '",
        "exec 3</dev/ttyS1; exec 4<&3; (cat <&4; echo one=$?) & ",
        "sandbox --mem 16M --ro-bind / / cat <&3; echo two=$?; wait; echo all'\n"
    )),
    Step::Message("consent -> person: ask serial +1 [question 1 of linux > sandbox 1: once, "),
    Step::Answer(Answer::Run),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light\n"),
    Step::Output("light"),
    Step::Revoke,
    Step::Output("one=1"),
    Step::Output("all"),
];

/// Two within ask at once and are told apart; what one is answered is no answer for the other.
const WITHIN_TWO: &[Step] = &[
    Step::Output("# "),
    Step::Type(
        "one() { sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 -- cat /dev/ttyS1; echo $1=$?; }\n",
    ),
    Step::Type("one first &\n"),
    Step::Message("consent -> person: ask serial +1 [question 1 of linux > sandbox 1: once, "),
    Step::Type("one second &\n"),
    Step::Message("program -> consent: open serial +1 [linux > sandbox 2, /bin/cat]"),
    Step::Answer(Answer::Run),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Message("consent -> person: ask serial +1 [question 2 of linux > sandbox 2: once, "),
    Step::Answer(Answer::Deny),
    Step::Log("\"decision\":\"deny\""),
    Step::Output("second=1"),
    Step::Device("light"),
    Step::Output("light"),
    Step::Revoke,
    Step::Output("first=1"),
];

/// What is denied to a sandbox within, by an option or a policy, nobody is asked; what would allow is an error that says who can.
const WITHIN_NARROWED: &[Step] = &[
    Step::Policy("serial +1 * allow\n"),
    Step::Output("# "),
    Step::Type(
        "one() { sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 \"$@\" -- head -c 5 /dev/ttyS1; echo =$?; }\n",
    ),
    Step::Type("one --deny serial1\n"),
    Step::Log("\"decided_by\":\"sandbox 1 --deny:1\""),
    Step::Output("head: /dev/ttyS1: Permission denied"),
    Step::Output("=1"),
    Step::Type(
        "echo 'serial +1 /bin/cat blackhole' > /tmp/p; echo 'serial * * ask scope=once' >> /tmp/p; one --policy /tmp/p\n",
    ),
    Step::Message(
        "consent -> person: ask serial +1 [question 1 of linux > sandbox 2: once, deny, never, black]",
    ),
    Step::Answer(Answer::Once),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("light"),
    Step::Output("light=0"),
    Step::Type("one --allow serial1=run\n"),
    Step::Output("sandbox: --allow: a sandbox cannot allow anything to one within it"),
    Step::Output("=1"),
    Step::Type("echo 'serial +1 * allow' > /tmp/p; one --policy /tmp/p\n"),
    Step::Output("sandbox: /tmp/p:1:13: a sandbox cannot allow anything to one within it"),
    Step::Output("=1"),
    Step::Type("one\n"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("night"),
    Step::Output("night=0"),
    // Nobody can give what it does not hold.
    Step::Type(
        "sandbox --ro-bind / / --dev /dev --mem-within 20M --mem 40M -- sandbox --dev-bind /dev/ttyS1 /dev/ttyS1 true; echo =$?\n",
    ),
    Step::Output(
        "sandbox: --dev-bind /dev/ttyS1: there is no such node here; a sandbox can give only what it was given",
    ),
    Step::Output("=1"),
    Step::Type("sandbox --dev-bind /dev/console /dev/console true; echo =$?\n"),
    Step::Output("this sandbox does not hold that device, so it cannot give it"),
    Step::Output("=1"),
];

/// The driver is killed while two wait for its bytes, one of them within: both are told. Then everything goes on with the next one.
const KILLED: &[Step] = &[
    Step::Output("# "),
    Step::Type(concat!(
        "(cat /dev/ttyS1; echo =$?) & ",
        "(sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 -- cat /dev/ttyS1; echo =$?) & ",
        "wait; cat /dev/ttyS1\n"
    )),
    Step::Answer(Answer::Run),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Answer(Answer::Run),
    Step::Message("consent -> program: endpoint(record)"),
    // One byte at a time, so that each wakes once.
    Step::Device("%"),
    Step::Output("%"),
    Step::Output("%"),
    Step::Device("!"),
    Step::Output("=1"),
    Step::Output("=1"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("^"),
    Step::Output("^"),
];

/// Ten sandboxes, each in the one before, each of which was given the device: the question names them all, and what the third took from
/// those within stays taken.
const CHAIN: &[Step] = &[
    Step::Message(
        "consent -> person: ask serial +1 [question 1 of linux > sandbox 1 > sandbox 1 > sandbox 1 > sandbox 1 > sandbox 1 > \
         sandbox 1 > sandbox 1 > sandbox 1 > sandbox 1 > sandbox 1: once, deny, never, black]",
    ),
    Step::Answer(Answer::Once),
    Step::Message("consent -> program: endpoint(record) [grant 65536, once]"),
    Step::Device("light\n"),
    Step::Output("level 10 got light"),
    Step::Message(
        "consent -> person: ask serial +1 [question 2 of linux > sandbox 1: once, run, deny, never, black]",
    ),
    Step::Answer(Answer::Deny),
    Step::Output("level 1 got nothing"),
    Step::Exit(0),
];

/// Whoever is no interactive shell can be allowed for always, in sandboxes within too; in one that is given the same no question is asked
/// again.
const ALWAYS: &[Step] = &[
    Step::Message(
        "consent -> person: ask serial +1 [question 1 of linux > sandbox 1: once, run, always, ",
    ),
    Step::Answer(Answer::Always),
    Step::Log("\"scope\":\"always\""),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("l"),
    Step::Output("l=0"),
    Step::Log("\"decided_by\":\"store\""),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Device("i"),
    Step::Output("i=0"),
    Step::Message(
        "consent -> person: ask serial +1 [question 2 of linux > sandbox 3: once, run, always, ",
    ),
    Step::Answer(Answer::Deny),
    Step::Output("=1"),
    Step::Exit(0),
];

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "device_within_always",
        arguments: &[(
            "linux",
            &[
                "--device",
                "serial:1",
                "--",
                "sh",
                "-c",
                "one() { sandbox --ro-bind / / --dev /dev --dev-bind /dev/ttyS1 /dev/ttyS1 $1 \
                 -- head -c 1 /dev/ttyS1; echo =$?; }; one; one; one --clearenv",
            ],
        )],
        steps: ALWAYS,
        ..DEVICE
    },
    TargetTest {
        name: "device_driver_killed",
        system: Some("devices"),
        lines: &["init: 7 programs", "init: serial1 runs again"],
        steps: KILLED,
        ..DEVICE
    },
    TargetTest {
        name: "device_within_ten_deep",
        system: Some("devices"),
        lines: &["init: 7 programs"],
        guests: Guests {
            programs: &[],
            scripts: &["device-chain"],
        },
        steps: CHAIN,
        ..DEVICE
    },
    TargetTest {
        name: "device_within_revoked",
        steps: WITHIN_REVOKED,
        ..DEVICE
    },
    TargetTest {
        name: "device_within_two_at_once",
        steps: WITHIN_TWO,
        ..DEVICE
    },
    TargetTest {
        name: "device_within_narrowed",
        steps: WITHIN_NARROWED,
        ..DEVICE
    },
    TargetTest {
        name: "device_within",
        steps: WITHIN,
        ..DEVICE
    },
    TargetTest {
        name: "device_once",
        steps: ONCE,
        ..DEVICE
    },
    TargetTest {
        name: "device_denied",
        steps: DENIED,
        ..DEVICE
    },
    TargetTest {
        name: "device_black",
        steps: BLACK,
        ..DEVICE
    },
    TargetTest {
        name: "device_revoked",
        steps: REVOKED,
        ..DEVICE
    },
    TargetTest {
        name: "device_asks_without_stopping_others",
        steps: OTHERS,
        ..DEVICE
    },
    TargetTest {
        name: "device_withdrawn",
        steps: WITHDRAWN,
        ..DEVICE
    },
    TargetTest {
        name: "device_typed_ahead",
        steps: TYPED_AHEAD,
        ..DEVICE
    },
    TargetTest {
        name: "device_polled",
        steps: POLLED,
        ..DEVICE
    },
];
