//! Capability addresses: how a program names a capability that it holds.

/// The index of a slot in one CNode. Slot 0 is always empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Slot(pub u32);

/// A capability address: a 64-bit word that is resolved in the caller's capability space.
///
/// High half 0: the low half is a slot of the root CNode. Otherwise the high half is a slot of the root that holds a CNode
/// capability with the right `use`, and the low half is a slot in that one. Each index is checked against its own CNode's size.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Address(pub u64);

impl Address {
    /// The address that never names anything.
    pub const NULL: Address = Address(0);

    /// A slot of the root CNode.
    pub const fn root(slot: u32) -> Address {
        Address(slot as u64)
    }

    /// A slot of the CNode whose capability lies in slot `cnode` of the root.
    pub const fn in_cnode(cnode: u32, slot: u32) -> Address {
        Address(((cnode as u64) << 32) | slot as u64)
    }

    /// The slot of the root CNode through which the address steps; `None` if it names a slot of the root itself.
    pub const fn step(self) -> Option<u32> {
        match (self.0 >> 32) as u32 {
            0 => None,
            slot => Some(slot),
        }
    }

    /// The index in the last CNode.
    pub const fn index(self) -> u32 {
        self.0 as u32
    }
}
