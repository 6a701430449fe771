//! The side that reads, and that looks at the ring's pages besides, as they lie in memory.

use crate::{MESSAGE, MESSAGES, message, moved};
use sundog_rt::cap::object::{Frame, Notification};
use sundog_rt::cap::{Cap, Protection};
use sundog_rt::ring::{Consumer, Memory};
use sundog_rt::{Environment, Mapping, debug, fail};
use sundog_service::{Trouble, ring};

/// After so many messages it says how it goes. The other side cannot be done then: init, which would say so, writes to the same port.
const SAID: usize = MESSAGES - 20;

/// Reads all messages, each as one copy.
///
/// # Errors
/// Those of the ring and of waiting.
pub fn run(mut environment: Environment) -> Result<(), Trouble> {
    let events: Cap<Notification> = environment.require("events");
    let other = environment.require("wake");
    let frame: Cap<Frame> = environment.require("ring");
    let mut ring = Consumer::new(ring(&mut environment, "ring")?);
    let capacity = ring.memory().capacity();
    // The data pages once more, but one time only: what the ring shows twice lies here once.
    let resources = &mut environment.resources;
    let plain = resources.map(frame, 1, (capacity / 4096) as u32, Protection::READ)?;
    let mut across = 0;
    for number in 0..MESSAGES {
        let wanted = message(number);
        let mut found = [0; MESSAGE];
        loop {
            if ring.peek(&mut found)? == MESSAGE {
                break;
            }
            if ring.sleep(MESSAGE)? {
                events.wait(None)?;
            }
        }
        if found != wanted {
            fail("ring: a message did not come out as it was written");
        }
        let start = number * MESSAGE % capacity;
        if start + MESSAGE > capacity {
            across += 1;
            check(&plain, start, capacity - start, &wanted)?;
        }
        moved(ring.skip(MESSAGE)?, other)?;
        if number + 1 == SAID {
            debug!(
                "ring: {SAID} messages of {MESSAGE} bytes came out whole, {across} of them from across the end of {capacity} bytes"
            );
        }
    }
    if across != MESSAGES * MESSAGE / capacity {
        fail("ring: too few messages lay across its end");
    }
    Ok(())
}

/// Checks that `head` bytes of the message lie at the end of the ring and the others at its beginning.
fn check(plain: &Mapping, start: usize, head: usize, wanted: &[u8]) -> Result<(), Trouble> {
    let mut found = [0; MESSAGE];
    plain.read(start, &mut found[..head])?;
    plain.read(0, &mut found[head..])?;
    if found != wanted {
        fail("ring: what was written across the end does not lie at the beginning");
    }
    Ok(())
}
