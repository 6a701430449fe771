//! Tables of slots.

use crate::object::CNode;
use crate::{Cap, Result};
use sundog_abi::{Address, ObjectType, Rights, Slot, Word};
use sundog_sys as sys;

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Description {
    /// The object's type; `None` for an empty slot (and for a type that this program's contract does not know).
    pub kind: Option<ObjectType>,
    /// The rights.
    pub rights: Rights,
    /// Pages of memory, slots of a CNode, ports of a range.
    pub size: u32,
    /// Badge, interrupt line or first port.
    pub detail: Word,
}

impl Description {
    fn decode(answer: sys::Answer) -> Description {
        Description {
            kind: ObjectType::from_number(answer.value & 0xff),
            rights: Rights((answer.value >> 16) as u16),
            size: (answer.value >> 32) as u32,
            detail: answer.second,
        }
    }
}

impl Cap<CNode> {
    /// Copies the capability at `source` into `slot`, with at most `rights`.
    ///
    /// # Errors
    /// Those of `cnode_copy`.
    pub fn copy(self, slot: u32, source: Address, rights: Rights) -> Result<()> {
        sys::cnode_copy(self.address(), Slot(slot), source, rights).map(drop)
    }

    /// Copies and sets the badge.
    ///
    /// # Errors
    /// Those of `cnode_mint`.
    pub fn mint(self, slot: u32, source: Address, rights: Rights, badge: Word) -> Result<()> {
        sys::cnode_mint(self.address(), Slot(slot), source, rights, badge).map(drop)
    }

    /// Moves the capability at `source` into `slot`.
    ///
    /// # Errors
    /// Those of `cnode_move`.
    pub fn take(self, slot: u32, source: Address) -> Result<()> {
        sys::cnode_move(self.address(), Slot(slot), source).map(drop)
    }

    /// Empties a slot.
    ///
    /// # Errors
    /// Those of `cnode_delete`.
    pub fn delete(self, slot: u32) -> Result<()> {
        sys::cnode_delete(self.address(), Slot(slot)).map(drop)
    }

    /// Removes everything that was derived from the capability in a slot.
    ///
    /// # Errors
    /// Those of `cnode_revoke`.
    pub fn revoke(self, slot: u32) -> Result<()> {
        sys::cnode_revoke(self.address(), Slot(slot)).map(drop)
    }

    /// Tells what a slot holds.
    ///
    /// # Errors
    /// Those of `cnode_inspect`.
    pub fn inspect(self, slot: u32) -> Result<Description> {
        sys::cnode_inspect(self.address(), Slot(slot)).map(Description::decode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_taken_apart_as_the_contract_says() {
        let answer = sys::Answer {
            value: (256 << 32) | (3 << 16) | ObjectType::CNode as u64,
            second: 7,
        };
        let wanted = Description {
            kind: Some(ObjectType::CNode),
            rights: Rights::READ.union(Rights::WRITE),
            size: 256,
            detail: 7,
        };
        assert_eq!(Description::decode(answer), wanted);
        assert_eq!(Description::decode(sys::Answer::default()).kind, None);
    }
}
