//! What a program holds, in words: the kernel's description of each slot, and the name under which it was given.

use crate::start::{StartPage, capability};
use alloc::format;
use alloc::string::String;
use sundog_cap::object::CNode;
use sundog_cap::{Cap, Error, Holding};

/// A line for each capability that the parent gave: slot, type, rights, size, detail, name; then how many others there are, if any.
/// `cnode` is the program's own CNode, `start` its start page.
pub fn holdings(start: &StartPage<'_>, cnode: Cap<CNode>) -> String {
    let (mut text, mut others) = (String::new(), 0);
    // Slot 0 is always empty and cannot be named.
    for slot in 1.. {
        let found = match cnode.inspect(slot) {
            Ok(found) => found,
            Err(Error::OutOfRange) => break,
            Err(error) => {
                text += &format!("{slot}: {error:?}\n");
                break;
            }
        };
        match (Holding::new(slot, &found), name(start, slot)) {
            (Some(holding), Some(name)) => text += &format!("{holding} {name}\n"),
            (Some(_), None) => others += 1,
            (None, _) => {}
        }
    }
    if others != 0 {
        text += &format!("and {others} of its own making\n");
    }
    text
}

/// The name of a slot that the parent filled.
fn name<'a>(start: &StartPage<'a>, slot: u32) -> Option<&'a str> {
    Some(match slot {
        capability::CNODE => "own-slots",
        capability::VSPACE => "own-addresses",
        capability::THREAD => "own-thread",
        capability::SCHED_CONTEXT => "own-time",
        capability::UNTYPED => "own-memory",
        _ => {
            return start
                .capabilities()
                .find(|(_, given)| *given == slot)
                .map(|(name, _)| name);
        }
    })
}
