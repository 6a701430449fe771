//! The files' contents: pages of frames that are made of the granted memory as they are needed.

use alloc::vec::Vec;
use sundog_rt::cap::object::{Frame, Untyped};
use sundog_rt::cap::{Cap, Error, Pool, Protection};
use sundog_rt::{Mapping, Resources};
use sundog_tmpfs_core::{PAGE, Pages};

/// Pages of one frame.
const CHUNK: u32 = 64;

/// The pages.
pub struct Frames {
    resources: Resources,
    memory: Pool,
    chunks: Vec<Mapping>,
    /// Pages that were given back, or not used yet. What was used is not zero.
    free: Vec<u64>,
}

impl Frames {
    /// Pages out of `memory`; the mappings cost `resources`.
    pub fn new(resources: Resources, memory: Cap<Untyped>) -> Frames {
        let mut pool = Pool::new();
        pool.add(memory);
        Frames {
            resources,
            memory: pool,
            chunks: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Makes and maps one more frame.
    fn grow(&mut self) -> Result<(), Error> {
        self.chunks
            .try_reserve(1)
            .map_err(|_| Error::NotEnoughMemory)?;
        self.free
            .try_reserve(CHUNK as usize)
            .map_err(|_| Error::NotEnoughMemory)?;
        let frame: Cap<Frame> = self.memory.make(&mut self.resources.slots, CHUNK.into())?;
        let mapping = self
            .resources
            .map(frame, 0, CHUNK, Protection::READ_WRITE)?;
        let first = self.chunks.len() as u64 * u64::from(CHUNK);
        self.chunks.push(mapping);
        self.free.extend((first..first + u64::from(CHUNK)).rev());
        Ok(())
    }

    /// Where a page lies; the tree names only pages that `allocate` gave it.
    fn place(page: u64) -> (usize, usize) {
        let chunk = (page / u64::from(CHUNK)) as usize;
        (chunk, (page % u64::from(CHUNK)) as usize * PAGE)
    }
}

impl Pages for Frames {
    fn allocate(&mut self) -> Option<u64> {
        if self.free.is_empty() {
            self.grow().ok()?;
        }
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
