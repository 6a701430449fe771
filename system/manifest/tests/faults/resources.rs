//! Ports, interrupt lines, time, memory, rings and notifications.

use sundog_manifest::host::read;

use crate::{SOUND, fault, faults_of, has_image};

#[test]
fn ports_and_interrupts() {
    fault(
        "irq = 3",
        "ports = [0x2ff, 2]",
        18,
        "overlap 0x2f8+8 of server in line 17",
    );
    fault(
        "\"events\", slot = 20, notification = \"events\"",
        "\"events\", slot = 20, irq = 3",
        20,
        "interrupt line 3 is server's in line 18",
    );
    fault("irq = 3", "irq = 24", 18, "lines 0 to 23");
    for (ports, what) in [
        ("0xf4, 1", "the machine's exit"),
        ("0xf0, 8", "the machine's exit"),
        ("0x20, 2", "the interrupt controller"),
        ("0xa1, 1", "the second interrupt controller"),
        ("0x43, 1", "the interval timer"),
        ("0xcf8, 8", "PCI configuration space"),
        ("0xcfc, 4", "PCI configuration space"),
        ("0, 65536", "no program may have"),
    ] {
        fault("0x2f8, 8", ports, 17, what);
    }
    fault("0x2f8, 8", "0xffff, 2", 17, "within 0 to 0xffff");
    fault("0x2f8, 8", "0x2f8, 0", 17, "within 0 to 0xffff");
    fault(
        "0x2f8, 8",
        "4294967295, 4294967295",
        17,
        "within 0 to 0xffff",
    );
    fault(
        "untyped = 64",
        "ports = [0x3f8, 8]",
        42,
        "only a program with driver = true has I/O ports",
    );
}

#[test]
fn an_overlap_between_two_programs() {
    let text = SOUND
        .replace("restart = \"always\"", "driver = true")
        .replace("untyped = 64", "ports = [0x2f0, 9]");
    let faults = faults_of(&text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, 42);
    assert!(
        faults[0]
            .1
            .contains("two: ports 0x2f0+9 overlap 0x2f8+8 of server in line 17"),
        "{faults:#?}"
    );
    let text = SOUND
        .replace("restart = \"always\"", "driver = true")
        .replace("untyped = 64", "irq = 3");
    assert!(
        faults_of(&text)[0]
            .1
            .contains("interrupt line 3 is server's")
    );
}

#[test]
fn time_and_memory() {
    fault(
        "priority = 10, budget = 100",
        "priority = 10, budget = 0",
        12,
        "budget = 0",
    );
    fault(
        "priority = 10, budget = 100",
        "priority = 10, budget = 1001",
        12,
        "at most the period",
    );
    fault("priority = 10", "priority = 64", 12, "the highest is 63");
    fault("priority = 10", "priority = 10, cpu = 2", 12, "CPUs 0 to 1");
    fault(
        "priority = 10, budget = 100, ",
        "priority = 10, ",
        12,
        "missing field `budget`",
    );
    fault(
        "untyped = 64",
        "time = { priority = 1, budget = 0, period = 5 }",
        42,
        "budget = 0",
    );
    fault(
        "untyped = 64",
        "time = { priority = 1, cpu = 7, budget = 1, period = 5 }",
        42,
        "cpu = 7",
    );
    fault(
        "untyped = 64",
        "untyped = 213",
        2,
        "need 257 pages, the machine has 256",
    );
    fault("untyped = 64", "untyped = 0", 42, "give pages or bytes");
    fault(
        "memory = \"32K\"",
        "memory = 0",
        26,
        "needs pages for its own objects",
    );
    fault(
        "slots = 64\nrestart",
        "slots = 16\nrestart",
        38,
        "more than 16",
    );
}

#[test]
fn rings_and_notifications() {
    fault("pages = 4", "pages = 3", 7, "2, 4, 8");
    fault("pages = 4", "pages = 1", 7, "2, 4, 8");
    fault(
        "untyped = 64",
        "ring = \"data\"",
        6,
        "held by server, one, two",
    );
    fault(
        "  { name = \"data\", slot = 17, ring = \"data\" },\n",
        "",
        6,
        "held by server",
    );
    fault(
        "untyped = 64",
        "ring = \"beta\"",
        42,
        "no [[ring]] named \"beta\"",
    );
    fault(
        "untyped = 64",
        "notification = \"events\"",
        42,
        "also waited for in line 20",
    );
    fault(
        "notification = \"events\"",
        "notification = \"events\", rights = [\"send\"]",
        20,
        "nobody waits for notification \"events\"",
    );
}

#[test]
fn memory_may_be_given_to_the_last_page() {
    assert!(read(&SOUND.replace("untyped = 64", "untyped = 212"), &has_image).is_ok());
}

#[test]
fn neighbours_do_not_overlap() {
    let driver = SOUND.replace("restart = \"always\"", "driver = true");
    for ports in ["0x300, 8", "0x2f0, 8", "0xf3, 1", "0xf8, 1", "0xfff0, 16"] {
        let text = driver.replace("untyped = 64", &format!("ports = [{ports}]"));
        assert!(read(&text, &has_image).is_ok(), "{ports}");
    }
}

#[test]
fn roles_may_be_shared() {
    let with = |badge: &str| {
        SOUND
            .replace("badge = 1 ", &format!("badge = \"{badge}\" "))
            .replace("badge = 2 ", &format!("badge = \"{badge}\" "))
    };
    assert!(read(&with("0xfffffffffffffff0"), &has_image).is_ok());
    let faults = faults_of(&with("0xffffffffffffffef"));
    assert!(
        faults[0].1.contains("could not tell them apart"),
        "{faults:#?}"
    );
}
