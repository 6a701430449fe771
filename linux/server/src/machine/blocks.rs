//! Memory for objects in blocks of one size, so that what one object leaves behind fits every other.
//!
//! Untyped memory hands out from front to back and is free again only as a whole. So every object that comes and goes lives in
//! an untyped of its own: a block, or for virtual processors an eighth of one.

use crate::objects::{Make, Objects, Result};
use alloc::vec::Vec;
use sundog_rt::cap::Error;

/// Bytes of a block: 16 pages.
pub const BLOCK: u64 = 64 * 1024;
/// Pieces of a block that is divided.
const PIECES: usize = 8;
/// Bytes of a piece: the two pages of a virtual processor.
pub const PIECE: u64 = BLOCK / PIECES as u64;

/// A block that is divided.
struct Divided {
    block: u32,
    /// The slots of its pieces that are not in use.
    free: Vec<u32>,
    /// The slots of all its pieces.
    pieces: [u32; PIECES],
}

/// The blocks of an untyped.
pub struct Blocks {
    /// The slot of what blocks are split off.
    memory: u32,
    spare: Vec<u32>,
    divided: Vec<Divided>,
    /// Blocks that the kernel would not take back. Nothing is made of them any more.
    lost: usize,
}

impl Blocks {
    /// Blocks of the untyped in slot `memory`.
    pub const fn new(memory: u32) -> Blocks {
        Blocks {
            memory,
            spare: Vec::new(),
            divided: Vec::new(),
            lost: 0,
        }
    }

    /// Takes a block; returns its slot.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn take(&mut self, objects: &mut impl Objects) -> Result<u32> {
        if let Some(block) = self.spare.pop() {
            return Ok(block);
        }
        let slot = objects.take_slot()?;
        let mut made = objects.make(self.memory, Make::Untyped(BLOCK), slot);
        if made == Err(Error::NotEnoughMemory) {
            made = self
                .grow(objects)
                .and_then(|()| objects.make(self.memory, Make::Untyped(BLOCK), slot));
        }
        match made {
            Ok(()) => Ok(slot),
            Err(error) => {
                objects.give_slot(slot);
                Err(error)
            }
        }
    }

    /// Goes on with a fresh piece of memory. All of the last one is in blocks; they are used again and again.
    fn grow(&mut self, objects: &mut impl Objects) -> Result<()> {
        let slot = objects.take_slot()?;
        match objects.grow(slot) {
            Ok(()) => {
                self.memory = slot;
                Ok(())
            }
            Err(error) => {
                objects.give_slot(slot);
                Err(error)
            }
        }
    }

    /// Takes a block back with all that was made of it, whose slots are empty afterwards. Whether the kernel did it.
    pub fn give(&mut self, objects: &mut impl Objects, block: u32) -> bool {
        if objects.take_back(block).is_err() {
            self.lost += 1;
            return false;
        }
        self.spare.push(block);
        true
    }

    /// Takes a piece; returns its slot.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn take_piece(&mut self, objects: &mut impl Objects) -> Result<u32> {
        if let Some(piece) = self
            .divided
            .iter_mut()
            .find_map(|divided| divided.free.pop())
        {
            return Ok(piece);
        }
        let block = self.take(objects)?;
        let mut pieces = Vec::with_capacity(PIECES);
        while pieces.len() < PIECES {
            match make_piece(objects, block) {
                Ok(slot) => pieces.push(slot),
                Err(error) => {
                    self.give_pieces(objects, block, &pieces);
                    return Err(error);
                }
            }
        }
        let mut all = [0; PIECES];
        all.copy_from_slice(&pieces);
        let piece = all[0];
        pieces.remove(0);
        self.divided.push(Divided {
            block,
            free: pieces,
            pieces: all,
        });
        Ok(piece)
    }

    /// Takes a piece back with all that was made of it. Whether the kernel did it.
    pub fn give_piece(&mut self, objects: &mut impl Objects, piece: u32) -> bool {
        if objects.take_back(piece).is_err() {
            self.lost += 1;
            return false;
        }
        let Some(index) = self
            .divided
            .iter()
            .position(|divided| divided.pieces.contains(&piece))
        else {
            return false;
        };
        let divided = &mut self.divided[index];
        divided.free.push(piece);
        if divided.free.len() == PIECES {
            let Divided { block, pieces, .. } = self.divided.swap_remove(index);
            self.give_pieces(objects, block, &pieces);
        }
        true
    }

    fn give_pieces(&mut self, objects: &mut impl Objects, block: u32, pieces: &[u32]) {
        if self.give(objects, block) {
            for piece in pieces {
                objects.give_slot(*piece);
            }
        }
    }

    /// Blocks that wait to be used again, and those that are lost.
    #[cfg(test)]
    pub fn idle(&self) -> (usize, usize) {
        (self.spare.len(), self.lost)
    }
}

fn make_piece(objects: &mut impl Objects, block: u32) -> Result<u32> {
    let slot = objects.take_slot()?;
    match objects.make(block, Make::Untyped(PIECE), slot) {
        Ok(()) => Ok(slot),
        Err(error) => {
            objects.give_slot(slot);
            Err(error)
        }
    }
}
