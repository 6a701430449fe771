//! Timers: a hierarchical wheel for each CPU; arming, disarming, moving down and expiring cost O(1) each.
//!
//! Time is cut into granules of 2^10 ticks. A timer sits at the level of the highest group of six bits in which its granule differs
//! from the wheel's; when the wheel comes to a slot of a higher level, that slot's timers move down. They expire up to one granule late.

use core::cell::Cell;

use sundog_machine::{Opt, Ref, object};

use crate::context::SchedContext;
use crate::kernel::Kernel;
use crate::thread::Thread;

const GRANULE: u32 = 10;
const GROUP: u32 = 6;
const LEVELS: usize = 9;
const SLOTS: usize = 1 << GROUP;

object! {
/// A timer: part of a thread (its wait's deadline) or of a scheduling context (its replenishment).
pub struct Timer = 67 {
    /// When it expires, in ticks.
    pub deadline: Cell<u64>,
    /// The next one in the same slot.
    pub next: Opt<Timer>,
    /// The one before in the same slot.
    pub previous: Opt<Timer>,
    /// The thread that it is a part of.
    pub thread: Opt<Thread>,
    /// The scheduling context that it is a part of.
    pub context: Opt<SchedContext>,
    /// Level and slot plus one, as level * 64 + slot + 1; 0 when it is not armed.
    pub place: Cell<u32>,
    /// The CPU in whose wheel it is.
    pub cpu: Cell<u32>,
}
}

object! {
/// A CPU's wheel.
pub struct Wheel = 68 {
    /// The granule up to which everything has expired.
    pub granule: Cell<u64>,
    /// Timers of slots that begin at this granule may still have to move down.
    pub moving: Cell<bool>,
    /// Slots that hold timers, a bit each, for each level.
    pub used: [Cell<u64>; 9],
    /// The first timer of each slot.
    pub slots: [Opt<Timer>; 576],
}
}

/// What one step of a wheel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This timer expired and is disarmed.
    Expired(Ref<Timer>),
    /// A timer moved to a lower level; others may be due.
    Moved,
    /// Nothing more is due.
    Done,
}

impl Kernel {
    /// Arms a timer on this CPU; one that is armed is moved.
    pub(crate) fn timer_arm(&self, timer: Ref<Timer>, deadline: u64) {
        self.timer_disarm(timer);
        let node = self.get(timer);
        node.deadline.set(deadline);
        node.cpu.set(self.cpu as u32);
        self.timer_place(timer);
        let granule = (deadline >> GRANULE).max(1);
        self.arm_before((granule + 1) << GRANULE);
    }

    /// Puts a timer where its deadline belongs, seen from the wheel's granule.
    fn timer_place(&self, timer: Ref<Timer>) {
        let node = self.get(timer);
        let wheel = self.get(self.cpu_wheel(node.cpu.get() as usize));
        // What is due already goes into the next granule, which is looked at first.
        let granule = (node.deadline.get() >> GRANULE).max(wheel.granule.get() + 1);
        let level = ((granule ^ wheel.granule.get()).ilog2() / GROUP) as usize;
        self.timer_insert(timer, level, granule);
    }

    /// Puts a timer that is in no slot into the one of this level that has this granule.
    fn timer_insert(&self, timer: Ref<Timer>, level: usize, granule: u64) {
        let node = self.get(timer);
        let wheel = self.get(self.cpu_wheel(node.cpu.get() as usize));
        let slot = (granule >> (GROUP * level as u32)) as usize % SLOTS;
        let index = level * SLOTS + slot;
        let head = &wheel.slots[index];
        node.previous.set(None);
        node.next.set(head.get());
        if let Some(first) = head.get() {
            self.get(first).previous.set(Some(timer));
        }
        head.set(Some(timer));
        node.place.set(index as u32 + 1);
        wheel.used[level].set(wheel.used[level].get() | 1 << slot);
    }

    /// Disarms a timer; one that is not armed stays so.
    pub(crate) fn timer_disarm(&self, timer: Ref<Timer>) {
        let node = self.get(timer);
        let place = node.place.replace(0);
        if place == 0 {
            return;
        }
        let wheel = self.get(self.cpu_wheel(node.cpu.get() as usize));
        let index = place as usize - 1;
        let (previous, next) = (node.previous.take(), node.next.take());
        match previous {
            Some(previous) => self.get(previous).next.set(next),
            None => wheel.slots[index].set(next),
        }
        if let Some(next) = next {
            self.get(next).previous.set(previous);
        }
        if wheel.slots[index].is_none() {
            let used = &wheel.used[index / SLOTS];
            used.set(used.get() & !(1 << (index % SLOTS)));
        }
    }

    /// One step towards the timers of this CPU that are due at `now`: one expires, or one moves down.
    pub(crate) fn timer_step(&self, now: u64) -> Step {
        let wheel = self.get(self.cpu_wheel(self.cpu));
        // Only granules that are over, so that nothing comes early.
        let target = (now >> GRANULE).saturating_sub(1);
        while let Some(here) = self.wheel_event().filter(|granule| *granule <= target) {
            // It stands there until all that is due there has come: what is armed meanwhile is placed as seen from there, never into a
            // slot that moves down.
            if wheel.granule.replace(here) != here {
                wheel.moving.set(true);
            }
            if wheel.moving.get() {
                for level in (1..LEVELS).rev() {
                    // A new turn of the levels below: this slot moves down.
                    if here.trailing_zeros() >= GROUP * level as u32 {
                        let slot = (here >> (GROUP * level as u32)) as usize % SLOTS;
                        if let Some(timer) = wheel.slots[level * SLOTS + slot].get() {
                            self.timer_moves_down(timer, here);
                            return Step::Moved;
                        }
                    }
                }
                wheel.moving.set(false);
            }
            if let Some(timer) = wheel.slots[here as usize % SLOTS].get() {
                self.timer_disarm(timer);
                return Step::Expired(timer);
            }
        }
        wheel.granule.set(wheel.granule.get().max(target));
        Step::Done
    }

    /// The next granule in which a timer can be due or must move down. A timer's digit at its level is above the wheel's, and lower
    /// levels come first; but a move that has begun comes before all.
    fn wheel_event(&self) -> Option<u64> {
        let wheel = self.get(self.cpu_wheel(self.cpu));
        if wheel.moving.get() {
            return Some(wheel.granule.get());
        }
        let level = wheel.used.iter().position(|used| used.get() != 0)?;
        let shift = GROUP * level as u32;
        let slot = u64::from(wheel.used[level].get().trailing_zeros());
        let turn = (wheel.granule.get() >> shift) & !(SLOTS as u64 - 1);
        Some((turn | slot) << shift)
    }

    /// Moves a timer, whose slot begins at `here`, to a lower level. The wheel is thought to stand one granule before.
    fn timer_moves_down(&self, timer: Ref<Timer>, here: u64) {
        self.timer_disarm(timer);
        let granule = (self.get(timer).deadline.get() >> GRANULE).max(here);
        // Within the slot's span every granule differs from `here` below its level only.
        let level = (granule ^ here)
            .checked_ilog2()
            .map_or(0, |bit| (bit / GROUP) as usize);
        self.timer_insert(timer, level, granule);
    }

    /// The earliest time at which a timer of this CPU can be due, in ticks; `u64::MAX` if none is armed. It may be early, never late.
    pub(crate) fn timer_next(&self) -> u64 {
        self.wheel_event()
            .map_or(u64::MAX, |granule| (granule + 1) << GRANULE)
    }
}
