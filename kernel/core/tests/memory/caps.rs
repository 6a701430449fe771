//! The model's capabilities: what each slot holds, and who was made of whom, kept apart from the kernel.

use std::collections::BTreeMap;

use sundog_abi::ObjectType;

/// A capability's name for ever.
pub type Name = usize;
/// An object: its type, and its unit or first page.
pub type Object = (ObjectType, u32);

#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub name: Name,
    pub object: Object,
    pub rights: u16,
    /// Pages of a Frame.
    pub pages: u32,
    pub device: bool,
}

#[derive(Default)]
pub struct Caps {
    pub slots: BTreeMap<u32, Cap>,
    made_of: Vec<Option<Name>>,
}

impl Caps {
    pub fn derive(&mut self, from: Option<Name>) -> Name {
        self.made_of.push(from);
        self.made_of.len() - 1
    }

    /// Slots that hold something derived from a capability.
    pub fn descendants(&self, of: Name) -> Vec<u32> {
        let below = |cap: &Cap| {
            std::iter::successors(self.made_of[cap.name], |name| self.made_of[*name])
                .any(|name| name == of)
        };
        self.slots
            .iter()
            .filter(|(_, cap)| below(cap))
            .map(|(slot, _)| *slot)
            .collect()
    }

    /// Objects all of whose capabilities are in these slots.
    pub fn objects_only_in(&self, slots: &[u32]) -> Vec<Object> {
        let mut found: Vec<Object> = slots.iter().map(|slot| self.slots[slot].object).collect();
        found.retain(|object| {
            self.slots
                .iter()
                .all(|(slot, cap)| cap.object != *object || slots.contains(slot))
        });
        found.sort_by_key(|(kind, number)| (*kind as u8, *number));
        found.dedup();
        found
    }
}
