//! The guests' memory: one untyped, of which a Frame of one size after the other is made and mapped here when it is needed.

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
use sundog_rt::{Growth, Mapping, Reserved, Resources, grow_heap_from};

/// Of the memory for guests and objects, one part in so many is for objects.
const OBJECTS_PART: u32 = 6;
/// One part in so many is what the personality's own heap may grow by.
const HEAP_PART: u32 = 8;
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
    pages: u32,
    place: Reserved,
}

impl Steps {
    /// Makes and maps the Frame that begins with page `from` of the pool.
    fn step(&self, from: u32) -> Result<Mapping, Error> {
        let slot = self.slots.get((from / self.each) as usize);
        let slot = *slot.ok_or(Error::OutOfRange)?;
        let count = self.each.min(self.pages - from);
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
    fn grow(&self, pool: &Pool) -> bool {
        let from = (pool.length() / 4096) as u32;
        self.step(from).is_ok_and(|mapping| pool.append(mapping))
    }
}

/// Sets a part of `untyped` aside for the personality's own heap, with tables, slots and addresses; [`build`] takes its own after it.
///
/// # Errors
/// A sentence that says what is missing.
pub fn grow_heap(resources: &mut Resources, untyped: Cap<Untyped>) -> Result<(), String> {
    let mut grow = || -> Result<(), Error> {
        let size = resources.slots.cnode().inspect(untyped.slot())?.size;
        let pages = size / HEAP_PART;
        if pages == 0 {
            return Ok(());
        }
        let source: Cap<Untyped> = retype(resources, untyped, u64::from(pages) * 4096)?;
        add_tables(resources, untyped, pages)?;
        grow_heap_from(Growth::new(resources, source, pages)?);
        Ok(())
    };
    grow().map_err(|error| format!("the memory for the heap: {error:?}"))
}

/// Pages of each Frame of a pool of so many.
fn each(pages: u32) -> u32 {
    pages.div_ceil(MOST).max(LEAST)
}

/// Sets the guests' part of `untyped` aside, with addresses, tables and slots for all of it, and makes the first Frame. What is
/// left of `untyped` is for objects.
///
/// # Errors
/// A sentence that says what is missing.
pub fn build(
    resources: &mut Resources,
    untyped: Cap<Untyped>,
) -> Result<(Frames, Arc<Memory>), String> {
    let wrong = |error: Error| format!("the memory for programs: {error:?}");
    let cnode = resources.slots.cnode();
    let size = cnode.inspect(untyped.slot()).map_err(wrong)?.size;
    let pages = size - size / OBJECTS_PART - size / HEAP_PART;
    let source: Cap<Untyped> =
        retype(resources, untyped, u64::from(pages) * 4096).map_err(wrong)?;
    add_tables(resources, untyped, pages).map_err(wrong)?;
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
        pages,
        place,
    };
    let first = steps.step(0).map_err(wrong)?;
    let pool = Pool::from_mapping(first).ok_or("the memory for programs cannot be written")?;
    let memory = Memory::growing(pool, pages as usize, Box::new(steps));
    Ok((frames, memory))
}

/// Tables of the own address space for so many pages.
fn add_tables(resources: &mut Resources, untyped: Cap<Untyped>, pages: u32) -> Result<(), Error> {
    let vspace: Cap<VSpace> = resources.vspace;
    let (covers, takes) = LEAF;
    // A leaf table more at each end, and the directories.
    let mut tables = (u64::from(pages) / covers + 2) * takes + 4;
    while tables > 0 {
        let run = tables.min(RUN_PAGES);
        let made: Cap<PageTables> = retype(resources, untyped, run)?;
        vspace.bind_tables(made)?;
        tables -= run;
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
}
