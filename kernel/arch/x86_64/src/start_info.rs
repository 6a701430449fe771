//! What the loader hands over at a PVH entry: the memory map, the command line, one module and where the ACPI tables are.

use crate::physical::PhysicalMemory;

const MAGIC: u32 = 0x336e_c578;
const MAP_ENTRY_SIZE: u64 = 24;

/// Ranges of the memory map that are kept.
pub const MAX_RANGES: usize = 64;
/// Bytes of the command line that are kept.
pub const MAX_COMMAND_LINE: usize = 2048;

/// What a range of physical memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// Ordinary memory.
    Ram,
    /// Memory with ACPI tables, which may be used once they have been read.
    AcpiTables,
    /// Everything else: not to be touched.
    Reserved,
}

/// A range of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// The first address.
    pub start: u64,
    /// The address after the last one.
    pub end: u64,
    /// What it is.
    pub kind: MemoryKind,
}

impl MemoryRange {
    const NONE: MemoryRange = MemoryRange {
        start: 0,
        end: 0,
        kind: MemoryKind::Reserved,
    };
}

/// A copy of everything that the loader said: its own structures lie in memory that is handed out later.
#[derive(Clone, Debug)]
pub struct StartInfo {
    ranges: [MemoryRange; MAX_RANGES],
    range_count: usize,
    ranges_dropped: usize,
    command_line: [u8; MAX_COMMAND_LINE],
    command_line_length: usize,
    module: Option<(u64, u64)>,
    root_pointer: u64,
}

/// Why what the loader handed over cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartInfoError {
    /// A structure lies where memory cannot be read.
    Unreadable,
    /// The magic number is another one.
    Magic,
    /// There is no memory map (version 0 of the structure).
    NoMemoryMap,
}

impl StartInfo {
    /// Nothing: no memory, an empty command line.
    pub const EMPTY: StartInfo = StartInfo {
        ranges: [MemoryRange::NONE; MAX_RANGES],
        range_count: 0,
        ranges_dropped: 0,
        command_line: [0; MAX_COMMAND_LINE],
        command_line_length: 0,
        module: None,
        root_pointer: 0,
    };

    /// Copies what the structure at the physical address `at`, and those that it leads to, say.
    ///
    /// # Errors
    /// See [`StartInfoError`]; `self` is then of no use.
    pub fn read(&mut self, memory: &impl PhysicalMemory, at: u64) -> Result<(), StartInfoError> {
        self.read_fields(memory, at)
            .unwrap_or(Err(StartInfoError::Unreadable))
    }

    fn read_fields(
        &mut self,
        memory: &impl PhysicalMemory,
        at: u64,
    ) -> Option<Result<(), StartInfoError>> {
        if memory.u32(at)? != MAGIC {
            return Some(Err(StartInfoError::Magic));
        }
        let map_entries = memory.u32(at + 48)?;
        if memory.u32(at + 4)? < 1 || map_entries == 0 {
            return Some(Err(StartInfoError::NoMemoryMap));
        }
        if memory.u32(at + 12)? > 0 {
            let list = memory.u64(at + 16)?;
            self.module = Some((memory.u64(list)?, memory.u64(list + 8)?));
        }
        self.copy_command_line(memory, memory.u64(at + 24)?)?;
        self.root_pointer = memory.u64(at + 32)?;
        self.copy_map(memory, memory.u64(at + 40)?, map_entries)?;
        Some(Ok(()))
    }

    fn copy_command_line(&mut self, memory: &impl PhysicalMemory, at: u64) -> Option<()> {
        self.command_line_length = 0;
        if at == 0 {
            return Some(());
        }
        while self.command_line_length < MAX_COMMAND_LINE {
            let byte = memory.byte(at + self.command_line_length as u64)?;
            if byte == 0 {
                break;
            }
            self.command_line[self.command_line_length] = byte;
            self.command_line_length += 1;
        }
        Some(())
    }

    fn copy_map(&mut self, memory: &impl PhysicalMemory, at: u64, entries: u32) -> Option<()> {
        self.range_count = 0;
        for number in 0..u64::from(entries) {
            let entry = at + number * MAP_ENTRY_SIZE;
            let start = memory.u64(entry)?;
            let size = memory.u64(entry + 8)?;
            let kind = match memory.u32(entry + 16)? {
                1 => MemoryKind::Ram,
                3 => MemoryKind::AcpiTables,
                _ => MemoryKind::Reserved,
            };
            if size == 0 {
                continue; // microvm's map ends so
            }
            if self.range_count == MAX_RANGES {
                self.ranges_dropped += 1;
                continue;
            }
            self.ranges[self.range_count] = MemoryRange {
                start,
                end: start.saturating_add(size),
                kind,
            };
            self.range_count += 1;
        }
        Some(())
    }

    /// The physical memory map, as the firmware ordered it.
    #[must_use]
    pub fn memory(&self) -> &[MemoryRange] {
        &self.ranges[..self.range_count]
    }

    /// Ranges that did not fit and were left out.
    #[must_use]
    pub fn ranges_dropped(&self) -> usize {
        self.ranges_dropped
    }

    /// The command line's bytes, cut at [`MAX_COMMAND_LINE`].
    #[must_use]
    pub fn command_line(&self) -> &[u8] {
        &self.command_line[..self.command_line_length]
    }

    /// Physical address and length in bytes of the first module (the boot archive).
    #[must_use]
    pub fn module(&self) -> Option<(u64, u64)> {
        self.module
    }

    /// Physical address of ACPI's root pointer; 0 if there is none.
    #[must_use]
    pub fn root_pointer(&self) -> u64 {
        self.root_pointer
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::physical::Pieces;
    use std::vec::Vec;

    fn words(fields: &[(u64, usize)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (value, size) in fields {
            out.extend_from_slice(&value.to_le_bytes()[..*size]);
        }
        out
    }

    fn header(magic: u64, version: u64, modules: u64, entries: u64) -> Vec<u8> {
        words(&[
            (magic, 4),
            (version, 4),
            (0, 4),
            (modules, 4),
            (0x2000, 8),
            (0x3000, 8),
            (0xf5000, 8),
            (0x4000, 8),
            (entries, 4),
            (0, 4),
        ])
    }

    #[test]
    fn everything_is_copied() {
        let header = header(MAGIC.into(), 1, 1, 4);
        let module = words(&[(0xf00_0000, 8), (0x1234, 8), (0, 8), (0, 8)]);
        let map = words(&[
            (0, 8),
            (0x9fc00, 8),
            (1, 4),
            (0, 4),
            (0x9fc00, 8),
            (0x400, 8),
            (2, 4),
            (0, 4),
            (u64::MAX - 1, 8),
            (9, 8),
            (3, 4),
            (0, 4),
            (0, 8),
            (0, 8),
            (0, 4),
            (0, 4),
        ]);
        let memory = Pieces(&[
            (0x1000, &header),
            (0x2000, &module),
            (0x3000, b"quiet x=1\0rest"),
            (0x4000, &map),
        ]);
        let mut info = StartInfo::EMPTY;
        assert_eq!(info.read(&memory, 0x1000), Ok(()));
        assert_eq!(info.command_line(), b"quiet x=1");
        assert_eq!(info.module(), Some((0xf00_0000, 0x1234)));
        assert_eq!(info.root_pointer(), 0xf5000);
        let expected = [
            MemoryRange {
                start: 0,
                end: 0x9fc00,
                kind: MemoryKind::Ram,
            },
            MemoryRange {
                start: 0x9fc00,
                end: 0xa0000,
                kind: MemoryKind::Reserved,
            },
            MemoryRange {
                start: u64::MAX - 1,
                end: u64::MAX,
                kind: MemoryKind::AcpiTables,
            },
        ];
        assert_eq!(info.memory(), expected);
    }

    #[test]
    fn bad_structures_are_errors() {
        let mut info = StartInfo::EMPTY;
        let wrong = header(1, 1, 0, 1);
        assert_eq!(
            info.read(&Pieces(&[(0, &wrong)]), 0),
            Err(StartInfoError::Magic)
        );
        let old = header(MAGIC.into(), 0, 0, 1);
        assert_eq!(
            info.read(&Pieces(&[(0, &old)]), 0),
            Err(StartInfoError::NoMemoryMap)
        );
        let dangling = header(MAGIC.into(), 1, 0, 1);
        assert_eq!(
            info.read(&Pieces(&[(0, &dangling)]), 0),
            Err(StartInfoError::Unreadable)
        );
    }

    #[test]
    fn long_lines_and_maps_are_cut() {
        let header = header(MAGIC.into(), 1, 0, 70);
        let line = [b'a'; MAX_COMMAND_LINE + 5];
        let mut map = Vec::new();
        for number in 0..70u64 {
            map.extend(words(&[(number * 4096, 8), (4096, 8), (1, 4), (0, 4)]));
        }
        let memory = Pieces(&[(0x1000, &header), (0x3000, &line), (0x4000, &map)]);
        let mut info = StartInfo::EMPTY;
        assert_eq!(info.read(&memory, 0x1000), Ok(()));
        assert_eq!(info.command_line().len(), MAX_COMMAND_LINE);
        assert_eq!(
            (info.memory().len(), info.ranges_dropped()),
            (MAX_RANGES, 6)
        );
        assert_eq!(info.module(), None);
    }
}
