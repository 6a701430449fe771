//! The driver of a 16550: serves the protocol of `sundog-serial-core` on an endpoint.
//!
//! Given: `requests` (the endpoint), `registers` (eight I/O ports), `interrupt` (the line). Out of its own memory it makes the
//! notification that the line signals, and a Reply object for each caller that may wait.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod ports;
mod server;

use ports::RegisterPorts;
use server::Server;
use sundog_rt::{Environment, entry, fail};
use sundog_serial_core::{InitError, Service, Settings, Uart};

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
    let mut server = match Server::new(environment, Service::new(uart)) {
        Ok(server) => server,
        Err(_) => fail("serial: too little memory, or the interrupt is refused"),
    };
    match server.run() {
        Ok(()) => {}
        Err(_) => fail("serial: the endpoint is refused"),
    }
}
