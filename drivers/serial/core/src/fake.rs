//! A 16550 for tests: FIFOs, interrupt causes and the scratch register as the real one has them.

use crate::registers::{
    DATA, FIFO, IDENTIFICATION, INTERRUPT_ENABLE, LINE_CONTROL, LINE_STATUS, MODEM_STATUS, Ports,
    SCRATCH, TRIGGER, cause, enable, line,
};
use std::collections::VecDeque;
use std::vec::Vec;

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) received: VecDeque<u8>,
    pub(crate) sent: Vec<u8>,
    /// The transmitter sends in no time, as an emulated one does.
    pub(crate) instant: bool,
    /// The transmitter is busy until the test says otherwise.
    pub(crate) busy: bool,
    pub(crate) enabled: u8,
    pub(crate) divisor: [u8; 2],
    pub(crate) line_errors: u8,
    /// Not there: every register reads as ones.
    pub(crate) absent: bool,
    /// Its time for fewer bytes than it interrupts for is never over.
    pub(crate) patient: bool,
    /// Claims a cause for ever.
    pub(crate) stuck: bool,
    /// Accesses so far.
    pub(crate) accesses: usize,
    empty_pending: bool,
    line_control: u8,
    scratch: u8,
    pub(crate) fifos: bool,
}

impl Fake {
    /// The transmitter has sent its FIFO.
    pub(crate) fn drained(&mut self) {
        self.busy = false;
        self.empty_pending = true;
    }

    /// Whether the interrupt line is up.
    pub(crate) fn interrupting(&self) -> bool {
        self.cause() != cause::NONE
    }

    fn cause(&self) -> u8 {
        if self.stuck {
            cause::MODEM
        } else if self.enabled & enable::LINE != 0 && self.line_errors != 0 {
            cause::LINE
        } else if self.enabled & enable::RECEIVED != 0 && !self.received.is_empty() {
            if self.received.len() >= TRIGGER {
                cause::RECEIVED
            } else if self.patient {
                cause::NONE
            } else {
                cause::TIMEOUT
            }
        } else if self.enabled & enable::EMPTY != 0 && self.empty_pending {
            cause::EMPTY
        } else {
            cause::NONE
        }
    }
}

impl Ports for Fake {
    type Error = ();

    fn read(&mut self, index: u8) -> Result<u8, ()> {
        self.accesses += 1;
        if self.absent {
            return Ok(0xff);
        }
        Ok(match index {
            DATA => self.received.pop_front().unwrap_or(0),
            IDENTIFICATION => {
                let cause = self.cause();
                if cause == cause::EMPTY {
                    self.empty_pending = false;
                }
                cause | if self.fifos { 0xc0 } else { 0 }
            }
            LINE_STATUS => {
                let ready = if self.received.is_empty() {
                    0
                } else {
                    line::READY
                };
                let empty = if self.busy { 0 } else { line::EMPTY };
                ready | empty | core::mem::take(&mut self.line_errors)
            }
            MODEM_STATUS => 0xb0,
            SCRATCH => self.scratch,
            _ => 0,
        })
    }

    fn write(&mut self, index: u8, value: u8) -> Result<(), ()> {
        self.accesses += 1;
        let latch = self.line_control & 0x80 != 0;
        match index {
            DATA if latch => self.divisor[0] = value,
            DATA => {
                self.sent.push(value);
                self.busy = !self.instant;
            }
            INTERRUPT_ENABLE if latch => self.divisor[1] = value,
            INTERRUPT_ENABLE => {
                // Enabling the interrupt with an empty transmitter raises it at once.
                if value & enable::EMPTY != 0 && self.enabled & enable::EMPTY == 0 && !self.busy {
                    self.empty_pending = true;
                }
                self.enabled = value;
            }
            LINE_CONTROL => self.line_control = value,
            FIFO => {
                let turned_on = value & 1 != 0 && !self.fifos;
                self.fifos |= turned_on;
                self.received
                    .drain(..if turned_on { self.received.len() } else { 0 });
            }
            SCRATCH => self.scratch = value,
            _ => {}
        }
        Ok(())
    }
}
