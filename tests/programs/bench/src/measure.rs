//! Medians of many runs, less what measuring costs.

use sundog_rt::debug;
use sundog_rt::sys::abi::Error;
use sundog_rt::sys::ticks;

const WARM: usize = 64;
const RUNS: usize = 257;
/// How often an operation that is measured is done.
pub const ALL: usize = WARM + RUNS;

/// The median cost of one call of `operation`, in ticks.
pub fn median(mut operation: impl FnMut()) -> u64 {
    sampled(|| {
        let start = ticks();
        operation();
        ticks() - start
    })
    .saturating_sub(overhead())
}

/// The median cost of `operation` where each is made ready by `prepare`, which does not count.
///
/// # Errors
/// The first of either.
pub fn prepared(
    mut prepare: impl FnMut() -> Result<(), Error>,
    mut operation: impl FnMut() -> Result<(), Error>,
) -> Result<u64, Error> {
    reached(|| {
        prepare()?;
        let start = ticks();
        operation()?;
        Ok(ticks() - start)
    })
}

/// The median of ticks that `operation` finds out itself, by two reads of the counter.
///
/// # Errors
/// The first one.
pub fn reached(mut operation: impl FnMut() -> Result<u64, Error>) -> Result<u64, Error> {
    let mut failed = None;
    let cost = sampled(|| {
        operation().unwrap_or_else(|error| {
            failed.get_or_insert(error);
            0
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(cost.saturating_sub(overhead())),
    }
}

/// What two reads of the counter cost with nothing between them.
fn overhead() -> u64 {
    sampled(|| {
        let start = ticks();
        ticks() - start
    })
}

fn sampled(mut sample: impl FnMut() -> u64) -> u64 {
    for _ in 0..WARM {
        sample();
    }
    let mut samples = [0; RUNS];
    for place in &mut samples {
        *place = sample();
    }
    samples.sort_unstable();
    samples[RUNS / 2]
}

/// Prints a figure.
pub fn report(name: &str, value: u64) {
    debug!("bench: {name} {value}");
}
