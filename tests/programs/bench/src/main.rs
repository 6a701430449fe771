//! Counts what the kernel's operations cost, in ticks: under instruction counting a tick is an instruction.
//!
//! Given the argument `server` it answers calls, given `host` it plays the host of a system that starts; without, it measures and
//! prints a line for each figure.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod guest;
mod host;
mod measure;
mod memory;
mod message;
mod process;

use sundog_rt::{Environment, debug, entry, exit, fail};

entry!(run);

fn run(environment: Environment) {
    match environment.start.arguments().nth(1) {
        Some(b"server") => message::serve(environment),
        Some(b"host") => host::play(environment),
        _ => {}
    }
    let mut environment = environment;
    measure::report("null_syscall", measure::median(null_call));
    let kernel = message::round_trips(&mut environment)
        .and_then(|()| memory::measure(&mut environment))
        .and_then(|()| process::measure(&mut environment));
    if let Err(error) = kernel {
        fail(&alloc::format!("bench: the kernel refused: {error:?}"));
    }
    guest::measure(&mut environment);
    debug!("bench: end");
    exit(0);
}

fn null_call() {
    // The version was compared at the start; only the way there and back counts.
    let _ = sundog_rt::sys::abi_version();
}
