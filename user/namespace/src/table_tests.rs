//! Tests of the table, by example and against a model without cleverness.

use super::*;
use std::collections::BTreeMap;
use std::format;
use std::string::ToString;
use std::vec;

fn slots(namespace: &Namespace, path: &str) -> Vec<u32> {
    namespace
        .resolve(path)
        .expect("a name")
        .binding
        .members()
        .iter()
        .map(|member| member.slot)
        .collect()
}

#[test]
fn the_longest_prefix_wins_and_only_at_whole_components() {
    let mut names = Namespace::new();
    names.bind("/", 1, Place::Replace, true).expect("bind");
    names.bind("/home", 2, Place::Replace, true).expect("bind");
    names
        .bind("/home/me/work", 3, Place::Replace, true)
        .expect("bind");
    for (path, slot, rest) in [
        ("/", 1, ""),
        ("/etc/passwd", 1, "etc/passwd"),
        ("/homework", 1, "homework"),
        ("/home", 2, ""),
        ("/home/me", 2, "me"),
        ("/home/me/work", 3, ""),
        ("/home/me/works", 2, "me/works"),
        ("/home/me/work/../x", 2, "me/x"),
        ("/home/me/work/../../../etc", 1, "etc"),
        ("/../home/me/work/a/b", 3, "a/b"),
    ] {
        assert_eq!(slots(&names, path), vec![slot], "{path}");
        assert_eq!(names.resolve(path).expect("a name").rest, rest, "{path}");
    }
}

#[test]
fn without_a_root_only_bound_names_exist() {
    let mut names = Namespace::new();
    assert_eq!(names.resolve("/").err(), Some(Error::NotBound));
    names.bind("/tmp", 4, Place::Replace, true).expect("bind");
    assert_eq!(names.resolve("/etc").err(), Some(Error::NotBound));
    assert_eq!(slots(&names, "/tmp/x"), vec![4]);
    names.unmount("/tmp", None).expect("unmount");
    assert_eq!(names, Namespace::new());
}

#[test]
fn unions_keep_their_order() {
    let mut names = Namespace::new();
    names.bind("/bin", 5, Place::After, false).expect("bind");
    names.bind("/bin", 6, Place::Before, true).expect("bind");
    names.bind("/bin", 7, Place::After, false).expect("bind");
    assert_eq!(slots(&names, "/bin/ls"), vec![6, 5, 7]);
    names.unmount("/bin", Some(5)).expect("unmount");
    assert_eq!(slots(&names, "/bin"), vec![6, 7]);
    assert_eq!(names.unmount("/bin", Some(5)), Err(Error::NotBound));
    names.bind("/bin", 8, Place::Replace, false).expect("bind");
    assert_eq!(slots(&names, "/bin"), vec![8]);
    names
        .bind_name("/bin", "/usr/bin", Place::Replace)
        .expect("bind");
    assert_eq!(slots(&names, "/usr/bin/x"), vec![8]);
    assert_eq!(
        names.bind_name("/bin/x", "/y", Place::Replace),
        Err(Error::NotBound)
    );
}

#[test]
fn a_sealed_table_only_resolves_and_so_do_its_copies() {
    let mut names = Namespace::new();
    names.bind("/", 1, Place::Replace, true).expect("bind");
    names.seal();
    let mut copy = names.clone();
    for table in [&mut names, &mut copy] {
        let before = table.clone();
        assert_eq!(table.bind("/x", 2, Place::After, true), Err(Error::Sealed));
        assert_eq!(table.bind_name("/", "/x", Place::After), Err(Error::Sealed));
        assert_eq!(table.unmount("/", None), Err(Error::Sealed));
        assert_eq!(*table, before);
        assert_eq!(slots(table, "/x"), vec![1]);
    }
}

#[test]
fn a_start_page_fills_a_table() {
    let names = Namespace::filled([("/", 3, false), ("/", 4, true), ("/tmp/", 5, true)], true)
        .expect("a table");
    assert_eq!(
        (
            slots(&names, "/x"),
            slots(&names, "/tmp"),
            names.is_sealed()
        ),
        (vec![3, 4], vec![5], true)
    );
    assert_eq!(
        Namespace::filled([("tmp", 5, true)], false),
        Err(Error::Path(PathError::NotAbsolute))
    );
}

#[test]
fn a_table_has_limits() {
    let mut names = Namespace::new();
    assert_eq!(
        names.bind("/x", 0, Place::After, true),
        Err(Error::NoCapability)
    );
    for index in 0..MAX_BINDINGS {
        names
            .bind(&format!("/{index}"), 1, Place::After, true)
            .expect("room");
    }
    assert_eq!(names.bind("/more", 1, Place::After, true), Err(Error::Full));
    for slot in 2..=MAX_MEMBERS as u32 {
        names.bind("/0", slot, Place::After, true).expect("room");
    }
    assert_eq!(names.bind("/0", 99, Place::Before, true), Err(Error::Full));
    names
        .bind("/0", 99, Place::Replace, true)
        .expect("replacing needs no room");
}

#[test]
fn a_listing_sees_the_names_below() {
    let mut names = Namespace::new();
    for path in ["/", "/dev", "/dev/camera", "/device", "/tmp"] {
        names.bind(path, 1, Place::After, true).expect("bind");
    }
    let below = |path| {
        names
            .below(path)
            .expect("a path")
            .map(|binding| binding.prefix().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(below("/dev"), ["/dev/camera"]);
    assert_eq!(below("/"), ["/dev", "/dev/camera", "/device", "/tmp"]);
}

/// Random operations, and after each one every path is resolved as a list of all prefixes would.
#[test]
fn random_operations_agree_with_a_plain_model() {
    let paths = [
        "/",
        "/a",
        "/a/b",
        "/a/b/c",
        "/ab",
        "/b",
        "/a//b/",
        "/a/x/../b",
    ];
    let mut state = 99_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..200 {
        let mut names = Namespace::new();
        let mut model: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for _ in 0..40 {
            let path = paths[random(8) as usize];
            let key = clean(path).expect("a path");
            let slot = 1 + random(5) as u32;
            if random(4) == 0 {
                let there = model
                    .get(&key)
                    .is_some_and(|members| members.contains(&slot));
                assert_eq!(names.unmount(path, Some(slot)).is_ok(), there);
                if let Some(members) = model.get_mut(&key).filter(|_| there) {
                    let index = members
                        .iter()
                        .position(|member| *member == slot)
                        .expect("there");
                    members.remove(index);
                    if members.is_empty() {
                        model.remove(&key);
                    }
                }
            } else {
                let place = [Place::Before, Place::After, Place::Replace][random(3) as usize];
                let members = model.entry(key).or_default();
                if place != Place::Replace && members.len() == MAX_MEMBERS {
                    assert_eq!(names.bind(path, slot, place, true), Err(Error::Full));
                    continue;
                }
                names.bind(path, slot, place, true).expect("bind");
                match place {
                    Place::Before => members.insert(0, slot),
                    Place::After => members.push(slot),
                    Place::Replace => *members = vec![slot],
                }
            }
            for path in ["/", "/a/b/c/d", "/a/b", "/abc", "/b/q", "/a/bc"] {
                let covers = |prefix: &str| {
                    prefix == "/" || path == prefix || path.starts_with(&format!("{prefix}/"))
                };
                let wanted = model
                    .iter()
                    .filter(|(prefix, _)| covers(prefix))
                    .max_by_key(|(prefix, _)| prefix.len());
                match (wanted, names.resolve(path)) {
                    (None, Err(Error::NotBound)) => {}
                    (Some((prefix, members)), Ok(found)) => {
                        assert_eq!(found.binding.prefix(), prefix);
                        assert_eq!(
                            found
                                .binding
                                .members()
                                .iter()
                                .map(|member| member.slot)
                                .collect::<Vec<_>>(),
                            *members
                        );
                    }
                    (wanted, found) => panic!("{path}: {wanted:?} but {found:?}"),
                }
            }
        }
    }
}
