//! The history of all capabilities, kept apart from the kernel: who was made of whom. Names are never used again.

use std::collections::HashMap;

use sundog_core::check::Tree;
use sundog_core::{CNode, Kernel, Slot, flag};
use sundog_machine::Ref;

use crate::world::Step;

/// A capability's name for ever.
pub type Name = usize;

/// Kind and unit of an object: an untyped and the first thing made of it have the same unit.
type Object = (u8, u32);

fn object(slot: &Slot) -> Object {
    (slot.object.kind(), slot.object.number())
}

#[derive(Clone, Default)]
pub struct History {
    /// What each capability was made of.
    made_of: Vec<Option<Name>>,
    /// The capability in each slot, with the object that it names.
    names: HashMap<u32, (Name, Object)>,
}

impl History {
    /// Takes the first tree as given.
    pub fn begin(&mut self, kernel: &Kernel, tree: &Tree) {
        for (node, _) in tree.values() {
            self.names
                .insert(node.unit(), (self.made_of.len(), object(kernel.get(*node))));
            self.made_of.push(None);
        }
        for (node, parent) in tree.values() {
            if let Some(&(parent, _)) = self.names.get(&parent.unit()) {
                self.made_of[self.names[&node.unit()].0] = Some(parent);
            }
        }
    }

    pub fn name(&self, slot: Ref<Slot>) -> Name {
        self.names[&slot.unit()].0
    }

    pub fn derived(&mut self, source: Ref<Slot>, target: Ref<Slot>) {
        let parent = self.name(source);
        self.names
            .insert(target.unit(), (self.made_of.len(), (0, 0)));
        self.made_of.push(Some(parent));
    }

    pub fn moved(&mut self, source: Ref<Slot>, target: Ref<Slot>) {
        let name = self.names.remove(&source.unit()).unwrap();
        self.names.insert(target.unit(), name);
    }

    fn ancestors(&self, name: Name) -> impl Iterator<Item = Name> + '_ {
        std::iter::successors(self.made_of[name], |name| self.made_of[*name])
    }

    /// Follows what a step did to the slots, then compares.
    pub fn follow(&mut self, kernel: &Kernel, tree: &Tree, step: Step) {
        // The last capability of a CNode that is taken apart has moved into the CNode's header.
        for (node, _) in tree.values() {
            let slot = kernel.get(*node);
            if slot.has(flag::DYING) && !self.names.contains_key(&node.unit()) {
                assert!(
                    slot.object.get::<CNode>().is_some(),
                    "only CNodes are parked"
                );
                let cnode = object(slot);
                let old = self
                    .names
                    .iter()
                    .find(|(unit, (_, object))| *object == cnode && !tree.contains_key(unit));
                let (&unit, &name) = old.expect("a parked capability was somewhere before");
                self.names.remove(&unit);
                self.names.insert(node.unit(), name);
            }
        }
        self.names.retain(|unit, _| tree.contains_key(unit));
        for (node, _) in tree.values() {
            let entry = self
                .names
                .get_mut(&node.unit())
                .unwrap_or_else(|| panic!("a capability out of nothing after {step:?}"));
            entry.1 = object(kernel.get(*node));
        }
        self.compare(kernel, tree, step);
    }

    /// Rule: the tree's parent is an ancestor by history, and each living ancestor that can still be used is above it in the tree.
    fn compare(&self, kernel: &Kernel, tree: &Tree, step: Step) {
        let living: HashMap<Name, Ref<Slot>> = tree
            .values()
            .map(|(node, _)| (self.name(*node), *node))
            .collect();
        for (node, parent) in tree.values() {
            let name = self.name(*node);
            if let Some(&(parent, _)) = self.names.get(&parent.unit()) {
                assert!(
                    self.ancestors(name).any(|ancestor| ancestor == parent),
                    "a parent that did not make it, after {step:?}"
                );
            }
            let mut above = Vec::new();
            let mut here = *node;
            while let Some((_, parent)) = tree.get(&here.unit()) {
                above.push(*parent);
                here = *parent;
            }
            for ancestor in self.ancestors(name) {
                if let Some(slot) = living.get(&ancestor)
                    && !kernel.get(*slot).has(flag::MARKED)
                {
                    assert!(
                        above.contains(slot),
                        "an ancestor lost its descendant after {step:?}"
                    );
                }
            }
        }
    }

    /// Rule: revoke leaves no descendant.
    pub fn revoked(&self, tree: &Tree, name: Name) {
        for (node, _) in tree.values() {
            // A slot that is not known yet was moved within this step; it is compared when the step is followed.
            let Some(&(other, _)) = self.names.get(&node.unit()) else {
                continue;
            };
            assert!(
                !self.ancestors(other).any(|ancestor| ancestor == name),
                "revoke left a descendant"
            );
        }
    }
}
