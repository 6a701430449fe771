//! The sandbox's memory: one untyped, of which a Frame of one size after the other is made and mapped here when guests need it, and a
//! piece for kernel objects when those need it. What neither has taken is there for both.

use crate::machine::blocks::BLOCK;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;
use sundog_linux_core::frames::{Backing, Memory};
use sundog_linux_memory::Pool;
use sundog_rt::cap::object::{Frame, PageTables, Untyped, VSpace};
use sundog_rt::cap::{Cap, Error, Object, Slots};
use sundog_rt::{Account, Growth as HeapGrowth, Mapping, Reserved, Resources, grow_heap_from};

/// One part in so many is what the personality's own heap may grow by.
const HEAP_PART: u32 = 8;
/// Of the memory for guests and objects, one part in so many is for objects from the start, and another is the most that they get: what
/// Frames were made of does not come back, so a program that took all memory once must leave room for the objects of others.
const FIRST_PART: u32 = 24;
const MOST_PART: u32 = 6;
/// Pages for objects from the start at least: a process with all that belongs to it.
const FIRST_LEAST: u32 = 4 * BLOCK_PAGES;
/// One part in so many is a piece of growth, but not more pages than this.
const PIECE_PART: u32 = 96;
const PIECE_MOST: u32 = 256;
/// Pages of a block, of which pieces are whole numbers.
const BLOCK_PAGES: u32 = (BLOCK / 4096) as u32;
/// Pages of a Frame at least: few enough that making and mapping one is no wait, enough that a shell takes few.
const LEAST: u32 = 256;
/// Frames at most.
const MOST: u32 = 64;
/// Pages of a run of tables of the own address space, without its header.
const RUN_PAGES: u64 = 240;
/// Pages that a leaf table maps, and that it takes with its records.
const LEAF: (u64, u64) = (512, 3);

/// The slots of the Frames, and how the pool's pages are spread over them.
#[derive(Clone, Debug)]
pub struct Frames {
    slots: Rc<[u32]>,
    each: u32,
}

impl Frames {
    /// The Frame that has page `page` of the pool, which of its pages that is, and how many of `pages` it has from there on.
    ///
    /// # Errors
    /// `OutOfRange` behind the pool's end.
    pub fn find(&self, page: u32, pages: u32) -> Result<(Cap<Frame>, u32, u32), Error> {
        let slot = self.slots.get((page / self.each) as usize);
        let first = page % self.each;
        let slot = slot.ok_or(Error::OutOfRange)?;
        Ok((Cap::root(*slot), first, pages.min(self.each - first)))
    }
}

/// Makes the Frames.
#[derive(Debug)]
struct Steps {
    source: Cap<Untyped>,
    slots: Vec<u32>,
    each: u32,
    place: Reserved,
}

impl Steps {
    /// Makes and maps the Frame that begins with page `from` of the pool, which ends at `limit` pages.
    fn step(&self, from: u32, limit: u32) -> Result<Mapping, Error> {
        let slot = self.slots.get((from / self.each) as usize);
        let slot = *slot.ok_or(Error::OutOfRange)?;
        let count = self.each.min(limit.saturating_sub(from));
        let made = self
            .source
            .retype::<Frame>(count.into(), Slots::ROOT, slot, 1);
        match made.map_err(Error::from) {
            // An earlier try made it and could not map it.
            Ok(()) | Err(Error::SlotOccupied) => self.place.map(from, Cap::root(slot), count),
            Err(error) => Err(error),
        }
    }
}

impl Backing for Steps {
    fn grow(&self, pool: &Pool, limit: usize) -> bool {
        let from = (pool.length() / 4096) as u32;
        self.step(from, limit as u32)
            .is_ok_and(|mapping| pool.append(mapping))
    }
}

/// How the pages of an untyped are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Division {
    /// Of those for guests, what the personality's own heap may grow by.
    heap: u32,
    /// For guests, as long as neither objects nor the heap need them.
    guests: u32,
    /// For tables of the own address space.
    tables: u32,
    /// For objects from the start.
    first: u32,
    /// How often objects may get a piece more, and its pages.
    pieces: u32,
    piece: u32,
}

impl Division {
    /// The division of `size` pages; `None` if they are too few.
    fn of(size: u32) -> Option<Division> {
        let blocks = |pages: u32| pages.next_multiple_of(BLOCK_PAGES);
        let first = blocks(size / FIRST_PART).max(FIRST_LEAST);
        let heap = size / HEAP_PART;
        let tables: u32 = [size, heap]
            .into_iter()
            .flat_map(runs_for)
            .map(|run| run as u32 + 1)
            .sum();
        let piece = blocks(size / PIECE_PART).clamp(BLOCK_PAGES, PIECE_MOST);
        let most = (size / MOST_PART).saturating_sub(first);
        let guests = size.checked_sub(first)?.checked_sub(tables)?;
        (guests > 0).then_some(Division {
            heap,
            guests,
            tables,
            first,
            pieces: most / piece,
            piece,
        })
    }
}

/// Memory that objects may take of what the guests have not.
#[derive(Debug)]
pub struct Growth {
    source: Cap<Untyped>,
    memory: Arc<Memory>,
    pieces: u32,
    piece: u32,
}

impl Growth {
    /// Makes a piece more in a slot that is empty.
    ///
    /// # Errors
    /// `NotEnoughMemory` if objects have all that they may have, or the guests have the rest.
    pub fn take(&mut self, slot: u32) -> Result<(), Error> {
        let bytes = u64::from(self.piece) * 4096;
        let source = self.source;
        let mut made = Err(Error::NotEnoughMemory);
        let mut make = || {
            made = source
                .retype::<Untyped>(bytes, Slots::ROOT, slot, 1)
                .map_err(Error::from);
            made.is_ok()
        };
        if self.pieces > 0 && self.memory.withdraw(self.piece as usize, &mut make) {
            self.pieces -= 1;
        }
        made
    }
}

/// Bytes by which the heap may grow with a pool of so many.
pub fn heap_growth(pool: u64) -> u64 {
    let division = Division::of((pool / 4096) as u32);
    division.map_or(0, |division| u64::from(division.heap) * 4096)
}

/// The heap's growth in the account of the pool.
#[derive(Debug)]
struct HeapAccount(Arc<Memory>);

impl Account for HeapAccount {
    fn left(&self) -> u32 {
        self.0.left() as u32
    }

    fn take(&self, pages: u32, make: &mut dyn FnMut() -> bool) -> bool {
        self.0.withdraw(pages as usize, make)
    }
}

/// Pages of each Frame of a pool of so many.
fn each(pages: u32) -> u32 {
    pages.div_ceil(MOST).max(LEAST)
}

/// What a sandbox's memory was made into.
pub struct Made {
    /// The Frames that guests are shown.
    pub frames: Frames,
    /// The account of their pages.
    pub memory: Arc<Memory>,
    /// Where objects get more memory than they have.
    pub growth: Growth,
}

/// Sets the guests' part of `untyped` aside, with addresses, tables and slots for all of it, makes the first Frame, and lets the heap
/// grow from then on. What is left of `untyped` is for objects.
///
/// # Errors
/// A sentence that says what is missing.
pub fn build(resources: &mut Resources, untyped: Cap<Untyped>) -> Result<Made, String> {
    let wrong = |error: Error| format!("the memory for programs: {error:?}");
    let cnode = resources.slots.cnode();
    let size = cnode.inspect(untyped.slot()).map_err(wrong)?.size;
    let division = Division::of(size).ok_or_else(|| wrong(Error::NotEnoughMemory))?;
    let pages = division.guests;
    let source: Cap<Untyped> =
        retype(resources, untyped, u64::from(pages) * 4096).map_err(wrong)?;
    add_tables(resources, untyped, size).map_err(wrong)?;
    add_tables(resources, untyped, division.heap).map_err(wrong)?;
    let each = each(pages);
    let slots = (0..pages.div_ceil(each)).map(|_| resources.slots.take());
    let slots: Vec<u32> = slots.collect::<Result<_, _>>().map_err(wrong)?;
    let frames = Frames {
        slots: slots.as_slice().into(),
        each,
    };
    let place = resources.reserve(pages).map_err(wrong)?;
    let steps = Steps {
        source,
        slots,
        each,
        place,
    };
    let first = steps.step(0, pages).map_err(wrong)?;
    let pool = Pool::from_mapping(first).ok_or("the memory for programs cannot be written")?;
    let memory = Memory::growing(pool, pages as usize, Box::new(steps));
    if division.heap > 0 {
        let account = Box::new(HeapAccount(memory.clone()));
        let growth = HeapGrowth::new(resources, source, account, division.heap);
        grow_heap_from(growth.map_err(wrong)?);
    }
    let growth = Growth {
        source,
        memory: memory.clone(),
        pieces: division.pieces,
        piece: division.piece,
    };
    Ok(Made {
        frames,
        memory,
        growth,
    })
}

/// Pages of the runs, without their headers, for tables of the own address space for so many pages.
fn runs_for(pages: u32) -> impl Iterator<Item = u64> {
    let (covers, takes) = LEAF;
    // A leaf table more at each end, and the directories.
    let tables = (u64::from(pages) / covers + 2) * takes + 4;
    let whole = tables / RUN_PAGES;
    let rest = tables % RUN_PAGES;
    core::iter::repeat_n(RUN_PAGES, whole as usize).chain((rest > 0).then_some(rest))
}

/// Tables of the own address space for so many pages.
fn add_tables(resources: &mut Resources, untyped: Cap<Untyped>, pages: u32) -> Result<(), Error> {
    let vspace: Cap<VSpace> = resources.vspace;
    for run in runs_for(pages) {
        let made: Cap<PageTables> = retype(resources, untyped, run)?;
        vspace.bind_tables(made)?;
    }
    Ok(())
}

fn retype<T: Object>(
    resources: &mut Resources,
    untyped: Cap<Untyped>,
    size: u64,
) -> Result<Cap<T>, Error> {
    resources
        .slots
        .fill(|slot| Ok(untyped.retype::<T>(size, Slots::ROOT, slot, 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_in_one_frame() {
        for pages in [1, 255, 256, 257, 640, 16_384, 20_480, 65_537, 1 << 28] {
            let each = each(pages);
            let count = pages.div_ceil(each);
            assert!(count <= MOST && each >= LEAST, "{pages}: {count} of {each}");
            let frames = Frames {
                slots: (100..100 + count).collect(),
                each,
            };
            let mut page = 0;
            while page < pages {
                let (frame, first, run) = frames.find(page, pages - page).expect("inside");
                assert_eq!((frame.slot(), first), (100 + page / each, 0));
                assert!(run > 0 && run <= each);
                page += run;
            }
            assert_eq!(frames.find(count * each - 1, 9).expect("inside").2, 1);
            assert_eq!(frames.find(count * each, 1).err(), Some(Error::OutOfRange));
        }
    }

    #[test]
    fn all_pages_are_divided_and_a_process_always_fits() {
        for size in [384, 512, 1536, 4096, 16_384, 24_576, 262_144, 1 << 24] {
            let division = Division::of(size).expect("enough");
            let Division {
                heap,
                guests,
                tables,
                first,
                pieces,
                piece,
            } = division;
            assert_eq!(guests + tables + first, size, "{division:?}");
            assert!(heap <= guests / 6, "{division:?}");
            assert!(first >= FIRST_LEAST && first.is_multiple_of(BLOCK_PAGES));
            assert!(piece <= PIECE_MOST && piece.is_multiple_of(BLOCK_PAGES));
            let most = first + pieces * piece;
            assert!(most <= (size / MOST_PART).max(first), "{division:?}");
            // What is not given at the start can be had later, but for less than a piece.
            assert!(size / MOST_PART < most + piece, "{division:?}");
            let needed = (u64::from(guests) / LEAF.0 + 2) * LEAF.1;
            assert!(u64::from(tables) > needed, "{division:?}");
        }
        assert_eq!(Division::of(24_576).expect("enough").first, 1024);
        for size in [0, 1, FIRST_LEAST, FIRST_LEAST + 11] {
            assert_eq!(Division::of(size), None, "{size}");
        }
    }
}
