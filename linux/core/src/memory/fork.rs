//! Fork: a second address space with the same contents, whose private pages are copied at the first write.
use super::space::{AddressSpace, Environment};
use crate::Errno;
use crate::machine::Protection;
use crate::page_table::PageTable;

/// How many areas are copied between two questions for memory.
const AREAS_AT_ONCE: usize = 256;

impl AddressSpace {
    /// Makes a copy of the address space; both sides share all frames afterwards.
    ///
    /// # Errors
    /// ENOMEM when the machine has no room for one more space, or the personality none for its tables.
    pub fn fork(&mut self, environment: &mut Environment<'_>) -> Result<Self, Errno> {
        let mut child = Self {
            areas: alloc::collections::BTreeMap::new(),
            table: PageTable::default(),
            cache: None,
            resident: self.resident,
            faults: 0,
            heap_start: self.heap_start,
            heap_end: self.heap_end,
            mapping_top: self.mapping_top,
            stack_start: self.stack_start,
            arguments: self.arguments,
            environment: self.environment,
            auxiliary: self.auxiliary.clone(),
        };
        let target = child.machine_space(environment.machine)?;
        let source = self.machine_space(environment.machine)?;
        let mut full = false;
        for area in self.areas.values() {
            if child.areas.len() % AREAS_AT_ONCE == AREAS_AT_ONCE - 1 {
                full |= !environment.machine.has_room();
            }
            if full {
                break;
            }
            if let Some(range) = area.backing {
                environment.files.retain(range.file);
            }
            child.areas.insert(area.start, *area);
            let mut cached = false;
            // One question for each leaf that the child gets.
            let mut leaf = None;
            self.table
                .for_each(area.start / 4096, area.end / 4096, |page, entry| {
                    if let Some(frame) = entry.frame() {
                        if leaf != Some(PageTable::leaf_of(page)) {
                            leaf = Some(PageTable::leaf_of(page));
                            full |=
                                child.table.needs_memory(page) && !environment.machine.has_room();
                        }
                        if full {
                            return;
                        }
                        environment.memory.retain(frame);
                        cached |= entry.cached();
                        *entry = entry.with_write(entry.write() && area.shared);
                        child.table.set(page, entry.with_cached(false));
                    }
                });
            if !cached {
                continue;
            }
            let (start, pages) = (area.start, area.pages());
            if area.access.write && !area.shared {
                // Both sides copy what they write. The child is shown what it touches: most children soon run another program.
                let protection = Protection {
                    write: false,
                    execute: area.access.execute,
                };
                environment
                    .machine
                    .protect(source, start, pages, protection);
            } else if environment.machine.share(source, target, start, pages) {
                child
                    .table
                    .for_each(area.start / 4096, area.end / 4096, |_, entry| {
                        *entry = entry.with_cached(true)
                    });
            }
        }
        if full {
            child.destroy(environment);
            return Err(Errno::ENOMEM);
        }
        Ok(child)
    }
}
