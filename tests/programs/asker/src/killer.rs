//! The program that kills drivers, if the manifest has one and lets this program tell it.

use crate::terminal::Terminal;
use sundog_rt::Environment;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Notification;
use sundog_service::Trouble;

/// The bit that says that one is dead.
const KILLED: u64 = 4;

/// This program's way to it.
pub struct Killer(Cap<Notification>);

impl Killer {
    /// The killer, if there is one.
    pub fn new(environment: &Environment) -> Option<Killer> {
        environment.capability("kill").map(Killer)
    }

    /// Waits for a line, which the host types when it has seen everything so far: a driver takes what it has not sent along. Then lets
    /// the killer kill the next of its victims, and says so when that is done.
    ///
    /// # Errors
    /// Those of the terminal's rings, of signalling and waiting.
    pub fn strike(&self, terminal: &mut Terminal) -> Result<(), Trouble> {
        terminal.read_line()?;
        self.0.signal()?;
        terminal.wait_for(KILLED)?;
        terminal.say("asker: one was killed")
    }
}
