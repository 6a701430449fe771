//! Where everything of a process lies and how much memory it takes; nothing is made yet.

use crate::image::Image;
use crate::program::{Program, SpawnError, What};
use alloc::vec::Vec;
use sundog_abi::memory::PAGE_SIZE;
use sundog_rt::start::{Start, TOTAL_BYTES, capability};
use sundog_rt::{HEAP_ADDRESS, STACK_END, START_ADDRESS};

/// Most pages of a stack: between it and the start pages one page at least stays unmapped.
const MAX_STACK_PAGES: u32 = ((STACK_END - START_ADDRESS) / PAGE_SIZE) as u32 - START_PAGES - 1;
/// Most start pages.
const START_PAGES: u32 = (TOTAL_BYTES / PAGE_SIZE as usize) as u32;
/// Most pages of a heap: the window for the program's own mappings follows.
const MAX_HEAP_PAGES: u32 = (3 << 30) >> 12;
/// Most slots of a program.
const MAX_SLOTS: u32 = 1 << 20;
/// Room for the address space, thread, time and their alignment.
const OBJECT_BYTES: u64 = 24 * 1024;
/// Room for a VCpu with its state pages.
const VCPU_BYTES: u64 = 16 * 1024;
/// Room for a scheduling context.
const CONTEXT_BYTES: u64 = 256;
/// Bytes of a slot.
const SLOT_BYTES: u64 = 64;
/// The least that heap and own memory come to.
const LEAST_REST: u64 = 32 * 1024;
/// Bytes that one leaf table maps.
const LEAF_BYTES: u64 = 2 << 20;
/// Bytes that a directory of the second level leads to.
const GIB: u64 = 1 << 30;
/// Pages of one run of tables; the kernel takes up to 250, and a header in front of each run.
pub(crate) const TABLE_RUN: u64 = 240;
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
        if program.stack_pages == 0
            || program.stack_pages > MAX_STACK_PAGES
            || program.heap_pages > MAX_HEAP_PAGES
            || program.slots > MAX_SLOTS
            || !program.memory.is_multiple_of(PAGE_SIZE)
        {
            return Err(SpawnError::Size);
        }
        let free_first = granted_end(program)?;
        let start = start(program, free_first)
            .encode()
            .map_err(SpawnError::Start)?;
        let start_pages = start.len().div_ceil(PAGE_SIZE as usize) as u32;
        let stack = STACK_END - u64::from(program.stack_pages) * PAGE_SIZE;

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
        // A directory of the first level, one of the second for each GiB, and leaf tables; they fit exactly.
        let table_pages = 1 + spans(&ranges, GIB) + LEAF_PAGES * spans(&ranges, LEAF_BYTES);

        let image_pages: u64 = image
            .segments
            .iter()
            .map(|segment| u64::from(segment.pages))
            .sum();
        let frames = image_pages
            + u64::from(start_pages)
            + u64::from(program.stack_pages)
            + u64::from(program.heap_pages);
        let tables = table_pages + table_pages.div_ceil(TABLE_RUN);
        let cnode = (u64::from(program.slots) + 1) * SLOT_BYTES;
        let mut bytes = (frames + tables) * PAGE_SIZE + cnode + OBJECT_BYTES;
        for grant in &program.grants {
            bytes = bytes
                .checked_add(granted_bytes(grant.what))
                .ok_or(SpawnError::Size)?;
        }
        let bytes = bytes
            .checked_next_multiple_of(PAGE_SIZE)
            .and_then(|bytes| bytes.checked_add(program.memory));
        let bytes = bytes.ok_or(SpawnError::Size)?;
        Ok(Layout {
            image,
            start,
            start_pages,
            stack,
            table_pages,
            bytes,
        })
    }
}

/// How many aligned spans of `span` bytes the ranges touch; they are in the order of their addresses.
fn spans(ranges: &[(u64, u64)], span: u64) -> u64 {
    let mut count = 0;
    let mut next = 0;
    for (start, end) in ranges.iter().filter(|(start, end)| start < end) {
        let first = (start / span).max(next);
        let last = end.div_ceil(span);
        count += last.saturating_sub(first);
        next = last.max(next);
    }
    count
}

/// The first slot behind everything that is granted; checks that each slot is granted once.
fn granted_end(program: &Program<'_>) -> Result<u32, SpawnError> {
    let mut end = capability::FIRST_GIVEN;
    for (index, grant) in program.grants.iter().enumerate() {
        let wrong = SpawnError::Slot(index);
        let last = grant.slot.checked_add(grant.what.slots()).ok_or(wrong)?;
        if grant.slot < capability::FIRST_GIVEN || last > program.slots || last == grant.slot {
            return Err(wrong);
        }
        let taken = |other: &crate::Grant<'_>| {
            grant.slot < other.slot + other.what.slots() && other.slot < last
        };
        if program.grants[..index].iter().any(taken) {
            return Err(wrong);
        }
        end = end.max(last);
    }
    if end > program.slots {
        return Err(SpawnError::Size);
    }
    Ok(end)
}

/// Bytes of the process' memory that a grant takes.
fn granted_bytes(what: What) -> u64 {
    match what {
        What::Copy { .. } | What::Irq { .. } => 0,
        What::Memory { bytes } => bytes,
        What::Context(_) => CONTEXT_BYTES,
        What::VCpus { count } => u64::from(count) * VCPU_BYTES,
    }
}

fn start<'a>(program: &Program<'a>, free_first: u32) -> Start<'a> {
    Start {
        free_first,
        free_count: program.slots - free_first,
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
            .map(|grant| (grant.name, grant.slot))
            .collect(),
        names: program
            .directories
            .iter()
            .map(|directory| (directory.prefix, directory.slot, directory.create))
            .collect(),
        sealed: program.sealed,
    }
}

impl Program<'_> {
    /// The bytes that it takes of its parent's memory, with what it is granted.
    ///
    /// # Errors
    /// Those of a plan.
    pub fn bytes(&self) -> Result<u64, SpawnError> {
        Ok(Layout::plan(self)?.bytes)
    }

    /// Shares out `bytes` of memory set aside for the process: what it needs, and of the rest one half each as heap and as untyped
    /// memory of its own. Granted memory is not counted.
    ///
    /// # Errors
    /// Those of a plan; `Memory` if the rest is less than 32 KiB.
    pub fn fit(&mut self, bytes: u64) -> Result<(), SpawnError> {
        (self.heap_pages, self.memory) = (0, 0);
        let granted: u64 = self
            .grants
            .iter()
            .map(|grant| match grant.what {
                What::Memory { bytes } => bytes,
                _ => 0,
            })
            .sum();
        let needed = Layout::plan(self)?.bytes - granted;
        let rest = bytes.checked_sub(needed).filter(|rest| *rest >= LEAST_REST);
        let pages = rest.ok_or(SpawnError::Memory(needed + LEAST_REST))? / PAGE_SIZE;
        let heap = u32::try_from(pages / 2).map_err(|_| SpawnError::Size)?;
        // The heap's own leaf tables beyond the one that it shares with the stack.
        let tables = (LEAF_PAGES + 1) * (u64::from(heap) * PAGE_SIZE).div_ceil(LEAF_BYTES);
        self.heap_pages = heap.min(MAX_HEAP_PAGES);
        self.memory = (pages - u64::from(heap)).saturating_sub(tables) * PAGE_SIZE;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sundog_cap::Cap;

    #[test]
    fn leaf_tables_are_counted_once_for_neighbours() {
        const M: u64 = 1 << 20;
        assert_eq!(spans(&[], LEAF_BYTES), 0);
        assert_eq!(spans(&[(2 * M, 2 * M)], LEAF_BYTES), 0);
        assert_eq!(spans(&[(2 * M, 3 * M), (3 * M, 4 * M)], LEAF_BYTES), 1);
        assert_eq!(
            spans(
                &[(2 * M, 3 * M), (3 * M, 4 * M + 1), (256 * M, 257 * M)],
                LEAF_BYTES
            ),
            3
        );
    }

    fn granting(grants: &[(u32, What)], slots: u32) -> Program<'static> {
        let names = ["a", "b", "c"];
        let grants = grants
            .iter()
            .zip(names)
            .map(|((slot, what), name)| crate::Grant {
                name,
                slot: *slot,
                what: *what,
            })
            .collect();
        Program {
            grants,
            slots,
            ..Program::new(&[], b"x", crate::Time::Given(Cap::root(9)))
        }
    }

    #[test]
    fn every_slot_is_granted_once_and_inside() {
        let (one, run) = (What::Memory { bytes: 4096 }, What::VCpus { count: 4 });
        let end = |grants: &[(u32, What)], slots| granted_end(&granting(grants, slots));
        assert_eq!(end(&[], 16), Ok(16));
        assert_eq!(end(&[], 15), Err(SpawnError::Size));
        assert_eq!(end(&[(20, run), (16, one)], 24), Ok(24));
        assert_eq!(end(&[(20, run)], 23), Err(SpawnError::Slot(0)));
        assert_eq!(end(&[(15, one)], 64), Err(SpawnError::Slot(0)));
        assert_eq!(end(&[(20, run), (23, one)], 64), Err(SpawnError::Slot(1)));
        assert_eq!(end(&[(23, one), (20, run)], 64), Err(SpawnError::Slot(1)));
        assert_eq!(
            end(&[(20, What::VCpus { count: 0 })], 64),
            Err(SpawnError::Slot(0))
        );
        assert_eq!(end(&[(u32::MAX, run)], 64), Err(SpawnError::Slot(0)));
    }

    #[test]
    fn a_program_is_fitted_into_the_memory_that_was_set_aside() {
        let image = crate::image::tests::example();
        let mut program = granting(
            &[
                (16, What::Memory { bytes: 1 << 20 }),
                (17, What::VCpus { count: 2 }),
            ],
            64,
        );
        program.image = &image;
        for bytes in [300 << 10, 1 << 20, 100 << 20] {
            program.fit(bytes).expect("enough");
            let needed = Layout::plan(&program).expect("a plan").bytes;
            assert!(needed <= bytes + (1 << 20), "{needed} of {bytes}");
            assert!(program.heap_pages > 3 && program.memory >= 4096);
        }
        assert!(
            matches!(program.fit(64 << 10), Err(SpawnError::Memory(needed)) if needed > 64 << 10)
        );
    }
}
