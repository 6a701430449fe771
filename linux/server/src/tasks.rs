//! How many processes and threads there may be: well below what would use up the heap or the memory for programs, so that a program that
//! makes processes without end is told so before anybody else notices.

use alloc::format;
use alloc::string::String;
use sundog_linux_core::kernel::Settings;

/// Of the heap, so many bytes for each: its records and tables take half of that in a small program.
const HEAP: u64 = 32 << 10;
/// Of the memory for programs, so many bytes for each: about what a shell's copy of itself takes.
const POOL: u64 = 64 << 10;
/// There may be so many at least and at most, if nobody asks for less.
const FEWEST: u64 = 8;
const MOST: u64 = 4096;
/// How many more a shell may start that is the first process, to end some.
const SPARE: usize = 8;

/// Sets the limit for a personality with so many bytes of `heap` and for programs; `wanted` is what its sandbox was started with.
///
/// # Errors
/// A sentence if that is more than there is memory for.
pub fn limit(
    settings: &mut Settings,
    wanted: Option<usize>,
    heap: u64,
    pool: u64,
) -> Result<(), String> {
    let held = (heap / HEAP).min(pool / POOL).clamp(FEWEST, MOST) as usize;
    if let Some(wanted) = wanted.filter(|wanted| *wanted > held) {
        return Err(format!(
            "--pids {wanted}: there is memory for {held} at most"
        ));
    }
    settings.max_tasks = wanted.unwrap_or(held);
    // What was asked for holds exactly.
    settings.spare_tasks = match wanted {
        Some(_) => 0,
        None => SPARE,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn limits(wanted: Option<usize>, heap: u64, pool: u64) -> (usize, usize) {
        let mut settings = Settings::default();
        limit(&mut settings, wanted, heap, pool).unwrap();
        (settings.max_tasks, settings.spare_tasks)
    }

    #[test]
    fn it_follows_from_the_memory() {
        assert_eq!(limits(None, 16 * MIB, 96 * MIB), (512, SPARE));
        assert_eq!(limits(None, 2 * MIB, 96 * MIB), (64, SPARE));
        assert_eq!(limits(None, 2 * MIB, MIB), (16, SPARE));
        assert_eq!(limits(None, 0, 0), (8, SPARE));
    }

    #[test]
    fn what_is_asked_for_is_kept_exactly_or_refused() {
        assert_eq!(limits(Some(10), 16 * MIB, 96 * MIB), (10, 0));
        assert_eq!(limits(Some(512), 16 * MIB, 96 * MIB), (512, 0));
        let mut settings = Settings::default();
        let error = limit(&mut settings, Some(513), 16 * MIB, 96 * MIB).unwrap_err();
        assert!(error.contains("513") && error.contains("512"), "{error}");
    }
}
