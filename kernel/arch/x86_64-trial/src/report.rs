//! Text out, and the panic handler.

use core::fmt::Arguments;
use core::panic::PanicInfo;
use sundog_arch_x86_64::{debugcon, exit};

/// Writes a line.
pub fn say(text: Arguments) {
    debugcon::line(format_args!("trial: {text}"));
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let (file, line) = info
        .location()
        .map_or(("?", 0), |place| (place.file(), place.line()));
    say(format_args!("panic: {file}:{line}: {}", info.message()));
    exit::exit(exit::PANIC)
}
