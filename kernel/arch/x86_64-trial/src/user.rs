//! The kernel side of the user program: answers its calls, and checks that each event is the one that must come.

use crate::report::say;
use crate::space::{self, Space};
use core::arch::{asm, global_asm};
use core::slice;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use sundog_arch_x86_64::boot::BootInfo;
use sundog_arch_x86_64::entry_format::USER_END;
use sundog_arch_x86_64::event::{Access, Event, NO_FPU};
use sundog_arch_x86_64::layout::{KERNEL_BASE, direct};
use sundog_arch_x86_64::registers::{BY_IRET, Registers};
use sundog_arch_x86_64::user_copy::{UserFault, copy_from_user, copy_to_user};
use sundog_arch_x86_64::{control, exit, fpu, lapic, paging, per_cpu, tsc};

global_asm!(include_str!("user.s"), options(att_syntax, raw));

unsafe extern "C" {
    static user_start: u8;
    static user_end: u8;
}

const CODE: u64 = 0x40_0000;
const DATA: u64 = 0x50_0000;
const NOWHERE: u64 = 0x60_0000;
const BAD_BASE: u64 = 0x8000_0000_0000;
const MAX_CPUS: usize = 8;

/// The events that must come between calls, in order.
const EXPECTED: [Event; 12] = [
    fault(NOWHERE, false, false, false),
    fault(CODE, true, true, false),
    fault(KERNEL_BASE + 0x20_0000, false, false, false),
    fault(DATA, true, false, true),
    exception(6, 0),
    exception(13, 0),
    exception(3, 0),
    exception(13, 2),
    exception(0, 0),
    exception(1, 0),
    exception(1, 0),
    Event::BadState,
];

const fn fault(address: u64, present: bool, write: bool, execute: bool) -> Event {
    Event::PageFault {
        address,
        access: Access {
            present,
            write,
            execute,
        },
    }
}

const fn exception(vector: u8, error: u64) -> Event {
    Event::Exception { vector, error }
}

/// One CPU's thread.
struct Thread {
    registers: Registers,
    root: AtomicU64,
    events: AtomicUsize,
    timers: AtomicUsize,
}

/// All threads, each used by its own CPU only.
struct Threads([Thread; MAX_CPUS]);

// SAFETY: `THREADS.0[n].registers` is written before CPU n starts its thread, then used by that CPU only; the rest is atomic.
unsafe impl Sync for Threads {}

static THREADS: Threads = Threads(
    [const {
        Thread {
            registers: Registers::new(),
            root: AtomicU64::new(0),
            events: AtomicUsize::new(0),
            timers: AtomicUsize::new(0),
        }
    }; MAX_CPUS],
);
static CPUS: AtomicUsize = AtomicUsize::new(0);
static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// Makes a thread for each CPU and starts them all.
pub fn start(info: &BootInfo) {
    CPUS.store(info.cpus, Ordering::Relaxed);
    for (cpu, thread) in THREADS.0.iter().enumerate().take(info.cpus) {
        let space = Space::new();
        let code = space.map(CODE, space::CODE);
        place_program(code);
        let _ = space.map(DATA, space::DATA);
        thread.root.store(space.root, Ordering::Relaxed);
        thread.registers.rip.set(CODE);
        thread.registers.rsp.set(DATA + 0xff0);
        thread.registers.rdi.set(cpu as u64);
        thread.registers.rsi.set(info.features.fsgsbase.into());
    }
    for cpu in 1..info.cpus {
        lapic::call(cpu);
    }
    run();
}

fn place_program(page: u64) {
    let start = &raw const user_start;
    let length = (&raw const user_end) as usize - start as usize;
    // SAFETY: user.s puts the two symbols around the program, which is constant.
    let program = unsafe { slice::from_raw_parts(start, length) };
    let target = direct(page) as *mut u8;
    // SAFETY: the page was just made, and the program is shorter than a page.
    unsafe { target.copy_from_nonoverlapping(program.as_ptr(), program.len()) };
}

/// Makes this CPU's thread the one that runs.
fn run() {
    let thread = own();
    // SAFETY: the root's upper half is the kernel's; the tables are never given back.
    unsafe { paging::load_root(thread.root.load(Ordering::Relaxed)) };
    // SAFETY: the registers are static, and this CPU's.
    unsafe { per_cpu::set_current(&thread.registers) };
}

fn own() -> &'static Thread {
    &THREADS.0[per_cpu::index()]
}

/// An entry into the kernel.
pub fn entry(event: Event) {
    let (thread, cpu) = (own(), per_cpu::index());
    let registers = &thread.registers;
    if event == Event::Syscall && registers.rax.get() == 12 {
        return; // first, since this call is there to see what calls cost
    }
    assert!(
        flags() & own_flags() == 0,
        "flags of user mode in the kernel"
    );
    match event {
        Event::Call => run(),
        Event::Syscall => call(thread),
        Event::Timer => {
            thread.timers.fetch_add(1, Ordering::Relaxed);
            registers.rax.set(0x7777);
        }
        Event::Exception { vector: NO_FPU, .. } => fpu::enable(),
        // Comes on a CPU only: QEMU's emulation takes any address as a base.
        Event::BadState if registers.gs_base.get() == BAD_BASE => registers.gs_base.set(0),
        _ => {
            let number = thread.events.fetch_add(1, Ordering::Relaxed);
            let expected = EXPECTED.get(number);
            assert!(
                expected == Some(&event),
                "CPU {cpu}, event {number}: {event:x?}, not {expected:x?}"
            );
            assert!(event == Event::BadState || registers.how.get() == BY_IRET);
            registers.rip.set(registers.r15.get());
            // Single stepping ends here.
            registers.rflags.set(registers.rflags.get() & !0x100);
        }
    }
}

fn call(thread: &Thread) {
    let registers = &thread.registers;
    match registers.rax.get() {
        11 => done(thread),
        2 => lapic::set_timer(tsc::now() + 20 * tsc::ticks_per_us()),
        3 => registers.rip.set(0x8000_0000_0000),
        4 => registers.gs_base.set(BAD_BASE),
        5 => registers.rax.set(copies(registers.rdi.get())),
        6 => save_fpu(),
        8 => add_one(registers),
        9 => {
            add_one(registers);
            registers.rcx.set(registers.rbx.get());
            registers.r11.set(registers.rbx.get());
            registers.how.set(BY_IRET);
        }
        10 => {
            registers.gs_base.set(DATA);
            registers.fs_base.set(DATA + 0x10);
        }
        7 => say(format_args!("a call took {} ticks", registers.rdi.get())),
        other => panic!("no call {other}"),
    }
}

/// A message to the thread itself: rdi and rsi one higher.
pub fn message(rdi: u64, rsi: u64) -> *const Registers {
    let registers = &own().registers;
    registers.rdi.set(rdi + 1);
    registers.rsi.set(rsi + 1);
    registers
}

/// Adds 1 to each general register that a call keeps, and to its number.
fn add_one(registers: &Registers) {
    let Registers {
        rax,
        rbx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r12,
        r13,
        r14,
        r15,
        ..
    } = registers;
    for register in [
        rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15,
    ] {
        register.set(register.get() + 1);
    }
}

/// The flags of this CPU now.
fn flags() -> u64 {
    let flags;
    // SAFETY: reads the flags by way of the stack.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags) };
    flags
}

/// Flags that must be clear in the kernel: trap, interrupt, direction, and alignment check where it lifts SMAP.
fn own_flags() -> u64 {
    let smap = if control::features().smap { 1 << 18 } else { 0 };
    smap | 1 << 8 | 1 << 9 | 1 << 10
}

fn done(thread: &Thread) {
    let cpu = per_cpu::index();
    let failed = thread.registers.rdi.get();
    assert!(
        failed == 0,
        "CPU {cpu}: the program says no, {:?}",
        thread.registers
    );
    assert!(
        thread.events.load(Ordering::Relaxed) == EXPECTED.len(),
        "CPU {cpu}: events are missing"
    );
    assert!(
        thread.timers.load(Ordering::Relaxed) == 1,
        "CPU {cpu}: timer"
    );
    // SAFETY: null is always allowed.
    unsafe { per_cpu::set_current(core::ptr::null()) };
    say(format_args!("CPU {cpu} is done"));
    if FINISHED.fetch_add(1, Ordering::AcqRel) + 1 == CPUS.load(Ordering::Relaxed) {
        exit::exit(exit::PASS);
    }
}

/// Copies the eight bytes at `at` behind themselves, and sees that what must fail does. The number of the failed check, or 0.
fn copies(at: u64) -> u64 {
    let mut word = [0; 8];
    let mut page = [0; 4096];
    let checks = [
        copy_from_user(&mut word, at) == Ok(()) && word == *b"u.memory",
        copy_to_user(at + 8, &word) == Ok(()),
        copy_from_user(&mut word, NOWHERE) == Err(UserFault),
        copy_to_user(NOWHERE, &word) == Err(UserFault),
        copy_to_user(CODE, &word) == Err(UserFault),
        // From the middle of the page over its end, at an odd length.
        copy_from_user(&mut page[..4091], at) == Err(UserFault),
        copy_from_user(&mut page[..11], DATA + 0xff8) == Err(UserFault),
        copy_from_user(&mut word, KERNEL_BASE + 0x11_0000) == Err(UserFault),
        copy_from_user(&mut word, USER_END - 4) == Err(UserFault),
        copy_from_user(&mut word, u64::MAX - 3) == Err(UserFault),
        copy_from_user(&mut [], at) == Ok(()),
    ];
    checks
        .iter()
        .position(|good| !good)
        .map_or(0, |number| number as u64 + 1)
}

/// Saves the FPU's registers, loses them and gets them back.
fn save_fpu() {
    let area = space::page();
    let pointer = direct(area) as *mut u8;
    assert!(fpu::state_size() <= 4096);
    // SAFETY: the page is zero, aligned, long enough and nobody else's.
    unsafe { fpu::save(pointer) };
    fpu::reset();
    // SAFETY: as above.
    let restored = unsafe { fpu::restore(pointer) };
    assert!(restored);
    if fpu::state_size() == 512 {
        return; // QEMU's emulation accepts every such area
    }
    // SAFETY: which parts are present lies at this offset of the page.
    unsafe { pointer.wrapping_add(512).cast::<u64>().write(u64::MAX) };
    // SAFETY: as above; the CPU refuses this value.
    let restored_nonsense = unsafe { fpu::restore(pointer) };
    assert!(!restored_nonsense);
    // SAFETY: the same place.
    unsafe { pointer.wrapping_add(512).cast::<u64>().write(7) };
    // SAFETY: as above.
    let restored = unsafe { fpu::restore(pointer) };
    assert!(restored);
}
