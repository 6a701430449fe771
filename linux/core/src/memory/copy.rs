//! Copies between the personality and guest addresses, page by page through the personality's own table.
use super::space::{AddressSpace, Environment};
use crate::frames::{Frame, PAGE_SIZE};
use crate::{Errno, fallible};
use alloc::vec::Vec;

impl AddressSpace {
    /// The frame at an address that may be accessed so; brought in or copied if need be.
    fn frame_at(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        write: bool,
    ) -> Result<Frame, Errno> {
        let entry = self.table.get(address / PAGE_SIZE as u64);
        match entry.frame() {
            Some(frame) if entry.access() && (!write || entry.write()) => Ok(frame),
            _ => Ok(self.fault(environment, address, write, false)?),
        }
    }

    /// The offset in the pool of the byte at an address.
    ///
    /// # Errors
    /// EFAULT when it may not be accessed so, ENOMEM.
    pub fn translate(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        write: bool,
    ) -> Result<usize, Errno> {
        let frame = self.frame_at(environment, address, write)?;
        Ok(frame.offset() + (address as usize & (PAGE_SIZE - 1)))
    }

    /// Copies from a guest address.
    ///
    /// # Errors
    /// EFAULT when a part may not be read; an unknown part of `to` is changed then.
    pub fn read(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        to: &mut [u8],
    ) -> Result<(), Errno> {
        let mut done = 0;
        while done < to.len() {
            let at = address.checked_add(done as u64).ok_or(Errno::EFAULT)?;
            let room = PAGE_SIZE - (at as usize & (PAGE_SIZE - 1));
            let count = room.min(to.len() - done);
            let offset = self.translate(environment, at, false)?;
            environment
                .memory
                .pool()
                .read(offset, &mut to[done..done + count])
                .map_err(|_| Errno::EFAULT)?;
            done += count;
        }
        Ok(())
    }

    /// Copies to a guest address.
    ///
    /// # Errors
    /// EFAULT when a part may not be written; a first part may have been written then.
    pub fn write(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        from: &[u8],
    ) -> Result<(), Errno> {
        let mut done = 0;
        while done < from.len() {
            let at = address.checked_add(done as u64).ok_or(Errno::EFAULT)?;
            let room = PAGE_SIZE - (at as usize & (PAGE_SIZE - 1));
            let count = room.min(from.len() - done);
            let offset = self.translate(environment, at, true)?;
            environment
                .memory
                .pool()
                .write(offset, &from[done..done + count])
                .map_err(|_| Errno::EFAULT)?;
            done += count;
        }
        Ok(())
    }

    /// How many bytes from an address on may be written (or read), at most `length`; their pages are brought in.
    pub fn accessible(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        length: usize,
        write: bool,
    ) -> usize {
        let mut done = 0;
        while done < length {
            let Some(at) = address.checked_add(done as u64) else {
                break;
            };
            if self.frame_at(environment, at, write).is_err() {
                break;
            }
            done += PAGE_SIZE - (at as usize & (PAGE_SIZE - 1));
        }
        done.min(length)
    }

    /// Reads a string that ends with a zero byte, of at most `limit` bytes without it.
    ///
    /// # Errors
    /// EFAULT when it may not be read, ENAMETOOLONG when it is longer.
    pub fn read_string(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        limit: usize,
    ) -> Result<Vec<u8>, Errno> {
        let mut string = Vec::new();
        let mut buffer = [0; 256];
        loop {
            let at = address
                .checked_add(string.len() as u64)
                .ok_or(Errno::EFAULT)?;
            let room = PAGE_SIZE - (at as usize & (PAGE_SIZE - 1));
            let part = &mut buffer[..room.min(256)];
            self.read(environment, at, part)?;
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                fallible::extend(&mut string, &part[..end])?;
                return if string.len() > limit {
                    Err(Errno::ENAMETOOLONG)
                } else {
                    Ok(string)
                };
            }
            fallible::extend(&mut string, part)?;
            if string.len() > limit {
                return Err(Errno::ENAMETOOLONG);
            }
        }
    }
}

impl AddressSpace {
    /// Copies from a guest address without bringing anything in: pages that are not there read as zeros.
    pub fn peek(&self, memory: &crate::frames::Memory, address: u64, to: &mut [u8]) {
        let mut done = 0;
        while done < to.len() {
            let at = address.wrapping_add(done as u64);
            let within = at as usize & (PAGE_SIZE - 1);
            let count = (PAGE_SIZE - within).min(to.len() - done);
            if let Some(frame) = self.table.get(at / PAGE_SIZE as u64).frame() {
                // The frame is inside the pool, and the range inside the frame.
                let _ = memory
                    .pool()
                    .read(frame.offset() + within, &mut to[done..done + count]);
            }
            done += count;
        }
    }
}
