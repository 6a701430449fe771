//! What the x86_64 layer calls: hands over to the trial that the command line names.

use crate::report::say;
use crate::{devices, forbidden, space, user};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::event::Event;
use sundog_arch_x86_64::registers::Registers;
use sundog_arch_x86_64::{exit, tsc};

/// CPUs of this machine; 0 while the user program is tried.
static DEVICES: AtomicUsize = AtomicUsize::new(0);

#[unsafe(no_mangle)]
fn sundog_boot(info: &'static BootInfo) {
    let ticks = tsc::now() - info.entry_ticks;
    say(format_args!(
        "{} CPUs, {ticks} ticks, {} in a microsecond",
        info.cpus,
        tsc::ticks_per_us()
    ));
    say(format_args!("missing: {}", info.features.missing()));
    space::start_at(info.kernel_end);
    match str::from_utf8(info.start.command_line()).unwrap_or("") {
        "user" => user::start(info),
        "devices" => {
            DEVICES.store(info.cpus, Ordering::Relaxed);
            devices::start(info);
        }
        name => {
            forbidden::try_it(name);
            say(format_args!("nothing stopped {name}"));
            exit::exit(1);
        }
    }
}

/// A message to the thread itself.
#[unsafe(no_mangle)]
extern "C" fn sundog_fast_call(rdi: u64, rsi: u64) -> *const Registers {
    user::message(rdi, rsi)
}

/// What the kernel answers to this and to the next is tried by whole systems.
#[unsafe(no_mangle)]
extern "C" fn sundog_fast_reply_receive() -> *const Registers {
    ptr::null()
}

#[unsafe(no_mangle)]
extern "C" fn sundog_fast_enter() -> *const Registers {
    ptr::null()
}

#[unsafe(no_mangle)]
extern "C" fn sundog_fast_exit() -> bool {
    false
}

#[unsafe(no_mangle)]
fn sundog_entry(event: Event) {
    match DEVICES.load(Ordering::Relaxed) {
        0 => user::entry(event),
        cpus => devices::entry(event, cpus),
    }
}
