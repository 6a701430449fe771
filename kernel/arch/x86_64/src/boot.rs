//! From the loader's entry to the kernel proper, on every CPU.

use crate::acpi::{AcpiError, Madt};
use crate::control;
use crate::entry_format::PAGE_SIZE;
use crate::features::Features;
use crate::fpu;
use crate::frames::Frames;
use crate::gdt;
use crate::hooks::sundog_boot;
use crate::idt;
use crate::ioapic;
use crate::kernel_map::{Image, KernelMap};
use crate::lapic;
use crate::layout::{DEVICES, EXCEPTION_STACKS, TRAMPOLINE, direct, exception_stack, kernel_stack};
use crate::paging;
use crate::per_cpu;
use crate::physical::PhysicalMemory;
use crate::pic;
use crate::smp;
use crate::start_info::StartInfo;
use crate::trap;
use crate::tsc;
use core::arch::{global_asm, naked_asm};
use core::cell::UnsafeCell;

global_asm!(
    include_str!("boot.s"),
    boot_entry = sym boot_entry,
    application_entry = sym application_entry,
    trampoline = const TRAMPOLINE,
    options(att_syntax)
);

unsafe extern "C" {
    static trampoline_start: u8;
    static trampoline_end: u8;
}

/// What the kernel proper needs to know about the machine.
#[derive(Debug)]
pub struct BootInfo {
    /// What the loader said: memory map, command line, module.
    pub start: StartInfo,
    /// What ACPI said about interrupt controllers and CPUs.
    pub madt: Madt,
    /// Physical start of what the kernel occupies: its image and what it took behind it.
    pub kernel_start: u64,
    /// Physical end of what the kernel occupies.
    pub kernel_end: u64,
    /// CPUs that run, this one included. They are numbered from 0, the one that booted.
    pub cpus: usize,
    /// What the CPU that booted has; the others are taken to be like it.
    pub features: Features,
    /// The time-stamp counter at the loader's entry.
    pub entry_ticks: u64,
}

/// Holds the boot information, which is written before any other CPU runs.
struct Place(UnsafeCell<BootInfo>);

// SAFETY: written only by `boot_main` before it starts other CPUs, and read only through what it hands out afterwards.
unsafe impl Sync for Place {}

static BOOT_INFO: Place = Place(UnsafeCell::new(BootInfo {
    start: StartInfo::EMPTY,
    madt: Madt::standard(),
    kernel_start: 0,
    kernel_end: 0,
    cpus: 1,
    features: Features::NONE,
    entry_ticks: 0,
}));

/// The stack until the kernel's own tables are in use.
#[repr(align(16))]
struct FirstStack(#[expect(dead_code, reason = "used by its address")] UnsafeCell<[u8; 16384]>);

// SAFETY: only the CPU that boots uses it, as its stack.
unsafe impl Sync for FirstStack {}

static FIRST_STACK: FirstStack = FirstStack(UnsafeCell::new([0; 16384]));

/// The first instructions in the high half: rdi = start_info, rsi = time-stamp counter at entry.
#[unsafe(naked)]
extern "C" fn boot_entry() -> ! {
    naked_asm!(
        "lea rsp, [rip + {stack} + 16384]",
        "xor ebp, ebp",
        "call {main}",
        "ud2",
        stack = sym FIRST_STACK,
        main = sym boot_main,
    )
}

/// The first instructions of another CPU in the high half.
#[unsafe(naked)]
extern "C" fn application_entry() -> ! {
    naked_asm!(
        "lea rax, [rip + {start}]",
        "mov rcx, [rax]",
        "mov cr3, rcx",
        "mov rsp, [rax + 8]",
        "mov rdi, [rax + 16]",
        "xor ebp, ebp",
        "call {main}",
        "ud2",
        start = sym smp::START_OF,
        main = sym application_main,
    )
}

/// Goes on in `main` on another stack.
///
/// # Safety
/// `stack` must be the end of a mapped stack that nothing uses.
#[unsafe(naked)]
unsafe extern "C" fn continue_on(stack: u64, main: extern "C" fn() -> !) -> ! {
    naked_asm!("mov rsp, rdi", "xor ebp, ebp", "call rsi", "ud2")
}

/// The first 4 GiB of physical memory, while they are all mapped.
struct FirstMemory;

impl PhysicalMemory for FirstMemory {
    fn byte(&self, address: u64) -> Option<u8> {
        if address >= 1 << 32 {
            return None;
        }
        let pointer = direct(address) as *const u8;
        // SAFETY: the boot tables map the address, and firmware tables are not written while they are read.
        Some(unsafe { pointer.read_volatile() })
    }
}

/// On the first stack and the boot tables: reads what the firmware says and makes the kernel's own tables.
extern "C" fn boot_main(start_info: u64, entry_ticks: u64) -> ! {
    // SAFETY: this runs once, before anything else can see the place.
    let info = unsafe { &mut *BOOT_INFO.0.get() };
    info.entry_ticks = entry_ticks;
    if let Err(error) = info.start.read(&FirstMemory, start_info) {
        panic!("start_info: {error:?}");
    }
    info.madt = find_madt(&info.start).unwrap_or_else(|error| panic!("ACPI: {error:?}"));
    control::set_cache_types();
    info.features = control::features();
    let image = Image::linked();
    let mut frames = Frames::new(&info.start, image.end);
    let mut map = KernelMap::new(&info.start, &mut frames, info.features.gigabyte_pages);
    map.device(DEVICES, info.madt.local_apic);
    for (number, entry) in info.madt.io_apics().iter().enumerate() {
        map.device(ioapic::page(number), entry.address & !(PAGE_SIZE - 1));
    }
    for cpu in 0..info.madt.cpus().len() as u64 {
        let (low, high) = kernel_stack(cpu);
        map.stack(low, high);
        for number in 0..EXCEPTION_STACKS {
            let (low, high) = exception_stack(cpu, number);
            map.stack(low, high);
        }
        per_cpu::make(cpu as usize, map.frames().zeroed(), kernel_stack(cpu).1);
    }
    let root = map.finish();
    info.kernel_start = image.start;
    info.kernel_end = frames.next();
    // SAFETY: the tables map the image, this stack included (it is part of the image's data).
    unsafe { paging::load_root(root) };
    // SAFETY: the stack of CPU 0 was just mapped.
    unsafe { continue_on(kernel_stack(0).1, boot_main_on_own_stack) }
}

/// The table, or what a machine without ACPI has.
fn find_madt(start: &StartInfo) -> Result<Madt, AcpiError> {
    match start.root_pointer() {
        0 => Ok(Madt::standard()),
        pointer => Madt::find(&FirstMemory, pointer),
    }
}

/// On the CPU's own stack and the kernel's own tables.
extern "C" fn boot_main_on_own_stack() -> ! {
    // SAFETY: `boot_main` is over, so this is the only reference; no other CPU runs yet.
    let info = unsafe { &mut *BOOT_INFO.0.get() };
    pic::disable();
    idt::make();
    set_up_cpu(0, info.features);
    for (number, entry) in info.madt.io_apics().iter().enumerate() {
        ioapic::add(number, entry);
    }
    tsc::calibrate();
    start_others(info);
    lapic::set_up_timer(info.features.tsc_deadline);
    sundog_boot(info);
    trap::leave()
}

/// What each CPU does for itself.
fn set_up_cpu(cpu: usize, features: Features) {
    gdt::load(cpu);
    idt::load();
    control::set(features);
    control::set_syscall(features);
    per_cpu::own().fsgsbase.set(features.fsgsbase.into());
    per_cpu::own().smap.set(features.smap.into());
    fpu::set_up(features);
    lapic::enable();
}

/// Starts the other CPUs, which get numbers in the order in which they come.
fn start_others(info: &mut BootInfo) {
    smp::place_trampoline();
    let own = lapic::identifier();
    per_cpu::set_identifier(0, own);
    for identifier in info
        .madt
        .cpus()
        .iter()
        .filter(|identifier| **identifier != own)
    {
        per_cpu::set_identifier(info.cpus, *identifier);
        if smp::start(info.cpus, *identifier) {
            info.cpus += 1;
        }
    }
}

/// On another CPU's own stack.
extern "C" fn application_main(cpu: usize) -> ! {
    control::set_cache_types();
    let features = control::features();
    set_up_cpu(cpu, features);
    lapic::set_up_timer(features.tsc_deadline);
    smp::arrived();
    trap::leave()
}

/// The instructions that other CPUs start with.
pub(crate) fn trampoline() -> &'static [u8] {
    let start = &raw const trampoline_start;
    let length = (&raw const trampoline_end) as usize - start as usize;
    // The symbols are low addresses, which the kernel's own tables do not map.
    let start = direct(start as u64) as *const u8;
    // SAFETY: boot.s defines both symbols around these instructions, and nobody writes them.
    unsafe { core::slice::from_raw_parts(start, length) }
}
