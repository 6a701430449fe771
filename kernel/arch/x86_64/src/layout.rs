//! Where things lie in the kernel's half of every address space, and in low physical memory.

use crate::entry_format::PAGE_SIZE;

/// All RAM is mapped from here on: physical address 0 first. Never executable.
pub const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;
/// RAM above this physical address is not used: the direct map has one entry of the root.
pub const DIRECT_MAP_SIZE: u64 = 1 << 39;
/// The kernel's image is linked at this address plus its physical one (link.ld says the same).
pub const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
/// The kernel's stacks, [`STACK_STRIDE`] for each CPU.
pub const STACKS: u64 = 0xffff_ffff_c000_0000;
/// Addresses set aside for one CPU's stacks.
pub const STACK_STRIDE: u64 = 32 * PAGE_SIZE;
/// The first of the device registers that the kernel itself uses.
pub const DEVICES: u64 = 0xffff_ffff_f000_0000;
/// Physical address of the page from which application processors start; below 1 MiB and aligned to a page.
pub const TRAMPOLINE: u64 = 0x8000;

/// Offset of the kernel stack's lowest byte in a CPU's stack area; the page below it is never mapped.
const KERNEL_STACK: u64 = PAGE_SIZE;
/// Bytes of a kernel stack.
pub const KERNEL_STACK_SIZE: u64 = 8 * PAGE_SIZE;
/// Bytes of each exception's own stack.
pub const EXCEPTION_STACK_SIZE: u64 = 2 * PAGE_SIZE;
/// Exceptions that have a stack of their own.
pub const EXCEPTION_STACKS: u64 = 4;

/// The lowest address and the end of a CPU's kernel stack.
#[must_use]
pub const fn kernel_stack(cpu: u64) -> (u64, u64) {
    let low = STACKS + cpu * STACK_STRIDE + KERNEL_STACK;
    (low, low + KERNEL_STACK_SIZE)
}

/// The lowest address and the end of one of a CPU's stacks for exceptions; `number` is below [`EXCEPTION_STACKS`].
#[must_use]
pub const fn exception_stack(cpu: u64, number: u64) -> (u64, u64) {
    let first = STACKS + cpu * STACK_STRIDE + KERNEL_STACK + KERNEL_STACK_SIZE + PAGE_SIZE;
    let low = first + number * (EXCEPTION_STACK_SIZE + PAGE_SIZE);
    (low, low + EXCEPTION_STACK_SIZE)
}

/// The address in the direct map of a physical one.
#[inline]
#[must_use]
pub const fn direct(physical: u64) -> u64 {
    DIRECT_MAP + physical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_below_each_stack_stays_free() {
        for cpu in 0..2 {
            let mut end = STACKS + cpu * STACK_STRIDE;
            let (low, high) = kernel_stack(cpu);
            assert_eq!(low, end + PAGE_SIZE);
            end = high;
            for number in 0..EXCEPTION_STACKS {
                let (low, high) = exception_stack(cpu, number);
                assert_eq!(low, end + PAGE_SIZE);
                end = high;
            }
            assert!(end <= STACKS + (cpu + 1) * STACK_STRIDE);
        }
    }
}
