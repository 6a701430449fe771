//! The Linux personality as a program: one sandbox of Linux programs over kernel objects.
//!
//! Given: `pool` (untyped memory for the programs and their objects), `archive` (the boot package's frame, not writable), `input` and
//! `output` (the rings of the terminal), and `events` (its own notification, badged or not). Behind the rings is either the console
//! program (`console`, its endpoint, and `wake-console`, its notification), or the driver of a bare line (`wake`, its notification).
//! For native programs it may be given `time-1`, `time-2` and so on (a scheduling context for each that runs at once) and `children`
//! (untyped memory for them).
//! A name of its table is a file server's: its tree is mounted there, and its ring is given as the endpoint's name with `-data` behind.
//! With devices that ask (`--device`, or `--gift` in a sandbox within) it is given `consent` (the service's endpoint), `ask-1` and so on
//! (a scheduling context for each open that can wait for an answer at once) and `news` (its own notification, badged, to be signalled
//! when one has come).
//! Its arguments are those of [`options`].
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod calendar;
mod channel;
mod console;
mod gated;
#[cfg(test)]
mod heap_ring;
mod host_pipes;
mod host_streams;
mod inner;
mod line;
mod machine;
mod native;
mod natives;
mod objects;
mod options;
mod orders;
mod outside;
mod places;
mod pool;
mod random;
mod requests;
mod root;
mod sandbox;
mod say;
mod servers;
mod shares;
mod streams;
mod tasks;
mod terminal;
mod trace;
mod view;
mod wish;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use console::Console;
use options::Options;
use sandbox::Sandbox;
use servers::Servers;
use sundog_linux_core::process::End;
use sundog_linux_core::schedule::Step;
use sundog_linux_core::texts::{List, Texts};
use sundog_linux_vfs::Errno;
use sundog_rt::{Environment, entry, exit, fail, sys};

entry!(run);

/// How long the end waits for a line that takes nothing any more, in microseconds.
const LAST_WAIT: u64 = 5_000_000;

fn run(environment: Environment) {
    let start = &environment.start;
    let ticks_per_microsecond = start.ticks_per_microsecond;
    let ended = Options::parse(start.arguments().skip(1), start.variables()).and_then(|options| {
        let mut environment = environment;
        let servers = Servers::given(&mut environment)?;
        let mut sandbox = sandbox::build(environment, &options)?;
        let end = run_program(&mut sandbox, servers, &options, ticks_per_microsecond);
        let name = options
            .within
            .as_ref()
            .map_or("linux", |wish| wish.front.name());
        sandbox.finish(name, ticks_per_microsecond, &end);
        if end.is_err() && options.within.is_some() {
            // It was said where the person of the sandbox reads it.
            exit(1);
        }
        end.map_err(|failure| failure.text)
    });
    match ended {
        Ok(end) => exit(status(end).into()),
        Err(text) => fail(&format!("linux: {text}")),
    }
}

/// A status as a shell sees it.
fn status(end: End) -> u8 {
    match end {
        End::Exited(status) => status,
        End::Killed { signal, .. } => 128u8.wrapping_add(signal as u8),
    }
}

/// Why the program did not run.
struct Failure {
    text: String,
    /// The status that a shell would give.
    status: u8,
}

impl Failure {
    fn new(path: &[u8], error: Errno) -> Failure {
        let (reason, status) = match error {
            Errno::ENOENT | Errno::ENOTDIR => (String::from("not found"), 127),
            Errno::EACCES => (String::from("permission denied"), 126),
            Errno::ENOEXEC => (String::from("no program for this system"), 126),
            other => (format!("{other:?}"), 126),
        };
        let path = String::from_utf8_lossy(path);
        Failure {
            text: format!("{path}: {reason}"),
            status,
        }
    }

    /// The folder to start in could not be entered.
    fn folder(options: &Options, error: Errno) -> Failure {
        if options.within.is_none() {
            return Failure::new(&options.folder, error);
        }
        let folder = String::from_utf8_lossy(&options.folder);
        Failure {
            text: format!("Can't chdir to {folder}: {}", say::words(error)),
            status: 1,
        }
    }

    /// The program could not be started.
    fn program(options: &Options, error: Errno) -> Failure {
        if options.within.is_none() {
            return Failure::new(&options.path(), error);
        }
        let name = options.program.first().map_or(&[][..], |name| name);
        let name = String::from_utf8_lossy(name);
        Failure {
            text: format!("execvp {name}: {}", say::words(error)),
            status: 1,
        }
    }
}

fn run_program(
    sandbox: &mut Sandbox,
    servers: Servers,
    options: &Options,
    ticks_per_microsecond: u64,
) -> Result<End, Failure> {
    let Sandbox {
        kernel,
        console,
        view,
        requests,
    } = sandbox;
    kernel.set_trace(Box::new(trace::Log {
        calls: options.trace,
        lines: match console {
            Console::Host(host) => Some(host.lines.clone()),
            _ => None,
        },
    }));
    console.prepare(kernel, requests);
    let refused = |error| Failure::program(options, error);
    let texts = Texts {
        arguments: List::of(&options.program).map_err(refused)?,
        environment: List::of(&options.environment).map_err(refused)?,
    };
    let mut fault = None;
    let started = kernel.start_found(texts, b"/", |vfs, context| {
        if let Some(view) = view.take() {
            let applied = view.apply(vfs, context);
            applied.map_err(|(error, text)| {
                fault = Some(Failure { text, status: 1 });
                error
            })?;
        }
        servers.mount(vfs).map_err(|(name, error)| {
            fault = Some(Failure::new(name.as_bytes(), error));
            error
        })?;
        console.open(vfs, context)?;
        vfs.chdir(context, &options.folder).inspect_err(|error| {
            fault = Some(Failure::folder(options, *error));
        })?;
        Ok(match options.within {
            Some(_) => say::find(vfs, context, options.paths())?,
            None => options.path(),
        })
    });
    if let Err(error) = started {
        return Err(fault.unwrap_or_else(|| Failure::program(options, error)));
    }
    loop {
        let step = kernel.step();
        let mut changed = requests.work(kernel);
        let in_guest = core::mem::take(&mut kernel.notified);
        requests.notified |= in_guest;
        let news = core::mem::take(&mut requests.news) || in_guest;
        changed |= kernel.vfs.work_gates(news);
        if news {
            requests.pass_on_news();
        }
        changed |= console.work(kernel, requests);
        while console.is_congested() {
            if console.sleep() {
                requests.wait(kernel, None);
            }
            changed |= console.work(kernel, requests);
        }
        match step {
            Step::Ran => {}
            Step::Finished(end) => return Ok(end),
            Step::Idle { .. } if changed || !console.sleep() => {}
            Step::Idle { until } => {
                let now = kernel.now();
                let deadline = until.map(|until| {
                    let wait = u128::from(until.saturating_sub(now));
                    let ticks = (wait * u128::from(ticks_per_microsecond)).div_ceil(1000);
                    sys::ticks().saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX))
                });
                requests.wait(kernel, deadline);
            }
        }
    }
}

impl Sandbox {
    /// Sends the last output, why the program did not run, and the end.
    fn finish(&mut self, name: &str, ticks_per_microsecond: u64, end: &Result<End, Failure>) {
        let (console, kernel, requests) = (&mut self.console, &mut self.kernel, &mut self.requests);
        if let Err(failure) = end {
            console.work(kernel, requests);
            console.say(&format!("{name}: {}", failure.text));
        }
        let status = match end {
            Ok(end) => status(*end),
            Err(failure) => failure.status,
        };
        let until = sys::ticks().saturating_add(LAST_WAIT.saturating_mul(ticks_per_microsecond));
        let until = (!console.is_patient()).then_some(until);
        while !console.finish(kernel, requests, status)
            && until.is_none_or(|until| sys::ticks() < until)
        {
            requests.wait(kernel, until);
        }
        // A machine that ended now would take the last bytes along. The host ends it when they are there.
        while self.console.is_patient() {
            self.requests.wait(&mut self.kernel, None);
        }
    }
}
