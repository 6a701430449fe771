//! The driver of a 16550, as a line that its clients own (`console`, `control`) or as a guarded one (`guarded`).
//!
//! Given: `requests` (the endpoint), `registers` (eight I/O ports), `interrupt` (the line); guarded also `mint` (the endpoint again,
//! to make badged capabilities of) and `consent` (where use is reported). Out of its own memory it makes the notification that the
//! line signals, and its Reply objects.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod guarded;
mod link;
mod owned;
mod ports;

use link::Link;
use ports::RegisterPorts;
use sundog_rt::{Environment, entry, fail};
use sundog_serial_core::{Guard, InitError, Service, Settings, Uart};

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
        Some(b"console" | b"control") => serve_owned(environment, uart),
        Some(b"guarded") => serve_guarded(environment, uart),
        _ => fail("serial: the argument must be console, control or guarded"),
    };
    if ended.is_err() {
        fail("serial: too little memory, or the endpoint or the interrupt is refused");
    }
}

fn serve_owned(
    mut environment: Environment,
    uart: Uart<RegisterPorts>,
) -> sundog_rt::cap::Result<()> {
    let link = Link::new(&mut environment)?;
    owned::Server::new(environment, link, Service::new(uart))?.run()
}

fn serve_guarded(
    mut environment: Environment,
    uart: Uart<RegisterPorts>,
) -> sundog_rt::cap::Result<()> {
    let second = environment
        .start
        .ticks_per_microsecond
        .saturating_mul(1_000_000);
    let link = Link::new(&mut environment)?;
    guarded::Server::new(environment, link, Guard::new(uart, second)).run()
}
