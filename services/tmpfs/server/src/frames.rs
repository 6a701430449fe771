//! The files' contents: pages of frames that are made of the granted memory at the start, so that what is promised is there.

use alloc::vec::Vec;
use sundog_rt::cap::object::Frame;
use sundog_rt::cap::{Cap, Error, Pool, Protection};
use sundog_rt::{Mapping, Resources};
use sundog_tmpfs_core::{PAGE, Pages};

/// Pages of one frame.
const CHUNK: u32 = 16;

/// The pages of one tree.
pub struct Frames {
    chunks: Vec<Mapping>,
    /// Pages that were given back, or not used yet. What was used is not zero.
    free: Vec<u64>,
}

impl Frames {
    /// At most `pages` pages out of `memory`, or what there is; the mappings cost `resources`.
    ///
    /// # Errors
    /// Those of mapping; `NotEnoughMemory` only if `resources` or the heap have too little for what `memory` has.
    pub fn new(resources: &mut Resources, memory: &mut Pool, pages: u64) -> Result<Frames, Error> {
        let mut chunks = Vec::new();
        for _ in 0..pages / u64::from(CHUNK) {
            let frame: Cap<Frame> = match memory.make(&mut resources.slots, CHUNK.into()) {
                Ok(frame) => frame,
                Err(Error::NotEnoughMemory) => break,
                Err(error) => return Err(error),
            };
            chunks.try_reserve(1).map_err(|_| Error::NotEnoughMemory)?;
            chunks.push(resources.map(frame, 0, CHUNK, Protection::READ_WRITE)?);
        }
        let count = chunks.len() as u64 * u64::from(CHUNK);
        let mut free = Vec::new();
        free.try_reserve_exact(count as usize)
            .map_err(|_| Error::NotEnoughMemory)?;
        free.extend((0..count).rev());
        Ok(Frames { chunks, free })
    }

    /// How many pages there are, all of them still free.
    pub fn count(&self) -> u64 {
        self.free.len() as u64
    }

    /// Where a page lies; the tree names only pages that `allocate` gave it.
    fn place(page: u64) -> (usize, usize) {
        let chunk = (page / u64::from(CHUNK)) as usize;
        (chunk, (page % u64::from(CHUNK)) as usize * PAGE)
    }
}

impl Pages for Frames {
    fn allocate(&mut self) -> Option<u64> {
        let page = self.free.pop()?;
        self.zero(page, 0, PAGE);
        Some(page)
    }

    fn free(&mut self, page: u64) {
        self.free.push(page);
    }

    fn read(&self, page: u64, offset: usize, into: &mut [u8]) {
        let (chunk, start) = Frames::place(page);
        // Inside by the trait's rules; a page that does not exist reads as what `into` held.
        let _ = self
            .chunks
            .get(chunk)
            .map(|chunk| chunk.read(start + offset, into));
    }

    fn write(&mut self, page: u64, offset: usize, from: &[u8]) {
        let (chunk, start) = Frames::place(page);
        let _ = self
            .chunks
            .get_mut(chunk)
            .map(|chunk| chunk.write(start + offset, from));
    }
}
