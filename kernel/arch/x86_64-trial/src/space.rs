//! A user address space, made page by page.

use core::sync::atomic::{AtomicU64, Ordering};
use sundog_arch_x86_64::entry_format::{Cache, ENTRIES, Entry, Flags, LEVELS, PAGE_SIZE, index};
use sundog_arch_x86_64::kernel_map;
use sundog_arch_x86_64::layout::direct;

/// The next page that nobody has.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What user pages have in common.
const USER: Flags = Flags {
    write: false,
    user: true,
    execute: false,
    global: false,
    cache: Cache::WriteBack,
    software: 0,
};
/// A page of instructions.
pub const CODE: Flags = Flags {
    execute: true,
    ..USER
};
/// A page of data.
pub const DATA: Flags = Flags {
    write: true,
    ..USER
};

/// Says where free memory begins.
pub fn start_at(physical: u64) {
    NEXT.store(physical, Ordering::Relaxed);
}

/// A page of zeros; its physical address.
pub fn page() -> u64 {
    let page = NEXT.fetch_add(PAGE_SIZE, Ordering::Relaxed);
    let pointer = direct(page) as *mut u8;
    // SAFETY: the page is RAM behind what the kernel occupies, and given out once.
    unsafe { pointer.write_bytes(0, PAGE_SIZE as usize) };
    page
}

/// An address space.
pub struct Space {
    /// Physical address of its root.
    pub root: u64,
}

impl Space {
    /// One in which only the kernel is mapped.
    pub fn new() -> Space {
        let space = Space { root: page() };
        for number in ENTRIES / 2..ENTRIES {
            write(space.root, number, kernel_map::root_entry(number));
        }
        space
    }

    /// Maps a fresh page at `address`, and gives its physical address.
    pub fn map(&self, address: u64, flags: Flags) -> u64 {
        let mut table = self.root;
        for level in (2..=LEVELS).rev() {
            let number = index(address, level);
            let mut entry = read(table, number);
            if !entry.present() {
                entry = Entry::table(page(), true);
                write(table, number, entry);
            }
            table = entry.table_address();
        }
        let physical = page();
        write(table, index(address, 1), Entry::leaf(physical, 1, flags));
        physical
    }
}

fn slot(table: u64, number: usize) -> *mut Entry {
    (direct(table) as *mut Entry).wrapping_add(number)
}

fn read(table: u64, number: usize) -> Entry {
    // SAFETY: the table is a page of this module, mapped in the direct map.
    unsafe { slot(table, number).read_volatile() }
}

fn write(table: u64, number: usize, entry: Entry) {
    // SAFETY: as for `read`; the tables are not in use by another CPU yet.
    unsafe { slot(table, number).write_volatile(entry) };
}
