//! What each CPU has of its own, reached through the segment GS while in the kernel.

use crate::acpi::MAX_CPUS;
use crate::descriptor::{GDT_ENTRIES, TaskState};
use crate::entry_format::PAGE_SIZE;
use crate::layout::direct;
use crate::registers::Registers;
use core::arch::asm;
use core::cell::Cell;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// One CPU's own data. The entry code knows the layout by `offset_of`.
#[repr(C)]
pub struct PerCpu {
    /// The address of this structure.
    pub(crate) own: Cell<u64>,
    /// The registers of the thread that runs; null when none does.
    pub(crate) current: Cell<*const Registers>,
    /// The page that a guest's registers go to when it makes a system call; 0 while no guest runs.
    pub(crate) guest: Cell<u64>,
    /// The end of the kernel stack.
    pub(crate) stack: Cell<u64>,
    /// Holds one register while the entry code has none free.
    pub(crate) scratch: Cell<u64>,
    /// The CPU has the instructions that read and write the bases of FS and GS.
    pub(crate) fsgsbase: Cell<u8>,
    /// The CPU keeps the kernel from touching user memory unless it says so.
    pub(crate) smap: Cell<u8>,
    /// Non-maskable interrupts taken.
    pub(crate) nmis: Cell<u64>,
    index: Cell<usize>,
    identifier: AtomicU8,
    slot: AtomicUsize,
    pub(crate) gdt: Cell<[u64; GDT_ENTRIES]>,
    pub(crate) task_state: Cell<TaskState>,
}

const _: () = assert!(size_of::<PerCpu>() <= PAGE_SIZE as usize);

/// Where each CPU's data is.
static ALL: [AtomicPtr<PerCpu>; MAX_CPUS] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_CPUS];

/// Makes the data of CPU `index` in the page of zeros at the physical address `page`.
pub(crate) fn make(index: usize, page: u64, stack: u64) {
    let pointer = direct(page) as *mut PerCpu;
    // SAFETY: the page is mapped, aligned, zero (which is valid for each field) and belongs to this CPU from now on.
    let data = unsafe { &*pointer };
    data.own.set(pointer as u64);
    data.stack.set(stack);
    data.index.set(index);
    ALL[index].store(pointer, Ordering::Release);
}

/// This CPU's own data.
#[inline]
#[must_use]
pub(crate) fn own() -> &'static PerCpu {
    let pointer: *const PerCpu;
    // SAFETY: in the kernel GS points at this CPU's data, whose first word is its own address.
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) pointer, options(nostack, readonly, pure, preserves_flags))
    };
    // SAFETY: the data lives for ever, and only this CPU uses its `Cell`s.
    unsafe { &*pointer }
}

/// The data of CPU `index`, of which only the atomics and what `make` wrote may be used from elsewhere.
pub(crate) fn of(index: usize) -> Option<&'static PerCpu> {
    let pointer = ALL.get(index)?.load(Ordering::Acquire);
    // SAFETY: `make` stored the address of data that lives for ever.
    unsafe { pointer.as_ref() }
}

/// This CPU's number, from 0 on.
#[inline]
#[must_use]
pub fn index() -> usize {
    own().index.get()
}

/// The local APIC identifier of CPU `index`, or nothing if there is no such CPU.
#[must_use]
pub fn identifier(index: usize) -> Option<u8> {
    Some(of(index)?.identifier.load(Ordering::Relaxed))
}

/// Notes the local APIC identifier of CPU `index`.
pub(crate) fn set_identifier(index: usize, identifier: u8) {
    if let Some(data) = of(index) {
        data.identifier.store(identifier, Ordering::Relaxed);
    }
}

/// A word of this CPU's data that the machine layer can use as it likes; 0 at first.
#[inline(always)]
#[must_use]
pub fn slot() -> usize {
    let slot;
    // SAFETY: in the kernel GS points at this CPU's data, and the offset is that of one of its words.
    unsafe {
        asm!("mov {}, gs:[{offset}]", out(reg) slot, offset = const offset_of!(PerCpu, slot),
            options(nostack, readonly, preserves_flags))
    };
    slot
}

/// Sets the word that [`slot`] reads, on any CPU. False if there is no such CPU.
pub fn set_slot(index: usize, value: usize) -> bool {
    of(index)
        .map(|data| data.slot.store(value, Ordering::Release))
        .is_some()
}

/// Non-maskable interrupts that this CPU took. The kernel has no use for them; they are counted and otherwise ignored.
#[must_use]
pub fn nmis() -> u64 {
    own().nmis.get()
}

/// The registers of the thread that runs on this CPU; null when none does.
#[inline]
#[must_use]
pub fn current() -> *const Registers {
    own().current.get()
}

/// Makes `registers` those from which this CPU resumes when the kernel is left, and to which the next entry saves. Null: no thread
/// runs, the CPU waits for an interrupt.
///
/// # Safety
/// The registers must stay where they are until another call replaces them, and be used by no other CPU meanwhile.
#[inline]
pub unsafe fn set_current(registers: *const Registers) {
    let own = own();
    own.current.set(registers);
    own.guest.set(0);
}

/// The same for another thread while one runs that is no guest either.
///
/// # Safety
/// As for [`set_current`]; the registers are those of a thread that is no guest, and so are those that they replace.
#[inline(always)]
pub unsafe fn exchange_current(registers: *const Registers) {
    // SAFETY: in the kernel GS points at this CPU's data, and the offset is that of the field, which is a pointer.
    unsafe {
        asm!("mov gs:[{offset}], {}", in(reg) registers, offset = const offset_of!(PerCpu, current),
            options(nostack, preserves_flags))
    };
}

/// The same for a guest, whose general registers its next system call saves to the state page `page` (`abi::vcpu::page`), and all
/// other entries to `registers`.
///
/// # Safety
/// As for [`set_current`], also for the page, which must be mapped in the kernel.
#[inline]
pub unsafe fn set_guest(registers: *const Registers, page: *const AtomicU64) {
    let own = own();
    own.current.set(registers);
    own.guest.set(page as u64);
}
