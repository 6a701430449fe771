//! The one ACPI table that the kernel itself needs: MADT, which names the CPUs, the I/O interrupt controllers and how the old
//! interrupt lines reach them.

use crate::physical::PhysicalMemory;

/// CPUs that are kept.
pub const MAX_CPUS: usize = 64;
/// I/O interrupt controllers that are kept.
pub const MAX_IO_APICS: usize = 8;

/// An I/O interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApicEntry {
    /// Physical address of its registers.
    pub address: u64,
    /// The number of its first input among all controllers' inputs.
    pub first_input: u32,
}

/// How one of the sixteen ISA lines reaches the controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsaLine {
    /// The input it is wired to, counted over all controllers.
    pub input: u32,
    /// The line is active when low.
    pub active_low: bool,
    /// The line signals by its level and not by its edge.
    pub level: bool,
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Madt {
    /// Physical address of the local interrupt controllers' registers.
    pub local_apic: u64,
    /// The sixteen ISA lines.
    pub isa: [IsaLine; 16],
    cpus: [u8; MAX_CPUS],
    cpu_count: usize,
    cpus_dropped: usize,
    io_apics: [IoApicEntry; MAX_IO_APICS],
    io_apic_count: usize,
}

/// Why the table cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiError {
    /// A table lies where memory cannot be read, or is cut short.
    Unreadable,
    /// The root pointer has another signature.
    Signature,
    /// A table's bytes do not add up to 0.
    Checksum,
    /// No table is called APIC.
    NoMadt,
}

impl Madt {
    /// What every PC has had since there are such controllers: for machines without ACPI, on which one CPU is found.
    #[must_use]
    pub const fn standard() -> Madt {
        let mut madt = Madt::empty(0xfee0_0000);
        madt.cpu_count = 1;
        madt.io_apics[0] = IoApicEntry {
            address: 0xfec0_0000,
            first_input: 0,
        };
        madt.io_apic_count = 1;
        madt
    }

    const fn empty(local_apic: u64) -> Madt {
        let mut isa = [IsaLine {
            input: 0,
            active_low: false,
            level: false,
        }; 16];
        let mut line = 0;
        while line < isa.len() {
            isa[line].input = line as u32;
            line += 1;
        }
        Madt {
            local_apic,
            isa,
            cpus: [0; MAX_CPUS],
            cpu_count: 0,
            cpus_dropped: 0,
            io_apics: [IoApicEntry {
                address: 0,
                first_input: 0,
            }; MAX_IO_APICS],
            io_apic_count: 0,
        }
    }

    /// The local APIC identifiers of the CPUs that can be used, in the table's order.
    #[must_use]
    pub fn cpus(&self) -> &[u8] {
        &self.cpus[..self.cpu_count]
    }

    /// CPUs that cannot be used because there are more than [`MAX_CPUS`] or their identifier has more than eight bits.
    #[must_use]
    pub fn cpus_dropped(&self) -> usize {
        self.cpus_dropped
    }

    /// The I/O interrupt controllers.
    #[must_use]
    pub fn io_apics(&self) -> &[IoApicEntry] {
        &self.io_apics[..self.io_apic_count]
    }

    /// Finds and reads the table, from the root pointer at the physical address `root_pointer`.
    ///
    /// # Errors
    /// See [`AcpiError`].
    pub fn find(memory: &impl PhysicalMemory, root_pointer: u64) -> Result<Madt, AcpiError> {
        let at = find_table(memory, root_pointer, *b"APIC")?;
        let length = u64::from(memory.u32(at + 4).ok_or(AcpiError::Unreadable)?);
        Madt::read(memory, at, length).ok_or(AcpiError::Unreadable)
    }

    fn read(memory: &impl PhysicalMemory, at: u64, length: u64) -> Option<Madt> {
        let mut madt = Madt::empty(memory.u32(at + 36)?.into());
        let end = at + length;
        let mut entry = at + 44;
        while entry + 2 <= end {
            let [kind, size] = memory.bytes(entry)?;
            if size < 2 || entry + u64::from(size) > end {
                return None;
            }
            madt.entry(memory, entry, kind, size)?;
            entry += u64::from(size);
        }
        Some(madt)
    }

    /// Takes in one entry; kinds that the kernel does not use are skipped.
    fn entry(&mut self, memory: &impl PhysicalMemory, at: u64, kind: u8, size: u8) -> Option<()> {
        match (kind, size) {
            (0, 8..) if memory.u32(at + 4)? & 1 != 0 => self.add_cpu(memory.byte(at + 3)?.into()),
            (1, 12..) => self.add_io_apic(IoApicEntry {
                address: memory.u32(at + 4)?.into(),
                first_input: memory.u32(at + 8)?,
            }),
            (2, 10..) => {
                let [bus, line] = memory.bytes(at + 2)?;
                let flags = u16::from_le_bytes(memory.bytes(at + 8)?);
                if let (0, Some(isa)) = (bus, self.isa.get_mut(usize::from(line))) {
                    // ISA's own habit (value 0 in each field) is active high, edge.
                    *isa = IsaLine {
                        input: memory.u32(at + 4)?,
                        active_low: flags & 3 == 3,
                        level: flags >> 2 & 3 == 3,
                    };
                }
            }
            (5, 12..) => self.local_apic = memory.u64(at + 4)?,
            (9, 16..) if memory.u32(at + 8)? & 1 != 0 => self.add_cpu(memory.u32(at + 4)?),
            _ => {}
        }
        Some(())
    }

    fn add_cpu(&mut self, identifier: u32) {
        match u8::try_from(identifier) {
            Ok(identifier) if identifier != 0xff && self.cpu_count < MAX_CPUS => {
                self.cpus[self.cpu_count] = identifier;
                self.cpu_count += 1;
            }
            _ => self.cpus_dropped += 1,
        }
    }

    fn add_io_apic(&mut self, entry: IoApicEntry) {
        if self.io_apic_count < MAX_IO_APICS {
            self.io_apics[self.io_apic_count] = entry;
            self.io_apic_count += 1;
        }
    }
}

/// Whether the `length` bytes at `at` add up to 0.
fn adds_up(memory: &impl PhysicalMemory, at: u64, length: u64) -> Result<(), AcpiError> {
    let mut sum = 0u8;
    for offset in 0..length {
        sum = sum.wrapping_add(memory.byte(at + offset).ok_or(AcpiError::Unreadable)?);
    }
    if sum == 0 {
        Ok(())
    } else {
        Err(AcpiError::Checksum)
    }
}

/// The physical address of a table whose header and checksum were looked at.
fn find_table(
    memory: &impl PhysicalMemory,
    root_pointer: u64,
    name: [u8; 4],
) -> Result<u64, AcpiError> {
    let unreadable = AcpiError::Unreadable;
    if memory.bytes(root_pointer).ok_or(unreadable)? != *b"RSD PTR " {
        return Err(AcpiError::Signature);
    }
    adds_up(memory, root_pointer, 20)?;
    let revision = memory.byte(root_pointer + 15).ok_or(unreadable)?;
    let extended = if revision >= 2 {
        adds_up(memory, root_pointer, 36)?;
        memory.u64(root_pointer + 24).ok_or(unreadable)?
    } else {
        0
    };
    let (list, width) = match extended {
        0 => (memory.u32(root_pointer + 16).ok_or(unreadable)?.into(), 4),
        list => (list, 8),
    };
    let length = u64::from(memory.u32(list + 4).ok_or(unreadable)?);
    adds_up(memory, list, length)?;
    let mut at = list + 36;
    while at + width <= list + length {
        let table = match width {
            4 => memory.u32(at).ok_or(unreadable)?.into(),
            _ => memory.u64(at).ok_or(unreadable)?,
        };
        if memory.bytes(table).ok_or(unreadable)? == name {
            adds_up(
                memory,
                table,
                memory.u32(table + 4).ok_or(unreadable)?.into(),
            )?;
            return Ok(table);
        }
        at += width;
    }
    Err(AcpiError::NoMadt)
}

#[cfg(test)]
#[path = "acpi_tests.rs"]
mod tests;
