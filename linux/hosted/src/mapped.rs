//! What a stub has mapped: the system does not like holes in ranges, so the machine knows where they are.
use std::collections::BTreeMap;
use sundog_linux_core::machine::Protection;

/// A page that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What is allowed on it.
    pub protection: Protection,
}

/// The mapped pages, by number.
#[derive(Default)]
pub struct Mapped(BTreeMap<u64, Page>);

/// A run of pages: first, how many, whether they may be executed.
pub type Run = (u64, u64, bool);

impl Mapped {
    /// A page, if it is mapped.
    #[must_use]
    pub fn get(&self, page: u64) -> Option<Page> {
        self.0.get(&page).copied()
    }

    /// Notes that a page is mapped.
    pub fn insert(&mut self, number: u64, page: Page) {
        self.0.insert(number, page);
    }

    fn runs(&self, first: u64, count: u64, wanted: impl Fn(&Page) -> bool) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (number, page) in self
            .0
            .range(first..first.saturating_add(count))
            .filter(|(_, page)| wanted(page))
        {
            match runs.last_mut() {
                Some((start, length, execute))
                    if *start + *length == *number && *execute == page.protection.execute =>
                {
                    *length += 1;
                }
                _ => runs.push((*number, 1, page.protection.execute)),
            }
        }
        runs
    }

    /// Forgets the pages of a range and returns the runs that were mapped.
    pub fn take(&mut self, first: u64, count: u64) -> Vec<Run> {
        let runs = self.runs(first, count, |_| true);
        for (start, length, _) in &runs {
            for number in *start..start + length {
                self.0.remove(&number);
            }
        }
        runs
    }

    /// Changes the protection in a range and returns the runs that had another.
    pub fn set(&mut self, first: u64, count: u64, protection: Protection) -> Vec<Run> {
        let runs = self.runs(first, count, |page| page.protection != protection);
        for (_, page) in self.0.range_mut(first..first.saturating_add(count)) {
            page.protection = protection;
        }
        runs
    }
}
