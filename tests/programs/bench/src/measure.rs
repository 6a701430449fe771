//! Medians of many runs, less what measuring costs.

use sundog_rt::debug;
use sundog_rt::sys::ticks;

const WARM: usize = 64;
const RUNS: usize = 257;

/// The median cost of one call of `operation`, in ticks.
pub fn median(mut operation: impl FnMut()) -> u64 {
    let overhead = sampled(|| {});
    sampled(&mut operation).saturating_sub(overhead)
}

fn sampled(mut operation: impl FnMut()) -> u64 {
    for _ in 0..WARM {
        operation();
    }
    let mut samples = [0; RUNS];
    for sample in &mut samples {
        let start = ticks();
        operation();
        *sample = ticks() - start;
    }
    samples.sort_unstable();
    samples[RUNS / 2]
}

/// Prints a figure.
pub fn report(name: &str, value: u64) {
    debug!("bench: {name} {value}");
}
