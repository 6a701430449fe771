//! The side that writes.

use crate::{MESSAGE, MESSAGES, message, moved};
use sundog_rt::Environment;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Notification;
use sundog_rt::ring::Producer;
use sundog_service::{Trouble, ring};

/// Writes all messages, each as one copy.
///
/// # Errors
/// Those of the ring and of waiting.
pub fn run(mut environment: Environment) -> Result<(), Trouble> {
    let events: Cap<Notification> = environment.require("events");
    let other = environment.require("wake");
    let mut ring = Producer::new(ring(&mut environment, "ring")?);
    for number in 0..MESSAGES {
        while !moved(ring.write_whole(&message(number))?, other)? {
            if ring.sleep(MESSAGE)? {
                events.wait(None)?;
            }
        }
    }
    Ok(())
}
