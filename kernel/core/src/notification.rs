//! Notification: a word of signal bits.

use core::cell::Cell;

use sundog_abi::Rights;
use sundog_machine::{Ref, object};

use crate::kernel::{Kernel, Outcome};

object! {
/// A notification.
pub struct Notification = 36 {
    /// The signals that nobody took yet.
    pub word: Cell<u64>,
    /// Capabilities to it.
    pub count: Cell<u32>,
}
}

impl Notification {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::SEND.0 | Rights::RECEIVE.0 | Rights::BADGE.0);
}

impl Kernel {
    pub(crate) fn notification_lost(&mut self, notification: Ref<Notification>) -> Outcome {
        let object = self.get(notification);
        object.count.set(object.count.get() - 1);
        if object.count.get() == 0 {
            self.token.destroy(notification);
        }
        Ok(())
    }
}
