//! A program asks a person for a device.

use super::{Board, SYSTEM, Step, TargetTest};
use sundog_protocols::consent::Answer;

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

/// A policy allows 100 bytes a second, with one second's worth at once: 300 bytes take two seconds by
/// the machine's clock.
const LIMITED: &[Step] = &[
    Step::Policy("serial +1 * allow rate=100\n"),
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Message("consent -> program: endpoint(record)"),
    Step::Output("asker: opened, run"),
    Step::Device(THREE_HUNDRED),
    Step::Output("E\n"),
    Step::Revoke,
    Step::AtLeast("asker: 300 bytes in ", 1900),
    Step::Output("asker: revoked"),
    Step::Exit(0),
];

/// 300 bytes, of which the last is different.
const THREE_HUNDRED: &str = concat!(
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789E",
);

pub const ROWS: &[TargetTest] = &[
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
        name: "consent_limited",
        steps: LIMITED,
        ..CONSENT
    },
];
