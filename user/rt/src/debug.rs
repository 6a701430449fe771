//! Text for the people who build the system, byte by byte to one I/O port.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use sundog_cap::Cap;
use sundog_cap::object::IoPorts;

/// The port that takes the text.
const PORT: u16 = 0xe9;

/// The slot of the capability; 0: there is none and the text goes nowhere.
static SLOT: AtomicU32 = AtomicU32::new(0);

/// Takes the capability, in the root CNode, through which text goes from now on.
pub fn set_debug(ports: Cap<IoPorts>) {
    SLOT.store(ports.slot(), Ordering::Relaxed);
}

/// Writes to the debug port.
pub struct Debug;

impl fmt::Write for Debug {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let slot = SLOT.load(Ordering::Relaxed);
        if slot == 0 {
            return Ok(());
        }
        let ports = Cap::<IoPorts>::root(slot);
        text.bytes()
            .try_for_each(|byte| ports.write(PORT, byte))
            .map_err(|_| fmt::Error)
    }
}
