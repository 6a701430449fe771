//! Reading firmware tables out of physical memory, through a trait so that the parsers run on the host.

/// Something that physical memory can be read from.
pub trait PhysicalMemory {
    /// The byte at a physical address, or nothing if that address cannot be read.
    fn byte(&self, address: u64) -> Option<u8>;

    /// The `N` bytes at an address; unaligned addresses are allowed.
    fn bytes<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut out = [0; N];
        for (offset, byte) in out.iter_mut().enumerate() {
            *byte = self.byte(address.checked_add(offset as u64)?)?;
        }
        Some(out)
    }

    /// The little-endian 32-bit word at an address.
    fn u32(&self, address: u64) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(address)?))
    }

    /// The little-endian 64-bit word at an address.
    fn u64(&self, address: u64) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(address)?))
    }
}

/// Pieces of memory at given addresses, for tests.
#[cfg(test)]
pub(crate) struct Pieces<'a>(pub &'a [(u64, &'a [u8])]);

#[cfg(test)]
impl PhysicalMemory for Pieces<'_> {
    fn byte(&self, address: u64) -> Option<u8> {
        self.0.iter().find_map(|(start, bytes)| {
            let offset = address.checked_sub(*start)?;
            bytes.get(usize::try_from(offset).ok()?).copied()
        })
    }
}
