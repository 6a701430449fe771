//! The loop of a line whose bytes go through two rings: nobody waits for the other side, and no call is needed.

use crate::ports::RegisterPorts;
use crate::times::Times;
use sundog_rt::Environment;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Irq, Notification};
use sundog_serial_core::Uart;
use sundog_service::{Incoming, Outgoing, Trouble, ring};

/// Bytes that one step moves.
const STEP: usize = 512;

/// The running server.
pub struct Server {
    uart: Uart<RegisterPorts>,
    interrupt: Cap<Irq>,
    events: Cap<Notification>,
    arrived: Outgoing,
    to_send: Incoming,
    times: Times,
}

impl Server {
    /// Maps the rings and connects the interrupt.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn new(mut environment: Environment, uart: Uart<RegisterPorts>) -> Result<Server, Trouble> {
        let times = Times::new(&environment);
        let interrupt: Cap<Irq> = environment.require("interrupt");
        let events: Cap<Notification> = environment.require("events");
        let other: Cap<Notification> = environment.require("wake");
        let arrived = Outgoing::new(ring(&mut environment, "input")?, other);
        let to_send = Incoming::new(ring(&mut environment, "output")?, other);
        interrupt.bind(Some(events))?;
        interrupt.acknowledge()?;
        Ok(Server {
            uart,
            interrupt,
            events,
            arrived,
            to_send,
            times,
        })
    }

    /// Moves bytes until something is broken.
    ///
    /// # Errors
    /// Those of the rings, of the ports and of waiting.
    pub fn run(&mut self) -> Result<(), Trouble> {
        loop {
            // Before the device is looked at, so that an edge in between is a new interrupt. What signalled does not matter: the
            // device says by itself whether there is something to do.
            self.interrupt.acknowledge()?;
            self.uart.interrupt()?;
            while self.pump()? {}
            if self.may_sleep()? {
                self.events.wait(None)?;
            }
        }
    }

    fn pump(&mut self) -> Result<bool, Trouble> {
        let mut bytes = [0; STEP];
        let mut count = 0;
        if self.uart.is_due() {
            let room = self.arrived.room()?.min(STEP);
            count = self.uart.read(&mut bytes[..room])?;
            self.arrived.write(&bytes[..count])?;
        }
        let room = self.uart.room().min(STEP);
        let sent = self.to_send.read(&mut bytes[..room])?;
        if sent != 0 {
            self.uart.write(&bytes[..sent])?;
            self.times.sent(sent);
        }
        if count != 0 {
            self.times.print();
        }
        Ok(count + sent != 0)
    }

    /// Asks to be woken for what only the other side can change; the rest is the interrupt's.
    fn may_sleep(&mut self) -> Result<bool, Trouble> {
        let arrived = !self.uart.is_due() || self.arrived.sleep(1)?;
        let to_send = self.uart.room() == 0 || self.to_send.sleep()?;
        Ok(arrived && to_send)
    }
}
