//! The kernel's own half of every address space: its image, all RAM, its stacks and its devices.

use crate::entry_format::{Cache, ENTRIES, Entry, Flags, LEVELS, PAGE_SIZE, index, span};
use crate::frames::Frames;
use crate::layout::{DIRECT_MAP, DIRECT_MAP_SIZE, KERNEL_BASE, direct};
use crate::start_info::{MemoryKind, StartInfo};
use core::sync::atomic::{AtomicU64, Ordering};

/// Writable data; also the base from which the others differ.
const DATA: Flags = Flags {
    write: true,
    user: false,
    execute: false,
    global: true,
    cache: Cache::WriteBack,
    software: 0,
};
const CONSTANTS: Flags = Flags {
    write: false,
    ..DATA
};
const CODE: Flags = Flags {
    execute: true,
    ..CONSTANTS
};
const DEVICE: Flags = Flags {
    cache: Cache::Uncached,
    ..DATA
};

/// Physical address of the kernel's root.
static ROOT: AtomicU64 = AtomicU64::new(0);

// Addresses that link.ld defines; only their addresses mean anything.
unsafe extern "C" {
    static image_start: u8;
    static text_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static image_end: u8;
}

/// The physical addresses at which the image's parts begin and end.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// The first byte: the boot code.
    pub start: u64,
    text: u64,
    constants: u64,
    data: u64,
    /// The end, which is aligned to a page.
    pub end: u64,
}

impl Image {
    /// As the linker laid it out.
    #[must_use]
    pub fn linked() -> Image {
        Image {
            start: (&raw const image_start) as u64,
            text: (&raw const text_start) as u64 - KERNEL_BASE,
            constants: (&raw const text_end) as u64 - KERNEL_BASE,
            data: (&raw const rodata_end) as u64 - KERNEL_BASE,
            end: (&raw const image_end) as u64 - KERNEL_BASE,
        }
    }
}

/// The tables while they are made.
pub struct KernelMap<'a> {
    frames: &'a mut Frames,
    root: u64,
    gigabyte_pages: bool,
}

impl<'a> KernelMap<'a> {
    /// Makes tables for the image and all RAM; `gigabyte_pages` says whether the CPU has them.
    #[must_use]
    pub fn new(info: &StartInfo, frames: &'a mut Frames, gigabyte_pages: bool) -> KernelMap<'a> {
        let root = frames.zeroed();
        let mut map = KernelMap {
            frames,
            root,
            gigabyte_pages,
        };
        let image = Image::linked();
        map.image_part(image.text, image.constants, CODE);
        map.image_part(image.constants, image.data, CONSTANTS);
        map.image_part(image.data, image.end, DATA);
        for range in info.memory() {
            if range.kind == MemoryKind::Ram {
                let start = range.start.next_multiple_of(PAGE_SIZE);
                let end = range.end.min(DIRECT_MAP_SIZE) & !(PAGE_SIZE - 1);
                // What must not be written in the image must not be written here either.
                map.ram(start, end.min(image.start), DATA);
                map.ram(start.max(image.start), end.min(image.data), CONSTANTS);
                map.ram(start.max(image.data), end, DATA);
            }
        }
        map
    }

    fn image_part(&mut self, start: u64, end: u64, flags: Flags) {
        for page in (start..end).step_by(PAGE_SIZE as usize) {
            self.map(KERNEL_BASE + page, page, 1, flags);
        }
    }

    /// Maps RAM in the direct map with the largest pages that fit.
    fn ram(&mut self, start: u64, end: u64, flags: Flags) {
        let mut at = start;
        while at < end {
            let fits = |level| at.is_multiple_of(span(level)) && end - at >= span(level);
            let level = match (self.gigabyte_pages && fits(3), fits(2)) {
                (true, _) => 3,
                (false, true) => 2,
                (false, false) => 1,
            };
            self.map(direct(at), at, level, flags);
            at += span(level);
        }
    }

    /// Maps one page at `address`, making the tables above it.
    fn map(&mut self, address: u64, physical: u64, level: u32, flags: Flags) {
        let mut table = self.root;
        for above in (level + 1..=LEVELS).rev() {
            let slot = slot(table, index(address, above));
            // SAFETY: the slot lies in a table of this map, which nobody else has yet.
            let mut entry = unsafe { slot.read() };
            if !entry.present() {
                entry = Entry::table(self.frames.zeroed(), false);
                // SAFETY: as for the read.
                unsafe { slot.write(entry) };
            }
            table = entry.table_address();
        }
        let slot = slot(table, index(address, level));
        // SAFETY: as above.
        unsafe { slot.write(Entry::leaf(physical, level, flags)) };
    }

    /// Maps fresh memory for a stack from `low` to `high`.
    pub fn stack(&mut self, low: u64, high: u64) {
        for page in (low..high).step_by(PAGE_SIZE as usize) {
            let physical = self.frames.take(1);
            self.map(page, physical, 1, DATA);
        }
    }

    /// Maps a page of device registers at `address`.
    pub fn device(&mut self, address: u64, physical: u64) {
        self.map(address, physical, 1, DEVICE);
    }

    /// Pages for other uses, already mapped in the direct map.
    pub fn frames(&mut self) -> &mut Frames {
        self.frames
    }

    /// The physical address of the root, once all is mapped.
    #[must_use]
    pub fn finish(self) -> u64 {
        ROOT.store(self.root, Ordering::Release);
        self.root
    }
}

/// The address of an entry in a table at a physical address.
fn slot(table: u64, index: usize) -> *mut Entry {
    (direct(table) as *mut Entry).wrapping_add(index)
}

/// The physical address of the kernel's own root, whose lower half is empty: for a CPU that runs no thread.
#[must_use]
pub fn root() -> u64 {
    ROOT.load(Ordering::Acquire)
}

/// What entry `index` (256 and above) of every root must be, so that the kernel is mapped under it. These never change after boot.
#[must_use]
pub fn root_entry(index: usize) -> Entry {
    assert!(
        (ENTRIES / 2..ENTRIES).contains(&index),
        "an entry of the user half"
    );
    // SAFETY: the root is in the direct map, and is only read after boot.
    unsafe { slot(root(), index).read() }
}

const _: () = assert!(DIRECT_MAP.is_multiple_of(DIRECT_MAP_SIZE));
