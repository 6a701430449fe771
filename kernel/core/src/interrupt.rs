//! Irq: an interrupt line that signals a notification; I/O ports; and the control capabilities that make them, once each.

use core::cell::Cell;

use sundog_abi::{Error, ObjectType, Rights};
use sundog_machine::{Opt, Ref, hardware, object};

use crate::kernel::Kernel;
use crate::notification::Notification;
use crate::slot::Slot;

object! {
/// An interrupt line.
pub struct Line = 72 {
    /// The notification that its interrupts signal.
    pub notification: Opt<Notification>,
    /// The bits that they set.
    pub bits: Cell<u64>,
    /// Whether the line's capability exists.
    pub given: Cell<bool>,
}
}

/// Ports that no capability covers: the interrupt controllers, the timer that calibration uses, PCI configuration.
const RESERVED_PORTS: [(u32, u32); 5] = [(0x20, 2), (0x40, 4), (0xa0, 2), (0xcf8, 8), (0x604, 4)];

impl Kernel {
    /// The state of a line; `None` if there is none of that number.
    pub(crate) fn line(&self, line: u32) -> Option<Ref<Line>> {
        ((line as usize) < hardware::LINES).then(|| self.system.part(Self::LINES_UNIT + line))
    }

    /// Makes the capability of a line in an empty slot, as a child of the control capability.
    ///
    /// # Errors
    /// `OutOfRange` for a line that does not exist, `Busy` if its capability exists.
    pub fn irq_get(&self, control: Ref<Slot>, line: u64, target: Ref<Slot>) -> Result<(), Error> {
        self.may_derive(control)?;
        let number = u32::try_from(line).map_err(|_| Error::OutOfRange)?;
        let state = self.get(self.line(number).ok_or(Error::OutOfRange)?);
        if state.given.replace(true) {
            return Err(Error::Busy);
        }
        self.fill(target, ObjectType::Irq, number, 1, Rights::USE);
        self.tree_insert(control, target);
        Ok(())
    }

    /// Binds a line to a notification, or to none, and lets it interrupt.
    pub fn irq_bind(&self, line: u32, notification: Option<(Ref<Notification>, u64)>) {
        let Some(line_ref) = self.line(line) else {
            return;
        };
        let state = self.get(line_ref);
        if let Some(old) = state.notification.take() {
            let lines = &self.get(old).lines;
            lines.set(lines.get() - 1);
        }
        if let Some((notification, bits)) = notification {
            state.notification.set(Some(notification));
            state.bits.set(bits);
            let lines = &self.get(notification).lines;
            lines.set(lines.get() + 1);
        }
        hardware::set_masked(&self.token, line, notification.is_none());
    }

    /// Lets a line interrupt again.
    pub fn irq_acknowledge(&self, line: u32) {
        let bound = self
            .line(line)
            .is_some_and(|line| !self.get(line).notification.is_none());
        hardware::set_masked(&self.token, line, !bound);
    }

    /// A device interrupted: the line is held back until it is acknowledged.
    pub fn interrupt(&self, line: u32) {
        let Some(state) = self.line(line).map(|line| self.get(line)) else {
            return;
        };
        hardware::set_masked(&self.token, line, true);
        if let Some(notification) = state.notification.get() {
            self.notification_signal(notification, state.bits.get());
        }
    }

    /// The line's capability goes.
    pub(crate) fn irq_lost(&self, line: u32) {
        self.irq_bind(line, None);
        if let Some(line) = self.line(line) {
            self.get(line).given.set(false);
        }
    }

    /// The notification goes: no line signals it any more.
    pub(crate) fn irq_forget(&self, notification: Ref<Notification>) {
        for line in 0..hardware::LINES as u32 {
            if self.get(notification).lines.get() == 0 {
                return;
            }
            let bound = self
                .line(line)
                .is_some_and(|line| self.get(line).notification.get() == Some(notification));
            if bound {
                self.irq_bind(line, None);
            }
        }
    }

    /// Makes the capability of a range of ports in an empty slot, as a child of the control capability.
    ///
    /// # Errors
    /// `OutOfRange` for no ports or ones that do not exist or that the kernel keeps, `Busy` if one of them is in another capability.
    pub fn ports_get(
        &self,
        control: Ref<Slot>,
        first: u64,
        count: u64,
        target: Ref<Slot>,
    ) -> Result<(), Error> {
        self.may_derive(control)?;
        let end = first
            .checked_add(count)
            .filter(|end| count > 0 && *end <= 0x1_0000)
            .ok_or(Error::OutOfRange)?;
        let (first, end) = (first as u32, end as u32);
        if RESERVED_PORTS
            .iter()
            .any(|(start, length)| first < start + length && *start < end)
        {
            return Err(Error::OutOfRange);
        }
        // Ranges that exist are the control capability's children; there are few.
        let mut child = self.get(control).first_child.get();
        while let Some(slot) = child {
            let range = self.get(slot);
            let (start, length) = (range.object.number(), range.size.get());
            if range.kind() == Some(ObjectType::IoPorts) && first < start + length && start < end {
                return Err(Error::Busy);
            }
            child = match range.next.get() {
                sundog_machine::Side::Sibling(next) => Some(next),
                sundog_machine::Side::Parent(_) | sundog_machine::Side::None => None,
            };
        }
        self.fill(
            target,
            ObjectType::IoPorts,
            first,
            end - first,
            Rights::READ.union(Rights::WRITE),
        );
        self.tree_insert(control, target);
        Ok(())
    }

    /// Checks that an access lies within a capability's range.
    pub(crate) fn port_of(
        &self,
        slot: Ref<Slot>,
        port: u64,
        width: u64,
    ) -> Result<(u16, u8), Error> {
        if !matches!(width, 1 | 2 | 4) {
            return Err(Error::InvalidArgument);
        }
        let range = self.get(slot);
        let start = u64::from(range.object.number());
        let inside = port >= start
            && port
                .checked_add(width)
                .is_some_and(|end| end <= start + u64::from(range.size.get()));
        if inside {
            Ok((port as u16, width as u8))
        } else {
            Err(Error::OutOfRange)
        }
    }
}
