//! Where everything of a process lies and how much memory it takes; nothing is made yet.

use crate::image::Image;
use crate::program::{Program, SpawnError};
use alloc::vec::Vec;
use sundog_abi::memory::PAGE_SIZE;
use sundog_rt::start::{Start, capability};
use sundog_rt::{HEAP_ADDRESS, STACK_END, START_ADDRESS, TABLE_PAGES};

/// Most pages of a stack: it ends at a fixed place, well above the start pages.
const MAX_STACK_PAGES: u32 = 1 << 14;
/// Most pages of a heap: the window for the program's own mappings follows.
const MAX_HEAP_PAGES: u32 = (3 << 30) >> 12;
/// Most slots of a program.
const MAX_SLOTS: u32 = 1 << 20;
/// Room for the address space, thread, time and their alignment.
const OBJECT_BYTES: u64 = 64 * 1024;
/// Bytes of a slot.
const SLOT_BYTES: u64 = 64;
/// Bytes that one leaf table maps.
const LEAF_BYTES: u64 = 2 << 20;
/// Pages of a leaf table with its records.
const LEAF_PAGES: u64 = 3;

/// The plan of a process.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) image: Image,
    /// The bytes of the start pages.
    pub(crate) start: Vec<u8>,
    pub(crate) start_pages: u32,
    /// The lowest address of the stack.
    pub(crate) stack: u64,
    /// Slots of the CNode.
    pub(crate) cnode_slots: u32,
    /// Pages of the tables that are bound from the start.
    pub(crate) table_pages: u64,
    /// Bytes of the one child that all of it is made of.
    pub(crate) bytes: u64,
}

impl Layout {
    /// Plans a program.
    ///
    /// # Errors
    /// `Image`, `Start`, `Directory`, `Size`.
    pub(crate) fn plan(program: &Program<'_>) -> Result<Layout, SpawnError> {
        let image = Image::parse(program.image)?;
        let grants = u32::try_from(program.grants.len()).map_err(|_| SpawnError::Size)?;
        if program.stack_pages == 0
            || program.stack_pages > MAX_STACK_PAGES
            || program.heap_pages > MAX_HEAP_PAGES
            || program.free_slots > MAX_SLOTS
            || grants > MAX_SLOTS
            || !program.memory.is_multiple_of(PAGE_SIZE)
        {
            return Err(SpawnError::Size);
        }
        let free_first = capability::FIRST_GIVEN + grants;
        let start = start(program, free_first)?
            .encode()
            .map_err(SpawnError::Start)?;
        let start_pages = start.len().div_ceil(PAGE_SIZE as usize) as u32;
        let stack = STACK_END - u64::from(program.stack_pages) * PAGE_SIZE;
        let cnode_slots = free_first + program.free_slots;

        let mut ranges: Vec<(u64, u64)> = image
            .segments
            .iter()
            .map(|segment| (segment.address, segment.end()))
            .collect();
        ranges.push((
            sundog_rt::MESSAGE_ADDRESS,
            START_ADDRESS + u64::from(start_pages) * PAGE_SIZE,
        ));
        ranges.push((stack, STACK_END));
        ranges.push((
            HEAP_ADDRESS,
            HEAP_ADDRESS + u64::from(program.heap_pages) * PAGE_SIZE,
        ));
        // A header, the directories of the two upper levels, and leaf tables.
        let table_pages = 4 + LEAF_PAGES * leaf_tables(&ranges);

        let image_pages: u64 = image
            .segments
            .iter()
            .map(|segment| u64::from(segment.pages))
            .sum();
        let frames = image_pages
            + u64::from(start_pages)
            + u64::from(program.stack_pages)
            + u64::from(program.heap_pages);
        let tables = table_pages + TABLE_PAGES;
        let cnode = (u64::from(cnode_slots) + 1) * SLOT_BYTES;
        let bytes = (frames + tables) * PAGE_SIZE + cnode + OBJECT_BYTES;
        let bytes = bytes
            .next_multiple_of(PAGE_SIZE)
            .checked_add(program.memory)
            .ok_or(SpawnError::Size)?;
        Ok(Layout {
            image,
            start,
            start_pages,
            stack,
            cnode_slots,
            table_pages,
            bytes,
        })
    }
}

/// How many leaf tables the ranges need; they are in the order of their addresses.
fn leaf_tables(ranges: &[(u64, u64)]) -> u64 {
    let mut tables = 0;
    let mut next = 0;
    for (start, end) in ranges.iter().filter(|(start, end)| start < end) {
        let first = (start / LEAF_BYTES).max(next);
        let last = end.div_ceil(LEAF_BYTES);
        tables += last.saturating_sub(first);
        next = last.max(next);
    }
    tables
}

fn start<'a>(program: &Program<'a>, free_first: u32) -> Result<Start<'a>, SpawnError> {
    let slot = |index: usize| capability::FIRST_GIVEN + index as u32;
    let mut names = Vec::with_capacity(program.directories.len());
    for (index, directory) in program.directories.iter().enumerate() {
        let grant = program
            .grants
            .iter()
            .position(|grant| grant.name == directory.grant);
        let grant = grant.ok_or(SpawnError::Directory(index))?;
        names.push((directory.prefix, slot(grant), directory.create));
    }
    Ok(Start {
        free_first,
        free_count: program.free_slots,
        untyped: if program.memory == 0 {
            0
        } else {
            capability::UNTYPED
        },
        heap: HEAP_ADDRESS..HEAP_ADDRESS + u64::from(program.heap_pages) * PAGE_SIZE,
        ticks_per_microsecond: program.ticks_per_microsecond,
        arguments: program.arguments.clone(),
        variables: program.variables.clone(),
        capabilities: program
            .grants
            .iter()
            .enumerate()
            .map(|(index, grant)| (grant.name, slot(index)))
            .collect(),
        names,
        sealed: program.sealed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaf_tables_are_counted_once_for_neighbours() {
        const M: u64 = 1 << 20;
        assert_eq!(leaf_tables(&[]), 0);
        assert_eq!(leaf_tables(&[(2 * M, 2 * M)]), 0);
        assert_eq!(leaf_tables(&[(2 * M, 3 * M), (3 * M, 4 * M)]), 1);
        assert_eq!(
            leaf_tables(&[(2 * M, 3 * M), (3 * M, 4 * M + 1), (256 * M, 257 * M)]),
            3
        );
    }
}
