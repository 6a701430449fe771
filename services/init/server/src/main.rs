//! The first program: makes what the manifest lists, starts the programs and starts again those that end.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod inspect;
mod made;
mod power;
mod report;
mod start;
mod supervisor;

use power::Power;
use report::Report;
use sundog_manifest::Manifest;
use sundog_rt::cap::object::IoPorts;
use sundog_rt::cap::{Error, Slots};
use sundog_rt::{BootEnvironment, boot_entry, debug, fail, set_debug};
use supervisor::Supervisor;

boot_entry!(run, heap = 2 << 20);

/// The port of the kernel's text, which init takes over.
const DEBUG_PORT: u16 = 0xe9;

fn run(mut environment: BootEnvironment) {
    let began = sundog_rt::sys::ticks();
    // Without the port everything works, but silently.
    let debug = debug_port(&mut environment).ok();
    if let Some(ports) = debug {
        set_debug(ports);
    }
    let manifest = match Manifest::decode(environment.package.manifest) {
        Ok(manifest) => manifest,
        Err(_) => fail("init: the manifest is malformed"),
    };
    let report = Report::from_command_line(&environment, began);
    let power = Power::from_command_line(&mut environment);
    let mut supervisor = match Supervisor::new(environment, &manifest, debug, power, report) {
        Ok(supervisor) => supervisor,
        Err(_) => fail("init: too little memory for the endpoints of the manifest"),
    };
    let running = supervisor.start_all();
    debug!("init: {running} programs");
    supervisor.started();
    match supervisor.run() {
        Ok(()) => {}
        Err(_) => fail("init: the fault endpoint is refused"),
    }
}

fn debug_port(environment: &mut BootEnvironment) -> Result<sundog_rt::cap::Cap<IoPorts>, Error> {
    let control = environment.io_port_control();
    environment
        .resources
        .slots
        .fill(|slot| control.get(DEBUG_PORT, 1, Slots::ROOT, slot))
}
