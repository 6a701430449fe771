//! VSpace: an address space. What is mapped in it is in [`crate::range`], its tables' pages in [`crate::page_tables`].

use core::cell::Cell;

use sundog_abi::Rights;
use sundog_machine::format::{ENTRIES, Entry};
use sundog_machine::{Opt, Ref, TablePage, Token, hardware, object};

use crate::kernel::{Kernel, Outcome};
use crate::page_tables::PageTables;
use crate::slot::{Slot, flag};
use crate::untyped::PAGE;

/// Entries of the root that lead to user memory; the others are the kernel's.
const USER_ENTRIES: usize = ENTRIES / 2;

object! {
/// The header of an address space. The page behind it is the root of its tables.
pub struct VSpace = 37 {
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// Free pages for tables in the runs that it was given.
    pub free: Cell<u32>,
    /// The runs, in three lists.
    pub runs: [Opt<PageTables>; 3],
    /// Whether only VCpus run in it, so that pages may be writable and executable at once.
    pub guests: Cell<bool>,
}
}

/// Units from the header to the root of the tables.
pub(crate) const ROOT: u32 = PAGE;

impl VSpace {
    /// Whether only VCpus run in it.
    pub fn is_for_guests(&self) -> bool {
        self.guests.get()
    }

    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::MAP.0 | Rights::SHARE.0);
    /// Units of memory of an address space: two pages.
    pub const UNITS: u64 = 2 * PAGE as u64;

    /// Makes an address space out of zeroed memory, in which only the kernel is mapped.
    pub(crate) fn create(token: &mut Token, unit: u32, guests: bool) -> Ref<VSpace> {
        let vspace = token.create::<VSpace>(unit);
        let root = token.create::<TablePage>(vspace.part::<TablePage>(ROOT).unit());
        token.get(vspace).guests.set(guests);
        let entries = token.get(root);
        for index in USER_ENTRIES..ENTRIES {
            entries.set(index, Entry(hardware::kernel_root_entry(token, index)));
        }
        vspace
    }
}

impl Kernel {
    /// The root of an address space's tables; its address is what a CPU loads.
    pub fn vspace_root(&self, vspace: Ref<VSpace>) -> Ref<TablePage> {
        vspace.part(ROOT)
    }

    /// Says that a CPU loads the root of an address space; none: the kernel's own. With that it forgets what it knew of the one before.
    /// Who changes entries later finds it here: both hold the lock.
    #[inline(always)]
    pub fn vspace_loads(&self, vspace: Option<Ref<VSpace>>, cpu: usize) {
        self.get(self.cpu_state(cpu)).vspace.set(vspace);
    }

    /// The CPUs that have the root of an address space loaded, as bits.
    fn vspace_cpus(&self, vspace: Ref<VSpace>) -> u64 {
        let mut cpus = 0;
        for cpu in 0..self.get(self.system).cpus.get() as usize {
            let state = self.get(self.cpu_state(cpu));
            if state.vspace.get() == Some(vspace) {
                cpus |= state.mask.get();
            }
        }
        cpus
    }

    /// Notes that an entry in an address space lost rights or went away.
    pub(crate) fn must_flush(&self, vspace: Option<Ref<VSpace>>) {
        if let Some(vspace) = vspace {
            self.flush.set(self.flush.get() | self.vspace_cpus(vspace));
        }
    }

    /// Makes the CPUs that may remember entries that are gone forget them. It must be called before the lock is let go; what uses memory
    /// again and preemption points call it themselves.
    pub fn finish_flush(&self) {
        let cpus = self.flush.take();
        if cpus != 0 {
            hardware::flush(&self.token, cpus);
        }
    }

    /// Makes every CPU that has the root loaded load the kernel's own. The caller sees to it that none of them loads it again.
    pub fn vspace_leave(&self, vspace: Ref<VSpace>) {
        let cpus = self.vspace_cpus(vspace);
        if cpus == 0 {
            return;
        }
        hardware::leave_root(&self.token, cpus);
        for cpu in 0..self.get(self.system).cpus.get() as usize {
            let loaded = &self.get(self.cpu_state(cpu)).vspace;
            if loaded.get() == Some(vspace) {
                loaded.set(None);
            }
        }
    }

    /// A thread or VCpu lost its address space while that lives on: whoever runs in it comes into the kernel, which then looks again.
    pub(crate) fn vspace_unused(&self, slot: Ref<Slot>) {
        if let Some(vspace) = self.get(slot).object.get::<VSpace>() {
            self.vspace_leave(vspace);
        }
    }

    /// Ends an address space whose last capability, in `slot`, goes: first all its mappings. Its runs of pages stay with whoever
    /// holds them.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on.
    pub(crate) fn vspace_lost(&mut self, slot: Ref<Slot>, vspace: Ref<VSpace>) -> Outcome {
        self.get(slot).set(flag::DYING);
        self.vspace_leave(vspace);
        let root = self.vspace_root(vspace);
        for index in 0..USER_ENTRIES {
            while let Some(table) = self.get(root).next(index) {
                self.empty_table(table);
                self.preemption_point()?;
            }
        }
        for list in 0..3 {
            while let Some(run) = self.get(vspace).runs[list].get() {
                self.run_unbind(run);
                self.preemption_point()?;
            }
        }
        self.finish_flush();
        self.token.destroy(root);
        self.token.destroy(vspace);
        Ok(())
    }
}
