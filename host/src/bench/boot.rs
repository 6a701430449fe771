//! How long a start takes, and how much memory a system and a sandbox in it hold, in the system that a person starts.
//!
//! What the command `run` would answer on the control line a program within the machine answers, in the place of that line's driver: an
//! answer from outside takes this computer's time, which no two runs share.

use super::figure::{Figure, Unit};
use super::machine;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::image::{self, Busybox, Plan};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Machine, Port};
use crate::streams::Listener;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;
use sundog_manifest::Kind;
use sundog_manifest::host::{Grant, Member};

/// The driver of the terminal's line, which tells when the first bytes were sent, and the program behind it.
const DRIVER: &str = "serial0";
const SHELL: &str = "linux";
/// The driver of the control line, and what plays the host in its place.
const CONTROL: &str = "serial2";
const PLAYER: (&str, &str) = ("bench", "host");
/// What the command `run` tells the personality of a person's shell.
const ARGUMENTS: [&str; 6] = ["--time", "1800000000", "--setenv", "TERM=xterm", "--", "sh"];
/// The end of the prompt of a shell of root.
const PROMPT: &[u8] = b":/# ";
/// What is typed at the prompt: what of the sandbox's memory is free, told by the shell itself.
const TYPED: &[u8] = b"while read a b c; do echo \"$a $b.\"; done </proc/meminfo; echo that=all\n";
/// How what it tells ends, and what is typed then.
const TOLD: &[u8] = b"\nthat=all\r\n";
const THEN: &[u8] = b"exit\n";
/// MiB of the machine: as much as the Linux had whose figures are the anchors.
const MEMORY: u32 = 512;
/// The limit of a run, ten times what it takes.
const LIMIT: Duration = Duration::from_secs(60);
/// How long nothing is typed when what was waited for has come: what arrives while the driver still sends, and before it has looked at
/// the counter, would count.
const QUIET: Duration = Duration::from_millis(200);
const PAGE: u64 = 4096;

/// What init tells of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Report {
    entered: u64,
    began: u64,
    left: u64,
}

/// Starts the system twice, without and with the Linux shell.
pub fn count() -> Result<Vec<Figure>, Failure> {
    let (idle, idle_package) = idle()?;
    let (shell, console, kernel, package) = shell()?;
    let shown = String::from_utf8_lossy(&console);
    let prompt = find(&console, PROMPT).and_then(|at| sent(&kernel, at + PROMPT.len()));
    let (Some(prompt), Some(free)) = (prompt, free(&shown)) else {
        return Err(Failure::new(format!(
            "bench: the shell's start is not told\n{kernel}\n{shown}"
        )));
    };
    // The package of the second start is larger by the personality and its files; they are not the sandbox's.
    let packages = pages(package) - pages(idle_package);
    let sandbox = idle.left - shell.left - packages - free - spare()?;
    let since_entry = |tick: u64| tick - shell.entered;
    Ok(vec![
        Figure::instructions("boot_firmware", shell.entered).recorded(Unit::Instructions),
        Figure::instructions("boot_init", since_entry(shell.began)),
        Figure::instructions("boot_shell", since_entry(prompt)),
        Figure::bytes("memory_idle", (u64::from(MEMORY) << 20) - idle.left),
        Figure::bytes("memory_sandbox", sandbox),
    ])
}

/// The system, with a driver of the terminal's line that tells when it sent.
fn plan() -> Result<Plan, Failure> {
    let mut plan = Plan::read(&images::manifest(images::SYSTEM), &images::native)?;
    let driver = program(&mut plan, DRIVER)?;
    let last = driver.capabilities.last();
    let slot = last.map_or(16, |grant| grant.slot + 1);
    let rights = driver
        .capabilities
        .iter()
        .find(|grant| is_device(grant))
        .map(|grant| grant.rights);
    driver.capabilities.push(Grant {
        line: 0,
        name: "debug".to_owned(),
        slot,
        rights: rights.unwrap_or_default(),
        kind: Kind::IoPorts {
            first: 0xe9,
            count: 1,
        },
    });
    Ok(plan)
}

/// The same with the personality's arguments and the player.
fn played() -> Result<Plan, Failure> {
    let mut plan = plan()?;
    let words = ARGUMENTS.map(str::to_owned);
    program(&mut plan, SHELL)?.arguments.extend(words);
    let player = program(&mut plan, CONTROL)?;
    let (image, role) = PLAYER;
    (player.image, player.arguments) = (image.to_owned(), vec![role.to_owned()]);
    player.driver = false;
    player.capabilities.retain(|grant| !is_device(grant));
    Ok(plan)
}

fn program<'a>(plan: &'a mut Plan, name: &str) -> Result<&'a mut Member, Failure> {
    let mut programs = plan.system.programs.iter_mut();
    programs
        .find(|program| program.name == name)
        .ok_or_else(|| Failure::new(format!("{} has no program {name}", images::SYSTEM)))
}

fn is_device(grant: &Grant) -> bool {
    matches!(grant.kind, Kind::IoPorts { .. } | Kind::Irq { .. })
}

/// Writes the package and makes the machine; also gives the package's length.
fn prepare(plan: &Plan, folder: &Folder) -> Result<(Machine, u64), Failure> {
    let bytes = plan.build(&images::native, &Busybox::of_system())?;
    let mut machine = machine()?;
    machine.memory = MEMORY;
    machine.archive = Some(image::put(&bytes, folder)?);
    Ok((machine, bytes.len() as u64))
}

/// The system without its Linux programs.
fn idle() -> Result<(Report, u64), Failure> {
    let folder = Folder::new()?;
    let mut plan = plan()?;
    plan.system.programs.retain(|program| program.name != SHELL);
    let (mut machine, package) = prepare(&plan, &folder)?;
    machine.command_line = "report".to_owned();
    let log = Port::KernelText.log(&folder);
    let process = Process::start(&machine, &folder)?;
    let outcome = process.wait_unless(LIMIT, &|| report(&Outcome::text(&log)).is_some())?;
    let text = Outcome::text(&log);
    match (outcome, report(&text)) {
        (None, Some(report)) => Ok((report, package)),
        (outcome, _) => Err(unexpected(outcome.as_ref(), &text)),
    }
}

/// The whole system; what COM1 got and the kernel's text, too.
fn shell() -> Result<(Report, Vec<u8>, String, u64), Failure> {
    let folder = Folder::new()?;
    let (mut machine, package) = prepare(&played()?, &folder)?;
    machine.command_line = format!("report exit-with={CONTROL}");
    machine.connected = vec![Port::Console];
    let listener = Listener::new(Port::Console, &folder)?;
    let process = Process::start(&machine, &folder)?;
    let console = match listener.stream(&process)? {
        Some(stream) => talk(stream)?,
        None => Vec::new(),
    };
    let outcome = process.wait(Some(LIMIT))?;
    let text = Outcome::text(&Port::KernelText.log(&folder));
    match (outcome, report(&text)) {
        (Outcome::Passed, Some(report)) => Ok((report, console, text, package)),
        (outcome, _) => Err(unexpected(Some(&outcome), &text)),
    }
}

/// Waits for the prompt, types, waits for what is told, types the end, and listens to it.
fn talk(mut stream: UnixStream) -> Result<Vec<u8>, Failure> {
    let fail = |error: String| Failure::system("bench: the shell's line", error);
    let broken = |error: std::io::Error| fail(error.to_string());
    stream.set_read_timeout(Some(LIMIT)).map_err(broken)?;
    let mut steps = [(PROMPT, TYPED), (TOLD, THEN)].into_iter().peekable();
    let (mut heard, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(heard),
            Ok(count) => heard.extend(&bytes[..count]),
            // The machine ends in the middle of a line.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(heard),
            Err(error) => {
                let heard = String::from_utf8_lossy(&heard);
                return Err(fail(format!("{error}; heard: {heard:?}")));
            }
        }
        // Behind the prompt the shell asks the terminal where its cursor is.
        if let Some((_, typed)) = steps.next_if(|(awaited, _)| find(&heard, awaited).is_some()) {
            thread::sleep(QUIET);
            stream.write_all(typed).map_err(broken)?;
        }
    }
}

fn find(bytes: &[u8], words: &[u8]) -> Option<usize> {
    bytes.windows(words.len()).position(|part| part == words)
}

fn unexpected(outcome: Option<&Outcome>, text: &str) -> Failure {
    let ended = outcome.map_or("the machine went on".to_owned(), Outcome::to_string);
    Failure::new(format!("bench: {ended}\n{text}"))
}

/// Init's line `report: entered N began N left N`.
fn report(text: &str) -> Option<Report> {
    // A line that is not complete yet counts nothing.
    let complete = &text[..text.rfind('\n')?];
    let line = complete
        .lines()
        .find_map(|line| line.strip_prefix("report: "))?;
    let number = |name: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != name);
        words.nth(1)?.parse().ok()
    };
    Some(Report {
        entered: number("entered")?,
        began: number("began")?,
        left: number("left")?,
    })
}

/// The tick at which the first `bytes` bytes were sent, from the driver's lines `serial: N bytes sent at N ticks`.
fn sent(text: &str, bytes: usize) -> Option<u64> {
    text.lines().find_map(|line| {
        let (count, rest) = line
            .strip_prefix("serial: ")?
            .split_once(" bytes sent at ")?;
        let ticks = rest.split_once(' ')?.0.parse().ok()?;
        (count.parse::<usize>().ok()? >= bytes).then_some(ticks)
    })
}

/// The free bytes of the sandbox's pool, from what it shows as /proc/meminfo.
fn free(shown: &str) -> Option<u64> {
    let (_, rest) = shown.split_once("MemFree: ")?;
    let kibibytes: u64 = rest.split_once('.')?.0.parse().ok()?;
    Some(kibibytes << 10)
}

/// What the personality holds for sandboxes within, of which there is none.
fn spare() -> Result<u64, Failure> {
    let mut plan = plan()?;
    let spare = plan
        .personality()
        .into_iter()
        .flat_map(|program| &program.capabilities);
    let spare = spare.filter(|grant| grant.name == "children");
    Ok(spare
        .map(|grant| match grant.kind {
            Kind::Untyped { pages } => u64::from(pages) * PAGE,
            _ => 0,
        })
        .sum())
}

/// Bytes of whole pages.
fn pages(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_start_is_read() {
        let text = "init: 2 programs\nreport: entered 28000 began 900000 left 4096\n";
        let wanted = Report {
            entered: 28_000,
            began: 900_000,
            left: 4096,
        };
        assert_eq!(report(text), Some(wanted));
        assert_eq!(report(text.trim_end()), None, "not complete yet");
        assert_eq!(report("report: entered 1 began x left 3\n"), None);
    }

    #[test]
    fn the_step_that_sent_the_prompt_counts() {
        let text = "serial: 60 bytes sent at 100 ticks\nserial: 64 bytes sent at 200 ticks\n";
        assert_eq!(sent(text, 60), Some(100));
        assert_eq!(sent(text, 61), Some(200));
        assert_eq!(sent(text, 65), None);
    }

    #[test]
    fn free_memory_is_what_the_shell_read_not_what_was_typed() {
        let shown = "# while read a b c; do echo \"$a $b.\"; done\r\nMemTotal: 98304.\r\nMemFree: 90000.\r\n";
        assert_eq!(free(shown), Some(90_000 << 10));
        assert_eq!(free("MemFree: x."), None);
    }
}
