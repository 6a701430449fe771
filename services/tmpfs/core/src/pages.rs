//! Where file contents live: page frames that somebody else owns and may map elsewhere.

/// Bytes of one page frame.
pub const PAGE: usize = 4096;

/// A source of page frames. The personality implements it over its pool, so that a mapping of a file shares the file's frames.
///
/// An implementation is usually a small handle to the pool, shared with whoever maps the frames.
pub trait Pages: Send {
    /// A frame filled with zeros, or `None` if there is none left.
    fn allocate(&mut self) -> Option<u64>;
    /// Gives up one reference to a frame that `allocate` returned. (Whoever maps a frame holds references of its own.)
    fn free(&mut self, frame: u64);
    /// Copies out of a frame. `offset + into.len()` is at most [`PAGE`].
    fn read(&self, frame: u64, offset: usize, into: &mut [u8]);
    /// Copies into a frame. `offset + from.len()` is at most [`PAGE`].
    fn write(&mut self, frame: u64, offset: usize, from: &[u8]);
    /// Fills a part of a frame with zeros.
    fn zero(&mut self, frame: u64, offset: usize, length: usize) {
        const ZEROS: [u8; PAGE] = [0; PAGE];
        self.write(frame, offset, &ZEROS[..length]);
    }
}

/// Frames on the heap: for tests and for servers that nobody maps from.
#[derive(Default)]
pub struct HeapPages {
    frames: alloc::vec::Vec<Option<alloc::boxed::Box<[u8; PAGE]>>>,
    free: alloc::vec::Vec<u64>,
    used: usize,
    limit: usize,
}

impl HeapPages {
    /// At most `limit` frames.
    pub fn new(limit: usize) -> HeapPages {
        HeapPages {
            limit,
            ..HeapPages::default()
        }
    }

    /// How many frames are in use.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl Pages for HeapPages {
    fn allocate(&mut self) -> Option<u64> {
        if self.used == self.limit {
            return None;
        }
        self.used += 1;
        let page = Some(alloc::boxed::Box::new([0; PAGE]));
        if let Some(frame) = self.free.pop() {
            self.frames[frame as usize] = page;
            return Some(frame);
        }
        self.frames.push(page);
        Some(self.frames.len() as u64 - 1)
    }

    fn free(&mut self, frame: u64) {
        if self
            .frames
            .get_mut(frame as usize)
            .and_then(Option::take)
            .is_some()
        {
            self.used -= 1;
            self.free.push(frame);
        }
    }

    fn read(&self, frame: u64, offset: usize, into: &mut [u8]) {
        if let Some(Some(page)) = self.frames.get(frame as usize) {
            into.copy_from_slice(&page[offset..offset + into.len()]);
        }
    }

    fn write(&mut self, frame: u64, offset: usize, from: &[u8]) {
        if let Some(Some(page)) = self.frames.get_mut(frame as usize) {
            page[offset..offset + from.len()].copy_from_slice(from);
        }
    }
}

impl Pages for alloc::boxed::Box<dyn Pages> {
    fn allocate(&mut self) -> Option<u64> {
        (**self).allocate()
    }
    fn free(&mut self, frame: u64) {
        (**self).free(frame);
    }
    fn read(&self, frame: u64, offset: usize, into: &mut [u8]) {
        (**self).read(frame, offset, into);
    }
    fn write(&mut self, frame: u64, offset: usize, from: &[u8]) {
        (**self).write(frame, offset, from);
    }
    fn zero(&mut self, frame: u64, offset: usize, length: usize) {
        (**self).zero(frame, offset, length);
    }
}
