//! The first manifest of the tree: it is sound, survives the binary, and its closure is what it was.

use sundog_abi::Rights;
use sundog_manifest::host::{System, read};
use sundog_manifest::{Kind, Malformed, Manifest, Restart};

const TEXT: &str = include_str!("../../first-light.toml");

fn first_light() -> System {
    read(TEXT, &|_| true).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("first-light.toml:\n{}", lines.join("\n"));
    })
}

#[test]
fn closure_is_the_golden_one() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/first-light.closure"
    );
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    let closure = first_light().closure();
    assert!(
        closure == golden,
        "who can get whose capabilities has changed; if that is meant, write into {path}:\n{closure}"
    );
}

#[test]
fn binary_round_trip() {
    let mut system = first_light();
    // It gives no names itself.
    system.programs[5].names.push(("/console".into(), 22));
    // Nor does anybody wait for the end of another.
    system.programs[5].tells.push((0, 1 << 63));
    let bytes = system.encode();
    let manifest = Manifest::decode(&bytes).expect("what the host wrote");
    let endpoints: Vec<&str> = system
        .endpoints
        .iter()
        .map(|server| server.endpoint.as_str())
        .collect();
    assert_eq!(manifest.endpoints().collect::<Vec<_>>(), endpoints);
    assert_eq!(
        manifest.notifications().collect::<Vec<_>>(),
        system.notifications
    );
    let rings: Vec<(String, u32)> = manifest
        .rings()
        .map(|ring| (ring.name.into(), ring.pages))
        .collect();
    assert_eq!(rings, system.rings);
    assert_eq!(manifest.programs().count(), system.programs.len());
    for (read, written) in manifest.programs().zip(&system.programs) {
        assert_eq!(
            (read.name, read.image),
            (written.name.as_str(), written.image.as_str())
        );
        assert_eq!((read.restart, read.time), (written.restart, written.time));
        assert_eq!((read.memory, read.slots), (written.memory, written.slots));
        assert_eq!(read.arguments().collect::<Vec<_>>(), written.arguments);
        let names: Vec<(String, u32)> = read
            .names()
            .map(|name| (name.path.into(), name.slot))
            .collect();
        assert_eq!(names, written.names);
        let tells: Vec<(u32, u64)> = read
            .tells()
            .map(|tell| (tell.notification, tell.badge))
            .collect();
        assert_eq!(tells, written.tells);
        assert_eq!(read.capabilities().count(), written.capabilities.len());
        for (read, written) in read.capabilities().zip(&written.capabilities) {
            assert_eq!(
                (read.name, read.slot),
                (written.name.as_str(), written.slot)
            );
            assert_eq!((read.rights, read.kind), (written.rights, written.kind));
        }
    }
}

#[test]
fn what_the_programs_get() {
    let bytes = first_light().encode();
    let manifest = Manifest::decode(&bytes).unwrap();
    let program = |name: &str| {
        manifest
            .programs()
            .find(|program| program.name == name)
            .unwrap()
    };
    let linux = program("linux");
    assert_eq!(linux.restart, Restart::Never);
    let kind = |name: &str| linux.capabilities().find(|c| c.name == name).unwrap().kind;
    assert_eq!(kind("pool"), Kind::Untyped { pages: 96 * 256 });
    assert_eq!(kind("children"), Kind::Untyped { pages: 160 * 256 });
    assert_eq!(linux.names().count(), 0);
    // Nobody but drivers holds ports, and the program that runs strangers holds no device.
    for name in ["consent", "console", "linux"] {
        let device = |kind| {
            matches!(
                kind,
                Kind::IoPorts { .. } | Kind::Irq { .. } | Kind::Foreign { .. }
            )
        };
        assert!(
            !program(name).capabilities().any(|c| device(c.kind)),
            "{name}"
        );
    }
}

/// Reads everything there is; the point is that this ends and does not panic.
fn walk(bytes: &[u8]) -> Result<usize, Malformed> {
    let manifest = Manifest::decode(bytes)?;
    let mut items =
        manifest.endpoints().count() + manifest.notifications().count() + manifest.rings().count();
    for program in manifest.programs() {
        items += program.arguments().map(str::len).sum::<usize>();
        items += program.names().count() + program.tells().count();
        for capability in program.capabilities() {
            // A decoded manifest never makes init write outside of a CNode.
            assert!(capability.slot >= 16);
            assert!(capability.slot + capability.kind.slots() <= program.slots);
            items += 1;
        }
    }
    Ok(items)
}

#[test]
fn hostile_bytes() {
    let bytes = first_light().encode();
    let whole = walk(&bytes).expect("the original");
    for length in 0..bytes.len() {
        assert_eq!(walk(&bytes[..length]), Err(Malformed), "cut at {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(walk(&longer), Err(Malformed));
    let mut refused = 0;
    for position in 0..bytes.len() {
        for value in [
            0,
            1,
            0x7f,
            0x80,
            0xff,
            bytes[position] ^ 1,
            bytes[position].wrapping_add(1),
        ] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            match walk(&damaged) {
                Ok(items) => assert!(items <= whole + bytes.len()),
                Err(Malformed) => refused += 1,
            }
        }
    }
    assert!(
        refused > bytes.len(),
        "damage is hardly ever noticed: {refused}"
    );
}

#[test]
fn random_bytes() {
    // xorshift64: the same bytes in every run.
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let original = first_light().encode();
    for _ in 0..20_000 {
        let mut bytes = original.clone();
        for _ in 0..=next() % 8 {
            let at = usize::try_from(next() % bytes.len() as u64).unwrap();
            bytes[at] = (next() & 0xff) as u8;
        }
        let _ = walk(&bytes);
        let noise: Vec<u8> = (0..next() % 64).map(|_| (next() & 3) as u8).collect();
        let mut magic = original[..8].to_vec();
        magic.extend(&noise);
        let _ = walk(&magic);
        assert_eq!(walk(&noise), Err(Malformed));
    }
}

#[test]
fn claimed_counts_cost_nothing() {
    // Four lists that claim 2^32-1 items in no bytes.
    let mut bytes = b"SUNDOGM\x02".to_vec();
    for _ in 0..4 {
        bytes.extend([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    }
    assert_eq!(walk(&bytes), Err(Malformed));
}

/// The decoder does not lean on the checker: what only a faulty host would write is refused too.
#[test]
fn unsound_systems_are_refused() {
    type Change = fn(&mut System);
    let changes: [Change; 14] = [
        |s| s.programs[0].capabilities[0].slot = 15,
        |s| s.programs[0].capabilities[0].slot = 64,
        |s| s.programs[0].capabilities[0].slot = u32::MAX,
        |s| s.programs[0].capabilities[0].rights = Rights::RECEIVE.union(Rights::SEND),
        |s| s.programs[0].capabilities[0].rights = Rights::GRANT,
        |s| s.programs[0].capabilities[0].kind = Kind::Serves { endpoint: 99 },
        |s| s.programs[0].time.as_mut().unwrap().budget = 0,
        |s| s.programs[0].time.as_mut().unwrap().period = 1,
        |s| s.programs[0].time.as_mut().unwrap().priority = 64,
        |s| s.programs[5].names.push(("/tmp".into(), 0)),
        |s| s.programs[5].names.push(("tmp".into(), 22)),
        |s| s.programs[5].tells.push((0, 0)),
        |s| s.programs[5].tells.push((99, 1)),
        |s| s.rings[0].1 = 3,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut system = first_light();
        change(&mut system);
        assert_eq!(walk(&system.encode()), Err(Malformed), "change {number}");
    }
}

#[test]
fn lists_end_where_they_say() {
    let lists = |first: &[u8]| [b"SUNDOGM\x02".as_slice(), first, &[0; 24]].concat();
    assert_eq!(walk(&lists(&[0; 8])), Ok(0));
    // One text "a": three bytes.
    assert_eq!(walk(&lists(&[3, 0, 0, 0, 1, 0, 0, 0, 1, 0, b'a'])), Ok(1));
    // The same text in a list that counts none, or two.
    assert_eq!(
        walk(&lists(&[3, 0, 0, 0, 0, 0, 0, 0, 1, 0, b'a'])),
        Err(Malformed)
    );
    assert_eq!(
        walk(&lists(&[3, 0, 0, 0, 2, 0, 0, 0, 1, 0, b'a'])),
        Err(Malformed)
    );
    assert_eq!(
        walk(&lists(&[3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0xff])),
        Err(Malformed),
        "not UTF-8"
    );
}
