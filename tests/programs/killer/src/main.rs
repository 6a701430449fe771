//! Kills other programs, one each time that it is told to, as a fault of their own would: supervisors cannot tell the difference.
//!
//! Given: `go` (its notification), `victim-1`, `victim-2`... (their Threads), and perhaps `killed` (signalled when one is dead).
//! With the argument `pass=N` it stands between a victim and whom that wakes: it passes N signals on to `killed`, kills the victim in place
//! of passing the next one on, and passes on all that follow.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use sundog_rt::cap::object::{Notification, Thread};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::{Environment, entry, fail};

entry!(run);

/// Where nothing is ever mapped.
const NOWHERE: u64 = 0x10;

fn run(environment: Environment) {
    let passes = environment.start.arguments().nth(1).map(|argument| {
        let text = core::str::from_utf8(argument).unwrap_or_default();
        let number = text.strip_prefix("pass=").and_then(|n| n.parse().ok());
        number.unwrap_or_else(|| fail("killer: the argument is pass=NUMBER"))
    });
    if let Some(passes) = passes {
        between(&environment, passes);
    }
    let go: Cap<Notification> = environment.require("go");
    let killed: Option<Cap<Notification>> = environment.capability("killed");
    let victims = (1..).map_while(|number| environment.capability(&format!("victim-{number}")));
    for victim in victims {
        let done = go
            .wait(None)
            .and_then(|_| kill(victim))
            .and_then(|()| killed.map_or(Ok(()), |killed| killed.signal()));
        if let Err(error) = done {
            fail(&format!("killer: {error:?}"));
        }
    }
}

/// Passes signals on, and kills the victim once.
fn between(environment: &Environment, passes: u32) -> ! {
    let go: Cap<Notification> = environment.require("go");
    let behind: Cap<Notification> = environment.require("killed");
    let victim: Cap<Thread> = environment.require("victim-1");
    let mut left = Some(passes);
    loop {
        let done = match (go.wait(None), left) {
            (Err(error), _) => Err(error),
            (Ok(_), Some(0)) => {
                left = None;
                kill(victim)
            }
            (Ok(_), more) => {
                left = more.map(|more| more - 1);
                behind.signal()
            }
        };
        if let Err(error) = done {
            fail(&format!("killer: {error:?}"));
        }
    }
}

/// Takes the thread out of whatever it waits for, and lets it go on where nothing is.
fn kill(victim: Cap<Thread>) -> Result<(), Error> {
    victim.suspend()?;
    victim.start_at(NOWHERE, NOWHERE, 0)?;
    victim.resume()
}
