//! A file's content: 4 KiB blocks in page frames; what has no frame is a hole and reads as zeros.

use crate::pages::{PAGE, Pages};
use alloc::collections::BTreeMap;
use sundog_protocols::file::{FileError, Result};

/// Largest size of a file, as on Linux.
pub const MAX_SIZE: u64 = i64::MAX as u64;

const PAGE_U64: u64 = PAGE as u64;

/// A file's blocks and size.
#[derive(Default)]
pub struct Data {
    blocks: BTreeMap<u64, u64>,
    size: u64,
}

/// Frames and how many of them the tree may use.
pub struct Store<P> {
    pub pages: P,
    pub used: u64,
    pub limit: u64,
    /// Whether memory for the record of a block may be taken.
    pub room: fn() -> bool,
}

impl<P: Pages> Store<P> {
    fn allocate(&mut self) -> Result<u64> {
        if self.used >= self.limit || !(self.room)() {
            return Err(FileError::ENOSPC);
        }
        let frame = self.pages.allocate().ok_or(FileError::ENOSPC)?;
        self.used += 1;
        Ok(frame)
    }

    fn free(&mut self, frame: u64) {
        self.pages.free(frame);
        self.used -= 1;
    }
}

/// Cuts a range of bytes into (block, offset in it, length, position in the buffer).
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let start = (at % PAGE_U64) as usize;
        let count = (PAGE - start).min(length - done);
        done += count;
        Some((at / PAGE_U64, start, count, done - count))
    })
}

impl Data {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn block_count(&self) -> u64 {
        self.blocks.len() as u64
    }

    pub fn read<P: Pages>(&self, store: &Store<P>, offset: u64, into: &mut [u8]) -> usize {
        if offset >= self.size {
            return 0;
        }
        let length = into
            .len()
            .min(usize::try_from(self.size - offset).unwrap_or(usize::MAX));
        for (block, start, count, done) in pieces(offset, length) {
            let part = &mut into[done..done + count];
            match self.blocks.get(&block) {
                Some(&frame) => store.pages.read(frame, start, part),
                None => part.fill(0),
            }
        }
        length
    }

    /// Writes as much as there is room for; fails only if not even one byte went in.
    pub fn write<P: Pages>(
        &mut self,
        store: &mut Store<P>,
        offset: u64,
        from: &[u8],
    ) -> Result<usize> {
        if from.is_empty() {
            return Ok(0);
        }
        if offset >= MAX_SIZE {
            return Err(FileError::EFBIG);
        }
        let length = from
            .len()
            .min(usize::try_from(MAX_SIZE - offset).unwrap_or(usize::MAX));
        let mut written = 0;
        for (block, start, count, done) in pieces(offset, length) {
            let frame = match self.block(store, block) {
                Ok(frame) => frame,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            };
            store.pages.write(frame, start, &from[done..done + count]);
            written = done + count;
        }
        self.size = self.size.max(offset + written as u64);
        Ok(written)
    }

    /// The frame of a block, made if there is none.
    pub fn block<P: Pages>(&mut self, store: &mut Store<P>, block: u64) -> Result<u64> {
        if let Some(&frame) = self.blocks.get(&block) {
            return Ok(frame);
        }
        let frame = store.allocate()?;
        self.blocks.insert(block, frame);
        Ok(frame)
    }

    /// Gives all frames back.
    pub fn clear<P: Pages>(&mut self, store: &mut Store<P>) {
        self.size = 0;
        for (_, frame) in core::mem::take(&mut self.blocks) {
            store.free(frame);
        }
    }

    /// Cuts off or grows with a hole.
    pub fn resize<P: Pages>(&mut self, store: &mut Store<P>, size: u64) -> Result<()> {
        if size > MAX_SIZE {
            return Err(FileError::EFBIG);
        }
        if size <= self.size {
            for (_, frame) in self.blocks.split_off(&size.div_ceil(PAGE_U64)) {
                store.free(frame);
            }
        }
        // Bytes behind the end may hold what a mapping wrote there; they must read as zeros once the file grows.
        let end = size.min(self.size);
        let rest = (end % PAGE_U64) as usize;
        if let (true, Some(&frame)) = (rest != 0, self.blocks.get(&(end / PAGE_U64))) {
            store.pages.zero(frame, rest, PAGE - rest);
        }
        self.size = size;
        Ok(())
    }

    /// Makes the file longer; `size` must not be less than it is.
    pub fn grow(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// Makes a range read as zeros, giving whole blocks back.
    pub fn punch<P: Pages>(&mut self, store: &mut Store<P>, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        let (first, last) = (offset.div_ceil(PAGE_U64), end / PAGE_U64);
        if first < last {
            let mut middle = self.blocks.split_off(&first);
            let mut rest = middle.split_off(&last);
            self.blocks.append(&mut rest);
            for (_, frame) in middle {
                store.free(frame);
            }
        }
        // The two edges; one and the same block if the range lies within it.
        let first_edge = (offset, end.min(first.saturating_mul(PAGE_U64)));
        let last_edge = (offset.max(last * PAGE_U64), end);
        for (from, to) in [first_edge, last_edge] {
            if let (true, Some(&frame)) = (from < to, self.blocks.get(&(from / PAGE_U64))) {
                store
                    .pages
                    .zero(frame, (from % PAGE_U64) as usize, (to - from) as usize);
            }
        }
    }

    /// Gives a range storage; all or nothing.
    pub fn reserve<P: Pages>(
        &mut self,
        store: &mut Store<P>,
        offset: u64,
        length: u64,
    ) -> Result<()> {
        let (first, last) = (
            offset / PAGE_U64,
            offset.saturating_add(length).div_ceil(PAGE_U64),
        );
        let have = self.blocks.range(first..last).count() as u64;
        if (last - first) - have > store.limit - store.used {
            return Err(FileError::ENOSPC);
        }
        let mut made = alloc::vec::Vec::new();
        for block in first..last {
            if self.blocks.contains_key(&block) {
                continue;
            }
            match self.block(store, block) {
                Ok(_) => made.push(block),
                Err(error) => {
                    for block in made {
                        if let Some(frame) = self.blocks.remove(&block) {
                            store.free(frame);
                        }
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The next data or hole at or behind `offset`.
    pub fn seek(&self, offset: u64, hole: bool) -> Result<u64> {
        if offset >= self.size {
            return Err(FileError::ENXIO);
        }
        let block = offset / PAGE_U64;
        if hole {
            let mut next = block;
            for (&block, _) in self.blocks.range(block..) {
                if block != next {
                    break;
                }
                next += 1;
            }
            return Ok(next.saturating_mul(PAGE_U64).clamp(offset, self.size));
        }
        match self.blocks.range(block..).next() {
            Some((&block, _)) if block.saturating_mul(PAGE_U64) < self.size => {
                Ok(offset.max(block * PAGE_U64))
            }
            _ => Err(FileError::ENXIO),
        }
    }
}
