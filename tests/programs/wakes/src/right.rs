//! The side that answers, on the second CPU, where nothing else happens.

use crate::page::Page;
use crate::spin::Spun;
use crate::{Random, WAYS, Way};
use sundog_rt::cap::object::{Endpoint, Notification, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::abi::Info;
use sundog_rt::{Environment, fail, sys};

/// The longest sleep.
const SLEEP_MICROSECONDS: u64 = 60;

/// Answers every round of the other side. Its waits have no deadlines: no timer of this CPU could hide that a wake-up was lost.
///
/// # Errors
/// Those of waiting and answering.
pub fn run(mut environment: Environment, rounds: u64, seed: u64) -> Result<(), Error> {
    let mut page = Page::of(&mut environment, 64)?;
    let events: Cap<Notification> = environment.require("events");
    let other: Cap<Notification> = environment.require("other");
    let requests: Cap<Endpoint> = environment.require("requests");
    let microsecond = environment.start.ticks_per_microsecond;
    let spun = Spun::of(&mut environment, "spun-right")?;
    let resources = &mut environment.resources;
    let reply: Cap<Reply> = resources.pool.make(&mut resources.slots, 0)?;
    let mut random = Random::new(!seed);
    for (way, _) in WAYS {
        for round in 1..=way.rounds(rounds) {
            match way {
                Way::Memory => {
                    page.await_number(round)?;
                    page.tell(round)?;
                }
                Way::Signals => {
                    random.linger(microsecond);
                    events.wait(None)?;
                    page.tell_ran(spun.ran()?)?;
                    page.tell(round)?;
                    random.linger(microsecond);
                    other.signal()?;
                }
                Way::Sends => {
                    random.linger(microsecond);
                    requests.receive(None, None)?;
                    page.tell(round)?;
                    random.linger(microsecond);
                    other.signal()?;
                }
                Way::Calls => {
                    random.linger(microsecond);
                    let received = requests.receive(Some(reply), None)?;
                    if received.words[0] != round {
                        fail("wakes: the call of another round");
                    }
                    page.tell(round)?;
                    random.linger(microsecond);
                    // From here on on its own time again, on its own CPU.
                    reply.reply(Info::new(0, 1), &[round, 0, 0, 0, 0, 0, 0, 0])?;
                }
                Way::Sleeps => {
                    events.wait(None)?;
                    page.tell_ran(spun.ran()?)?;
                    let pause = random.below(SLEEP_MICROSECONDS * microsecond);
                    match events.wait(Some(sys::ticks() + pause)) {
                        Err(Error::TimedOut) => {}
                        _ => fail("wakes: a sleep was ended by a signal"),
                    }
                    page.tell(round)?;
                    other.signal()?;
                }
            }
        }
    }
    // It does not end: init would say so, into what the other side is saying.
    loop {
        events.wait(None)?;
    }
}
