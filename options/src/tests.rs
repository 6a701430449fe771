//! Tests of table, parser, help and reference page.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::collections::HashSet;

use crate::parse::parse_known;
use crate::table::Action;
use crate::*;

fn run(front: Front, line: &str) -> Parsed {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    parse(front, &arguments)
}

fn plan(front: Front, line: &str) -> Plan {
    match run(front, line).request {
        Ok(Request::Run(plan)) => *plan,
        other => panic!("{line}: {other:?}"),
    }
}

fn message(front: Front, line: &str) -> String {
    let error = run(front, line).request.expect_err(line);
    assert_eq!(error.exit_code(), 1);
    String::from_utf8(error.message(front)).unwrap()
}

#[test]
fn table_is_sound() {
    let names: HashSet<&str> = OPTIONS.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), OPTIONS.len(), "a name occurs twice");
    let bubblewrap = OPTIONS
        .iter()
        .filter(|spec| spec.fronts.contains(Front::Bwrap));
    assert_eq!(bubblewrap.count(), 67, "bubblewrap 0.11.1 has 67 options");
    for spec in OPTIONS {
        assert!(spec.name.starts_with("--"), "{}", spec.name);
        assert!(spec.arguments.len() <= 3, "{}", spec.name);
        assert!(!spec.meaning.ends_with('.'), "{}", spec.name);
        assert!(
            spec.status != Status::Works || spec.action != Action::Nothing,
            "{} is said to work but has no action",
            spec.name
        );
    }
}

#[test]
fn every_option_that_does_not_work_is_an_error() {
    for spec in OPTIONS {
        if spec.status == Status::Works {
            continue;
        }
        for front in Front::ALL {
            if !spec.fronts.contains(front) {
                continue;
            }
            let mut line = vec![spec.name];
            line.extend(spec.arguments.iter().map(|_| "1"));
            line.push("program");
            let text = match spec.status {
                Status::Never(reason) => std::format!("is not supported: {reason}"),
                _ => "is not supported yet".into(),
            };
            let error = parse(front, &line).request.unwrap_err();
            let expected = std::format!("{}: {} {text}\n", front.name(), spec.name);
            assert_eq!(error.message(front), expected.as_bytes());
        }
    }
    let text = message(Front::Bwrap, "--overlay a b c true");
    assert_eq!(text, "bwrap: --overlay is not supported yet\n");
}

#[test]
fn operations_keep_their_order() {
    let plan = plan(
        Front::Sandbox,
        "--ro-bind / / --tmpfs /a --perms 0700 --size 2M --tmpfs /b --perms 1777 --dir /c --dir /d --proc /proc --dev /dev \
         --symlink t l --bind x y --dev-bind v w prog --bind a",
    );
    let bind = |source: &str, dest: &str, mode| Operation::Bind {
        source: source.into(),
        dest: dest.into(),
        mode,
    };
    assert_eq!(
        plan.operations,
        [
            bind("/", "/", BindMode::ReadOnly),
            Operation::Tmpfs {
                dest: "/a".into(),
                size: None,
                perms: 0o755
            },
            Operation::Tmpfs {
                dest: "/b".into(),
                size: Some(2 << 20),
                perms: 0o700
            },
            Operation::Dir {
                dest: "/c".into(),
                perms: 0o1777
            },
            Operation::Dir {
                dest: "/d".into(),
                perms: 0o755
            },
            Operation::Proc {
                dest: "/proc".into()
            },
            Operation::Dev {
                dest: "/dev".into()
            },
            Operation::Symlink {
                target: "t".into(),
                dest: "l".into()
            },
            bind("x", "y", BindMode::ReadWrite),
            bind("v", "w", BindMode::Device),
        ]
    );
    assert_eq!(plan.program, b"prog");
    assert_eq!(plan.arguments, [b"--bind".to_vec(), b"a".to_vec()]);
}

#[test]
fn settings() {
    let plan = plan(
        Front::Run,
        "--mem 512M --cpus 2 --pids 100 --allow camera --allow serial:0=once --allow net=always --deny microphone \
         --policy p --trace --trace-ipc --serial unix:/s --chdir /d --hostname h --unshare-net --unshare-user-try -- --help",
    );
    assert_eq!((plan.memory, plan.memory_within), (Some(512 << 20), None));
    assert_eq!((plan.cpus, plan.pids), (Some(2), Some(100)));
    let rule = |resource: &str, decision| Rule {
        resource: resource.into(),
        decision,
    };
    assert_eq!(
        plan.rules,
        [
            rule("camera", Decision::Run),
            rule("serial:0", Decision::Once),
            rule("net", Decision::Always),
            rule("microphone", Decision::Deny),
        ]
    );
    assert_eq!(plan.policy, Some(b"p".to_vec()));
    assert!(plan.trace && plan.trace_ipc);
    assert_eq!(plan.serial, Some(Serial::Unix(b"/s".to_vec())));
    assert_eq!(plan.chdir, Some(b"/d".to_vec()));
    assert_eq!(plan.hostname, Some(b"h".to_vec()));
    let expected = Unshare {
        net: true,
        user: true,
        ..Unshare::default()
    };
    assert_eq!(plan.unshare, expected);
    assert_eq!(plan.program, b"--help");
}

#[test]
fn planned_settings_parse() {
    let works = |_: &Spec| Status::Works;
    let line = [
        "--explain",
        "--accel",
        "tcg",
        "--icount",
        "--argv0",
        "-sh",
        "sh",
    ];
    let Ok(Request::Run(plan)) = parse_known(Front::Run, &line, works).request else {
        panic!()
    };
    assert!(plan.explain && plan.instruction_count);
    assert_eq!(plan.accelerator, Some(Accelerator::Tcg));
    assert_eq!(plan.argv0, Some(b"-sh".to_vec()));
    let error = |line: &[&str]| {
        parse_known(Front::Run, line, works)
            .request
            .unwrap_err()
            .message(Front::Run)
    };
    assert_eq!(
        error(&["--accel", "xen"]),
        b"sundog run: --accel takes auto, tcg or kvm, not 'xen'\n"
    );
    let twice = ["--argv0", "a", "--argv0", "b"];
    assert_eq!(error(&twice), b"sundog run: --argv0 used multiple times\n");
    // A status alone does not make an option work.
    let error = parse_known(Front::Run, &["--mask", "/x", "sh"], works).request;
    assert_eq!(error, Err(Error::NotYet("--mask")));
}

#[test]
fn environment_in_order() {
    let plan = plan(
        Front::Bwrap,
        "--setenv X 1 --clearenv --setenv Y 2 --setenv Z 3 --setenv Y 4 --unsetenv Q env",
    );
    let caller = vec![(b"A".to_vec(), b"1".to_vec())];
    let expected = [("Y", "4"), ("Z", "3")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(plan.environment_from(caller), expected);
}

#[test]
fn sizes() {
    assert_eq!(parse_size(b"0"), Ok(0));
    assert_eq!(parse_size(b"4096"), Ok(4096));
    assert_eq!(parse_size(b"1k"), Ok(1024));
    assert_eq!(parse_size(b"3G"), Ok(3 << 30));
    assert_eq!(parse_size(b"18446744073709551615"), Ok(u64::MAX));
    assert_eq!(
        parse_size(b"18446744073709551616"),
        Err(NumberFault::TooLarge)
    );
    assert_eq!(parse_size(b"17179869183G"), Ok(17_179_869_183 << 30));
    assert_eq!(parse_size(b"17179869184G"), Err(NumberFault::TooLarge));
    for empty in ["", "K"] {
        assert_eq!(
            parse_size(empty.as_bytes()),
            Err(NumberFault::Empty),
            "{empty}"
        );
    }
    for bad in [
        "1KB", "1.5G", "-1", "+1", " 1", "1 ", "0x10", "1T", "KK", "1MK",
    ] {
        assert_eq!(
            parse_size(bad.as_bytes()),
            Err(NumberFault::NotANumber),
            "{bad}"
        );
    }
}

#[test]
fn bad_values_say_what_is_expected() {
    let cases = [
        (
            "--mem 0 x",
            "sundog run: --mem takes a number above zero: '0'\n",
        ),
        ("--mem 1Q x", "sundog run: --mem takes a number: '1Q'\n"),
        (
            "--mem 99999999999G x",
            "sundog run: --mem takes a smaller number: '99999999999G'\n",
        ),
        (
            "--cpus 257 x",
            "sundog run: --cpus takes a smaller number: '257'\n",
        ),
        (
            "--pids 0 x",
            "sundog run: --pids takes a number above zero: '0'\n",
        ),
        (
            "--allow camera=ask x",
            "sundog run: --allow takes RES[=once|run|always], not 'camera=ask'\n",
        ),
        (
            "--allow =run x",
            "sundog run: --allow takes RES[=once|run|always], not ''\n",
        ),
        ("--deny a=b x", "sundog run: --deny takes RES, not 'a=b'\n"),
        (
            "--serial tty x",
            "sundog run: --serial takes pty, file:PATH or unix:PATH, not 'tty'\n",
        ),
        (
            "--serial file: x",
            "sundog run: --serial takes pty, file:PATH or unix:PATH, not 'file:'\n",
        ),
        (
            "--setenv A=B C x",
            "sundog run: --setenv: a variable's name must not be empty or contain '=': 'A=B'\n",
        ),
        (
            "--perms 7 x",
            "sundog run: --perms must be followed by an option that creates a file\n",
        ),
        (
            "--size 7 -- x",
            "sundog run: --size must be followed by --tmpfs\n",
        ),
        ("--frob x", "sundog run: Unknown option --frob\n"),
    ];
    for (line, text) in cases {
        assert_eq!(message(Front::Run, line), text);
    }
}

#[test]
fn limits_are_inclusive() {
    let limits = plan(Front::Run, "--cpus 256 --pids 4194304 x");
    assert_eq!((limits.cpus, limits.pids), (Some(256), Some(1 << 22)));
    let name = "h".repeat(64);
    assert!(
        plan(Front::Run, &std::format!("--hostname {name} x"))
            .hostname
            .is_some()
    );
    let text = message(
        Front::Bwrap,
        &std::format!("--unshare-uts --hostname {name}h x"),
    );
    assert_eq!(
        text,
        std::format!("bwrap: Can't set hostname to {name}h: Invalid argument\n")
    );
}

#[test]
fn own_options_are_unknown_to_bwrap() {
    for line in ["--mem 1G x", "--allow camera x", "--trace x"] {
        assert!(message(Front::Bwrap, line).starts_with("bwrap: Unknown option --"));
    }
    assert_eq!(
        message(Front::Sandbox, "--accel tcg x"),
        "sandbox: Unknown option --accel\n"
    );
    assert_eq!(
        message(Front::Bwrap, "--size 1K --tmpfs /x x"),
        "bwrap: --size takes a non-zero number of bytes\n"
    );
}

#[test]
fn bytes_are_not_text() {
    let plan = parse(
        Front::Bwrap,
        &[&b"--dir"[..], b"/\xff\xfe", b"/bin/\x80", b"\n\xc3"],
    );
    let Ok(Request::Run(plan)) = plan.request else {
        panic!()
    };
    assert_eq!(plan.program, b"/bin/\x80");
    assert_eq!(plan.arguments, [b"\n\xc3".to_vec()]);
    let error = parse(Front::Bwrap, &[b"--\xff\x1b".as_slice()])
        .request
        .unwrap_err();
    assert_eq!(
        error.message(Front::Bwrap),
        b"bwrap: Unknown option --\xff\x1b\n"
    );
    assert_eq!(
        error.message(Front::Run),
        b"sundog run: Unknown option --\\xff\\x1b\n"
    );
    let nul = parse(Front::Run, &[b"a\0b".as_slice()]).request;
    assert_eq!(nul, Err(Error::Nul));
}

#[test]
fn programs_that_look_like_options() {
    assert_eq!(plan(Front::Bwrap, "-- --bind a").program, b"--bind");
    assert_eq!(
        parse(Front::Bwrap, &[""]).request,
        Ok(Request::Run(Box::default()))
    );
    assert_eq!(run(Front::Run, "").request, Err(Error::NoProgram));
    assert_eq!(
        run(Front::Run, "--ro-bind / / --").request,
        Err(Error::NoProgram)
    );
}

#[test]
fn last_setting_counts_with_a_warning() {
    let parsed = run(Front::Sandbox, "--mem 1G --mem 2G --chdir a --chdir b x");
    assert_eq!(
        parsed.warnings,
        [
            "sandbox: Only the last --mem option will take effect",
            "sandbox: Only the last --chdir option will take effect",
        ]
    );
    let Ok(Request::Run(plan)) = parsed.request else {
        panic!()
    };
    assert_eq!(plan.memory, Some(2 << 30));
    assert_eq!(plan.chdir, Some(b"b".to_vec()));
}

#[test]
fn help_lists_what_works_and_names_the_rest() {
    for front in Front::ALL {
        assert_eq!(run(front, "--help --frob").request, Ok(Request::Help));
        assert_eq!(
            run(front, "--perms 7 --version").request,
            Ok(Request::Version)
        );
        let text = help(front);
        assert!(text.starts_with(&std::format!(
            "usage: {} [OPTIONS...] [--] COMMAND [ARGS...]\n",
            front.name()
        )));
        let (works, rest) = text.split_once("Known, but an error today:").unwrap();
        for spec in OPTIONS {
            let listed = |part: &str| part.split_whitespace().any(|word| word == spec.name);
            let known = spec.fronts.contains(front);
            let working = spec.status == Status::Works;
            assert_eq!(
                works.contains(&std::format!("\n    {} ", spec.name)),
                known && working
            );
            assert_eq!(listed(rest), known && !working, "{}", spec.name);
        }
        assert!(rest.lines().all(|line| line.len() <= 84));
    }
    assert_eq!(Front::Bwrap.version(), "bubblewrap 0.8.0");
    let text = String::from_utf8(Error::NoProgram.message(Front::Run)).unwrap();
    assert_eq!(text, help(Front::Run));
}

#[test]
fn reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/options.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/options.md is stale; run: cargo run -p sundog-options --example docs > docs/options.md"
    );
}
