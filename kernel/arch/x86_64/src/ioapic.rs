//! The I/O interrupt controllers: which vector on which CPU a device's interrupt line becomes.

use crate::acpi::{IoApicEntry, IsaLine, MAX_IO_APICS, Madt};
use crate::entry_format::PAGE_SIZE;
use crate::layout::DEVICES;
use core::hint;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

const VERSION: u32 = 1;
const ROUTES: u32 = 0x10;
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// One controller: the number of its first input, and how many it has (0: there is none).
struct Controller {
    first_input: AtomicU32,
    inputs: AtomicU32,
    offset: AtomicU32,
}

static CONTROLLERS: [Controller; MAX_IO_APICS] = [const {
    Controller {
        first_input: AtomicU32::new(0),
        inputs: AtomicU32::new(0),
        offset: AtomicU32::new(0),
    }
}; MAX_IO_APICS];
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// A register is reached in two steps, which must not mix with another CPU's.
static BUSY: AtomicBool = AtomicBool::new(false);

/// No controller has the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchInput;

/// The address at which controller `number` is mapped (the page that holds its registers).
pub(crate) fn page(number: usize) -> u64 {
    DEVICES + PAGE_SIZE * (1 + number as u64)
}

/// Takes note of a controller, whose page must be mapped, and masks all its inputs.
pub(crate) fn add(number: usize, entry: &IoApicEntry) {
    let controller = &CONTROLLERS[number];
    controller
        .offset
        .store((entry.address % PAGE_SIZE) as u32, Ordering::Relaxed);
    controller
        .first_input
        .store(entry.first_input, Ordering::Relaxed);
    let registers = Access::to(number);
    let inputs = (registers.read(VERSION) >> 16 & 0xff) + 1;
    controller.inputs.store(inputs, Ordering::Relaxed);
    for input in 0..inputs {
        registers.write(ROUTES + 2 * input, MASKED);
    }
    COUNT.fetch_max(number + 1, Ordering::Release);
}

/// The right to use the registers of one controller, until dropped.
struct Access {
    select: *mut u32,
    window: *mut u32,
}

impl Access {
    /// Waits until no other CPU uses a controller.
    fn to(number: usize) -> Access {
        let base = page(number) + u64::from(CONTROLLERS[number].offset.load(Ordering::Relaxed));
        while BUSY
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            hint::spin_loop();
        }
        Access {
            select: base as *mut u32,
            window: (base + 0x10) as *mut u32,
        }
    }

    fn read(&self, register: u32) -> u32 {
        // SAFETY: the page of registers is mapped, and selecting one does nothing else.
        unsafe { self.select.write_volatile(register) };
        // SAFETY: as above; reading changes nothing.
        unsafe { self.window.read_volatile() }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: as for `read`.
        unsafe { self.select.write_volatile(register) };
        // SAFETY: routes send interrupts to vectors with handlers; they change no memory.
        unsafe { self.window.write_volatile(value) };
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::Release);
    }
}

/// The controller that has an input (counted over all of them), and the register of its route there.
fn find(input: u32) -> Result<(usize, u32), NoSuchInput> {
    for (number, controller) in CONTROLLERS
        .iter()
        .enumerate()
        .take(COUNT.load(Ordering::Acquire))
    {
        let own = input.wrapping_sub(controller.first_input.load(Ordering::Relaxed));
        if own < controller.inputs.load(Ordering::Relaxed) {
            return Ok((number, ROUTES + 2 * own));
        }
    }
    Err(NoSuchInput)
}

/// How line `line` is wired: the sixteen ISA lines as ACPI says, all others as PCI's are (level, active low) at the input of that number.
#[must_use]
pub fn wiring(madt: &Madt, line: u32) -> IsaLine {
    let pci = IsaLine {
        input: line,
        active_low: true,
        level: true,
    };
    madt.isa.get(line as usize).copied().unwrap_or(pci)
}

/// Sends the interrupts of an input to `vector` on the CPU with a local APIC identifier; masked at first.
///
/// # Errors
/// [`NoSuchInput`].
pub fn route(wiring: IsaLine, vector: u8, identifier: u8) -> Result<(), NoSuchInput> {
    let (number, register) = find(wiring.input)?;
    let low = if wiring.active_low { ACTIVE_LOW } else { 0 } | if wiring.level { LEVEL } else { 0 };
    let registers = Access::to(number);
    registers.write(register, MASKED | low | u32::from(vector));
    registers.write(register + 1, u32::from(identifier) << 24);
    Ok(())
}

/// Holds the interrupts of an input back.
///
/// # Errors
/// [`NoSuchInput`].
pub fn mask(input: u32) -> Result<(), NoSuchInput> {
    let (number, register) = find(input)?;
    let registers = Access::to(number);
    registers.write(register, registers.read(register) | MASKED);
    Ok(())
}

/// Lets the interrupts of an input through again.
///
/// # Errors
/// [`NoSuchInput`].
pub fn unmask(input: u32) -> Result<(), NoSuchInput> {
    let (number, register) = find(input)?;
    let registers = Access::to(number);
    registers.write(register, registers.read(register) & !MASKED);
    Ok(())
}
