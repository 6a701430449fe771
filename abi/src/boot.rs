//! What the kernel hands to init, and the boot package that the host makes for the kernel.

/// Slots of init's CNode that the kernel fills.
pub mod slot {
    /// Init's own CNode.
    pub const CNODE: u32 = 1;
    /// Init's address space.
    pub const VSPACE: u32 = 2;
    /// Init's thread.
    pub const THREAD: u32 = 3;
    /// Init's scheduling context.
    pub const SCHED_CONTEXT: u32 = 4;
    /// The right to make Irq capabilities.
    pub const IRQ_CONTROL: u32 = 5;
    /// The right to make IoPorts capabilities.
    pub const IO_PORT_CONTROL: u32 = 6;
    /// The right to parametrise scheduling contexts.
    pub const SCHED_CONTROL: u32 = 7;
    /// The page tables of init's address space.
    pub const PAGE_TABLES: u32 = 8;
    /// The boot package, a Frame with read and execute.
    pub const PACKAGE: u32 = 9;
    /// The boot page, a Frame with read.
    pub const BOOT_PAGE: u32 = 10;
    /// Init's message page, a Frame.
    pub const MESSAGE: u32 = 11;
    /// The memory of init's writable segments, a Frame each.
    pub const FIRST_DATA: u32 = 12;
    /// How many of those there can be.
    pub const DATA: u32 = 4;
    /// The first untyped; the boot page says how many there are.
    pub const FIRST_UNTYPED: u32 = 16;
}

/// Slots of init's CNode.
pub const CNODE_SLOTS: u32 = 4096;
/// Where the boot page is mapped in init, read only.
pub const PAGE_ADDRESS: u64 = 0x1000_0000;
/// Where init's message page is mapped.
pub const MESSAGE_ADDRESS: u64 = 0x1000_2000;
/// Where the boot package is mapped in init, read only.
pub const PACKAGE_ADDRESS: u64 = 0x2000_0000;
/// Most untyped ranges that the boot page lists.
pub const MAX_UNTYPED: usize = 64;

/// Offsets in the boot page, in 64-bit words.
pub mod page {
    /// [`crate::ABI_VERSION`] of the kernel.
    pub const ABI_VERSION: usize = 0;
    /// CPUs that run.
    pub const CPUS: usize = 1;
    /// TSC ticks in a microsecond.
    pub const TICKS_PER_MICROSECOND: usize = 2;
    /// Bytes of the boot package.
    pub const PACKAGE_BYTES: usize = 3;
    /// How many untyped ranges there are.
    pub const UNTYPED_COUNT: usize = 4;
    /// Length in bytes of the command line.
    pub const COMMAND_LINE_BYTES: usize = 5;
    /// TSC at the entry of the kernel, for the boot benchmark.
    pub const ENTRY_TICKS: usize = 6;
    /// Two words for each untyped: bytes, and 1 if it is device memory.
    pub const UNTYPED: usize = 16;
    /// The command line, as bytes, from this word on.
    pub const COMMAND_LINE: usize = 256;
}

/// The boot package: the kernel's only module. Its first page is a header that the host fills, so that the kernel needs no loader:
/// init's segments lie page-aligned in the package and are mapped, never copied, but for the writable ones.
pub mod package {
    /// The first word: "SUNDOGPK".
    pub const MAGIC: u64 = u64::from_le_bytes(*b"SUNDOGPK");
    /// Offsets in the header, in 64-bit words.
    pub const MAGIC_WORD: usize = 0;
    /// [`crate::ABI_VERSION`] that init was built against.
    pub const ABI_VERSION: usize = 1;
    /// Init's entry point.
    pub const ENTRY: usize = 2;
    /// How many segments init has, at most [`MAX_SEGMENTS`].
    pub const SEGMENTS: usize = 3;
    /// Bytes of the whole package.
    pub const BYTES: usize = 4;
    /// Byte offset and length of the encoded manifest.
    pub const MANIFEST: usize = 5;
    /// Byte offset and length of the program archive.
    pub const ARCHIVE: usize = 7;
    /// First word of the segment table.
    pub const SEGMENT_TABLE: usize = 16;
    /// Words of a segment: address, byte offset in the package (page-aligned), bytes in the package, pages in memory, protection.
    pub const SEGMENT_WORDS: usize = 5;
    /// Most segments of init.
    pub const MAX_SEGMENTS: usize = 8;
}
