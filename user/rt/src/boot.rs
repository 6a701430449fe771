//! What the first program is given: the kernel's boot page and the host's package.

use crate::resources::Resources;
use alloc::vec::Vec;
use sundog_abi::boot::{self, package, page, slot};
use sundog_abi::{ABI_VERSION, Error};
use sundog_cap::object::{IoPortControl, IrqControl, SchedControl};
use sundog_cap::{Cap, Pool, Slots};
use sundog_sys::MessagePage;

/// Why boot page or package make no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// The kernel's contract is another one than this program's.
    KernelVersion,
    /// The package's contract is another one than this program's.
    PackageVersion,
    /// A number of the boot page cannot be.
    BootPage,
    /// The package is cut off, or its header points outside.
    Package,
}

impl BootError {
    /// A text for the people who built them.
    pub fn text(self) -> &'static str {
        match self {
            BootError::KernelVersion => "init: the kernel speaks another version of the ABI",
            BootError::PackageVersion => {
                "init: the boot package was made for another version of the ABI"
            }
            BootError::BootPage => "init: the boot page is malformed",
            BootError::Package => "init: the boot package is malformed",
        }
    }
}

fn word(bytes: &[u8], index: usize) -> Option<u64> {
    let bytes = bytes.get(index * 8..index * 8 + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The boot page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BootPage<'a> {
    /// CPUs that run.
    pub cpus: u64,
    /// TSC ticks in a microsecond.
    pub ticks_per_microsecond: u64,
    /// TSC at the kernel's entry.
    pub entry_ticks: u64,
    /// Bytes of the package.
    pub package_bytes: usize,
    /// The untyped ranges from [`slot::FIRST_UNTYPED`] on: bytes, and whether it is device memory.
    pub untyped: Vec<(u64, bool)>,
    /// The command line.
    pub command_line: &'a [u8],
}

impl<'a> BootPage<'a> {
    /// Reads the page.
    ///
    /// # Errors
    /// `KernelVersion` and `BootPage`.
    pub fn decode(bytes: &'a [u8]) -> Result<BootPage<'a>, BootError> {
        let at = |index| word(bytes, index).ok_or(BootError::BootPage);
        if at(page::ABI_VERSION)? != ABI_VERSION {
            return Err(BootError::KernelVersion);
        }
        let count = at(page::UNTYPED_COUNT)?;
        if count > boot::MAX_UNTYPED as u64 {
            return Err(BootError::BootPage);
        }
        let untyped = (0..count as usize)
            .map(|index| {
                Ok((
                    at(page::UNTYPED + 2 * index)?,
                    at(page::UNTYPED + 2 * index + 1)? != 0,
                ))
            })
            .collect::<Result<_, _>>()?;
        let start = page::COMMAND_LINE * 8;
        let end = usize::try_from(at(page::COMMAND_LINE_BYTES)?)
            .ok()
            .and_then(|length| start.checked_add(length));
        let command_line = end
            .and_then(|end| bytes.get(start..end))
            .ok_or(BootError::BootPage)?;
        Ok(BootPage {
            cpus: at(page::CPUS)?,
            ticks_per_microsecond: at(page::TICKS_PER_MICROSECOND)?,
            entry_ticks: at(page::ENTRY_TICKS)?,
            package_bytes: usize::try_from(at(page::PACKAGE_BYTES)?)
                .map_err(|_| BootError::BootPage)?,
            untyped,
            command_line,
        })
    }
}

/// The parts of the package that are for the first program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Package<'a> {
    /// The encoded manifest.
    pub manifest: &'a [u8],
    /// The archive of programs.
    pub archive: &'a [u8],
}

impl<'a> Package<'a> {
    /// Reads the package's header.
    ///
    /// # Errors
    /// `PackageVersion` and `Package`.
    pub fn decode(bytes: &'a [u8]) -> Result<Package<'a>, BootError> {
        let at = |index| word(bytes, index).ok_or(BootError::Package);
        if at(package::MAGIC_WORD)? != package::MAGIC {
            return Err(BootError::Package);
        }
        if at(package::ABI_VERSION)? != ABI_VERSION {
            return Err(BootError::PackageVersion);
        }
        let part = |index| {
            let start = usize::try_from(at(index)?).map_err(|_| BootError::Package)?;
            let length = usize::try_from(at(index + 1)?).map_err(|_| BootError::Package)?;
            let end = start.checked_add(length).ok_or(BootError::Package)?;
            bytes.get(start..end).ok_or(BootError::Package)
        };
        Ok(Package {
            manifest: part(package::MANIFEST)?,
            archive: part(package::ARCHIVE)?,
        })
    }
}

/// Everything that the first program has.
pub struct BootEnvironment {
    /// The boot page.
    pub page: BootPage<'static>,
    /// The package.
    pub package: Package<'static>,
    /// All memory, most slots, addresses.
    pub resources: Resources,
    /// The slots of untyped device memory, with their bytes.
    pub device_memory: Vec<(u32, u64)>,
    /// The message page.
    pub message: MessagePage,
}

impl BootEnvironment {
    /// Puts the parts together.
    ///
    /// # Errors
    /// `OutOfRange` if the page counts more untyped ranges than the CNode has slots.
    pub fn new(
        page: BootPage<'static>,
        package: Package<'static>,
        message: MessagePage,
    ) -> Result<BootEnvironment, Error> {
        let mut pool = Pool::new();
        let mut device_memory = Vec::new();
        let mut free = slot::FIRST_UNTYPED;
        for (bytes, device) in &page.untyped {
            if *device {
                device_memory.push((free, *bytes));
            } else {
                pool.add(Cap::root(free));
            }
            free += 1;
        }
        let count = boot::CNODE_SLOTS
            .checked_sub(free)
            .ok_or(Error::OutOfRange)?;
        let slots = Slots::new(Cap::root(slot::CNODE), free, count)?;
        let resources = Resources::new(Cap::root(slot::VSPACE), slots, pool);
        Ok(BootEnvironment {
            page,
            package,
            resources,
            device_memory,
            message,
        })
    }

    /// The right to make Irq capabilities.
    pub fn irq_control(&self) -> Cap<IrqControl> {
        Cap::root(slot::IRQ_CONTROL)
    }

    /// The right to make IoPorts capabilities.
    pub fn io_port_control(&self) -> Cap<IoPortControl> {
        Cap::root(slot::IO_PORT_CONTROL)
    }

    /// The right to parametrise scheduling contexts.
    pub fn sched_control(&self) -> Cap<SchedControl> {
        Cap::root(slot::SCHED_CONTROL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(bytes: &mut [u8], index: usize, value: u64) {
        bytes[index * 8..index * 8 + 8].copy_from_slice(&value.to_le_bytes());
    }

    #[test]
    fn a_boot_page_is_read_and_checked() {
        let mut bytes = std::vec![0; 4096];
        set(&mut bytes, page::ABI_VERSION, ABI_VERSION);
        set(&mut bytes, page::UNTYPED_COUNT, 2);
        set(&mut bytes, page::UNTYPED, 1 << 20);
        set(&mut bytes, page::UNTYPED + 2, 4096);
        set(&mut bytes, page::UNTYPED + 3, 1);
        set(&mut bytes, page::COMMAND_LINE_BYTES, 3);
        bytes[page::COMMAND_LINE * 8..][..3].copy_from_slice(b"a=b");
        let read = BootPage::decode(&bytes).expect("a boot page");
        assert_eq!(
            (read.untyped, read.command_line),
            (std::vec![(1 << 20, false), (4096, true)], &b"a=b"[..])
        );
        set(&mut bytes, page::COMMAND_LINE_BYTES, u64::MAX);
        assert_eq!(BootPage::decode(&bytes), Err(BootError::BootPage));
        set(&mut bytes, page::COMMAND_LINE_BYTES, 0);
        set(
            &mut bytes,
            page::UNTYPED_COUNT,
            boot::MAX_UNTYPED as u64 + 1,
        );
        assert_eq!(BootPage::decode(&bytes), Err(BootError::BootPage));
        set(&mut bytes, page::ABI_VERSION, ABI_VERSION + 1);
        assert_eq!(BootPage::decode(&bytes), Err(BootError::KernelVersion));
        assert_eq!(BootPage::decode(&bytes[..4]), Err(BootError::BootPage));
    }

    #[test]
    fn a_package_is_read_and_checked() {
        let mut bytes = std::vec![0; 8192];
        set(&mut bytes, package::MAGIC_WORD, package::MAGIC);
        set(&mut bytes, package::ABI_VERSION, ABI_VERSION);
        set(&mut bytes, package::MANIFEST, 4096);
        set(&mut bytes, package::MANIFEST + 1, 5);
        set(&mut bytes, package::ARCHIVE, 8000);
        set(&mut bytes, package::ARCHIVE + 1, 192);
        let read = Package::decode(&bytes).expect("a package");
        assert_eq!((read.manifest.len(), read.archive.len()), (5, 192));
        set(&mut bytes, package::ARCHIVE + 1, 193);
        assert_eq!(Package::decode(&bytes), Err(BootError::Package));
        set(&mut bytes, package::ARCHIVE, u64::MAX);
        assert_eq!(Package::decode(&bytes), Err(BootError::Package));
        set(&mut bytes, package::ABI_VERSION, ABI_VERSION + 1);
        assert_eq!(Package::decode(&bytes), Err(BootError::PackageVersion));
        assert_eq!(Package::decode(&bytes[..8]), Err(BootError::Package));
    }
}
