//! The format of segment descriptors, of gates and of the task state segment.

/// Selector of the kernel's code.
pub const KERNEL_CODE: u16 = 0x08;
/// Selector of the kernel's data.
pub const KERNEL_DATA: u16 = 0x10;
/// What `sysret` computes the user's selectors from.
pub const USER_BASE: u16 = 0x18 | 3;
/// Selector of user data.
pub const USER_DATA: u16 = 0x20 | 3;
/// Selector of user code.
pub const USER_CODE: u16 = 0x28 | 3;
/// Selector of the task state segment.
pub const TASK_STATE: u16 = 0x30;

/// Entries of the global descriptor table; the task state segment takes two.
pub const GDT_ENTRIES: usize = 8;

/// The global descriptor table of a CPU whose task state segment is at `task_state`.
#[must_use]
pub const fn gdt(task_state: u64) -> [u64; GDT_ENTRIES] {
    let [low, high] = system_segment(task_state, (size_of::<TaskState>() - 1) as u64);
    [
        0,
        0x00af_9b00_0000_ffff, // kernel code: present, 64-bit, accessed
        0x00cf_9300_0000_ffff, // kernel data: present, writable, accessed
        0,                     // would be 32-bit user code: there is none
        0x00cf_f300_0000_ffff, // user data
        0x00af_fb00_0000_ffff, // user code, 64-bit
        low,
        high,
    ]
}

/// The two halves of an available 64-bit task state descriptor.
const fn system_segment(base: u64, limit: u64) -> [u64; 2] {
    let low = (limit & 0xffff)
        | (base & 0xff_ffff) << 16
        | 0x89 << 40
        | (limit >> 16 & 0xf) << 48
        | (base >> 24 & 0xff) << 56;
    [low, base >> 32]
}

/// An entry of the interrupt descriptor table: interrupts go off; `stack` is 0 for the ordinary one or the number of one of the
/// task state's; `user` says whether `int n` reaches it from user mode.
#[must_use]
pub const fn gate(handler: u64, stack: u8, user: bool) -> [u64; 2] {
    let kind = if user { 0xee } else { 0x8e };
    let low = (handler & 0xffff)
        | (KERNEL_CODE as u64) << 16
        | (stack as u64 & 7) << 32
        | kind << 40
        | (handler >> 16 & 0xffff) << 48;
    [low, handler >> 32]
}

/// The task state segment: which stacks the CPU changes to. The I/O permission map lies outside the limit, so every port is
/// closed to user mode.
#[repr(C, packed(4))]
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskState {
    reserved: u32,
    /// Stack for entries from user mode, then two that are never used.
    pub stacks: [u64; 3],
    reserved_too: u64,
    /// Stacks 1 to 7 for gates that name one.
    pub exception_stacks: [u64; 7],
    reserved_again: u64,
    reserved_last: u16,
    /// Where the I/O permission map starts.
    pub io_map: u16,
}

impl TaskState {
    /// Everything zero but the place of the missing I/O map.
    #[must_use]
    pub fn new() -> TaskState {
        TaskState {
            io_map: size_of::<TaskState>() as u16,
            ..TaskState::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_offsets_are_the_manuals() {
        assert_eq!(size_of::<TaskState>(), 104);
        assert_eq!(core::mem::offset_of!(TaskState, stacks), 4);
        assert_eq!(core::mem::offset_of!(TaskState, exception_stacks), 36);
        assert_eq!(core::mem::offset_of!(TaskState, io_map), 102);
    }

    #[test]
    fn addresses_are_spread_over_the_descriptor() {
        assert_eq!(
            system_segment(0x1122_3344_5566_7788, 0x67),
            [0x5500_8966_7788_0067, 0x1122_3344]
        );
        assert_eq!(
            gate(0x1122_3344_5566_7788, 2, false),
            [0x5566_8e02_0008_7788, 0x1122_3344]
        );
        assert_eq!(gate(0, 0, true)[0] >> 40 & 0xff, 0xee);
    }

    #[test]
    fn sysret_finds_its_selectors() {
        assert_eq!((USER_BASE + 8, USER_BASE + 16), (USER_DATA, USER_CODE));
        assert_eq!(KERNEL_CODE + 8, KERNEL_DATA);
        let table = gdt(0);
        assert_eq!(table[usize::from(USER_CODE >> 3)] >> 45 & 3, 3);
        assert_eq!(table[usize::from(KERNEL_CODE >> 3)] >> 45 & 3, 0);
    }
}
