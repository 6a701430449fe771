//! The format of a page-table entry: what its bits mean, and how an address picks one at each level.

/// Bytes in a page.
pub const PAGE_SIZE: u64 = 4096;
/// Levels of tables, the root being level 4 and the one that holds 4 KiB leaves level 1.
pub const LEVELS: u32 = 4;
/// Entries in one table.
pub const ENTRIES: usize = 512;
/// The first address that no user mapping may reach: the last page below the hole stays empty, since a `syscall` at its
/// very end would make `sysret` return to a non-canonical address.
pub const USER_END: u64 = 0x0000_8000_0000_0000 - PAGE_SIZE;

const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NO_EXECUTE: u64 = 1 << 63;
const SOFTWARE_LOW: u64 = 0b111 << 9;
const SOFTWARE_HIGH: u64 = 0x7f << 52;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// How the CPU may cache a page. The values are the indices into the page attribute table that [`PAT`] sets up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Ordinary memory: write-back.
    WriteBack,
    /// Frame buffers: writes are gathered, reads are not cached.
    WriteCombining,
    /// Device registers: each access goes out, in order.
    Uncached,
}

/// The value of the page attribute table register (MSR 0x277): entries 0 write-back, 1 write-combining, 2 uncached unless
/// the memory type registers say otherwise, 3 uncached; and the same again, so that the entry's high bit does not matter.
pub const PAT: u64 = 0x0007_0106_0007_0106;

/// What a leaf entry allows and how the page is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Writes are allowed.
    pub write: bool,
    /// User mode may use the page.
    pub user: bool,
    /// Instructions may be fetched from the page.
    pub execute: bool,
    /// The translation survives a change of the root (only for mappings that are the same under every root).
    pub global: bool,
    /// How the CPU may cache the page.
    pub cache: Cache,
    /// Ten bits that the CPU ignores, for the kernel's own use (the low three in bits 9 to 11, the rest in 52 to 58).
    pub software: u16,
}

/// One entry of a table, at any level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Entry(pub u64);

impl Entry {
    /// The entry that maps nothing.
    pub const EMPTY: Entry = Entry(0);

    /// An entry that maps memory: at level 1 a page of 4 KiB, at 2 of 2 MiB, at 3 of 1 GiB. `address` is physical and
    /// aligned to that size (lower bits are dropped); bits of `software` above the tenth are dropped.
    #[inline]
    #[must_use]
    pub const fn leaf(address: u64, level: u32, flags: Flags) -> Entry {
        let mut bits = (address & ADDRESS & !(span(level) - 1)) | PRESENT;
        if flags.write {
            bits |= WRITE;
        }
        if flags.user {
            bits |= USER;
        }
        if !flags.execute {
            bits |= NO_EXECUTE;
        }
        if flags.global {
            bits |= GLOBAL;
        }
        if level > 1 {
            bits |= LARGE;
        }
        bits |= match flags.cache {
            Cache::WriteBack => 0,
            Cache::WriteCombining => WRITE_THROUGH,
            Cache::Uncached => WRITE_THROUGH | CACHE_DISABLE,
        };
        Entry(bits).with_software(flags.software)
    }

    /// An entry that leads to the next table, with every permission: leaves decide. `address` is physical.
    #[inline]
    #[must_use]
    pub const fn table(address: u64, user: bool) -> Entry {
        let user = if user { USER } else { 0 };
        Entry((address & ADDRESS) | PRESENT | WRITE | user)
    }

    /// Whether the entry maps memory or leads to a table.
    #[inline]
    #[must_use]
    pub const fn present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// Whether the entry, found at `level`, maps memory (and does not lead to a table).
    #[inline]
    #[must_use]
    pub const fn is_leaf(self, level: u32) -> bool {
        self.present() && (level == 1 || self.0 & LARGE != 0)
    }

    /// The physical address of the mapped memory, for an entry that maps memory at `level`.
    #[inline]
    #[must_use]
    pub const fn leaf_address(self, level: u32) -> u64 {
        self.0 & ADDRESS & !(span(level) - 1)
    }

    /// The physical address of the next table, for an entry that leads to one.
    #[inline]
    #[must_use]
    pub const fn table_address(self) -> u64 {
        self.0 & ADDRESS
    }

    /// What the entry allows.
    #[inline]
    #[must_use]
    pub const fn flags(self) -> Flags {
        Flags {
            write: self.0 & WRITE != 0,
            user: self.0 & USER != 0,
            execute: self.0 & NO_EXECUTE == 0,
            global: self.0 & GLOBAL != 0,
            cache: match self.0 & (WRITE_THROUGH | CACHE_DISABLE) {
                0 => Cache::WriteBack,
                WRITE_THROUGH => Cache::WriteCombining,
                _ => Cache::Uncached,
            },
            software: self.software(),
        }
    }

    /// Whether the CPU used the page since the entry was written.
    #[inline]
    #[must_use]
    pub const fn accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }

    /// Whether the CPU wrote the page since the entry was written.
    #[inline]
    #[must_use]
    pub const fn dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    /// The kernel's own ten bits. They keep their meaning in entries that are not present, too.
    #[inline]
    #[must_use]
    pub const fn software(self) -> u16 {
        ((self.0 & SOFTWARE_LOW) >> 9) as u16 | ((self.0 & SOFTWARE_HIGH) >> (52 - 3)) as u16
    }

    /// The same entry with other software bits; bits above the tenth are dropped.
    #[inline]
    #[must_use]
    pub const fn with_software(self, software: u16) -> Entry {
        let low = (software as u64 & 0b111) << 9;
        let high = ((software as u64 >> 3) & 0x7f) << 52;
        Entry((self.0 & !(SOFTWARE_LOW | SOFTWARE_HIGH)) | low | high)
    }

    /// The same entry without permission to write.
    #[inline]
    #[must_use]
    pub const fn read_only(self) -> Entry {
        Entry(self.0 & !WRITE)
    }
}

/// Bytes that one entry of a table at `level` covers: 4 KiB at level 1, 2 MiB, 1 GiB, 512 GiB.
#[inline]
#[must_use]
pub const fn span(level: u32) -> u64 {
    PAGE_SIZE << (9 * (level - 1))
}

/// The index of the entry for `address` in a table at `level`.
#[inline]
#[must_use]
pub const fn index(address: u64, level: u32) -> usize {
    ((address >> (12 + 9 * (level - 1))) & 0x1ff) as usize
}

/// Whether bits 63 to 47 of the address are all the same, as the CPU demands.
#[inline]
#[must_use]
pub const fn is_canonical(address: u64) -> bool {
    let top = address >> 47;
    top == 0 || top == 0x1_ffff
}

/// Whether the address is one that a user mapping can have.
#[inline]
#[must_use]
pub const fn is_user(address: u64) -> bool {
    address < USER_END
}

/// Whether all of `length` bytes from `address` are addresses that a user mapping can have. True for no bytes at a user address.
#[inline]
#[must_use]
pub const fn is_user_range(address: u64, length: u64) -> bool {
    address <= USER_END && length <= USER_END - address
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Flags = Flags {
        write: false,
        user: false,
        execute: false,
        global: false,
        cache: Cache::WriteBack,
        software: 0,
    };

    #[test]
    fn bits_are_where_the_manual_says() {
        assert_eq!(Entry::leaf(0x1000, 1, PLAIN).0, 0x8000_0000_0000_1001);
        let all = Flags {
            write: true,
            user: true,
            execute: true,
            global: true,
            cache: Cache::Uncached,
            software: 0x3ff,
        };
        assert_eq!(Entry::leaf(0x20_0000, 2, all).0, 0x07f0_0000_0020_0f9f);
        assert_eq!(Entry::table(0x5000, true).0, 0x5007);
    }

    #[test]
    fn leaf_entries_decode_to_what_was_encoded() {
        for level in 1..=3 {
            for bits in 0..16u32 {
                for cache in [Cache::WriteBack, Cache::WriteCombining, Cache::Uncached] {
                    for software in [0, 1, 0x155, 0x2aa, 0x3ff] {
                        let flags = Flags {
                            write: bits & 1 != 0,
                            user: bits & 2 != 0,
                            execute: bits & 4 != 0,
                            global: bits & 8 != 0,
                            cache,
                            software,
                        };
                        let address = 0x000f_ffff_c000_0000;
                        let entry = Entry::leaf(address, level, flags);
                        assert!(entry.is_leaf(level));
                        assert_eq!(entry.flags(), flags);
                        assert_eq!(entry.leaf_address(level), address);
                    }
                }
            }
        }
    }

    #[test]
    fn tables_and_empty_entries_are_no_leaves() {
        assert!(!Entry::table(0x5000, false).is_leaf(2));
        assert_eq!(Entry::table(0x5000, false).table_address(), 0x5000);
        assert!(!Entry::EMPTY.present());
        assert_eq!(Entry::EMPTY.with_software(0x3ff).software(), 0x3ff);
        assert!(!Entry::EMPTY.with_software(0x3ff).present());
    }

    #[test]
    fn misaligned_addresses_lose_their_low_bits() {
        assert_eq!(Entry::leaf(0x20_1fff, 2, PLAIN).leaf_address(2), 0x20_0000);
    }

    #[test]
    fn indices_and_ranges() {
        assert_eq!(index(0xffff_ffff_8000_0000, 4), 511);
        assert_eq!(index(0xffff_ffff_8000_0000, 3), 510);
        assert_eq!(index(0xffff_8000_0000_0000, 4), 256);
        assert_eq!(index(0x3000, 1), 3);
        assert!(is_canonical(0x7fff_ffff_ffff) && is_canonical(0xffff_8000_0000_0000));
        assert!(!is_canonical(0x8000_0000_0000) && !is_canonical(0xffff_7fff_ffff_ffff));
        assert!(is_user(USER_END - 1) && !is_user(USER_END));
        assert!(is_user_range(0, USER_END) && !is_user_range(1, USER_END));
        assert!(!is_user_range(USER_END - 4, u64::MAX) && !is_user_range(USER_END + 1, 0));
    }
}
