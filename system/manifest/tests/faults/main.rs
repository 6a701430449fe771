//! Each fault of a manifest is found, at its line, and the message says what to do.

mod resources;
mod trust;

use sundog_manifest::host::read;

/// A sound manifest; the tests change one line. A server, two clients that do not trust each other, a ring.
const SOUND: &str = r#"[machine]
memory = "1M"
reserve = 16
cpus = 2
[[ring]]
name = "data"
pages = 4
[[program]]
name = "server"
image = "server.elf"
driver = true
time = { priority = 10, budget = 100, period = 1000 }
memory = 8
slots = 64
capabilities = [
  { name = "requests", slot = 16, serves = "files" },
  { name = "registers", slot = 17, ports = [0x2f8, 8] },
  { name = "interrupt", slot = 18, irq = 3 },
  { name = "data", slot = 19, ring = "data" },
  { name = "events", slot = 20, notification = "events" },
]
[[program]]
name = "one"
image = "one.elf"
time = { priority = 5, budget = 100, period = 1000 }
memory = "32K"
slots = 64
names = [{ path = "/", endpoint = "files" }]
capabilities = [
  { name = "files", slot = 16, calls = "files", badge = 1 },
  { name = "data", slot = 17, ring = "data" },
]
[[program]]
name = "two"
image = "two.elf"
time = { priority = 5, budget = 100, period = 1000 }
memory = 8
slots = 64
restart = "always"
capabilities = [
  { name = "files", slot = 16, calls = "files", badge = 2 },
  { name = "pool", slot = 17, untyped = 64 },
]
"#;

fn has_image(name: &str) -> bool {
    name.ends_with(".elf")
}

#[track_caller]
fn faults_of(text: &str) -> Vec<(usize, String)> {
    let faults = read(text, &has_image).expect_err("a faulty manifest was taken");
    faults
        .into_iter()
        .map(|fault| (fault.line, fault.message))
        .collect()
}

/// Replaces `old`, which must be there once, and expects exactly one fault, at `line`, whose message contains `words`.
#[track_caller]
fn fault(old: &str, new: &str, line: usize, words: &str) {
    assert_eq!(SOUND.matches(old).count(), 1, "{old:?} must be there once");
    let faults = faults_of(&SOUND.replace(old, new));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, line, "{faults:#?}");
    assert!(faults[0].1.contains(words), "{faults:#?}");
}

#[test]
fn the_sound_one_is_sound() {
    let system = read(SOUND, &has_image).expect("sound");
    assert_eq!(system.closure(), "");
}

#[test]
fn shape() {
    fault(
        "cpus = 2",
        "cpus = 2\nspeed = 3",
        5,
        "unknown field `speed`",
    );
    fault("irq = 3", "irk = 3", 18, "unknown field `irk`");
    fault("image = \"one.elf\"\n", "", 22, "missing field `image`");
    fault("cpus = 2", "cpus = ", 4, "");
    fault("reserve = 16", "reserve = \"16\"", 3, "suffix K, M or G");
    fault(
        "reserve = 16",
        "reserve = \"5000K\"",
        2,
        "the machine has 256",
    );
    fault(
        "reserve = 16",
        "reserve = \"2K\"",
        3,
        "not a multiple of 4K",
    );
    fault(
        "reserve = 16",
        "reserve = \"99999999999G\"",
        3,
        "more bytes than 64 bits",
    );
    fault("reserve = 16", "reserve = -1", 3, "or less than none");
    fault("cpus = 2", "cpus = 0", 4, "at least one CPU");
}

#[test]
fn names_and_slots() {
    fault(
        "name = \"one\"",
        "name = \"two\"",
        34,
        "a second program named \"two\"",
    );
    fault("name = \"one\"", "name = \"init\"", 23, "choose another");
    fault("name = \"one\"", "name = \"One\"", 23, "small letters");
    fault(
        "name = \"pool\"",
        "name = \"files\"",
        42,
        "line 41 has the same name",
    );
    fault(
        "\"pool\", slot = 17",
        "\"pool\", slot = 16",
        42,
        "slot 16 is taken by \"files\" in line 41",
    );
    fault(
        "\"pool\", slot = 17",
        "\"pool\", slot = 0",
        42,
        "slot 0 is always empty",
    );
    fault(
        "\"pool\", slot = 17",
        "\"pool\", slot = 7",
        42,
        "use 16 or above",
    );
    fault(
        "\"pool\", slot = 17",
        "\"pool\", slot = 64",
        42,
        "outside of the CNode of 64 slots",
    );
    fault(
        "\"pool\", slot = 17, untyped = 64",
        "\"pool\", slot = 63, vcpus = 2",
        42,
        "slot 64 is outside",
    );
    fault(
        "image = \"one.elf\"",
        "image = \"one\"",
        24,
        "there is no program \"one\"",
    );
    fault(
        "restart = \"always\"",
        "restart = \"always\"\ntrusts = [\"three\"]",
        40,
        "no program \"three\"",
    );
    fault(
        "restart = \"always\"",
        "restart = \"sometimes\"",
        39,
        "unknown variant `sometimes`",
    );
}

#[test]
fn endpoints() {
    fault(
        "calls = \"files\", badge = 2",
        "calls = \"sound\", badge = 2",
        41,
        "nobody serves \"sound\"",
    );
    fault(
        "\"pool\", slot = 17, untyped = 64",
        "\"mine\", slot = 17, serves = \"files\"",
        42,
        "already served by server",
    );
    fault(
        "badge = 2",
        "badge = 1",
        41,
        "badge 1 of \"files\" is one's in line 30",
    );
    fault(", badge = 2", "", 41, "give a badge");
    fault("badge = 2", "badge = \"0x0\"", 41, "give a badge");
    fault("badge = 2", "badge = \"12\"", 41, "0x and up to 16");
    fault(
        "irq = 3",
        "calls = \"files\", badge = 9",
        18,
        "waits for ever",
    );
    fault(
        "badge = 2 }",
        "badge = 2, rights = [\"grant-reply\"] }",
        41,
        "without the right send",
    );
    fault(
        "badge = 2 }",
        "badge = 2, rights = [\"send\", \"write\"] }",
        41,
        "the right write means nothing here",
    );
    fault(
        "badge = 2 }",
        "badge = 2, rights = [\"own\"] }",
        41,
        "\"own\" is not a right",
    );
    fault(
        "untyped = 64",
        "untyped = 64, irq = 9",
        42,
        "only a program with driver = true",
    );
    fault(
        "untyped = 64",
        "untyped = 64, vcpus = 1",
        42,
        "exactly one of",
    );
    fault(", untyped = 64", "", 42, "exactly one of");
    fault(
        "untyped = 64",
        "untyped = 64, badge = 3",
        42,
        "only calls and notifications have a badge",
    );
    fault(
        "endpoint = \"files\"",
        "endpoint = \"data\"",
        28,
        "does not call \"data\"",
    );
    fault(
        "path = \"/\"",
        "path = \"/a/../b\"",
        28,
        "without a slash at the end",
    );
    fault("path = \"/\"", "path = \"tmp\"", 28, "from / on");
    fault(
        "{ path = \"/\", endpoint = \"files\" }",
        "{ path = \"/\", endpoint = \"files\" }, { path = \"/\", endpoint = \"files\" }",
        28,
        "is there twice",
    );
}

#[test]
fn names_of_shared_things() {
    fault(
        "notification = \"events\"",
        "notification = \"a b\"",
        20,
        "\"a b\" is not a name",
    );
    fault("untyped = 64", "serves = \"\"", 42, "\"\" is not a name");
    fault(
        "name = \"pool\"",
        "name = \"Pool\"",
        42,
        "\"Pool\" is not a name",
    );
    let long = "x".repeat(33);
    fault(
        "notification = \"events\"",
        &format!("notification = \"{long}\""),
        20,
        "at most 32",
    );
}

#[test]
fn who_is_told() {
    let told = |tell: &str| format!("restart = \"always\"\ntells = [{tell}]");
    fault(
        "restart = \"always\"",
        &told("{ notification = \"nothing\", badge = 1 }"),
        40,
        "nobody waits for a notification \"nothing\"",
    );
    fault(
        "restart = \"always\"",
        &told("{ notification = \"events\", badge = 0 }"),
        40,
        "would signal nothing",
    );
}

/// Whatever is done to a manifest, reading it ends with a system or with faults that name a line of it.
#[test]
fn damaged_texts() {
    let lines: Vec<&str> = SOUND.lines().collect();
    let mut texts = Vec::new();
    for at in 0..lines.len() {
        let (before, after) = (&lines[..at], &lines[at + 1..]);
        texts.push([before, after].concat().join("\n"));
        texts.push([before, &[lines[at], lines[at]], after].concat().join("\n"));
        for number in [
            "0",
            "1",
            "15",
            "64",
            "65535",
            "65536",
            "4294967295",
            "9223372036854775807",
            "-1",
            "\"x\"",
            "[]",
        ] {
            let digits = |c: char| c.is_ascii_digit();
            for (start, run) in lines[at].match_indices(digits) {
                let line = [&lines[at][..start], number, &lines[at][start + run.len()..]].concat();
                texts.push([before, &[line.as_str()], after].concat().join("\n"));
            }
        }
    }
    let mut refused = 0;
    for text in &texts {
        match read(text, &has_image) {
            Ok(system) => {
                let bytes = system.encode();
                assert!(sundog_manifest::Manifest::decode(&bytes).is_ok(), "{text}");
            }
            Err(faults) => {
                refused += 1;
                let last = text.lines().count() + 1;
                assert!(
                    !faults.is_empty()
                        && faults.iter().all(|fault| (1..=last).contains(&fault.line)),
                    "{faults:?}"
                );
            }
        }
    }
    assert!(refused > texts.len() / 2, "{refused} of {}", texts.len());
}

#[test]
fn a_program_that_never_runs() {
    let text = SOUND.replacen(
        "time = { priority = 5, budget = 100, period = 1000 }\n",
        "",
        1,
    );
    assert_eq!(
        faults_of(&text),
        [(
            23,
            "one has no time and serves nobody, so it never runs; give it time".into()
        )]
    );
}

#[test]
fn all_faults_at_once_in_order() {
    let text = SOUND
        .replace("slots = 64\nnames", "slots = 3\nnames")
        .replace("irq = 3", "irq = 99")
        .replace("calls = \"files\", badge = 1", "calls = \"files\"")
        .replace("two.elf", "two");
    let lines: Vec<usize> = faults_of(&text).into_iter().map(|(line, _)| line).collect();
    // No fault is only the consequence of another.
    assert_eq!(lines, [18, 27, 30, 35]);
}
