//! A slot: 64 bytes that hold one capability and its place in the derivation tree.

use core::cell::Cell;

use sundog_abi::{ObjectType, Rights};
use sundog_machine::{Link, ObjectCell, Opt, object};

/// Flags of a slot.
pub mod flag {
    /// An ancestor is being revoked and has reached this one: it can no longer be used, and gets no children.
    pub const MARKED: u8 = 1;
    /// Its descendants are being removed: it gets no children meanwhile.
    pub const REVOKING: u8 = 2;
    /// It was the last capability of its object, which is being taken apart.
    pub const DYING: u8 = 4;
    /// The memory is device registers.
    pub const DEVICE: u8 = 8;
    /// The slot is a part of a thread or VCpu, not of a CNode.
    pub const EMBEDDED: u8 = 16;
}

object! {
/// A capability, or nothing.
///
/// | type | `object` | `size` | `badge` | `extra` |
/// |---|---|---|---|---|
/// | Untyped | first unit | units | | watermark, prepared (units) |
/// | Frame | first page | pages | | first and last of the list of its mappings |
/// | CNode | header | slots | | |
/// | Endpoint, Notification | header | | badge | |
/// | IoPorts | first port | ports | | |
/// | Irq | line | | | |
/// | others | header | | | |
pub struct Slot = 65 {
    /// The object, or the number that stands for it; what the holder may do; bits of [`flag`].
    pub object: ObjectCell,
    /// Length of the object, in what its type counts.
    pub size: Cell<u32>,
    /// The badge that calls through this capability carry; 0 if it has none.
    pub badge: Cell<u64>,
    /// The newest capability derived from this one.
    pub first_child: Opt<Slot>,
    /// The oldest one.
    pub last_child: Opt<Slot>,
    /// The sibling before, or the parent.
    pub previous: Link<Slot>,
    /// The sibling behind, or the parent.
    pub next: Link<Slot>,
    /// While this capability is being revoked: its first child that was marked already.
    pub boundary: Opt<Slot>,
    /// The capability whose `boundary` this one is.
    pub boundary_of: Opt<Slot>,
    /// See the table.
    pub extra: [Cell<u64>; 2],
}
}

const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    /// The type of the capability; `None` if the slot is empty.
    pub fn kind(&self) -> Option<ObjectType> {
        ObjectType::from_number(u64::from(self.object.kind()))
    }

    /// Whether the slot is empty.
    pub fn is_empty(&self) -> bool {
        self.object.kind() == 0
    }

    /// The rights.
    pub fn rights(&self) -> Rights {
        Rights(self.object.rights())
    }

    /// Changes the rights.
    pub fn set_rights(&self, rights: Rights) {
        self.object.set_rights(rights.0);
    }

    /// The flags.
    pub fn flags(&self) -> u8 {
        self.object.flags()
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }

    /// Sets a flag.
    pub fn set(&self, flag: u8) {
        self.object.set_flags(self.flags() | flag);
    }

    /// Clears a flag.
    pub fn clear(&self, flag: u8) {
        self.object.set_flags(self.flags() & !flag);
    }

    /// Takes over what the capability names from another slot, but not its place in the tree nor its mappings.
    pub fn describe_as(&self, other: &Slot) {
        self.object.copy_from(&other.object);
        self.set_rights(other.rights());
        self.size.set(other.size.get());
        self.badge.set(other.badge.get());
        self.object
            .set_flags(self.flags() & flag::EMBEDDED | other.flags() & flag::DEVICE);
    }

    /// Empties the slot; it must be out of the tree.
    pub fn reset(&self) {
        self.object.clear();
        self.set_rights(Rights::NONE);
        self.object.set_flags(self.flags() & flag::EMBEDDED);
        self.size.set(0);
        self.badge.set(0);
        for word in &self.extra {
            word.set(0);
        }
    }
}
