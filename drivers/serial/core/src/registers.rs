//! The registers of a 16550.

/// The eight registers, wherever they are.
pub trait Ports {
    /// Why an access failed.
    type Error;

    /// Reads register `index` (0-7).
    ///
    /// # Errors
    /// What the way to the device fails with.
    fn read(&mut self, index: u8) -> Result<u8, Self::Error>;

    /// Writes register `index` (0-7).
    ///
    /// # Errors
    /// What the way to the device fails with.
    fn write(&mut self, index: u8, value: u8) -> Result<(), Self::Error>;
}

/// Data; with the latch open, the divisor's low byte.
pub(crate) const DATA: u8 = 0;
/// Interrupt enable; with the latch open, the divisor's high byte.
pub(crate) const INTERRUPT_ENABLE: u8 = 1;
/// Read: interrupt identification. Write: FIFO control.
pub(crate) const IDENTIFICATION: u8 = 2;
/// FIFO control, the same register when written.
pub(crate) const FIFO: u8 = 2;
/// Line control.
pub(crate) const LINE_CONTROL: u8 = 3;
/// Modem control.
pub(crate) const MODEM_CONTROL: u8 = 4;
/// Line status.
pub(crate) const LINE_STATUS: u8 = 5;
/// Modem status.
pub(crate) const MODEM_STATUS: u8 = 6;
/// A register that keeps what is written and does nothing.
pub(crate) const SCRATCH: u8 = 7;

/// Bits of [`INTERRUPT_ENABLE`].
pub(crate) mod enable {
    /// Bytes arrived.
    pub(crate) const RECEIVED: u8 = 1;
    /// The transmitter is empty.
    pub(crate) const EMPTY: u8 = 2;
    /// A line error.
    pub(crate) const LINE: u8 = 4;
}

/// Bits of [`IDENTIFICATION`] that are both set while the FIFOs are on.
pub(crate) const FIFOS: u8 = 0xc0;

/// What [`IDENTIFICATION`] says, without its upper four bits.
pub(crate) mod cause {
    /// Nothing is pending.
    pub(crate) const NONE: u8 = 1;
    /// Modem status changed.
    pub(crate) const MODEM: u8 = 0;
    /// The transmitter is empty.
    pub(crate) const EMPTY: u8 = 2;
    /// Bytes arrived.
    pub(crate) const RECEIVED: u8 = 4;
    /// A line error.
    pub(crate) const LINE: u8 = 6;
    /// Bytes have been waiting for a while.
    pub(crate) const TIMEOUT: u8 = 12;
}

/// Bits of [`LINE_STATUS`].
pub(crate) mod line {
    /// There is a byte to read.
    pub(crate) const READY: u8 = 1;
    /// A byte was lost in the device.
    pub(crate) const OVERRUN: u8 = 2;
    /// A byte was damaged on the line: parity, framing or break.
    pub(crate) const DAMAGED: u8 = 4 | 8 | 16;
    /// The transmitter takes a FIFO full of bytes.
    pub(crate) const EMPTY: u8 = 32;
}

/// 8 bits, no parity, one stop bit.
pub(crate) const EIGHT_N_ONE: u8 = 3;
/// Opens the divisor latch.
pub(crate) const LATCH: u8 = 0x80;
/// FIFOs on (which empties them if they were off), an interrupt at 14 bytes (and by time-out for fewer).
pub(crate) const FIFO_ON: u8 = 0xc1;
/// Terminal ready, request to send, and the output that lets interrupts out of the device.
pub(crate) const MODEM_ON: u8 = 0x0b;
/// Bytes that are in the device at least when it interrupts with [`cause::RECEIVED`] and FIFOs that are on.
pub(crate) const TRIGGER: usize = 14;
/// Bytes of the transmit FIFO.
pub(crate) const FIFO_BYTES: usize = 16;
