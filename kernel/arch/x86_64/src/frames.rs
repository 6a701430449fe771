//! Memory that the kernel takes for itself before anything else gets some: pages from behind its image, upwards.

use crate::entry_format::PAGE_SIZE;
use crate::layout::direct;
use crate::start_info::{MemoryKind, StartInfo};
use core::slice;

/// Physical addresses that the first page tables map.
const REACH: u64 = 1 << 32;

/// Gives out pages, which nobody gives back.
#[derive(Debug)]
pub struct Frames {
    next: u64,
    end: u64,
}

impl Frames {
    /// Starts behind the physical address `after` (the image's end) in the range of RAM that holds it, and stops before a module.
    #[must_use]
    pub fn new(info: &StartInfo, after: u64) -> Frames {
        let mut next = after.next_multiple_of(PAGE_SIZE);
        let holds = |start: u64, end: u64| start <= next && next < end;
        let mut end = info
            .memory()
            .iter()
            .find(|range| range.kind == MemoryKind::Ram && holds(range.start, range.end))
            .map_or(next, |range| range.end.min(REACH));
        if let Some((start, length)) = info.module() {
            let module_end = (start + length).next_multiple_of(PAGE_SIZE);
            if start >= next {
                end = end.min(start);
            } else if module_end > next {
                next = module_end;
            }
        }
        Frames {
            next,
            end: end & !(PAGE_SIZE - 1),
        }
    }

    /// The physical address of a page full of zeros.
    ///
    /// # Panics
    /// If there is no page left: then there is too little memory to boot.
    #[must_use]
    pub fn zeroed(&mut self) -> u64 {
        let page = self.take(1);
        let pointer = direct(page) as *mut u64;
        // SAFETY: the page is RAM, mapped by both the first tables and the direct map, and nobody else has it.
        let words = unsafe { slice::from_raw_parts_mut(pointer, PAGE_SIZE as usize / 8) };
        words.fill(0);
        page
    }

    /// The physical address of `count` pages in a row, with whatever they hold.
    ///
    /// # Panics
    /// As [`Frames::zeroed`].
    #[must_use]
    pub fn take(&mut self, count: u64) -> u64 {
        let page = self.next;
        self.next += count * PAGE_SIZE;
        assert!(
            self.next <= self.end,
            "too little memory behind the kernel's image"
        );
        page
    }

    /// The physical address of the first page that was not given out.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }
}
