//! The side that asks, on the first CPU, and that notices when no answer comes.

use crate::page::Page;
use crate::spin::Spun;
use crate::{Random, WAYS, Way};
use alloc::format;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::abi::Info;
use sundog_rt::{Environment, debug, fail, sys};

/// After so long without an answer it was lost; a busy computer keeps a CPU from running for a tenth of that. (What a lost interrupt has
/// not woken is woken by the CPU's timer, which cannot be set to more than four seconds.)
const LOST_MILLISECONDS: u64 = 1000;
/// So long may the spinner have run after a signal that should have taken its CPU from it. Here the computer plays no part.
const LATE_MICROSECONDS: u64 = 2000;

/// Makes the rounds of each way, and says how long the slowest took.
///
/// # Errors
/// Those of asking and waiting.
pub fn run(mut environment: Environment, rounds: u64, seed: u64) -> Result<(), Error> {
    let page = Page::of(&mut environment, 0)?;
    let microsecond = environment.start.ticks_per_microsecond;
    let mut left = Left {
        page,
        events: environment.require("events"),
        other: environment.require("other"),
        requests: environment.require("requests"),
        microsecond,
        random: Random::new(seed),
        spun: Spun::of(&mut environment, "spun-left")?,
        late: 0,
    };
    for (way, name) in WAYS {
        let rounds = way.rounds(rounds);
        let begin = sys::ticks();
        let (mut longest, mut latest) = (0, 0);
        for round in 1..=rounds {
            left.random.linger(microsecond);
            let asked = sys::ticks();
            left.late = 0;
            if !left.round(way, round)? {
                left.lost(name, round);
            }
            longest = longest.max(sys::ticks() - asked);
            latest = latest.max(left.late);
        }
        let mean = (sys::ticks() - begin) / rounds / microsecond;
        let longest = longest / microsecond;
        debug!("wakes: {name}: {rounds} rounds");
        debug!("wakes: {name}: {mean} us each, {longest} us at most");
        let latest = latest / microsecond;
        if latest != 0 {
            debug!("wakes: {name}: the spinner went on for {latest} us at most");
        }
        if latest > LATE_MICROSECONDS {
            fail("wakes: the other side was ready, and the spinner went on");
        }
    }
    Ok(())
}

struct Left {
    page: Page,
    events: Cap<Notification>,
    other: Cap<Notification>,
    requests: Cap<Endpoint>,
    microsecond: u64,
    random: Random,
    spun: Spun,
    /// For how long the spinner ran after the last signal.
    late: u64,
}

impl Left {
    /// One round; false if no answer came.
    fn round(&mut self, way: Way, round: u64) -> Result<bool, Error> {
        let deadline = Some(sys::ticks() + LOST_MILLISECONDS * 1000 * self.microsecond);
        let words = [round, 0, 0, 0, 0, 0, 0, 0];
        let info = Info::new(0, 1);
        match way {
            Way::Memory => {
                self.page.tell(round)?;
                self.page.await_number(round)?;
                return Ok(true);
            }
            Way::Signals | Way::Sleeps => {
                self.other.signal()?;
                // Not before: then the computer might keep this CPU from running in between, and the spinner would be right to go on.
                self.late = self.spun.ran()?;
            }
            Way::Sends => match self.requests.send(info, &words, deadline) {
                Err(Error::TimedOut) => return Ok(false),
                end => end?,
            },
            Way::Calls => match self.requests.call(info, &words, deadline) {
                Err(Error::TimedOut) => return Ok(false),
                end => {
                    let answered = end?.words[0];
                    return Ok(answered == round && self.page.told()? == round);
                }
            },
        }
        self.random.linger(self.microsecond);
        match self.events.wait(deadline) {
            Err(Error::TimedOut) => Ok(false),
            end => {
                end?;
                if !matches!(way, Way::Sends) {
                    self.late = self.page.told_ran()?.saturating_sub(self.late);
                }
                Ok(self.page.told()? == round)
            }
        }
    }

    /// Ends the program because of an answer that did not come.
    fn lost(&self, name: &str, round: u64) -> ! {
        let there = self.page.told().unwrap_or(0);
        let side = if there == round {
            "the other side was there, its answer was not"
        } else {
            "the other side was not there"
        };
        fail(&format!(
            "wakes: {name}: round {round} has no answer after {LOST_MILLISECONDS} ms: {side}"
        ))
    }
}
