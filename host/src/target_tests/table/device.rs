//! Unmodified Linux programs open a guarded device, and a person answers.

use super::{Duration, SYSTEM, Step, TargetTest};
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

pub const ROWS: &[TargetTest] = &[
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
