//! The program that keeps the second CPU busy, and counts for how long that really ran.

use sundog_rt::cap::object::Frame;
use sundog_rt::cap::{Cap, Error, Protection};
use sundog_rt::{Environment, Mapping, sys};

/// A turn of the loop takes less. If more time has passed, other programs ran, or the computer ran something else than this CPU.
const TURN_MICROSECONDS: u64 = 10;

/// Spins until the end.
///
/// # Errors
/// Those of mapping the page.
pub fn run(mut environment: Environment) -> Result<(), Error> {
    let mut pages = [
        map(&mut environment, "spun-left", Protection::READ_WRITE)?,
        map(&mut environment, "spun-right", Protection::READ_WRITE)?,
    ];
    let most = TURN_MICROSECONDS * environment.start.ticks_per_microsecond;
    let (mut ran, mut before) = (0, sys::ticks());
    loop {
        let now = sys::ticks();
        ran += now.saturating_sub(before).min(most);
        before = now;
        for page in &mut pages {
            page.write(0, &ran.to_ne_bytes())?;
        }
    }
}

fn map(
    environment: &mut Environment,
    name: &str,
    protection: Protection,
) -> Result<Mapping, Error> {
    let frame: Cap<Frame> = environment.require(name);
    environment.resources.map(frame, 0, 1, protection)
}

/// What the others see of it: nothing where there is no such program.
pub struct Spun(Option<Mapping>);

impl Spun {
    /// The page of that name, if there is one.
    ///
    /// # Errors
    /// Those of mapping it.
    pub fn of(environment: &mut Environment, name: &str) -> Result<Spun, Error> {
        if environment.capability::<Frame>(name).is_none() {
            return Ok(Spun(None));
        }
        Ok(Spun(Some(map(environment, name, Protection::READ)?)))
    }

    /// For how many ticks it ran.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn ran(&self) -> Result<u64, Error> {
        self.0.as_ref().map_or(Ok(0), |page| page.word(0))
    }
}
