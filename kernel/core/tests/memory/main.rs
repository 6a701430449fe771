//! Address spaces against a model: random sequences of operations, on the shipped core, with two CPUs that remember translations.
//!
//! After every operation the tables are walked and compared with the model, the whole world is checked, and no CPU may remember what
//! the tables do not say any more. Long operations are interrupted at random, others run in between.
//! `MEMORY_RUNS=N cargo test -p sundog-core --test memory` does more sequences than the default.

mod caps;
mod cases;
mod machine;
mod model;
mod operations;
mod view;

use std::collections::BTreeMap;

use machine::World;

/// Small pseudo-random numbers, the same in each run.
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// Whether something of so many percent happens.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len() as u64) as usize])
    }
}

#[test]
fn random_operations_do_what_the_model_says() {
    let runs = std::env::var("MEMORY_RUNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let (runs, length) = match runs {
        Some(runs) => (runs, 300),
        None if cfg!(miri) => (1, 10),
        None => (60, 300),
    };
    let (mut operations, mut met) = (0, BTreeMap::new());
    for seed in 0..runs {
        let mut world = World::new(Random::new(seed + 1));
        for _ in 0..length {
            operations += u64::from(world.step());
        }
        world.end();
        for (what, count) in world.met {
            *met.entry(what).or_insert(0) += count;
        }
    }
    println!("{operations} operations: {met:#?}");
}
