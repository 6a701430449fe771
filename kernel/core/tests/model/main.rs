//! A small model checker: two hostile programs do every sequence of capability operations in a small world, on the shipped core.
//!
//! Breadth first, states are recognised by their memory. After every step the whole world is checked, and its derivation tree is
//! compared with a history that is kept apart: whoever could revoke a capability once can do so for ever.
//! `MODEL_STATES=N cargo test -p sundog-core --test model` explores more states than the default.

mod history;
mod world;

use std::collections::{HashSet, VecDeque};

use world::{Step, World};

#[test]
fn no_sequence_of_operations_breaks_a_rule() {
    let limit: usize = std::env::var("MODEL_STATES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if cfg!(miri) { 2 } else { 12_000 });
    let mut start = World::new();
    let mut seen = HashSet::from([start.fingerprint()]);
    let mut queue = VecDeque::from([(start, 0_usize)]);
    let (mut steps, mut depth) = (0_usize, 0);
    while let Some((world, level)) = queue.pop_front() {
        depth = level;
        for step in Step::all() {
            let mut next = world.clone();
            if !next.apply(step) {
                continue;
            }
            steps += 1;
            if seen.len() < limit && seen.insert(next.fingerprint()) {
                queue.push_back((next, level + 1));
            }
        }
        // Miri is for the memory under the operations, not for the number of states.
        if cfg!(miri) {
            break;
        }
    }
    println!("{} states, {steps} steps, depth {depth}", seen.len());
    assert!(seen.len() >= limit, "the world is larger than this");
}

#[test]
fn long_random_sequences_break_no_rule() {
    let (runs, length) = if cfg!(miri) { (1, 25) } else { (60, 400) };
    let steps: Vec<Step> = Step::all().collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..runs {
        let mut world = World::new();
        for _ in 0..length {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            world.apply(steps[(random % steps.len() as u64) as usize]);
        }
        world.end();
    }
}
