//! Unmodified Linux programs open a guarded device, and a person answers.

use super::{Duration, SYSTEM, Step, TargetTest};
use sundog_protocols::consent::Answer;

/// What these rows have in common: a shell, and `/dev/ttyS1`, which asks.
const DEVICE: TargetTest = TargetTest {
    system: Some("device-trial"),
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

pub const ROWS: &[TargetTest] = &[TargetTest {
    name: "device_once",
    steps: ONCE,
    ..DEVICE
}];
