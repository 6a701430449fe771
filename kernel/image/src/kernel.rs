//! The image on the bare machine: what the architecture layer calls, and what happens on a panic.

use core::panic::PanicInfo;
use core::ptr;

use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::event::Event;
use sundog_arch_x86_64::registers::Registers;
use sundog_arch_x86_64::start_info::MemoryKind;
use sundog_arch_x86_64::{debugcon, exit, lapic, per_cpu, tsc};
use sundog_core::{Fast, Kernel, System, boot};
use sundog_machine::hardware;

/// Ranges of memory that are used at most.
const RANGES: usize = 16;

sundog_arch_x86_64::entry_points!(
    boot,
    entry,
    fast_call,
    fast_reply_receive,
    fast_enter,
    fast_exit
);

/// Makes the system and lets init run on this CPU.
fn boot(info: &'static BootInfo) {
    debugcon::line(format_args!("sundog: {} CPUs", info.cpus));
    say_what_is_missing(info);
    let Some(package) = info.start.module() else {
        debugcon::line(format_args!(
            "sundog: no boot package (-initrd); nothing to run"
        ));
        exit::exit(exit::PASS)
    };
    let mut memory = [(0, 0); RANGES];
    let mut count = 0;
    let usable = info.start.memory().iter();
    for range in usable.filter(|range| range.kind == MemoryKind::Ram) {
        if count < RANGES {
            memory[count] = (range.start, range.end);
            count += 1;
        }
    }
    let described = boot::BootInfo {
        memory: &memory[..count],
        free: info.kernel_end,
        package,
        command_line: info.start.command_line(),
        cpus: info.cpus as u32,
        ticks_per_microsecond: tsc::ticks_per_us(),
        entry_ticks: info.entry_ticks,
    };
    let token = sundog_machine::lock();
    hardware::route_lines(&info.madt);
    match Kernel::boot(token, &described) {
        Ok(kernel) => {
            sundog_machine::set_root(kernel.token(), kernel.system());
            for cpu in 0..info.cpus {
                sundog_machine::set_own(kernel.token(), cpu, kernel.cpu_state(cpu));
            }
            kernel.leave();
            sundog_machine::unlock(kernel.into_token());
            // The others look for work, and set their timers.
            for cpu in (0..info.cpus).filter(|cpu| *cpu != per_cpu::index()) {
                lapic::call(cpu);
            }
        }
        Err(text) => panic!("boot: {text}"),
    }
}

/// One entry into the kernel.
fn entry(event: Event) {
    let token = sundog_machine::lock();
    let Some(system) = sundog_machine::root::<System>() else {
        // An interrupt before the system exists.
        sundog_machine::unlock(token);
        return;
    };
    let mut kernel = Kernel::resume(token, system, per_cpu::index());
    kernel.handle(event);
    sundog_machine::unlock(kernel.into_token());
}

/// Does something on a fast path, if the lock is free. `None`: nothing was changed.
#[inline(always)]
fn fast<T>(what: impl FnOnce(Fast<'_>) -> Option<T>) -> Option<T> {
    let token = sundog_machine::try_lock()?;
    let end = sundog_machine::own(&token).and_then(|cpu| what(Fast::new(&token, cpu)));
    sundog_machine::unlock(token);
    end
}

#[inline(always)]
fn fast_call(address: u64, info: u64) -> *const Registers {
    fast(|fast| fast.call(address, info).map(ptr::from_ref)).unwrap_or(ptr::null())
}

#[inline(always)]
fn fast_reply_receive(address: u64, info: u64, answer: u64) -> *const Registers {
    fast(|fast| fast.reply_receive(address, info, answer).map(ptr::from_ref)).unwrap_or(ptr::null())
}

#[inline(always)]
fn fast_enter(address: u64, deadline: u64) -> *const Registers {
    fast(|fast| fast.enter(address, deadline).map(ptr::from_ref)).unwrap_or(ptr::null())
}

#[inline(always)]
fn fast_exit() -> bool {
    fast(|fast| fast.exit()).is_some()
}

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
