//! Which of the CPU's protections and extras there are.

use core::fmt;

/// What the CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// The kernel cannot execute user pages.
    pub smep: bool,
    /// The kernel cannot touch user pages unless it says so.
    pub smap: bool,
    /// User mode cannot read where the kernel's tables are.
    pub umip: bool,
    /// User mode can read and write the bases of FS and GS itself.
    pub fsgsbase: bool,
    /// Pages of 1 GiB.
    pub gigabyte_pages: bool,
    /// FPU state is saved with `xsave`.
    pub xsave: bool,
    /// The timer takes the time at which it shall fire.
    pub tsc_deadline: bool,
    /// The time-stamp counter runs at one speed and never stops.
    pub invariant_tsc: bool,
    /// The CPU does not let user mode read kernel memory speculatively (Meltdown), or is not of the kind that does.
    pub meltdown_safe: bool,
}

/// The registers of CPUID that the answer is made of.
#[derive(Clone, Copy, Debug)]
pub struct Leaves {
    /// Leaf 1, ECX.
    pub leaf_1_ecx: u32,
    /// Leaf 7, EBX.
    pub leaf_7_ebx: u32,
    /// Leaf 7, ECX.
    pub leaf_7_ecx: u32,
    /// Leaf 0x80000001, EDX.
    pub extended_1_edx: u32,
    /// Leaf 0x80000007, EDX.
    pub extended_7_edx: u32,
    /// The vendor is AMD or Hygon.
    pub amd: bool,
    /// The register of architectural capabilities, 0 if there is none.
    pub capabilities: u64,
}

impl Leaves {
    /// A CPU that has nothing.
    pub const NONE: Leaves = Leaves {
        leaf_1_ecx: 0,
        leaf_7_ebx: 0,
        leaf_7_ecx: 0,
        extended_1_edx: 0,
        extended_7_edx: 0,
        amd: false,
        capabilities: 0,
    };
}

impl Features {
    /// Nothing.
    pub const NONE: Features = Features::of(Leaves::NONE);

    /// What the registers mean.
    #[must_use]
    pub const fn of(leaves: Leaves) -> Features {
        Features {
            smep: leaves.leaf_7_ebx & 1 << 7 != 0,
            smap: leaves.leaf_7_ebx & 1 << 20 != 0,
            umip: leaves.leaf_7_ecx & 1 << 2 != 0,
            fsgsbase: leaves.leaf_7_ebx & 1 != 0,
            gigabyte_pages: leaves.extended_1_edx & 1 << 26 != 0,
            xsave: leaves.leaf_1_ecx & 1 << 26 != 0,
            tsc_deadline: leaves.leaf_1_ecx & 1 << 24 != 0,
            invariant_tsc: leaves.extended_7_edx & 1 << 8 != 0,
            meltdown_safe: leaves.amd || leaves.capabilities & 1 != 0,
        }
    }

    /// The protections that the CPU lacks, for the boot log: displays as names with commas, as nothing if it has all.
    #[must_use]
    pub const fn missing(self) -> Missing {
        Missing(self)
    }
}

/// See [`Features::missing`].
#[derive(Clone, Copy, Debug)]
pub struct Missing(Features);

impl Missing {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.names().all(|(present, _)| present)
    }

    fn names(self) -> impl Iterator<Item = (bool, &'static str)> {
        let Features {
            smep,
            smap,
            umip,
            fsgsbase,
            meltdown_safe,
            ..
        } = self.0;
        let names = ["SMEP", "SMAP", "UMIP", "FSGSBASE", "RDCL_NO"];
        [smep, smap, umip, fsgsbase, meltdown_safe]
            .into_iter()
            .zip(names)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absent = self.names().filter(|(present, _)| !present);
        for (number, (_, name)) in absent.enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(out, "{comma}{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn bits_become_names() {
        let none = Features::of(Leaves::NONE);
        assert_eq!(
            none.missing().to_string(),
            "SMEP, SMAP, UMIP, FSGSBASE, RDCL_NO"
        );
        let some = Features::of(Leaves {
            leaf_7_ebx: 1 << 7 | 1 << 20 | 1,
            amd: true,
            ..Leaves::NONE
        });
        assert_eq!(some.missing().to_string(), "UMIP");
        let all = Features { umip: true, ..some };
        assert!(all.missing().is_empty() && all.missing().to_string().is_empty());
        assert!(!some.missing().is_empty());
    }
}
