//! The driver of a 16550: a line whose bytes go through two rings (`ringed`), one that its clients own by calls (`owned`), or a
//! guarded one (`guarded`).
//!
//! Given: `registers` (eight I/O ports), `interrupt` (the line) and
//! - ringed: `events` (the notification that the interrupt and the other side signal), `input` and `output` (the rings of what
//!   arrives and of what is sent), `wake` (the other side's notification), perhaps `debug` (port 0xe9: when the first bytes were sent
//!   is told there);
//! - owned (`console`, `control`): `requests` (the endpoint);
//! - guarded: `requests`, `mint` (the endpoint again, to make badged capabilities of) and `consent` (where use is reported);
//!   `wake-N`, if given, is signalled for grants of the sandbox with the badge N in the consent protocol, when a holder that was told to
//!   come again is told something else.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod guarded;
mod link;
mod owned;
mod ports;
mod ringed;
mod times;

use link::Link;
use ports::RegisterPorts;
use sundog_rt::{Environment, entry, fail};
use sundog_serial_core::{InitError, Service, Settings, Uart};
use sundog_service::Trouble;

entry!(run);

fn run(environment: Environment) {
    let registers = environment.require("registers");
    let ports = match RegisterPorts::new(registers, environment.resources.slots.cnode()) {
        Ok(ports) => ports,
        Err(_) => fail("serial: the capability \"registers\" is not eight I/O ports"),
    };
    let uart = match Uart::start(ports, Settings::default()) {
        Ok(uart) => uart,
        Err(InitError::NotThere) => fail("serial: there is no 16550 at these ports"),
        Err(InitError::Rate) => fail("serial: the device has no such rate"),
        Err(InitError::Ports(_)) => fail("serial: the ports are refused"),
    };
    let ended = match environment.start.arguments().nth(1) {
        Some(b"ringed") => {
            ringed::Server::new(environment, uart).and_then(|mut server| server.run())
        }
        Some(b"console" | b"control") => serve_owned(environment, uart),
        Some(b"guarded") => serve_guarded(environment, uart),
        _ => fail("serial: the argument must be ringed, console, control or guarded"),
    };
    if let Err(trouble) = ended {
        fail(&alloc::format!("serial: {trouble:?}"));
    }
}

fn serve_owned(mut environment: Environment, uart: Uart<RegisterPorts>) -> Result<(), Trouble> {
    let link = Link::new(&mut environment)?;
    Ok(owned::Server::new(environment, link, Service::new(uart))?.run()?)
}

fn serve_guarded(mut environment: Environment, uart: Uart<RegisterPorts>) -> Result<(), Trouble> {
    let link = Link::new(&mut environment)?;
    Ok(guarded::Server::new(environment, link, uart).run()?)
}
