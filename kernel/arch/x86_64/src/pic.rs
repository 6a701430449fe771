//! The legacy interrupt controllers: moved out of the way and masked for good.

use crate::port;

/// Moves their vectors to 0x20..0x30, which nothing else uses, since a masked controller can still raise a spurious interrupt.
pub(crate) fn disable() {
    for (command, data, vector, wiring) in [(0x20, 0x21, 0x20, 4), (0xa0, 0xa1, 0x28, 2)] {
        for (port, value) in [
            (command, 0x11),
            (data, vector),
            (data, wiring),
            (data, 1),
            (data, 0xff),
        ] {
            // SAFETY: the controller cannot change memory; without one the writes go nowhere.
            unsafe { port::out_u8(port, value) };
        }
    }
}
