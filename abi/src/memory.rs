//! Pages, user addresses and protection.

/// Bytes of a page.
pub const PAGE_SIZE: u64 = 4096;
/// The first address that no user mapping may touch. One page short of the canonical limit, so that no instruction ends there.
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;
/// The most pages that one call maps, unmaps, protects or shares; the stub loops.
pub const RANGE_STEP: u64 = 64;

/// How a page is mapped. Write implies read on x86_64.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Protection(pub u8);

impl Protection {
    /// The page can be read.
    pub const READ: Protection = Protection(1);
    /// The page can be written.
    pub const WRITE: Protection = Protection(2);
    /// Instructions can be fetched from the page.
    pub const EXECUTE: Protection = Protection(4);
    /// Read and write.
    pub const READ_WRITE: Protection = Protection(3);
    /// Read and execute.
    pub const READ_EXECUTE: Protection = Protection(5);

    /// Whether every kind of access of `needed` is allowed.
    pub const fn contains(self, needed: Protection) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// The protection of a word; `None` if bits are set that mean nothing.
    pub const fn from_word(word: u64) -> Option<Protection> {
        if word > 7 {
            None
        } else {
            Some(Protection(word as u8))
        }
    }
}
