//! How the memory of a sandbox within this one is divided: what its personality takes itself, what is for its programs, and what is for
//! sandboxes within it.

use alloc::format;
use alloc::string::String;

/// The most that a sandbox takes if nobody says how much.
const USUAL: u64 = 48 << 20;
/// Of the memory for sandboxes one takes so many parts (of so many) if nobody says how much: the rest is for one beside it.
const USUAL_PART: (u64, u64) = (3, 4);
/// What a sandbox takes at least beside its personality if nobody says how much, as long as there is as much: with less it has a few
/// processes only.
const COMFORT: u64 = 5 << 20;
/// The least that programs, their files and their objects can do with.
const LEAST: u64 = 3 << 19;
/// Of what the personality itself leaves, so many parts (of so many) are for sandboxes within if nobody says how much: two thirds, of
/// which a sandbox within can give as much again, or, where none would fit, a part for native programs.
const WITHIN_PART: (u64, u64) = (2, 3);
const NATIVE_PART: (u64, u64) = (1, 4);
/// What a native program takes, `sandbox` among them until it has become one.
const PROGRAM: u64 = 3 << 18;
/// A sandbox that takes what there is tries so many parts (of so many) of what did not fit.
const LESS_PART: (u64, u64) = (7, 8);
const PAGE: u64 = 4096;

/// The parts of a sandbox' memory beside what its personality takes itself, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// For programs, their objects and their files.
    pub pool: u64,
    /// For native programs and sandboxes within.
    pub within: u64,
}

fn part(bytes: u64, (parts, of): (u64, u64)) -> u64 {
    bytes / of * parts
}

/// The least that a sandbox can be, of which the personality itself takes `own` and sandboxes within are to have `within`.
fn least(own: u64, within: Option<u64>) -> u64 {
    own.saturating_add(LEAST)
        .saturating_add(within.unwrap_or(0))
}

/// What a sandbox takes if nobody says how much, of `children` that there are for sandboxes.
pub fn usual(own: u64, within: Option<u64>, children: u64) -> u64 {
    part(children, USUAL_PART)
        .max(own.saturating_add(COMFORT))
        .min(USUAL)
        .max(least(own, within))
}

/// What to try if `memory` does not fit; nothing if it is the least already.
pub fn less(own: u64, memory: u64, within: Option<u64>) -> Option<u64> {
    let least = least(own, within);
    (memory > least).then(|| part(memory, LESS_PART).max(least))
}

/// Divides `memory`; whole pages.
///
/// # Errors
/// A sentence that says which option asks for too little or too much.
pub fn divide(own: u64, memory: u64, within: Option<u64>) -> Result<Shares, String> {
    let least = least(own, None);
    let rest = memory.saturating_sub(own);
    let Some(most) = rest.checked_sub(LEAST) else {
        return Err(format!(
            "--mem: a sandbox needs {least} bytes at least, not {memory}"
        ));
    };
    if let Some(within) = within.filter(|within| *within > most) {
        return Err(format!(
            "--mem-within: {within} bytes do not fit beside the sandbox' own {least} into {memory}"
        ));
    }
    let within = within.unwrap_or_else(|| {
        let within = part(rest, WITHIN_PART);
        let holds_one = within >= least.saturating_add(PROGRAM);
        let within = if holds_one {
            within
        } else {
            part(rest, NATIVE_PART)
        };
        within.min(most)
    }) & !(PAGE - 1);
    Ok(Shares {
        pool: (rest - within) & !(PAGE - 1),
        within,
    })
}

/// What is said if there is not so much.
pub fn not_left(memory: u64, given: bool) -> String {
    if given {
        return format!("--mem: not so much memory is left as {memory} bytes");
    }
    format!(
        "not so much memory is left as a sandbox needs, {memory} bytes; end another, or start the one around it with more --mem-within"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    /// About what a personality takes itself.
    const OWN: u64 = 4 * MIB + 150_000;

    /// Levels of sandboxes without any option below one with so much memory for them.
    fn levels(mut children: u64) -> usize {
        let mut levels = 0;
        loop {
            let mut memory = usual(OWN, None, children);
            while memory + PROGRAM > children {
                match less(OWN, memory, None) {
                    Some(less) => memory = less,
                    None => return levels,
                }
            }
            let shares = divide(OWN, memory, None).expect("enough for one");
            assert!(shares.pool >= LEAST && shares.pool + shares.within + OWN <= memory);
            children = shares.within;
            levels += 1;
        }
    }

    #[test]
    fn without_options_there_are_three_levels() {
        assert!(levels(160 * MIB) >= 3, "{}", levels(160 * MIB));
        assert!(levels(96 * MIB) >= 3);
        assert_eq!(levels(OWN), 0);
    }

    #[test]
    fn one_beside_another_fits_too() {
        for children in [160 * MIB, 24 * MIB] {
            let first = usual(OWN, None, children);
            assert!(children - first >= least(OWN, None), "{children}");
        }
    }

    #[test]
    fn what_is_said_holds_and_what_cannot_be_is_told() {
        let shares = divide(OWN, 16 * MIB, Some(5 * MIB)).expect("it fits");
        assert_eq!(shares.within, 5 * MIB);
        assert!(divide(OWN, OWN + LEAST, None).is_ok_and(|shares| shares.within == 0));
        let said = |memory, within| divide(OWN, memory, within).expect_err("too little");
        let text = said(OWN + LEAST - 1, None);
        let least = text.split(' ').find_map(|word| word.parse().ok());
        assert!(text.starts_with("--mem:") && divide(OWN, least.unwrap_or(0), None).is_ok());
        assert!(said(OWN + LEAST, Some(1)).starts_with("--mem-within:"));
        assert!(said(1, Some(u64::MAX)).starts_with("--mem:"));
        assert_eq!(usual(OWN, Some(99 * MIB), 8 * MIB), OWN + LEAST + 99 * MIB);
        assert_eq!(less(OWN, OWN + LEAST, None), None);
    }
}
