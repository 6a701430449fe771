//! A guest address space: its VSpace and the runs of pages that its tables are made of.

use super::blocks::{BLOCK, Blocks};
use crate::objects::{Make, Objects, Result, Sharing};
use alloc::vec::Vec;
use sundog_rt::cap::{Error, Protection};
use sundog_rt::sys::Partial;

/// Pages of a block.
const BLOCK_PAGES: u64 = BLOCK / PAGE;
/// Pages of the run beside the VSpace's own two: one is its header.
const FIRST_RUN: u64 = BLOCK_PAGES - 3;
/// Pages of a run that has a block of its own: one is its header.
const RUN: u64 = BLOCK_PAGES - 1;
/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// An address space.
pub struct Space {
    /// The slot of the VSpace.
    pub slot: u32,
    /// Blocks that it is made of: the block's slot, and the slots of what was made of it.
    blocks: Vec<(u32, Vec<u32>)>,
}

/// Makes objects of a fresh block; gives all back if one cannot be made.
fn block_of<O: Objects>(
    objects: &mut O,
    blocks: &mut Blocks,
    what: &[Make],
) -> Result<(u32, Vec<u32>)> {
    let block = blocks.take(objects)?;
    let mut slots = Vec::with_capacity(what.len());
    for make in what {
        let made = objects.take_slot().and_then(|slot| {
            slots.push(slot);
            objects.make(block, *make, slot)
        });
        if let Err(error) = made {
            give_block(objects, blocks, block, &slots);
            return Err(error);
        }
    }
    Ok((block, slots))
}

fn give_block<O: Objects>(objects: &mut O, blocks: &mut Blocks, block: u32, slots: &[u32]) {
    // Slots of a block that the kernel keeps are not known to be empty.
    if blocks.give(objects, block) {
        for slot in slots {
            objects.give_slot(*slot);
        }
    }
}

impl Space {
    /// Makes a space with a first run of pages for its tables.
    ///
    /// # Errors
    /// `NotEnoughMemory`; nothing stays taken then.
    pub fn new<O: Objects>(objects: &mut O, blocks: &mut Blocks) -> Result<Space> {
        let (block, slots) = block_of(objects, blocks, &[Make::Space, Make::Tables(FIRST_RUN)])?;
        if let Err(error) = objects.bind_tables(slots[0], slots[1]) {
            give_block(objects, blocks, block, &slots);
            return Err(error);
        }
        Ok(Space {
            slot: slots[0],
            blocks: alloc::vec![(block, slots)],
        })
    }

    /// Whether nothing of it is there any more.
    pub fn is_forgotten(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Gives everything back. Nobody runs in it.
    pub fn forget<O: Objects>(&mut self, objects: &mut O, blocks: &mut Blocks) {
        for (block, slots) in core::mem::take(&mut self.blocks).iter().rev() {
            give_block(objects, blocks, *block, slots);
        }
    }

    fn add_tables<O: Objects>(&mut self, objects: &mut O, blocks: &mut Blocks) -> Result<()> {
        let (block, slots) = block_of(objects, blocks, &[Make::Tables(RUN)])?;
        if let Err(error) = objects.bind_tables(self.slot, slots[0]) {
            give_block(objects, blocks, block, &slots);
            return Err(error);
        }
        self.blocks.push((block, slots));
        Ok(())
    }

    /// Runs `step(done)`, which goes on behind the `done` pages before, until it does not stop any more. What stops it is
    /// handled by a new run of tables, or by `other(done)`, which says how many pages it passes.
    fn persist<O: Objects>(
        &mut self,
        objects: &mut O,
        blocks: &mut Blocks,
        pages: u64,
        mut step: impl FnMut(&mut O, u64) -> Result<(), Partial>,
        mut other: impl FnMut(&mut O, u64, Error) -> Result<u64>,
    ) -> Result<(), Partial> {
        let mut done = 0;
        let mut asked = None;
        while done < pages {
            let Err(partial) = step(objects, done) else {
                return Ok(());
            };
            done += partial.done;
            let stop = |error| Partial { done, error };
            // A second time without any page in between is not for want of tables.
            if partial.error == Error::NeedTables && asked != Some(done) {
                asked = Some(done);
                self.add_tables(objects, blocks).map_err(stop)?;
            } else {
                done += other(objects, done, partial.error).map_err(stop)?;
            }
        }
        Ok(())
    }

    /// Maps pages of the pool, in place of what is there.
    ///
    /// # Errors
    /// Those of `vspace_map`; what was mapped before stays.
    pub fn map<O: Objects>(
        &mut self,
        objects: &mut O,
        blocks: &mut Blocks,
        address: u64,
        page: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<()> {
        let space = self.slot;
        let mut cleared = None;
        self.persist(
            objects,
            blocks,
            pages.into(),
            |objects, done| {
                objects.map(
                    space,
                    address + done * PAGE,
                    page + done as u32,
                    pages - done as u32,
                    protection,
                )
            },
            |objects, done, error| {
                if error != Error::AlreadyMapped || cleared == Some(done) {
                    return Err(error);
                }
                cleared = Some(done);
                objects.unmap(space, address + done * PAGE, u64::from(pages) - done)?;
                Ok(0)
            },
        )
        .map_err(Error::from)
    }

    /// Changes the protection of what is mapped in a range. A page that cannot have it becomes unmapped: the next access is a fault
    /// that maps it anew.
    pub fn protect<O: Objects>(
        &mut self,
        objects: &mut O,
        blocks: &mut Blocks,
        address: u64,
        pages: u64,
        protection: Protection,
    ) {
        let space = self.slot;
        let changed = self.persist(
            objects,
            blocks,
            pages,
            |objects, done| objects.protect(space, address + done * PAGE, pages - done, protection),
            |objects, done, _| {
                objects.unmap(space, address + done * PAGE, 1)?;
                Ok(1)
            },
        );
        debug_assert!(changed.is_ok(), "pages that cannot even be unmapped");
    }

    /// Shares a range with `destination`, as far as there is room.
    pub fn share<O: Objects>(
        &self,
        objects: &mut O,
        blocks: &mut Blocks,
        destination: &mut Space,
        address: u64,
        pages: u64,
    ) {
        let (source, target) = (self.slot, destination.slot);
        let shared = destination.persist(
            objects,
            blocks,
            pages,
            |objects, done| {
                objects.share(&Sharing {
                    source,
                    destination: target,
                    address: address + done * PAGE,
                    pages: pages - done,
                })
            },
            |_, _, error| Err(error),
        );
        // What was not shared is mapped when it is touched.
        let _ = shared;
    }
}
