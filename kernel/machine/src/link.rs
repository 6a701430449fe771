//! Links of the derivation tree: a sibling, or, tagged, the parent.

use core::cell::Cell;
use core::marker::PhantomData;
use core::num::NonZeroU32;

use crate::Ref;

const PARENT: u32 = 1 << 31;

/// Where a link leads.
#[derive(Debug)]
pub enum Side<T> {
    /// Nowhere: the node is a root.
    None,
    /// To a sibling.
    Sibling(Ref<T>),
    /// To the parent: the node is the first or the last child.
    Parent(Ref<T>),
}

impl<T> Clone for Side<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Side<T> {}
impl<T> PartialEq for Side<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Side::None, Side::None) => true,
            (Side::Sibling(a), Side::Sibling(b)) | (Side::Parent(a), Side::Parent(b)) => a == b,
            _ => false,
        }
    }
}

/// A field that leads to a sibling or to the parent. Zero means nowhere.
#[repr(transparent)]
pub struct Link<T> {
    raw: Cell<u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Link<T> {
    /// Where the link leads.
    pub fn get(&self) -> Side<T> {
        let raw = self.raw.get();
        match NonZeroU32::new(raw & !PARENT) {
            None => Side::None,
            Some(unit) if raw & PARENT == 0 => Side::Sibling(Ref::from_unit(unit)),
            Some(unit) => Side::Parent(Ref::from_unit(unit)),
        }
    }

    /// Changes where the link leads.
    pub fn set(&self, side: Side<T>) {
        self.raw.set(match side {
            Side::None => 0,
            Side::Sibling(node) => node.unit(),
            Side::Parent(node) => node.unit() | PARENT,
        });
    }
}
