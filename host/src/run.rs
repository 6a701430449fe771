//! `sundog run`: starts a machine for one program and behaves like that program.

mod consent;
mod explain;
mod linux;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::guarded;
use crate::image::{self, Busybox, Plan as Image};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Board, Machine, Port};
use crate::say;
use crate::session::pump::{Ends, are_one, run};
use crate::session::records::Records;
use crate::session::terminal::{Raw, size};
use crate::session::{End, Session, Terminals, signal};
use crate::streams::Listener;
use crate::tour;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write, stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;
use sundog_host_sys::{Signals, closed_streams};
use sundog_options::{Front, Parsed, Plan, Request, parse};

/// The program of a run that names none.
const SHELL: &[u8] = b"sh";
/// The status of a run that could not be made or did not end by itself.
const FAILED: u8 = 1;
/// How long init has to start the programs.
const START: Duration = Duration::from_secs(60);
/// The signals that a run takes instead of ending at once.
const SIGNALS: [u8; 6] = [
    signal::HUP,
    signal::INT,
    signal::QUIT,
    signal::TERM,
    signal::CONT,
    signal::WINCH,
];

/// Runs the program that the arguments name, a shell if there are none.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let words: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
    if !words.is_empty() {
        return match requested(&words) {
            Ok(plan) => start(&plan, &[]),
            Err(code) => Ok(code),
        };
    }
    let Some(first) = early(stdin())? else {
        // Without a program and without any input there is nothing that a shell could do.
        return tour::main(&[]);
    };
    let shell = Plan {
        program: SHELL.to_vec(),
        ..Plan::default()
    };
    start(&shell, &first)
}

/// What was read of an input to see that it is one: nothing from a terminal, else a byte; `None` if it ends before.
fn early(input: impl AsFd + IsTerminal) -> Result<Option<Vec<u8>>, Failure> {
    if input.is_terminal() {
        return Ok(Some(Vec::new()));
    }
    let first = first_byte(input)?;
    Ok((!first.is_empty()).then_some(first))
}

/// What the arguments ask for, or the status of what was answered at once.
fn requested(words: &[&[u8]]) -> Result<Plan, ExitCode> {
    let Parsed { warnings, request } = parse(Front::Run, words);
    for warning in warnings {
        say::warn(warning);
    }
    match request {
        Ok(Request::Run(plan)) => Ok(*plan),
        Ok(Request::Help) => Err(answered(say::print(sundog_options::help(Front::Run)))),
        Ok(Request::Version) => Err(answered(say::line(crate::VERSION))),
        Err(error) => {
            // A closed standard error is no other failure.
            drop(stderr().write_all(&error.message(Front::Run)));
            Err(ExitCode::from(error.exit_code()))
        }
    }
}

/// The status of what was answered at once.
fn answered(written: Result<(), Failure>) -> ExitCode {
    written.map_or_else(|failure| failure.told(), |()| ExitCode::SUCCESS)
}

/// One byte of standard input, or none if it ends before.
fn first_byte(input: impl AsFd) -> Result<Vec<u8>, Failure> {
    let mut byte = Vec::new();
    // The library's own buffer would keep what comes after it from the loop.
    let mut input = std::fs::File::from(
        rustix::io::dup(input).map_err(|error| Failure::system("standard input", error))?,
    );
    let read = Read::by_ref(&mut input).take(1).read_to_end(&mut byte);
    read.map_err(|error| Failure::system("cannot read standard input", error))?;
    Ok(byte)
}

/// Makes the machine and runs the program in it; `early` are bytes of standard input that were read already.
fn start(plan: &Plan, early: &[u8]) -> Result<ExitCode, Failure> {
    let consent = consent::read(plan)?;
    let mut image = Image::read(&images::manifest(images::SYSTEM), &images::native)?;
    for line in consent::without_device(plan, &image.system) {
        say::warn(Failure::new(line));
    }
    let mut machine = Machine::new(Board::Microvm, images::program(images::KERNEL)?);
    machine.memory = image.memory();
    machine.icount = plan.instruction_count;
    machine.command_line = format!("exit-with={}", image.irreplaceable().join(","));
    let Some(personality) = image.personality() else {
        return without_linux(&image, machine, plan);
    };
    // Behind what the manifest says.
    personality.arguments.extend(linux::arguments(
        plan,
        std::env::var("TERM").ok().as_deref(),
        closed_streams(),
    )?);
    // Held before there is any other thread.
    let signals =
        Signals::hold(&SIGNALS).map_err(|error| Failure::system("cannot take signals", error))?;
    let folder = Folder::new()?;
    let bytes = image.build(&images::native, &Busybox::of_system())?;
    machine.archive = Some(image::put(&bytes, &folder)?);
    machine.connected = vec![Port::Console, Port::Guarded, Port::Control];
    machine.logs_lines = false;
    if plan.explain {
        machine.connected.push(Port::KernelText);
    }
    let [console, control, guarded, kernel] = [
        Port::Console,
        Port::Control,
        Port::Guarded,
        Port::KernelText,
    ]
    .map(|port| {
        machine
            .connected
            .contains(&port)
            .then(|| Listener::new(port, &folder))
    });
    let process = Process::start(&machine, &folder)?;
    let stream = |listener: Option<Result<Listener, Failure>>| match listener {
        Some(listener) => listener?.stream(&process).map(Some),
        None => Ok(None),
    };
    let guarded = match guarded {
        Some(listener) => Some(guarded::connect(listener?, plan.serial.as_ref())?.1),
        None => None,
    };
    let (told, let_in) = guarded.map_or((None, None), |line| (line.told, line.let_in));
    let (Some(Some(console)), Some(Some(control))) = (stream(console)?, stream(control)?) else {
        return failed(&process.wait(Some(START))?, folder);
    };
    let kernel = stream(kernel)?.flatten();

    let (input, output, error) = (stdin(), stdout(), stderr());
    let terminals = Terminals {
        input: input.is_terminal(),
        output: output.is_terminal(),
        error: error.is_terminal(),
    };
    let screen = match (terminals.output, terminals.error) {
        (true, _) => Some(output.as_fd()),
        (false, true) => Some(error.as_fd()),
        (false, false) => None,
    };
    if terminals.error || plan.explain {
        let person = terminals.person();
        for line in explain::lines(plan, &image.system, told.as_deref(), person) {
            say::warn(Failure::new(line));
        }
    }
    let rows_and_columns = screen.map_or((24, 80), size);
    let mut records = Records::of_user();
    records.check();
    for line in records.take_troubles() {
        say::warn(Failure::new(line));
    }
    let mut session = Session::new(terminals, rows_and_columns, consent, records);
    if are_one(&output, &error) {
        session.keep_order();
    }
    session.tell_when_let_in(let_in);
    session.show(plan.trace || plan.trace_ipc, plan.explain);
    session.input(early, 0);
    let raw = match screen {
        Some(_) => Raw::enter(input.as_fd())
            .map_err(|error| Failure::system("cannot set the terminal", error))?,
        None => None,
    };
    let ends = Ends {
        input: input.as_fd(),
        output: output.as_fd(),
        error: error.as_fd(),
        screen,
        console: &console,
        control: &control,
        kernel: kernel.as_ref(),
        signals: Some(&signals),
        raw: raw.as_ref(),
    };
    let end = run(&mut session, &ends);
    drop(raw);
    for line in session.troubles() {
        say::warn(Failure::new(line));
    }
    match end? {
        End::Exit(status) => Ok(ExitCode::from(status)),
        End::Signal(number) => Ok(ExitCode::from(128 + number)),
        End::Unwritten(text) => Err(Failure::new(text)),
        End::Version(version) => Err(Failure::new(format!(
            "the machine speaks version {version} of the control channel, this command {}",
            sundog_protocols::control::VERSION
        ))),
        End::MachineEnded => failed(&process.wait(Some(START))?, folder),
    }
}

/// What a machine's end means that the program did not cause.
fn failed(outcome: &Outcome, folder: Folder) -> Result<ExitCode, Failure> {
    let text = Outcome::text(&Port::KernelText.log(&folder));
    let said = cause(outcome, &text);
    // Large, and the same each time.
    image::remove(&folder);
    Err(Failure::new(format!(
        "{said}\nlogs: {}",
        folder.keep().display()
    )))
}

/// Why the machine ended: where the system ended itself, the last words of init name the program.
fn cause(outcome: &Outcome, kernel_text: &str) -> String {
    let last = kernel_text.lines().rev();
    let words = last.filter_map(|line| line.strip_prefix("init: ")).next();
    match (outcome, words) {
        (Outcome::Passed | Outcome::Ended, Some(words)) => {
            let words = sundog_consent_core::names::escaped(words.trim_end());
            format!("the machine ended before the program did: {words}")
        }
        _ => outcome.to_string(),
    }
}

/// Starts an image that cannot run Linux programs, as far as it goes, and says so.
fn without_linux(image: &Image, mut machine: Machine, plan: &Plan) -> Result<ExitCode, Failure> {
    let folder = Folder::new()?;
    let bytes = image.build(&images::native, &Busybox::of_system())?;
    machine.archive = Some(image::put(&bytes, &folder)?);
    let process = Process::start(&machine, &folder)?;
    let log = Port::KernelText.log(&folder);
    let programs = image.programs();
    let line = format!("init: {} programs\n", programs.len());
    let outcome = process.wait_unless(START, &|| Outcome::text(&log).contains(&line))?;
    if plan.explain {
        for line in Outcome::text(&log).lines() {
            say::warn(sundog_consent_core::names::escaped(line));
        }
    }
    if let Some(outcome) = outcome {
        return failed(&outcome, folder);
    }
    say::warn(Failure::new(format!(
        "the machine starts, and init starts {}\nno Linux program is in this image yet, so {} cannot run",
        programs.join(" and "),
        sundog_consent_core::names::escaped(&String::from_utf8_lossy(&plan.program))
    )));
    Ok(ExitCode::from(FAILED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::pipe;

    #[test]
    fn a_machine_that_ended_itself_says_with_which_program() {
        let text = "init: 6 programs\ninit: linux gave up: linux: no\x1b memory\nsundog: 1\n";
        assert_eq!(
            cause(&Outcome::Ended, text),
            "the machine ended before the program did: linux gave up: linux: no\\u{1b} memory"
        );
        assert!(cause(&Outcome::Reset, text).contains("reset itself"));
        assert_eq!(cause(&Outcome::Ended, ""), Outcome::Ended.to_string());
    }

    #[test]
    fn an_input_that_ends_before_a_byte_is_none() {
        let (reader, writer) = pipe().unwrap();
        drop(writer);
        assert_eq!(
            early(File::from(std::os::fd::OwnedFd::from(reader))).unwrap(),
            None
        );
        assert_eq!(early(File::open("/dev/null").unwrap()).unwrap(), None);
    }

    #[test]
    fn one_byte_is_read_and_the_rest_stays() {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"exit 3\n").unwrap();
        drop(writer);
        let mut input = File::from(std::os::fd::OwnedFd::from(reader));
        assert_eq!(
            early(input.try_clone().unwrap()).unwrap(),
            Some(b"e".to_vec())
        );
        let mut rest = String::new();
        input.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "xit 3\n");
    }
}
