//! A server that foreign code has taken over reaches nothing but what it was given; and what a server refuses to start with.
use crate::world::*;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use sundog_host_files::handover::{Bind, NO_LANDLOCK, start};
use sundog_host_sys::attempts::all;
use sundog_protocols::file::FileServer;

/// Killed by the filter.
const SIGSYS: i32 = 31;

/// What came of an attempt: its own words, or the signal that ended it.
fn attempt(how: &str, what: &str, given: &Folder, outside: &Folder) -> String {
    let (own, its) = UnixStream::pair().unwrap();
    let mut command = Command::new(TAKEN_OVER);
    command.args([how, what]);
    command.args([outside.path("file"), outside.path("new"), given.path("own")]);
    command.arg(std::process::id().to_string());
    let child = start(command, &[bind(&given.0, true)], its.as_fd());
    let mut child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
    drop(its);
    let mut words = String::new();
    (&own).read_to_string(&mut words).unwrap();
    let status = child.wait().unwrap();
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => words,
    }
}

fn folders() -> (Folder, Folder) {
    let (given, outside) = (Folder::new(), Folder::new());
    given.put("own", b"own");
    outside.put("file", b"outside");
    (given, outside)
}

/// All that an attempt could have changed outside.
fn seen(outside: &Folder) -> (Vec<u8>, u32, i64, i64, usize) {
    let file = std::fs::metadata(outside.path("file")).unwrap();
    let content = std::fs::read(outside.path("file")).unwrap();
    let count = std::fs::read_dir(&outside.0).unwrap().count();
    (content, file.mode(), file.ctime(), file.ctime_nsec(), count)
}

#[test]
fn each_call_is_one_that_can_be_made() {
    for what in all().filter(|attempt| attempt.works) {
        let (given, outside) = folders();
        let answer = attempt("free", what.name, &given, &outside);
        assert_eq!(answer, "ok", "{}", what.name);
    }
}

/// What the filter lets through and Landlock refuses: what is opened by its path, and names that are made, moved and removed.
const BY_LANDLOCK: [&str; 14] = [
    "openat2 for reading",
    "openat2 for writing",
    "openat2 upwards",
    "make a folder outside",
    "make a link outside",
    "make a pipe outside",
    "make a file outside",
    "remove outside",
    "move outside",
    "move out",
    "move in",
    "link outside",
    "link out",
    "link in",
];
/// What the filter lets through and the description of the call refuses: a path that leads out of its folder.
const BY_DESCRIPTION: [&str; 3] = [
    "openat2 of a node by its path",
    "openat2 of a node upwards",
    "openat2 of a new file",
];

/// Makes every attempt; those that the filter does not end go to `judge`, with what they answered. How many it ended.
fn attempts(how: &str, given: &Folder, outside: &Folder, judge: impl Fn(&str, &str)) -> usize {
    let mut killed = 0;
    for what in all() {
        let answer = attempt(how, what.name, given, outside);
        match answer == format!("signal {SIGSYS}") {
            true => killed += 1,
            false => judge(what.name, &answer),
        }
    }
    killed
}

#[test]
fn foreign_code_reaches_nothing() {
    if !landlock() {
        return;
    }
    let (given, outside) = folders();
    let before = seen(&outside);
    let killed = attempts("confined", &given, &outside, |name, answer| {
        let expected = match BY_LANDLOCK.contains(&name) {
            true => &["error 13", "error 18"][..],
            false if BY_DESCRIPTION.contains(&name) => &["error 18"],
            false => &[],
        };
        assert!(expected.contains(&answer), "{name}: {answer}");
    });
    let left = BY_LANDLOCK.len() + BY_DESCRIPTION.len();
    assert_eq!(killed, all().count() - left);
    assert_eq!(seen(&outside), before);
    assert_eq!(std::fs::read(given.path("own")).unwrap(), b"own");
    assert_eq!(
        attempt("confined", "nothing", &given, &outside),
        "nothing to do"
    );
}

#[test]
fn without_landlock_the_filter_alone_ends_all_else() {
    let mut killed = 0;
    for what in all() {
        let (given, outside) = folders();
        let answer = attempt("no-landlock", what.name, &given, &outside);
        match answer.as_str() {
            "signal 31" => killed += 1,
            "ok" => assert!(BY_LANDLOCK.contains(&what.name), "{}", what.name),
            other => assert!(
                other == "error 18" && BY_DESCRIPTION.contains(&what.name),
                "{}: {other}",
                what.name
            ),
        }
    }
    let left = BY_LANDLOCK.len() + BY_DESCRIPTION.len();
    assert_eq!(killed, all().count() - left);
}

#[test]
fn a_running_server_holds_nothing_else() {
    let folder = Folder::new();
    // A descriptor that would be inherited.
    let leaked = rustix::io::dup(File::open("/etc").unwrap()).unwrap();
    let (machine, mut tree, root) = Machine::of(&folder, true);
    assert!(tree.getattr(root).is_ok());
    let process = format!("/proc/{}", machine.child.id());
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let line = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(line(set), "0000000000000000", "{set}");
    }
    assert_eq!(
        (line("NoNewPrivs:"), line("Seccomp:")),
        ("1".into(), "2".into())
    );
    assert_eq!(line("Threads:"), "1");
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"));
    // Whoever is privileged sees the descriptors: streams, /proc/self/fd, the held signal, the connection, the bind and its two handles.
    if let Ok(list) = std::fs::read_dir(format!("{process}/fd")) {
        let targets: Vec<_> = list
            .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap())
            .collect();
        assert!(targets.len() <= 10, "{targets:?}");
        let null = targets.iter().filter(|path| path.ends_with("null")).count();
        assert_eq!(null, 3, "{targets:?}");
        assert!(!targets.iter().any(|path| path.ends_with("etc")));
    }
    drop(leaked);
}

#[test]
fn a_server_dies_with_the_one_that_started_it() {
    let folder = Folder::new();
    let bound = bind(&folder.0, true);
    let started = std::thread::spawn(move || raw(&[bound])).join().unwrap();
    let (mut child, _connection) = started;
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

/// The words of a server that does not start.
fn refusal(mut command: Command, binds: &[Bind]) -> String {
    let (_own, its) = UnixStream::pair().unwrap();
    let (mut words, error) = std::io::pipe().unwrap();
    command.stderr(Stdio::from(error));
    let started = start(command, binds, its.as_fd());
    assert!(started.is_err());
    let mut said = String::new();
    words.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn what_is_no_folder_and_no_file_is_not_bound() {
    for (path, fits) in [
        ("/dev/null", false),
        ("/proc", false),
        ("/proc/self/status", false),
    ] {
        let command = Command::new(SERVER);
        let said = refusal(command, &[bind(path.as_ref(), fits)]);
        let without = said.contains("no Landlock");
        assert!(
            said.contains("bind 0 is neither") || without,
            "{path}: {said}"
        );
    }
    let mut command = Command::new(SERVER);
    command.arg("--other");
    assert!(refusal(command, &[]).contains(NO_LANDLOCK));
}

#[test]
fn inherited_descriptors_are_refused() {
    // As started by hand, without the function that lets nothing through.
    let leaked = rustix::io::dup(std::io::stderr()).unwrap();
    let output = Command::new(SERVER).stdin(Stdio::null()).output().unwrap();
    drop(leaked);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("descriptors were inherited"), "{said}");
}

#[test]
fn without_landlock_nothing_starts_unless_told() {
    let folder = Folder::new();
    folder.put("file", b"text");
    let mut command = Command::new(SERVER);
    command.arg(NO_LANDLOCK);
    let (child, own) = raw_as(command, &[bind(&folder.0, false)]);
    let machine = Machine::over(child, own);
    let mut tree = machine.tree(0);
    let root = tree.attach(b"").unwrap().handle;
    assert_eq!(content(&mut tree, root, b"file").unwrap(), b"text");
    if !landlock() {
        let said = refusal(Command::new(SERVER), &[bind(&folder.0, false)]);
        assert!(said.contains(NO_LANDLOCK), "{said}");
    }
}

#[test]
fn it_serves_an_ordinary_user() {
    // Only the superuser can become one.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    folder.put("secret", b"root's");
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    std::fs::set_permissions(folder.path("secret"), mode(0o600)).unwrap();
    std::fs::set_permissions(&folder.0, mode(0o777)).unwrap();
    let program = Folder::beneath("/dev/shm".as_ref());
    std::fs::set_permissions(&program.0, mode(0o755)).unwrap();
    // By another process: a descriptor for writing of this one might be in a child of another test, and the program could not start.
    let copied = Command::new("cp")
        .arg(SERVER)
        .arg(program.path("server"))
        .status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(program.path("server"));
    command.uid(65_534).gid(65_534);
    if !landlock() {
        command.arg(NO_LANDLOCK);
    }
    let (child, own) = raw_as(command, &[bind(&folder.0, true)]);
    let machine = Machine::over(child, own);
    let mut tree = machine.tree(0);
    let root = tree.attach(b"").unwrap().handle;
    let refused = content(&mut tree, root, b"secret");
    assert_eq!(refused, Err(sundog_protocols::file::FileError::EACCES));
    let made = tree.create(root, b"mine", BOTH, 0o644, OWNER).unwrap();
    assert_eq!(made.node.attr.uid, 65_534);
    assert_eq!(
        std::fs::metadata(folder.path("mine")).unwrap().uid(),
        65_534
    );
}
