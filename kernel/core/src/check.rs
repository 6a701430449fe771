//! What must hold in every state that a program can see: checked after each step of tests and of the model checker.
//!
//! Each rule is also in `docs/invariants.md`. Violations panic, with the rule in the message.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use sundog_abi::{ObjectType, Rights};
use sundog_machine::{Ref, Side};

use crate::cnode::CNode;
use crate::endpoint::Endpoint;
use crate::kernel::Kernel;
use crate::notification::Notification;
use crate::slot::Slot;
use crate::thread::Thread;
use crate::untyped::PAGE;

/// A slot by its unit, with its parent's.
pub type Tree = BTreeMap<u32, (Ref<Slot>, Ref<Slot>)>;

impl Kernel {
    /// Checks the whole world and gives the tree: each capability with its parent.
    ///
    /// # Panics
    /// If a rule is broken.
    pub fn check(&self) -> Tree {
        let tree = self.check_tree();
        self.check_rights(&tree);
        self.check_counts(&tree);
        self.check_memory(&tree);
        self.check_mappings(&tree);
        self.check_threads(&tree);
        tree
    }

    /// Rule: the derivation tree is a tree, and every link in it has its counterpart.
    fn check_tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut todo = Vec::from([self.root()]);
        while let Some(parent) = todo.pop() {
            let slot = self.get(parent);
            assert_eq!(
                slot.first_child.is_none(),
                slot.last_child.is_none(),
                "a list has both ends or none"
            );
            let mut expected = Side::Parent(parent);
            let mut here = slot.first_child.get();
            while let Some(node) = here {
                let child = self.get(node);
                assert!(
                    child.previous.get() == expected,
                    "a link has its counterpart"
                );
                assert!(!child.is_empty(), "an empty slot is in no tree");
                assert!(
                    tree.insert(node.unit(), (node, parent)).is_none(),
                    "a slot has one place in the tree"
                );
                if let Some(boundary) = child.boundary.get() {
                    assert_eq!(
                        self.get(boundary).boundary_of.get(),
                        Some(node),
                        "a boundary knows its owner"
                    );
                }
                if let Some(owner) = child.boundary_of.get() {
                    assert_eq!(
                        self.get(owner).boundary.get(),
                        Some(node),
                        "an owner knows its boundary"
                    );
                }
                todo.push(node);
                expected = Side::Sibling(node);
                here = match child.next.get() {
                    Side::Sibling(next) => Some(next),
                    Side::Parent(back) => {
                        assert_eq!(back, parent, "the last child leads to its parent");
                        assert_eq!(
                            slot.last_child.get(),
                            Some(node),
                            "the parent knows its last child"
                        );
                        None
                    }
                    Side::None => panic!("a capability has a place in the tree"),
                };
            }
        }
        tree
    }

    /// Rule: a derived capability has no more rights than the one it was made of, and a badge never changes.
    fn check_rights(&self, tree: &Tree) {
        for (node, parent) in tree.values() {
            let (child, parent) = (self.get(*node), self.get(*parent));
            if child.object.kind() != parent.object.kind()
                || child.object.number() != parent.object.number()
            {
                continue;
            }
            assert!(
                parent.rights().contains(child.rights()),
                "rights only shrink"
            );
            if parent.badge.get() != 0 {
                assert_eq!(
                    child.badge.get(),
                    parent.badge.get(),
                    "a badge never changes"
                );
                assert!(
                    !child.rights().contains(Rights::BADGE),
                    "a badged capability cannot be minted from"
                );
            }
        }
    }

    /// Rule: an object's header counts its capabilities, and an object without any is gone.
    fn check_counts(&self, tree: &Tree) {
        let mut counts: BTreeMap<(u8, u32), (u32, u32)> = BTreeMap::new();
        for (node, _) in tree.values() {
            let slot = self.get(*node);
            let entry = counts
                .entry((slot.object.kind(), slot.object.number()))
                .or_default();
            entry.0 += 1;
            entry.1 += u32::from(slot.rights().contains(Rights::RECEIVE));
        }
        for (node, _) in tree.values() {
            let slot = self.get(*node);
            let (count, receivers) = counts[&(slot.object.kind(), slot.object.number())];
            if let Some(cnode) = slot.object.get::<CNode>() {
                assert_eq!(
                    self.get(cnode).count.get(),
                    count,
                    "a CNode counts its capabilities"
                );
                self.check_cnode(cnode, tree);
            } else if let Some(endpoint) = slot.object.get::<Endpoint>() {
                assert_eq!(
                    self.get(endpoint).count.get(),
                    count,
                    "an endpoint counts its capabilities"
                );
                assert_eq!(
                    self.get(endpoint).receivers.get(),
                    receivers,
                    "an endpoint counts its receivers"
                );
            } else if let Some(notification) = slot.object.get::<Notification>() {
                assert_eq!(
                    self.get(notification).count.get(),
                    count,
                    "a notification counts its capabilities"
                );
            }
        }
    }

    /// Rule: what is in a CNode is in the tree, and an empty slot leads nowhere.
    fn check_cnode(&self, cnode: Ref<CNode>, tree: &Tree) {
        for index in 0..self.get(cnode).slots.get() {
            let node: Ref<Slot> = cnode.part(1 + index);
            let slot = self.get(node);
            if slot.is_empty() {
                assert!(
                    slot.first_child.is_none()
                        && slot.boundary.is_none()
                        && slot.boundary_of.is_none(),
                    "an empty slot is free"
                );
                assert!(
                    slot.previous.get() == Side::None && slot.next.get() == Side::None,
                    "an empty slot is in no list"
                );
            } else {
                assert!(
                    tree.contains_key(&node.unit()),
                    "no capability without derivation"
                );
            }
        }
    }

    /// Rule: an object lies inside of the untyped that it was made of, below its watermark, and objects do not overlap.
    fn check_memory(&self, tree: &Tree) {
        let mut ranges: BTreeSet<(u32, u32)> = BTreeSet::new();
        let mut frames: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (node, _) in tree.values() {
            let slot = self.get(*node);
            let Some((start, units)) = self.memory_of(slot) else {
                continue;
            };
            match slot.kind() {
                Some(ObjectType::Untyped) => {}
                Some(ObjectType::Frame) => {
                    frames.insert((start, units));
                }
                _ => {
                    ranges.insert((start, units));
                }
            }
            let mut above = *node;
            while let Some((_, parent)) = tree.get(&above.unit()) {
                above = *parent;
                let untyped = self.get(above);
                if untyped.kind() == Some(ObjectType::Untyped) {
                    let base = untyped.object.number();
                    let end = base + self.untyped_taken(above);
                    assert!(
                        start >= base && start + units <= end,
                        "an object lies in what it was made of"
                    );
                    break;
                }
            }
            if slot.kind() == Some(ObjectType::Untyped) {
                for unit in start + self.untyped_taken(*node)..start + units {
                    assert!(
                        !self.token().backing().is_alive(unit),
                        "nothing lives above the watermark"
                    );
                }
            }
        }
        // A thread's message page and a VCpu's state page are their second page, and have Frame capabilities too.
        frames.retain(|(start, units)| {
            *units != PAGE
                || !start
                    .checked_sub(PAGE)
                    .is_some_and(|object| ranges.contains(&(object, Thread::UNITS)))
        });
        ranges.append(&mut frames);
        let mut end = 0;
        for (start, units) in ranges {
            assert!(start >= end, "objects do not overlap");
            end = start + units;
        }
    }

    /// First unit and units of what a capability names; `None` if it is not memory.
    fn memory_of(&self, slot: &Slot) -> Option<(u32, u32)> {
        match slot.kind()? {
            ObjectType::Untyped => Some((slot.object.number(), slot.size.get())),
            ObjectType::Frame => Some((slot.object.number() * 64, slot.size.get() * 64)),
            ObjectType::CNode => Some((slot.object.number(), CNode::units(slot.size.get()))),
            ObjectType::PageTables => {
                crate::object_shape(ObjectType::PageTables, u64::from(slot.size.get()))
                    .map(|(units, _)| (slot.object.number(), units as u32))
            }
            kind => {
                crate::object_shape(kind, 0).map(|(units, _)| (slot.object.number(), units as u32))
            }
        }
    }
}
