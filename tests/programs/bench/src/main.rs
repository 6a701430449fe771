//! Counts what the kernel's operations cost, in ticks: under instruction counting a tick is an instruction.
//!
//! Given the argument `server` it answers calls; without, it measures and prints a line for each figure.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod guest;
mod measure;
mod memory;
mod message;

use sundog_rt::{Environment, debug, entry, exit};

entry!(run);

fn run(environment: Environment) {
    let server = environment
        .start
        .arguments()
        .any(|argument| argument == "server".as_bytes());
    if server {
        message::serve(environment);
    }
    let mut environment = environment;
    measure::report("null_syscall", measure::median(null_call));
    message::round_trips(&environment);
    memory::measure(&mut environment);
    guest::measure(&mut environment);
    debug!("bench: end");
    exit(0);
}

fn null_call() {
    // The version was compared at the start; only the way there and back counts.
    let _ = sundog_rt::sys::abi_version();
}
