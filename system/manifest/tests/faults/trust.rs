//! Who can get whose capabilities, and who must have said that this is meant.

use sundog_manifest::host::read;

use crate::{SOUND, fault, faults_of, has_image};

#[test]
fn a_client_that_grants_needs_trust() {
    let grants = SOUND.replace("badge = 2 }", "badge = 2, rights = [\"send\", \"grant\"] }");
    let faults = faults_of(&grants);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, 41);
    assert!(
        faults[0].1.contains(
            "server could get capabilities of two (its calls of \"files\" can carry capabilities)"
        ),
        "{faults:#?}"
    );
    assert!(
        faults[0].1.contains("add trusts = [\"server\"] to two"),
        "{faults:#?}"
    );
    let trusted = grants.replace(
        "restart = \"always\"",
        "restart = \"always\"\ntrusts = [\"server\"]",
    );
    let system = read(&trusted, &has_image).expect("trusted");
    assert_eq!(
        system.closure(),
        "two -> server: its calls of \"files\" can carry capabilities [its server, trusted]\n"
    );
    // The trust of another does not count.
    let other = grants.replace(
        "memory = \"32K\"",
        "memory = \"32K\"\ntrusts = [\"server\"]",
    );
    assert_eq!(faults_of(&other).len(), 1);
}

#[test]
fn replies_give_what_the_server_got() {
    // Two grants to the server, whose replies carry capabilities: so one, a client, can get two's.
    let text = SOUND
        .replace(
            "serves = \"files\" }",
            "serves = \"files\", rights = [\"receive\", \"grant\"] }",
        )
        .replace("badge = 2 }", "badge = 2, rights = [\"send\", \"grant\"] }")
        .replace("restart = \"always\"", "trusts = [\"server\"]");
    let system = read(&text, &has_image).expect("sound");
    assert_eq!(
        system.closure(),
        "server -> one: replies on \"files\" can carry capabilities\n\
         two -> server: its calls of \"files\" can carry capabilities [its server, trusted]\n\
         two -> one: through server\n"
    );
    // Once one serves two, that way needs two's trust too.
    let text = text
        .replace("ring = \"data\" },\n]\n[[program]]\nname = \"two\"", "ring = \"data\" },\n  { name = \"more\", slot = 18, serves = \"more\" },\n]\n[[program]]\nname = \"two\"")
        .replace("untyped = 64", "calls = \"more\", badge = 1");
    let faults = faults_of(&text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, 43);
    assert!(
        faults[0]
            .1
            .contains("one could get capabilities of two (through server;"),
        "{faults:#?}"
    );
}

#[test]
fn objects_of_others_need_trust() {
    for object in ["cnode", "thread", "vspace", "frame"] {
        let new = format!("object = \"{object}\", of = \"one\"");
        let words = format!("two could get capabilities of one (two holds its {object})");
        fault("untyped = 64", &new, 42, &words);
    }
    fault(
        "untyped = 64",
        "object = \"page\", of = \"one\"",
        42,
        "there are cnode, thread, vspace, frame",
    );
    fault(
        "untyped = 64",
        "object = \"cnode\"",
        42,
        "needs of = \"PROGRAM\"",
    );
    fault(
        "untyped = 64",
        "object = \"cnode\", of = \"x\"",
        42,
        "no program \"x\"",
    );
    fault(
        "untyped = 64",
        "object = \"cnode\", of = \"two\"",
        42,
        "its own objects",
    );
    fault(
        "untyped = 64",
        "untyped = 64, of = \"one\"",
        42,
        "belongs to \"object\"",
    );
    let trusted = SOUND
        .replace(
            "untyped = 64",
            "object = \"thread\", of = \"one\", rights = [\"read\"]",
        )
        .replace("memory = \"32K\"", "memory = \"32K\"\ntrusts = [\"two\"]");
    let system = read(&trusted, &has_image).expect("trusted");
    assert_eq!(
        system.closure(),
        "one -> two: two holds its thread [its server, trusted]\n"
    );
}

#[test]
fn minting() {
    let minting = |rights: &str| {
        SOUND
            .replace(
                "serves = \"files\" }",
                "serves = \"files\", rights = [\"receive\", \"grant\"] }",
            )
            .replace("irq = 3", &format!("mints = \"files\"{rights}"))
    };
    let system = read(&minting(""), &has_image).expect("it hands out capabilities without grant");
    let replies = "server -> one: replies on \"files\" can carry capabilities\nserver -> two: replies on \"files\" can carry capabilities\n";
    assert_eq!(system.closure(), replies);
    // With grant, whoever was given one can send capabilities to the server.
    let faults = faults_of(&minting(", rights = [\"send\", \"badge\", \"grant\"]"));
    let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [30, 41], "{faults:#?}");
    assert!(
        faults[0].1.contains(
            "server could get capabilities of one (it may have been given \"files\" with grant)"
        ),
        "{faults:#?}"
    );
    fault(
        "untyped = 64",
        "mints = \"files\"",
        42,
        "only its server makes capabilities of \"files\"",
    );
    fault(
        "irq = 3",
        "mints = \"files\", rights = [\"send\"]",
        18,
        "without the right send, badge it is of no use",
    );
    fault(
        "serves = \"files\"",
        "serves = \"files\", rights = [\"receive\", \"send\"]",
        16,
        "the right send means nothing here",
    );
}

#[test]
fn a_server_of_strangers_needs_its_own_time() {
    let passive = SOUND.replace(
        "time = { priority = 10, budget = 100, period = 1000 }\n",
        "",
    );
    let faults = faults_of(&passive);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, 15);
    assert!(
        faults[0]
            .1
            .contains("its clients one and two do not trust each other: give it time"),
        "{faults:#?}"
    );
    // Trust in one direction is not enough; in both it is.
    let half = passive.replace("restart = \"always\"", "trusts = [\"one\"]");
    assert_eq!(faults_of(&half).len(), 1);
    let both = half.replace("memory = \"32K\"", "memory = \"32K\"\ntrusts = [\"two\"]");
    let system = read(&both, &has_image).expect("they trust each other");
    assert_eq!(system.programs[0].time, None);
}
