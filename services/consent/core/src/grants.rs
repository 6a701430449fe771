//! The table of grants: looked up and dropped in constant time by the badge that their capabilities carry.
use crate::store::Key;
use crate::{Answer, SECOND};
use alloc::string::String;
use alloc::vec::Vec;

/// The most grants at a time.
pub const MAX_GRANTS: usize = 1024;

/// What was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The sandbox that holds it.
    pub sandbox: u64,
    /// For what and whom.
    pub key: Key,
    /// The program's path, its own word.
    pub program: String,
    /// How: once, run, always or black.
    pub answer: Answer,
    /// Bytes a second; 0 = no limit.
    pub rate: u64,
    /// Seconds since 1970 of the decision.
    pub decided_at: u64,
    /// Who or what decided.
    pub decided_by: String,
    /// Nanoseconds of the monotonic clock from which on it is dead.
    pub expires: Option<u64>,
    /// Reports of use.
    pub use_count: u64,
    /// Bytes delivered.
    pub bytes: u64,
    /// Seconds since 1970 of the last use.
    pub last_used_at: Option<u64>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u64,
    grant: Option<Grant>,
}

/// All grants. A grant's number is the slot and the slot's generation, so a number is never used a second time.
#[derive(Debug, Default)]
pub struct Grants {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

impl Grants {
    /// Adds a grant and gives its number, never 0; none if the table is full.
    pub fn insert(&mut self, grant: Grant) -> Option<u64> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() < MAX_GRANTS => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
            None => return None,
        };
        let slot = &mut self.slots[index];
        slot.generation += 1;
        slot.grant = Some(grant);
        Some(slot.generation << 16 | index as u64)
    }

    fn slot(&mut self, number: u64) -> Option<&mut Slot> {
        let slot = self.slots.get_mut((number & 0xffff) as usize)?;
        (slot.generation == number >> 16).then_some(slot)
    }

    /// The grant with this number, if it lives; `now` in nanoseconds.
    pub fn get(&mut self, number: u64, now: u64) -> Option<&mut Grant> {
        let grant = self.slot(number)?.grant.as_mut()?;
        grant
            .expires
            .is_none_or(|expires| now < expires)
            .then_some(grant)
    }

    /// Drops a grant and gives what it was.
    pub fn remove(&mut self, number: u64) -> Option<Grant> {
        let grant = self.slot(number)?.grant.take()?;
        self.free.push((number & 0xffff) as usize);
        Some(grant)
    }

    /// The numbers of the grants that a condition picks; goes through the table.
    pub fn numbers(&self, pick: impl Fn(&Grant) -> bool) -> Vec<u64> {
        self.iter()
            .filter(|(_, grant)| pick(grant))
            .map(|(number, _)| number)
            .collect()
    }

    /// All grants with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Grant)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| {
            Some((slot.generation << 16 | index as u64, slot.grant.as_ref()?))
        })
    }

    /// When the next grant expires.
    pub fn next_expiry(&self) -> Option<u64> {
        self.iter().filter_map(|(_, grant)| grant.expires).min()
    }
}

/// The time `seconds` after `now`, in nanoseconds.
pub(crate) fn after(now: u64, seconds: u64) -> u64 {
    now.saturating_add(seconds.saturating_mul(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resource;

    fn grant(sandbox: u64) -> Grant {
        let key = Key {
            manifest: [0; 32],
            program: [0; 32],
            resource: Resource::Camera,
            instance: "0".into(),
        };
        Grant {
            sandbox,
            key,
            program: "/x".into(),
            answer: Answer::Run,
            rate: 0,
            decided_at: 0,
            decided_by: "cli".into(),
            expires: Some(100),
            use_count: 0,
            bytes: 0,
            last_used_at: None,
        }
    }

    #[test]
    fn a_number_never_comes_back() {
        let mut grants = Grants::default();
        let mut seen = alloc::collections::BTreeSet::new();
        for _ in 0..5000 {
            let number = grants.insert(grant(1)).unwrap();
            assert!(number != 0 && seen.insert(number));
            assert!(grants.remove(number).is_some());
            assert!(grants.get(number, 0).is_none() && grants.remove(number).is_none());
        }
    }

    #[test]
    fn the_table_is_bounded_and_grants_expire() {
        let mut grants = Grants::default();
        let numbers: Vec<u64> = (0..MAX_GRANTS as u64)
            .map(|sandbox| grants.insert(grant(sandbox % 2)).unwrap())
            .collect();
        assert_eq!(grants.insert(grant(0)), None);
        assert!(grants.get(numbers[0], 99).is_some() && grants.get(numbers[0], 100).is_none());
        assert_eq!(
            grants.numbers(|grant| grant.sandbox == 1).len(),
            MAX_GRANTS / 2
        );
        assert_eq!(grants.next_expiry(), Some(100));
        for wrong in [0, u64::MAX, numbers[3] + (1 << 16), 0xffff] {
            assert!(grants.get(wrong, 0).is_none());
        }
    }
}
