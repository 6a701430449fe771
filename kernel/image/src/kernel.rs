//! The image on the bare machine: what the architecture layer calls, and what happens on a panic.

use core::fmt::Write;
use core::panic::PanicInfo;
use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::debugcon::Debugcon;
use sundog_arch_x86_64::event::Event;
use sundog_arch_x86_64::{exit, tsc};

#[unsafe(no_mangle)]
fn sundog_boot(info: &'static BootInfo) {
    let ticks = tsc::now() - info.entry_ticks;
    say(format_args!("sundog: {} CPUs", info.cpus));
    say(format_args!(
        "sundog: {ticks} ticks from entry, {} ticks in a millisecond",
        tsc::ticks_per_ms()
    ));
    exit::exit(exit::PASS)
}

#[unsafe(no_mangle)]
fn sundog_entry(_event: Event) {}

fn say(text: core::fmt::Arguments) {
    // The debug port takes everything.
    let _ = writeln!(Debugcon, "{text}");
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let (file, line) = info
        .location()
        .map_or(("?", 0), |place| (place.file(), place.line()));
    say(format_args!(
        "sundog: panic: {file}:{line}: {}",
        info.message()
    ));
    exit::exit(exit::PANIC)
}
