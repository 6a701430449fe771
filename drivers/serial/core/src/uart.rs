//! The device's state machine: start-up, interrupts, and bytes in both directions.

use crate::queue::Queue;
use crate::registers::{
    DATA, EIGHT_N_ONE, FIFO, FIFO_BYTES, FIFO_ON, FIFOS, IDENTIFICATION, INTERRUPT_ENABLE, LATCH,
    LINE_CONTROL, LINE_STATUS, MODEM_CONTROL, MODEM_ON, MODEM_STATUS, Ports, SCRATCH, TRIGGER,
    cause, enable, line,
};

/// Bytes of each queue.
const QUEUE: usize = 4096;
/// Causes that one interrupt works off; a device that always has one more does not keep the driver for ever.
const ROUNDS: usize = 64;
/// Bytes that are worth handing on although more are coming.
const MANY: usize = 1024;
/// Bytes that one look takes from the device.
const RECEIVE_STEP: usize = 64;
/// What the scratch register must keep.
const PROBES: [u8; 2] = [0xae, 0x51];
/// Bits per second with the divisor 1.
const BASE_RATE: u32 = 115_200;

/// How the line is driven.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Bits per second; a divisor of 115200.
    pub rate: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { rate: BASE_RATE }
    }
}

impl Settings {
    /// The divisor of the rate; `None` if the device cannot do it exactly.
    pub fn divisor(self) -> Option<u16> {
        if self.rate == 0 || !BASE_RATE.is_multiple_of(self.rate) {
            return None;
        }
        u16::try_from(BASE_RATE / self.rate).ok()
    }
}

/// Why the device could not be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InitError<E> {
    /// The rate is none that the device has.
    Rate,
    /// The scratch register does not keep what is written: there is no such device.
    NotThere,
    /// The way to the device failed.
    Ports(E),
}

impl<E> From<E> for InitError<E> {
    fn from(error: E) -> InitError<E> {
        InitError::Ports(error)
    }
}

/// What went wrong on the line so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Times that the device had to drop a byte.
    pub overruns: u64,
    /// Bytes that arrived damaged.
    pub damaged: u64,
}

/// A device that is running.
pub struct Uart<P> {
    ports: P,
    outgoing: Queue<QUEUE>,
    incoming: Queue<QUEUE>,
    enabled: u8,
    /// The device has more, for which it will interrupt.
    goes_on: bool,
    counters: Counters,
}

impl<P: Ports> Uart<P> {
    /// Finds and starts the device.
    ///
    /// # Errors
    /// Those of [`InitError`]; the device's interrupts are off then.
    pub fn start(mut ports: P, settings: Settings) -> Result<Uart<P>, InitError<P::Error>> {
        let divisor = settings.divisor().ok_or(InitError::Rate)?;
        let [low, high] = divisor.to_le_bytes();
        // No test by loop-back: bytes that arrive meanwhile would be taken for the answer.
        for probe in PROBES {
            ports.write(SCRATCH, probe)?;
            if ports.read(SCRATCH)? != probe {
                return Err(InitError::NotThere);
            }
        }
        ports.write(INTERRUPT_ENABLE, 0)?;
        ports.write(LINE_CONTROL, LATCH | EIGHT_N_ONE)?;
        ports.write(DATA, low)?;
        ports.write(INTERRUPT_ENABLE, high)?;
        ports.write(LINE_CONTROL, EIGHT_N_ONE)?;
        ports.write(MODEM_CONTROL, MODEM_ON)?;
        let enabled = enable::RECEIVED | enable::LINE;
        let (outgoing, incoming) = (Queue::default(), Queue::default());
        let mut uart = Uart {
            ports,
            outgoing,
            incoming,
            enabled,
            goes_on: false,
            counters: Counters::default(),
        };
        // Turning the FIFOs on empties the device; what was sent to it before is taken first.
        if uart.ports.read(IDENTIFICATION)? & FIFOS != FIFOS {
            uart.receive()?;
        }
        uart.ports.write(FIFO, FIFO_ON)?;
        uart.ports.write(INTERRUPT_ENABLE, enabled)?;
        Ok(uart)
    }

    /// Works off an interrupt.
    ///
    /// # Errors
    /// Those of the ports.
    pub fn interrupt(&mut self) -> Result<(), P::Error> {
        for _ in 0..ROUNDS {
            let identification = self.ports.read(IDENTIFICATION)?;
            match identification & 0x0f {
                cause::RECEIVED if identification & FIFOS == FIFOS => self.receive_burst()?,
                cause::RECEIVED | cause::TIMEOUT => self.receive()?,
                cause::EMPTY => self.transmit()?,
                cause::LINE => {
                    let status = self.ports.read(LINE_STATUS)?;
                    self.count(status);
                }
                cause::MODEM => {
                    self.ports.read(MODEM_STATUS)?;
                }
                // Nothing, or what the device cannot say: both end it.
                _ => break,
            }
        }
        self.set_enabled()
    }

    /// Accepts bytes to send; returns how many, 0 if the queue is full.
    ///
    /// # Errors
    /// Those of the ports.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, P::Error> {
        let accepted = self.outgoing.extend(bytes);
        let status = self.ports.read(LINE_STATUS)?;
        self.count(status);
        if status & line::EMPTY != 0 {
            self.transmit()?;
        }
        self.set_enabled()?;
        Ok(accepted)
    }

    /// Takes bytes that arrived; returns how many.
    ///
    /// # Errors
    /// Those of the ports; bytes that were taken before are in `into` all the same.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, P::Error> {
        let full = self.incoming.room() == 0;
        let count = self.incoming.drain(into);
        if full && count != 0 {
            self.receive()?;
            self.set_enabled()?;
        }
        Ok(count)
    }

    /// Bytes that arrived and were not taken yet.
    pub fn available(&self) -> usize {
        self.incoming.len()
    }

    /// Whether bytes arrived that should be handed on now, since no others are about to come or they are many: to hand on a few at
    /// a time costs more than all the rest.
    pub fn is_due(&self) -> bool {
        self.available() > 0 && (!self.goes_on || self.available() >= MANY)
    }

    /// Bytes that can be accepted.
    pub fn room(&self) -> usize {
        self.outgoing.room()
    }

    /// What went wrong so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn count(&mut self, status: u8) {
        self.counters.overruns += u64::from(status & line::OVERRUN != 0);
        self.counters.damaged += u64::from(status & line::DAMAGED != 0);
    }

    /// Takes the bytes that the device has at least when it says so, but for one: for that it interrupts once more, be it with others
    /// or because the line was quiet for a while.
    fn receive_burst(&mut self) -> Result<(), P::Error> {
        for _ in 0..self.incoming.room().min(TRIGGER - 1) {
            let byte = self.ports.read(DATA)?;
            self.incoming.push(byte);
        }
        self.goes_on = true;
        Ok(())
    }

    /// Takes what the device has, as long as there is room: bytes that do not fit stay in the device and hold up the sender.
    fn receive(&mut self) -> Result<(), P::Error> {
        self.goes_on = false;
        for _ in 0..RECEIVE_STEP {
            if self.incoming.room() == 0 {
                break;
            }
            let status = self.ports.read(LINE_STATUS)?;
            self.count(status);
            if status & line::READY == 0 {
                break;
            }
            let byte = self.ports.read(DATA)?;
            self.incoming.push(byte);
        }
        Ok(())
    }

    /// Fills the device's empty FIFO, and again as long as that is empty at once: an emulated device sends in no time, and needs no
    /// interrupt between.
    fn transmit(&mut self) -> Result<(), P::Error> {
        for _ in 0..ROUNDS {
            for _ in 0..FIFO_BYTES {
                let Some(byte) = self.outgoing.pop() else {
                    return Ok(());
                };
                self.ports.write(DATA, byte)?;
            }
            let status = self.ports.read(LINE_STATUS)?;
            self.count(status);
            if status & line::EMPTY == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Lets the device interrupt for what there is to do: for bytes only while they fit, for an empty transmitter only while bytes
    /// wait.
    fn set_enabled(&mut self) -> Result<(), P::Error> {
        let mut wanted = enable::LINE;
        if self.incoming.room() != 0 {
            wanted |= enable::RECEIVED;
        }
        if !self.outgoing.is_empty() {
            wanted |= enable::EMPTY;
        }
        if wanted != self.enabled {
            self.enabled = wanted;
            self.ports.write(INTERRUPT_ENABLE, wanted)?;
        }
        Ok(())
    }

    /// The ports.
    #[cfg(test)]
    pub(crate) fn ports(&mut self) -> &mut P {
        &mut self.ports
    }
}

const _: () = assert!(cause::NONE & 1 == 1, "an odd identification is no cause");

#[cfg(test)]
#[path = "uart_tests.rs"]
mod tests;
