//! `sundog run` as its caller meets it: real machines, behind pipes and behind a terminal, and what ends them.

mod pty;
mod shared;

use pty::Terminal;
use shared::{Place, one, text};
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long something that must happen may take.
const LIMIT: Duration = Duration::from_secs(60);

fn sundog(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundog"));
    command.arg("run").args(words).env("TERM", "xterm");
    command
}

/// Runs a program with this input through pipes.
fn piped(words: &[&str], input: &[u8]) -> Output {
    let mut child = sundog(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that reads nothing leaves a pipe without a reader.
    let writer = thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Runs a program of a shell's with streams closed as `closed` says.
fn with_closed(closed: &str, words: &str) -> Output {
    let line = format!("exec \"$0\" run {words} {closed}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_sundog")]);
    shell.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn streams_that_are_closed_are_closed_for_the_program() {
    let look = "busybox sh -c 'for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && echo $n; done >/tmp/x; set -- $(cat /tmp/x); exit $#$1'";
    // Two are open, and the first of them has this number.
    let output = with_closed("<&-", look);
    assert_eq!(output.status.code(), Some(21), "{output:?}");
    let output = with_closed("2>&-", look);
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    let output = with_closed(">&-", "busybox echo x");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stderr).contains("Bad file descriptor"),
        "{output:?}"
    );
    // What leads nowhere is something else.
    let output = with_closed(">/dev/null 2>&1 </dev/null", "busybox echo x");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// Whether the condition comes true in time.
fn comes(mut condition: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < LIMIT {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

/// The machine that a command started, once it is there.
fn emulator_of(command: &Child) -> u32 {
    let mut found = None;
    let is_there = comes(|| {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        found = numbers.find(|number: &u32| {
            let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            let (name, rest) = stat.rsplit_once(')').unwrap_or_default();
            let parent = rest.split_whitespace().nth(1);
            name.contains("(qemu-system") && parent == Some(&command.id().to_string())
        });
        found.is_some()
    });
    assert!(is_there, "no machine was started");
    found.unwrap()
}

fn kill(process: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn bytes_go_through_unchanged_and_standard_error_stays_apart() {
    let _one = one();
    let bytes: Vec<u8> = (0..100 * 1024u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let output = piped(&["sh", "-c", "cat; echo apart >&2"], &bytes);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stdout == bytes, "{} bytes", output.stdout.len());
    assert_eq!(text(&output.stderr), "apart\n");
}

#[test]
fn output_that_no_input_is_read_for_is_whole() {
    let _one = one();
    let output = piped(&["head", "-c", "40000", "/dev/zero"], &[b'x'; 1000]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(output.stdout.len(), 40_000);
}

#[test]
fn two_streams_into_one_pipe_keep_the_order_of_the_writes() {
    let _one = one();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let script =
        "i=0; while [ $i != 1000 ]; do echo out $i; echo error $i >&2; i=$((i + 1)); done; no-such";
    let mut command = sundog(&["sh", "-c", script]);
    command.stdin(Stdio::null());
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // The command holds the pipe's other ends too.
    drop(command);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(127));
    let mut wanted: String = (0..1000)
        .map(|number| format!("out {number}\nerror {number}\n"))
        .collect();
    wanted += "sh: no-such: not found\n";
    assert_eq!(said, wanted);
}

#[test]
fn the_status_is_the_programs() {
    let _one = one();
    for (words, status) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 3"], 3),
        (&["no-such-program"], 127),
        (&["sh", "-c", "kill -TERM $$"], 128 + 15),
    ] {
        let output = piped(words, b"");
        assert_eq!(output.status.code(), Some(status), "{words:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let _one = one();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = sundog(&["echo", "hi"])
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
}

#[test]
fn an_input_that_cannot_be_read_is_an_end_of_input() {
    let mut command = sundog(&["sh", "-c", "cat; echo end"]);
    let command = command.stdin(fs::File::open("/").unwrap());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "end\n");
    let said = text(&output.stderr);
    assert!(
        said.contains("sundog: cannot read standard input: Is a directory"),
        "{said}"
    );
}

#[test]
fn without_a_terminal_only_an_option_opens_a_device() {
    let _one = one();
    let read = ["head", "-n", "1", "/dev/ttyS1"];
    let denied = piped(&read, b"");
    assert_ne!(denied.status.code(), Some(0));
    let said = text(&denied.stderr);
    assert!(said.contains("there is no terminal to ask on"), "{said}");
    assert!(said.contains("--allow serial"), "{said}");
    let allowed = piped(&[&["--allow", "serial1=once"], &read[..]].concat(), b"");
    let (status, said) = (allowed.status.code(), text(&allowed.stderr));
    assert_eq!((status, &*said), (Some(0), ""));
    assert!(allowed.stdout.starts_with(b"line "));
}

/// What was allowed for always is kept for the program, the device, and what the sandbox was given.
#[test]
fn an_answer_for_always_holds_for_the_same_and_no_other() {
    let _one = one();
    let state = std::env::temp_dir().join(format!("sundog-always-{}", std::process::id()));
    let status = |words: &[&str]| {
        let mut command = sundog(words);
        let command = command.env("XDG_STATE_HOME", &state);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let read = ["head", "-n", "1", "/dev/ttyS1"];
    let always = status(&[&["--allow", "serial1=always"], &read[..]].concat());
    assert_eq!(always.0, Some(0), "{}", always.1);
    let again = status(&read);
    assert_eq!(again.0, Some(0), "{}", again.1);
    for other in [
        &["head", "-n", "2", "/dev/ttyS1"][..],
        &["--setenv", "A", "b", "head", "-n", "1", "/dev/ttyS1"],
        &["cat", "/dev/ttyS1"],
    ] {
        assert_ne!(status(other).0, Some(0), "{other:?}");
    }
    let log = fs::read_to_string(state.join("sundog/log.jsonl")).unwrap();
    assert!(log.contains("\"decided_by\":\"store\""), "{log}");
    assert!(!log.contains(&format!("\"manifest_hash\":\"{}\"", "0".repeat(64))));
    fs::remove_dir_all(&state).unwrap();
}

#[test]
fn a_file_is_the_guarded_device_from_its_beginning_and_stays_as_it_is() {
    let place = Place::new("device");
    let file = place.0.join("lines");
    fs::write(&file, "one\ntwo\nthree\n").unwrap();
    let serial = format!("file:{}", file.display());
    let words = ["--serial", &serial, "--allow", "serial1=once"];
    // Nobody is there at first, and what would have come is not lost.
    let script = "sleep 1.5; head -n 2 /dev/ttyS1";
    let output = piped(&[&words[..], &["sh", "-c", script]].concat(), b"");
    assert_eq!(text(&output.stdout), "one\ntwo\n", "{output:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn options_change_what_the_program_sees() {
    let _one = one();
    let mut words = vec!["--clearenv", "--setenv", "A", "b c", "--setenv", "C", "d"];
    words.extend(["--unsetenv", "C", "--chdir", "/tmp", "--hostname", "inside"]);
    words.extend(["sh", "-c", "pwd; hostname; export -p"]);
    let output = piped(&words, b"");
    let said = text(&output.stdout);
    assert!(said.starts_with("/tmp\ninside\n"), "{said}");
    assert!(said.contains("A='b c'") && !said.contains("C="), "{said}");
    assert!(!said.contains("HOME") && !said.contains("TERM"), "{said}");
    let output = piped(&["sh", "-c", "echo $HOME $TERM"], b"");
    assert_eq!(text(&output.stdout), "/root xterm\n");
    let output = piped(&["--chdir", "/nowhere", "true"], b"");
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("/nowhere: not found"));
}

#[test]
fn a_shell_at_a_terminal_has_job_control_and_leaves_the_terminal_as_it_was() {
    let _one = one();
    let mut terminal = Terminal::new();
    let before = terminal.settings();
    let mut child = terminal.start(sundog(&["sh"]));
    terminal
        .waits_for("help lists six things to try; Ctrl-] calls Sundog: grants, revoke, stop\r\n");
    terminal.waits_for("sundog:/# ");
    assert_ne!(terminal.settings(), before, "it is in raw mode");
    terminal.types("sh -c 'echo begun; exec sleep 100'\n");
    terminal.waits_for("\nbegun\r\n");
    terminal.types("\x03");
    terminal.waits_for("# ");
    terminal.types("echo status $?\n");
    terminal.waits_for("\nstatus 130\r\n");
    // What is typed ahead of a question is no answer, and no later command either.
    terminal.types("head -n 1 /dev/ttyS1; echo =$?\nonce\n");
    terminal.waits_for("Sundog asks");
    terminal.types("always\n");
    terminal.waits_for("Type one of these words");
    terminal.types("deny\n");
    terminal.waits_for("Permission denied\r\n=1\r\n");
    terminal.waits_for("# ");
    terminal.types("sh -c 'echo begun; read word; echo got $word'\n");
    terminal.waits_for("\nbegun\r\n");
    terminal.types("\x1a");
    terminal.waits_for("Stopped");
    terminal.waits_for("# ");
    terminal.types("fg\n");
    terminal.waits_for("sh -c \"echo begun; read word");
    terminal.types("light\n");
    terminal.waits_for("\ngot light\r\n");
    terminal.waits_for("# ");
    terminal.types("exit 3\n");
    assert_eq!(terminal.ends(&mut child).code(), Some(3));
    terminal.never("not found");
    assert_eq!(terminal.settings(), before);
}

#[test]
fn sigterm_ends_the_program_and_gives_the_terminal_back() {
    let _one = one();
    let mut terminal = Terminal::new();
    let before = terminal.settings();
    let mut child = terminal.start(sundog(&["sh", "-c", "echo begun; exec sleep 100"]));
    let emulator = emulator_of(&child);
    terminal.waits_for("begun\r\n");
    kill(child.id(), rustix::process::Signal::TERM);
    assert_eq!(terminal.ends(&mut child).code(), Some(128 + 15));
    assert_eq!(terminal.settings(), before);
    assert!(!is_alive(emulator));
}

#[test]
fn a_killed_emulator_is_an_error_that_gives_the_terminal_back() {
    let _one = one();
    let mut terminal = Terminal::new();
    let before = terminal.settings();
    let mut child = terminal.start(sundog(&["sh", "-c", "echo begun; exec sleep 100"]));
    let emulator = emulator_of(&child);
    terminal.waits_for("begun\r\n");
    kill(emulator, rustix::process::Signal::KILL);
    terminal.waits_for("sundog: QEMU was ended by signal 9");
    assert_eq!(terminal.ends(&mut child).code(), Some(1));
    assert_eq!(terminal.settings(), before);
}

#[test]
fn a_killed_command_leaves_no_emulator() {
    let _one = one();
    let terminal = Terminal::new();
    let mut child = terminal.start(sundog(&["sleep", "100"]));
    let emulator = emulator_of(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(comes(|| !is_alive(emulator)));
}

#[test]
fn a_machine_that_ended_itself_is_an_error_with_its_last_words() {
    let place = Place::new("ended");
    let arguments = place.0.join("arguments");
    // A stand-in for a machine whose personality has died: it writes what init says and ends as init ends it.
    let script = format!(
        "echo \"$@\" >'{}'\necho 'init: linux gave up: linux: lost' >kernel.log\nexit 37",
        arguments.display()
    );
    place.script("qemu-system-x86_64", &script);
    let output = sundog(&["true"])
        .env("PATH", &place.0)
        .env("TMPDIR", &place.0)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, given) = (text(&output.stderr), fs::read_to_string(arguments).unwrap());
    assert_eq!(output.status.code(), Some(1));
    let words = "the machine ended before the program did: linux gave up: linux: lost";
    assert!(said.contains(words), "{said}");
    let logs = said.split_once("logs: ").map(|(_, path)| path.trim_end());
    let logs = std::path::Path::new(logs.unwrap());
    assert!(logs.join("kernel.log").exists() && !logs.join("boot.package").exists());
    let names = given
        .split_whitespace()
        .find_map(|word| word.strip_prefix("exit-with="));
    let mut names: Vec<_> = names.unwrap_or_default().split(',').collect();
    names.sort_unstable();
    assert_eq!(names, ["consent", "console", "linux", "serial0", "serial2"]);
}
