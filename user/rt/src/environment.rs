//! What a program was given.

use crate::resources::Resources;
use crate::start::{StartPage, capability};
use core::fmt::Write;
use sundog_cap::object::{IoPorts, SchedContext, Thread};
use sundog_cap::{Cap, Error, Object, Pool, Slots};
use sundog_sys::{Ending, MessagePage};

#[cfg(target_os = "none")]
use crate::panic::end;

/// Ends the program on a host.
#[cfg(not(target_os = "none"))]
fn end(ending: Ending<'_>) -> ! {
    panic!("ended: {ending:?}")
}

/// Everything that the parent put in place before the first instruction.
pub struct Environment {
    /// The start page: arguments, variables, capabilities, names.
    pub start: StartPage<'static>,
    /// Memory, slots and addresses to allocate from.
    pub resources: Resources,
    /// The first thread's message page.
    pub message: MessagePage,
}

impl Environment {
    /// Takes the start page apart.
    ///
    /// # Errors
    /// `OutOfRange` if its window of slots cannot be.
    pub fn new(start: StartPage<'static>, message: MessagePage) -> Result<Environment, Error> {
        let slots = Slots::new(
            Cap::root(capability::CNODE),
            start.free_first,
            start.free_count,
        )?;
        let mut pool = Pool::new();
        if start.untyped != 0 {
            pool.add(Cap::root(start.untyped));
        }
        let resources = Resources::new(Cap::root(capability::VSPACE), slots, pool);
        let environment = Environment {
            start,
            resources,
            message,
        };
        if let Some(ports) = environment.capability::<IoPorts>("debug") {
            crate::set_debug(ports);
        }
        Ok(environment)
    }

    /// The capability that the parent gave under a name.
    pub fn capability<T: Object>(&self, name: &str) -> Option<Cap<T>> {
        self.start
            .capabilities()
            .find(|(given, _)| *given == name)
            .map(|(_, slot)| Cap::root(slot))
    }

    /// The capability that the parent gave under a name; without it the program ends, saying which one it lacks.
    pub fn require<T: Object>(&self, name: &str) -> Cap<T> {
        match self.capability(name) {
            Some(capability) => capability,
            None => {
                let mut text =
                    alloc::string::String::from("no capability was given under the name ");
                text.push_str(name);
                fail(&text)
            }
        }
    }

    /// The first thread.
    pub fn thread(&self) -> Cap<Thread> {
        Cap::root(capability::THREAD)
    }

    /// The first thread's time.
    pub fn sched_context(&self) -> Cap<SchedContext> {
        Cap::root(capability::SCHED_CONTEXT)
    }
}

/// Ends the program with a status; 0 is success.
pub fn exit(status: u64) -> ! {
    end(Ending::Exit(status))
}

/// Ends the program with a text that says why it cannot go on.
pub fn fail(text: &str) -> ! {
    let _ = writeln!(crate::Debug, "{text}");
    end(Ending::Panic(text.as_bytes()))
}
