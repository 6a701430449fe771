//! The objects of the kernel that this program runs on.

use crate::natives::Natives;
use crate::objects::{Make, Objects, Result, Sharing};
use crate::pool::{Frames, Growth};
use alloc::rc::Rc;
use core::cell::RefCell;
use sundog_linux_core::machine::StatePage;
use sundog_linux_core::native::NativeProgram;
use sundog_linux_vfs::Errno;
use sundog_rt::Resources;
use sundog_rt::cap::object::{PageTables, Untyped, VCpu, VSpace};
use sundog_rt::cap::{Cap, Error, Protection, Slots};
use sundog_rt::sys::{self, Partial};

/// What a VSpace's size says if it is only for guests.
const FOR_GUESTS: u64 = 1;

/// The kernel's objects.
pub struct Native {
    resources: Rc<RefCell<Resources>>,
    pool: Frames,
    growth: Growth,
    natives: Rc<RefCell<Natives>>,
}

impl Native {
    /// Objects in the slots and at the addresses of `resources`; guests are shown pages of `pool`, and `growth` is where memory for
    /// objects comes from.
    pub fn new(
        resources: Rc<RefCell<Resources>>,
        pool: Frames,
        growth: Growth,
        natives: Rc<RefCell<Natives>>,
    ) -> Native {
        Native {
            resources,
            pool,
            growth,
            natives,
        }
    }
}

fn space(slot: u32) -> Cap<VSpace> {
    Cap::root(slot)
}

fn vcpu(slot: u32) -> Cap<VCpu> {
    Cap::root(slot)
}

/// Makes one object in a slot of the root.
fn retype<T: sundog_rt::cap::Object>(untyped: u32, size: u64, slot: u32) -> Result<()> {
    Ok(Cap::<Untyped>::root(untyped).retype::<T>(size, Slots::ROOT, slot, 1)?)
}

/// Repeats `step(done)` until all pages were passed; a step does what the kernel does at a time. Holes cost next to nothing, so
/// a whole address space is passed in a few steps.
fn pass(pages: u64, step: impl Fn(u64) -> Result<u64>) -> Result<(), Partial> {
    let mut done = 0;
    while done < pages {
        match step(done) {
            Ok(0) => {
                let error = Error::InvalidArgument;
                return Err(Partial { done, error });
            }
            Ok(count) => done += count,
            Err(error) => return Err(Partial { done, error }),
        }
    }
    Ok(())
}

impl Objects for Native {
    fn take_slot(&mut self) -> Result<u32> {
        self.resources.borrow_mut().slots.take()
    }

    fn give_slot(&mut self, slot: u32) {
        let given = self.resources.borrow_mut().slots.give(slot);
        debug_assert!(given.is_ok(), "a slot that was taken");
    }

    fn make(&mut self, untyped: u32, what: Make, slot: u32) -> Result<()> {
        match what {
            Make::Untyped(bytes) => retype::<Untyped>(untyped, bytes, slot),
            Make::Space => retype::<VSpace>(untyped, FOR_GUESTS, slot),
            Make::Tables(pages) => retype::<PageTables>(untyped, pages, slot),
            Make::Vcpu => retype::<VCpu>(untyped, 0, slot),
        }
    }

    fn grow(&mut self, slot: u32) -> Result<()> {
        self.growth.take(slot)
    }

    fn take_back(&mut self, untyped: u32) -> Result<()> {
        self.resources.borrow_mut().slots.cnode().revoke(untyped)?;
        Cap::<Untyped>::root(untyped).reset()
    }

    fn bind_tables(&mut self, slot: u32, tables: u32) -> Result<()> {
        space(slot).bind_tables(Cap::root(tables))
    }

    fn map(
        &mut self,
        slot: u32,
        address: u64,
        page: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<(), Partial> {
        let mut done = 0;
        while done < pages {
            let passed = u64::from(done);
            let stop = |error| Partial {
                done: passed,
                error,
            };
            let (frame, first, run) = self.pool.find(page + done, pages - done).map_err(stop)?;
            let mapped = space(slot).map(frame, address + passed * 4096, first, run, protection);
            mapped.map_err(|partial| Partial {
                done: passed + partial.done,
                ..partial
            })?;
            done += run;
        }
        Ok(())
    }

    fn unmap(&mut self, slot: u32, address: u64, pages: u64) -> Result<()> {
        Ok(pass(pages, |done| {
            let place = address + done * 4096;
            sys::vspace_unmap(space(slot).address(), place, pages - done).map(|answer| answer.value)
        })?)
    }

    fn protect(
        &mut self,
        slot: u32,
        address: u64,
        pages: u64,
        protection: Protection,
    ) -> Result<(), Partial> {
        pass(pages, |done| {
            let place = address + done * 4096;
            sys::vspace_protect(space(slot).address(), place, pages - done, protection)
                .map(|answer| answer.value)
        })
    }

    fn share(&mut self, sharing: &Sharing) -> Result<(), Partial> {
        space(sharing.destination).share(
            space(sharing.source),
            sharing.address,
            sharing.pages,
            Protection(7),
            false,
        )
    }

    fn configure(&mut self, slot: u32, vspace: u32) -> Result<()> {
        vcpu(slot).configure(space(vspace))
    }

    fn map_state(&mut self, slot: u32, frame: u32) -> Result<StatePage> {
        vcpu(slot).state_frame(Slots::ROOT, frame)?;
        let mapped =
            self.resources
                .borrow_mut()
                .map(Cap::root(frame), 0, 1, Protection::READ_WRITE);
        let page = mapped.and_then(|mapping| StatePage::of(mapping).ok_or(Error::NotAllowed));
        if page.is_err() {
            self.resources.borrow_mut().slots.cnode().delete(frame)?;
        }
        page
    }

    fn unmap_state(&mut self, page: StatePage) -> Result<()> {
        let mapping = page.into_mapping().ok_or(Error::InvalidArgument)?;
        self.resources.borrow_mut().unmap(mapping)
    }

    fn enter(&mut self, slot: u32, _: &StatePage, deadline: u64) -> Result<u64> {
        vcpu(slot).enter(Some(deadline))
    }

    fn kick(&mut self, slot: u32) -> Result<()> {
        vcpu(slot).kick()
    }

    fn sync_fpu(&mut self, slot: u32) -> Result<()> {
        sys::vcpu_sync_fpu(vcpu(slot).address()).map(drop)
    }

    fn ticks(&mut self) -> u64 {
        sys::ticks()
    }

    fn start_native(&mut self, pid: i32, program: NativeProgram) -> Result<(), Errno> {
        let mut resources = self.resources.borrow_mut();
        self.natives
            .borrow_mut()
            .start(&mut resources, pid, program)
    }

    fn suspend_native(&mut self, pid: i32) {
        self.natives.borrow().suspend(pid);
    }

    fn resume_native(&mut self, pid: i32) {
        self.natives.borrow().resume(pid);
    }

    fn end_native(&mut self, pid: i32) {
        let mut resources = self.resources.borrow_mut();
        self.natives.borrow_mut().end(&mut resources, pid);
    }
}
