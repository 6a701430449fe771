//! The image on the bare machine: what the architecture layer calls, and what happens on a panic.

use core::panic::PanicInfo;
use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::event::Event;
use sundog_arch_x86_64::{debugcon, exit, tsc};

sundog_arch_x86_64::entry_points!(boot, entry);

fn boot(info: &'static BootInfo) {
    let ticks = tsc::now() - info.entry_ticks;
    debugcon::line(format_args!("sundog: {} CPUs", info.cpus));
    say_what_is_missing(info);
    debugcon::line(format_args!(
        "sundog: {ticks} ticks from entry, {} ticks in a millisecond",
        tsc::ticks_per_ms()
    ));
    exit::exit(exit::PASS)
}

fn entry(_event: Event) {}

/// A line for each thing that the machine lacks or that could not be used.
fn say_what_is_missing(info: &BootInfo) {
    let missing = info.features.missing();
    if !missing.is_empty() {
        debugcon::line(format_args!("sundog: this CPU lacks {missing}"));
    }
    let idle = info.madt.cpus().len() + info.madt.cpus_dropped() - info.cpus;
    if idle != 0 {
        debugcon::line(format_args!("sundog: {idle} CPUs are not used"));
    }
    if info.start.ranges_dropped() != 0 {
        let ranges = info.start.ranges_dropped();
        debugcon::line(format_args!(
            "sundog: {ranges} ranges of memory are not used"
        ));
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let (file, line) = info
        .location()
        .map_or(("?", 0), |place| (place.file(), place.line()));
    debugcon::line(format_args!(
        "sundog: panic: {file}:{line}: {}",
        info.message()
    ));
    exit::exit(exit::PANIC)
}
