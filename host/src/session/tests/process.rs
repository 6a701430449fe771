//! Runs in processes of their own: what a signal, a panic or a kill leaves behind.

use super::fake::Machine;
use super::terminal::pair;
use crate::folder::Folder;
use crate::process::Process;
use crate::process::test_kernel::{HALT, elf};
use crate::qemu::{Board, Machine as Qemu};
use crate::session::pump::{Ends, run};
use crate::session::records::Records;
use crate::session::terminal::Raw;
use crate::session::{Consent, End, Session, Terminals, signal};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::env;
use std::io::{Read, stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use sundog_host_sys::Signals;

/// What the process of its own does; not set in the tests themselves.
const ROLE: &str = "SUNDOG_TEST_ROLE";

/// Starts this test program again to play a role, with a terminal as its standard input.
fn start(role: &str, terminal: &OwnedFd) -> Child {
    // The harness runs a test in a thread of its own; the main thread holds these signals back only if it was started so.
    Command::new("env")
        .arg("--block-signal=TERM,HUP,INT,CONT")
        .arg(env::current_exe().unwrap())
        .args(["--exact", "session::tests::process::role", "--nocapture"])
        .env(ROLE, role)
        .stdin(terminal.try_clone().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_raw(terminal: &OwnedFd) -> bool {
    !tcgetattr(terminal)
        .unwrap()
        .local_modes
        .contains(LocalModes::ICANON)
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).unwrap()
}

/// Not a test by itself: what the started processes do.
#[test]
fn role() {
    match env::var(ROLE).as_deref() {
        Ok("loop") => play_loop(),
        Ok("panic") => {
            let _raw = Raw::enter(stdin().as_fd()).unwrap().unwrap();
            thread::sleep(Duration::from_millis(300));
            panic!("on purpose");
        }
        Ok("qemu") => play_qemu(),
        _ => {}
    }
}

/// A run whose machine never answers; its end by a signal is the process' status.
fn play_loop() {
    let numbers = [signal::TERM, signal::HUP, signal::INT, signal::CONT];
    let signals = Signals::hold(&numbers).unwrap();
    let (_machine, console, control) = Machine::new();
    let raw = Raw::enter(stdin().as_fd()).unwrap();
    let terminals = Terminals {
        input: true,
        output: false,
        error: false,
    };
    let records = Records::at("/nonexistent".into());
    let mut session = Session::new(terminals, (24, 80), Consent::default(), records);
    let (input, output) = (stdin(), stdout());
    let ends = Ends {
        input: input.as_fd(),
        output: output.as_fd(),
        error: output.as_fd(),
        screen: None,
        console: &console,
        control: &control,
        kernel: None,
        signals: Some(&signals),
        raw: raw.as_ref(),
    };
    let end = run(&mut session, &ends).unwrap();
    drop(raw);
    let End::Signal(number) = end else {
        panic!("{end:?}")
    };
    std::process::exit(128 + i32::from(number));
}

/// A machine that runs for ever; its process' number goes to standard output.
fn play_qemu() {
    let folder = Folder::new().unwrap();
    let kernel = folder.file("kernel");
    std::fs::write(&kernel, elf(&HALT)).unwrap();
    let process = Process::start(&Qemu::new(Board::Microvm, kernel), &folder).unwrap();
    println!("\nqemu {} in {}", process.id(), folder.path().display());
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for (number, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let (_person, terminal) = pair();
        let mut child = start("loop", &terminal);
        until("raw mode", || is_raw(&terminal));
        kill_process(pid(&child), number).unwrap();
        let ended: ExitStatus = child.wait().unwrap();
        assert_eq!(ended.code(), Some(status), "{ended}");
        assert!(!is_raw(&terminal));
    }
}

#[test]
fn a_run_that_goes_on_after_a_stop_has_its_terminal_back() {
    let (_person, terminal) = pair();
    let before = tcgetattr(&terminal).unwrap();
    let mut child = start("loop", &terminal);
    until("raw mode", || is_raw(&terminal));
    // The shell that takes over at a stop sets the terminal as it likes it.
    kill_process(pid(&child), Signal::STOP).unwrap();
    tcsetattr(&terminal, OptionalActions::Now, &before).unwrap();
    assert!(!is_raw(&terminal));
    kill_process(pid(&child), Signal::CONT).unwrap();
    until("raw mode again", || is_raw(&terminal));
    kill_process(pid(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    assert!(!is_raw(&terminal));
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let (_person, terminal) = pair();
    let mut child = start("panic", &terminal);
    until("raw mode", || is_raw(&terminal));
    assert!(!child.wait().unwrap().success());
    assert!(!is_raw(&terminal));
}

#[test]
fn a_killed_caller_leaves_no_machine() {
    let (_person, terminal) = pair();
    let mut child = start("qemu", &terminal);
    let mut output = child.stdout.take().unwrap();
    let (mut text, mut byte) = (String::new(), [0]);
    while !text.contains("qemu ") || !text.ends_with('\n') {
        assert_eq!(output.read(&mut byte).unwrap(), 1, "{text}");
        text.push(char::from(byte[0]));
    }
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("qemu "))
        .unwrap();
    let (number, folder) = line.split_once(" in ").unwrap();
    let qemu = Pid::from_raw(number.parse().unwrap()).unwrap();
    assert!(test_kill_process(qemu).is_ok(), "it runs");
    child.kill().unwrap();
    child.wait().unwrap();
    let status = format!("/proc/{number}/stat");
    // Until somebody waits for it, a dead process has the state Z.
    let gone = || std::fs::read_to_string(&status).map_or(true, |line| line.contains(") Z"));
    until("the machine outlives its caller", gone);
    // The next run removes what the killed one left.
    drop(Folder::new().unwrap());
    assert!(!std::path::Path::new(folder).exists());
}
