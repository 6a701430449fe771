//! Untyped: memory of which objects are made, and all that the kernel ever uses.
//!
//! A slot keeps two marks, in units from the start: below `watermark` memory is taken; from there to `prepared` it is known to be
//! zero. So zeroing is done once, just before use, in steps that others can interrupt, and an interrupted call goes on where it was.

use sundog_abi::{Error, ObjectType, Rights};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::kernel::{Kernel, Outcome};
use crate::slot::{Slot, flag};

/// Units of a page.
pub(crate) const PAGE: u32 = 64;
/// Units that are zeroed between two preemption points.
const ZERO_STEP: u32 = 16 * PAGE;
/// Most objects that one call makes.
const RETYPE_STEP: u32 = 64;
/// Most units of one object: 64 GiB.
const MOST_UNITS: u64 = 1 << 30;

const WATERMARK: usize = 0;
const PREPARED: usize = 1;

fn mark(untyped: &Slot, which: usize) -> u32 {
    untyped.extra[which].get() as u32
}

/// What `retype` is to make, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Retype {
    /// The type.
    pub kind: ObjectType,
    /// Its size, in what the type counts.
    pub size: u64,
    /// The CNode that takes the capabilities.
    pub target: Ref<CNode>,
    /// The first slot.
    pub first: u32,
    /// How many objects.
    pub count: u32,
}

/// Memory of one object: units, and the alignment in units.
#[derive(Clone, Copy)]
struct Shape {
    units: u32,
    alignment: u32,
}

fn shape(kind: ObjectType, size: u64) -> Result<Shape, Error> {
    let (units, alignment) = match kind {
        ObjectType::Untyped if size.is_multiple_of(64) => (size / 64, 1),
        ObjectType::CNode if size >= 2 => (size.saturating_add(1), 1),
        ObjectType::Frame => (size.saturating_mul(u64::from(PAGE)), PAGE),
        _ => crate::object_shape(kind, size).ok_or(Error::InvalidArgument)?,
    };
    if units == 0 {
        return Err(Error::InvalidArgument);
    }
    if units > MOST_UNITS {
        return Err(Error::NotEnoughMemory);
    }
    // Page-sized untyped memory is page-aligned, so that frames can be made of all of it.
    let alignment = if kind == ObjectType::Untyped && units.is_multiple_of(u64::from(PAGE)) {
        PAGE
    } else {
        alignment
    };
    Ok(Shape {
        units: units as u32,
        alignment,
    })
}

impl Kernel {
    /// Makes up to `count` objects and gives how many; fewer only because one call makes no more than a bounded number.
    ///
    /// # Errors
    /// As the table says; nothing was made then.
    pub fn untyped_retype(&mut self, untyped: Ref<Slot>, what: Retype) -> Outcome<u32> {
        let shape = shape(what.kind, what.size)?;
        self.may_derive(untyped)?;
        let source = self.get(untyped);
        let device = source.has(flag::DEVICE);
        if device && !matches!(what.kind, ObjectType::Untyped | ObjectType::Frame) {
            return Err(Error::InvalidArgument.into());
        }
        let count = what.count.min(RETYPE_STEP);
        if count == 0 {
            return Err(Error::InvalidArgument.into());
        }
        let end = what.first.checked_add(count).ok_or(Error::OutOfRange)?;
        for slot in what.first..end {
            self.cnode_empty_slot(what.target, slot)?;
        }
        // Alignment is of physical addresses: the untyped itself may start anywhere.
        let base = source.object.number();
        let taken = mark(source, WATERMARK);
        let start = (base + taken).next_multiple_of(shape.alignment) - base;
        let length = u64::from(shape.units) * u64::from(count);
        if u64::from(start) + length > u64::from(source.size.get()) {
            return Err(Error::NotEnoughMemory.into());
        }
        let stop = start + length as u32;
        if what.kind != ObjectType::Untyped && !device {
            self.prepare(untyped, start, stop)?;
        }
        let source = self.get(untyped);
        source.extra[WATERMARK].set(stop.into());
        let prepared = mark(source, PREPARED).max(stop);
        source.extra[PREPARED].set(prepared.into());
        for index in 0..count {
            let unit = base + start + index * shape.units;
            let slot: Ref<Slot> = what.target.part(1 + what.first + index);
            self.make_object(slot, what.kind, what.size, unit, shape.units);
            let made = self.get(slot);
            if device {
                made.set(flag::DEVICE);
            }
            self.tree_insert(untyped, slot);
        }
        Ok(count)
    }

    /// Zeroes what is not known to be zero in `start..stop` (units from the start of the untyped), step by step.
    fn prepare(&mut self, untyped: Ref<Slot>, start: u32, stop: u32) -> Outcome {
        let slot = self.get(untyped);
        let base = slot.object.number();
        let mut done = mark(slot, PREPARED).max(start);
        while done < stop {
            let step = ZERO_STEP.min(stop - done);
            self.token.zero(base + done, step);
            done += step;
            self.get(untyped).extra[PREPARED].set(done.into());
            if done < stop {
                self.preemption_point()?;
            }
        }
        Ok(())
    }

    /// Fills a slot with the first capability of a new object.
    fn make_object(&mut self, slot: Ref<Slot>, kind: ObjectType, size: u64, unit: u32, units: u32) {
        match kind {
            ObjectType::Untyped => {
                self.fill(slot, kind, unit, units, Rights::WRITE);
            }
            ObjectType::Frame => {
                let rights = Rights::READ.union(Rights::WRITE).union(Rights::EXECUTE);
                self.fill(slot, kind, unit / PAGE, size as u32, rights);
            }
            ObjectType::CNode => {
                let cnode = CNode::create(&mut self.token, unit, size as u32);
                let made = self.get(slot);
                made.object.set(cnode);
                made.size.set(size as u32);
                made.set_rights(CNode::RIGHTS);
                self.get(cnode).count.set(1);
            }
            _ => self.make_header_object(slot, kind, size, unit),
        }
    }

    /// Fills a slot with a capability that has no object in kernel memory.
    pub(crate) fn fill(
        &self,
        slot: Ref<Slot>,
        kind: ObjectType,
        number: u32,
        size: u32,
        rights: Rights,
    ) {
        let made = self.get(slot);
        made.object.set_number(kind as u8, number);
        made.size.set(size);
        made.set_rights(rights);
    }

    /// Makes the capability of a range of memory that exists from the start, in an empty slot. Its contents are unknown.
    pub fn boot_untyped(&self, slot: Ref<Slot>, unit: u32, units: u32, device: bool) {
        self.fill(slot, ObjectType::Untyped, unit, units, Rights::WRITE);
        if device {
            self.get(slot).set(flag::DEVICE);
        }
        self.tree_insert(self.root(), slot);
    }

    /// Makes the whole range free again.
    ///
    /// # Errors
    /// `HasChildren` while anything that was made of it is left, even if it was moved or deleted by its holder only in part.
    pub fn untyped_reset(&self, untyped: Ref<Slot>) -> Result<(), Error> {
        let slot = self.get(untyped);
        if slot.first_child.get().is_some() {
            return Err(Error::HasChildren);
        }
        slot.extra[WATERMARK].set(0);
        slot.extra[PREPARED].set(0);
        Ok(())
    }

    /// Units of an untyped that are taken.
    pub fn untyped_taken(&self, untyped: Ref<Slot>) -> u32 {
        mark(self.get(untyped), WATERMARK)
    }
}
