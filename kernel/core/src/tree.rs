//! The derivation tree: which capability was made of which.
//!
//! Siblings are a doubly linked list; the first child's `previous` and the last child's `next` lead to the parent, tagged. So every
//! step here is O(1), also removing a slot, whose children become its parent's in its place.

use sundog_machine::{Ref, Side};

use crate::kernel::Kernel;
use crate::slot::Slot;

impl Kernel {
    /// Makes `child`, which is in no tree, the first child of `parent`.
    pub(crate) fn tree_insert(&self, parent: Ref<Slot>, child: Ref<Slot>) {
        let old = self.get(parent).first_child.get();
        let node = self.get(child);
        node.previous.set(Side::Parent(parent));
        match old {
            Some(first) => {
                node.next.set(Side::Sibling(first));
                self.get(first).previous.set(Side::Sibling(child));
            }
            None => {
                node.next.set(Side::Parent(parent));
                self.get(parent).last_child.set(Some(child));
            }
        }
        self.get(parent).first_child.set(Some(child));
    }

    /// Takes `node` out; its children take its place among its siblings.
    pub(crate) fn tree_remove(&self, node: Ref<Slot>) {
        self.boundary_passes_on(node);
        let slot = self.get(node);
        if let Some(boundary) = slot.boundary.take() {
            self.get(boundary).boundary_of.set(None);
        }
        let (previous, next) = (slot.previous.get(), slot.next.get());
        let children = slot.first_child.take().zip(slot.last_child.take());
        match children {
            Some((first, last)) => {
                self.connect(previous, Some(first), next);
                self.connect_back(previous, Some(last), next);
            }
            None => {
                let (left, right) = (sibling(previous), sibling(next));
                self.connect(previous, right, next);
                self.connect_back(previous, left, next);
            }
        }
        slot.previous.set(Side::None);
        slot.next.set(Side::None);
    }

    /// Puts `new`, which is empty and in no tree, into the place of `old`: same parent, siblings, children. The old slot ends up empty.
    pub(crate) fn tree_move(&self, old: Ref<Slot>, new: Ref<Slot>) {
        let (from, to) = (self.get(old), self.get(new));
        to.describe_as(from);
        to.set(from.flags() & !crate::flag::EMBEDDED);
        for (word, other) in to.extra.iter().zip(&from.extra) {
            word.set(other.get());
        }
        to.previous.set(from.previous.get());
        to.next.set(from.next.get());
        match from.previous.get() {
            Side::Sibling(left) => self.get(left).next.set(Side::Sibling(new)),
            Side::Parent(parent) => self.get(parent).first_child.set(Some(new)),
            Side::None => {}
        }
        match from.next.get() {
            Side::Sibling(right) => self.get(right).previous.set(Side::Sibling(new)),
            Side::Parent(parent) => self.get(parent).last_child.set(Some(new)),
            Side::None => {}
        }
        if let Some((first, last)) = from.first_child.take().zip(from.last_child.take()) {
            to.first_child.set(Some(first));
            to.last_child.set(Some(last));
            self.get(first).previous.set(Side::Parent(new));
            self.get(last).next.set(Side::Parent(new));
        }
        if let Some(boundary) = from.boundary.take() {
            to.boundary.set(Some(boundary));
            self.get(boundary).boundary_of.set(Some(new));
        }
        if let Some(owner) = from.boundary_of.take() {
            to.boundary_of.set(Some(owner));
            self.get(owner).boundary.set(Some(new));
        }
        from.previous.set(Side::None);
        from.next.set(Side::None);
        from.reset();
        self.mappings_moved(old, new);
    }

    /// One step of marking: the first child's children move up to the front of `parent`'s list, the child itself to its end.
    pub(crate) fn tree_hoist(&self, parent: Ref<Slot>, child: Ref<Slot>) {
        // Out of the list; its children are at the front now.
        self.tree_remove(child);
        let node = self.get(child);
        match self.get(parent).last_child.get() {
            Some(last) => {
                self.get(last).next.set(Side::Sibling(child));
                node.previous.set(Side::Sibling(last));
                node.next.set(Side::Parent(parent));
                self.get(parent).last_child.set(Some(child));
            }
            None => self.tree_insert(parent, child),
        }
    }

    /// If `node` was the boundary of a revoke, the next sibling is it now; it was marked earlier or nothing was.
    fn boundary_passes_on(&self, node: Ref<Slot>) {
        let slot = self.get(node);
        if let Some(owner) = slot.boundary_of.take() {
            let heir = sibling(slot.next.get());
            self.get(owner).boundary.set(heir);
            if let Some(heir) = heir {
                self.get(heir).boundary_of.set(Some(owner));
            }
        }
    }

    /// Lets what stands on the left lead to `target`, or around the gap if there is none.
    fn connect(&self, left: Side<Slot>, target: Option<Ref<Slot>>, right: Side<Slot>) {
        match left {
            Side::Sibling(left) => self.get(left).next.set(target.map_or(right, Side::Sibling)),
            Side::Parent(parent) => self.get(parent).first_child.set(target),
            Side::None => {}
        }
        if let Some(target) = target {
            self.get(target).previous.set(left);
        }
    }

    /// Lets what stands on the right lead back to `target`, or around the gap if there is none.
    fn connect_back(&self, left: Side<Slot>, target: Option<Ref<Slot>>, right: Side<Slot>) {
        match right {
            Side::Sibling(right) => self
                .get(right)
                .previous
                .set(target.map_or(left, Side::Sibling)),
            Side::Parent(parent) => self.get(parent).last_child.set(target),
            Side::None => {}
        }
        if let Some(target) = target {
            self.get(target).next.set(right);
        }
    }
}

fn sibling(side: Side<Slot>) -> Option<Ref<Slot>> {
    match side {
        Side::Sibling(node) => Some(node),
        Side::Parent(_) | Side::None => None,
    }
}
