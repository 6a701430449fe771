//! Interrupts without a thread: a device's line, the timer, another CPU, a non-maskable one, all while the CPU idles.

use crate::report::say;
use core::sync::atomic::{AtomicUsize, Ordering};
use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::event::{Event, FIRST_DEVICE_VECTOR};
use sundog_arch_x86_64::{exit, ioapic, lapic, per_cpu, port, tsc};

static STEP: AtomicUsize = AtomicUsize::new(0);

/// The first serial port: its line, and its registers for interrupts and for what passes its interrupt on.
const SERIAL_LINE: u32 = 4;
const SERIAL_ENABLE: u16 = 0x3f9;
const SERIAL_CONTROL: u16 = 0x3fc;

/// Lets the serial port say that it can send.
pub fn start(info: &BootInfo) {
    let wiring = ioapic::wiring(&info.madt, SERIAL_LINE);
    let own = per_cpu::identifier(0).unwrap_or(0);
    assert!(ioapic::route(wiring, FIRST_DEVICE_VECTOR, own).is_ok());
    assert!(ioapic::unmask(wiring.input).is_ok());
    assert!(ioapic::mask(1000).is_err());
    lapic::interrupt_non_maskable(0);
    while per_cpu::nmis() == 0 {
        core::hint::spin_loop();
    }
    for (port, value) in [(SERIAL_CONTROL, 8), (SERIAL_ENABLE, 2)] {
        // SAFETY: the serial port cannot change memory.
        unsafe { port::out_u8(port, value) };
    }
}

/// An entry into the kernel: each step must come in its turn.
pub fn entry(event: Event, cpus: usize) {
    let (step, cpu) = (STEP.fetch_add(1, Ordering::Relaxed), per_cpu::index());
    match (step, event) {
        (
            0,
            Event::Interrupt {
                vector: FIRST_DEVICE_VECTOR,
            },
        ) => {
            lapic::end_of_interrupt();
            lapic::set_timer(0); // long past: fires at once
        }
        (1, Event::Timer) => lapic::set_timer(tsc::now() + tsc::ticks_per_ms()),
        (2, Event::Timer) if cpus > 1 => lapic::call(1),
        (3, Event::Call) if cpu == 1 => {
            say(format_args!("device, timer and call came"));
            exit::exit(exit::PASS)
        }
        _ => panic!("step {step}: {event:x?} on CPU {cpu}"),
    }
}
