//! The Linux personality as a program: one sandbox of Linux programs over kernel objects.
//!
//! Given: `pool` (untyped memory for the programs and their objects), `archive` (the boot package's frame, not writable), `input` and
//! `output` (the rings of the terminal's line), `wake` (the notification of their other side) and `events` (its own, badged or not).
//! For native programs it may be given `time-1`, `time-2` and so on (a scheduling context for each that runs at once) and `children`
//! (untyped memory for them).
//! With devices that ask (`--device`) it is given `consent` (the service's endpoint), `ask-1` and so on (a scheduling context for each
//! open that can wait for an answer at once) and `news` (its own notification, badged, to be signalled when one has come).
//! Its arguments are those of [`options`].
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod channel;
mod console;
mod gated;
#[cfg(test)]
mod heap_ring;
mod inner;
mod line;
mod machine;
mod native;
mod natives;
mod objects;
mod options;
mod pool;
mod random;
mod requests;
mod root;
mod sandbox;
mod streams;
mod terminal;
mod trace;
mod view;
mod wish;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use options::Options;
use sandbox::Sandbox;
use sundog_linux_core::load::Texts;
use sundog_linux_core::process::End;
use sundog_linux_core::schedule::Step;
use sundog_rt::{Environment, entry, exit, fail, sys};

entry!(run);

/// How long the end waits for a line that takes nothing any more, in microseconds.
const LAST_WAIT: u64 = 5_000_000;

fn run(environment: Environment) {
    let start = &environment.start;
    let ticks_per_microsecond = start.ticks_per_microsecond;
    let ended = Options::parse(start.arguments().skip(1), start.variables()).and_then(|options| {
        let mut sandbox = sandbox::build(environment, &options)?;
        let end = run_program(&mut sandbox, &options, ticks_per_microsecond);
        sandbox.finish(ticks_per_microsecond, end.as_ref().err());
        end
    });
    match ended {
        Ok(End::Exited(status)) => exit(status.into()),
        Ok(End::Killed { signal, .. }) => exit(128 + u64::from(signal)),
        Err(text) => fail(&format!("linux: {text}")),
    }
}

fn run_program(
    sandbox: &mut Sandbox,
    options: &Options,
    ticks_per_microsecond: u64,
) -> Result<End, String> {
    let Sandbox {
        kernel,
        console,
        view,
        requests,
    } = sandbox;
    kernel.trace = Box::new(trace::Log {
        calls: options.trace,
    });
    let texts = Texts {
        arguments: options.program.clone(),
        environment: options.environment.clone(),
    };
    let path = options.path();
    let folder = options
        .within
        .as_ref()
        .and_then(|wish| wish.plan.chdir.clone())
        .unwrap_or_else(|| b"/".to_vec());
    kernel
        .start(&path, texts, b"/", |vfs, context| {
            if let Some(view) = view.take() {
                view.apply(vfs, context)?;
            }
            console.open(vfs, context)?;
            vfs.chdir(context, &folder)
        })
        .map_err(|error| format!("{}: {error:?}", String::from_utf8_lossy(&path)))?;
    loop {
        let step = kernel.step();
        let mut changed = requests.work(kernel);
        let in_guest = core::mem::take(&mut kernel.notified);
        requests.notified |= in_guest;
        let news = core::mem::take(&mut requests.news) || in_guest;
        changed |= kernel.vfs.work_gates(news);
        let notified = core::mem::take(&mut requests.notified);
        changed |= console.work(&mut kernel.vfs, notified);
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
    /// Sends the last output, and why the program did not run.
    fn finish(&mut self, ticks_per_microsecond: u64, trouble: Option<&String>) {
        self.console.work(&mut self.kernel.vfs, false);
        if let Some(text) = trouble {
            self.console.say(&format!("linux: {text}"));
        }
        let until = sys::ticks().saturating_add(LAST_WAIT.saturating_mul(ticks_per_microsecond));
        while !self.console.finish() && sys::ticks() < until {
            self.console.work(&mut self.kernel.vfs, false);
            self.requests.wait(&mut self.kernel, Some(until));
        }
    }
}
