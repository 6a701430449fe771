//! What a program holds, as the kernel tells it, in words: one line for each slot that is not empty.

use crate::Description;
use core::fmt;
use sundog_abi::{ObjectType, Rights};

/// A slot of a program, as `cnode_inspect` describes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// The slot.
    pub slot: u32,
    /// The object's type.
    pub kind: ObjectType,
    /// The rights.
    pub rights: Rights,
    /// Pages of memory, slots of a CNode, ports of a range.
    pub size: u32,
    /// Badge, interrupt line or first port.
    pub detail: u64,
}

impl Holding {
    /// What is in a slot; `None` if it is empty.
    pub fn new(slot: u32, found: &Description) -> Option<Holding> {
        Some(Holding {
            slot,
            kind: found.kind?,
            rights: found.rights,
            size: found.size,
            detail: found.detail,
        })
    }
}

impl fmt::Display for Holding {
    /// `SLOT TYPE RIGHT+RIGHT size SIZE detail 0xDETAIL`; without rights, `none` stands in their place.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?} ", self.slot, self.kind)?;
        let mut between = "";
        for (name, right) in Rights::NAMES {
            if self.rights.contains(*right) {
                write!(formatter, "{between}{name}")?;
                between = "+";
            }
        }
        if between.is_empty() {
            formatter.write_str("none")?;
        }
        write!(formatter, " size {} detail {:#x}", self.size, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_line_says_everything_that_the_kernel_told() {
        let mut holding = Holding {
            slot: 17,
            kind: ObjectType::Endpoint,
            rights: Rights::SEND.union(Rights::GRANT_REPLY),
            size: 0,
            detail: u64::MAX,
        };
        assert_eq!(
            holding.to_string(),
            "17 Endpoint send+grant-reply size 0 detail 0xffffffffffffffff"
        );
        (holding.kind, holding.rights, holding.size) = (ObjectType::Frame, Rights::NONE, 4);
        assert_eq!(
            holding.to_string(),
            "17 Frame none size 4 detail 0xffffffffffffffff"
        );
    }
}
