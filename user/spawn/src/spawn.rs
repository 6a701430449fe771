//! Makes the process that a layout describes.

use crate::layout::{Layout, TABLE_RUN};
use crate::process::Process;
use crate::program::{Budget, Program, SpawnError, Time, What};
use sundog_abi::memory::PAGE_SIZE;
use sundog_abi::{Error, Protection, Rights};
use sundog_cap::object::{
    CNode, Endpoint, Frame, PageTables, SchedContext, Thread, Untyped, VCpu, VSpace,
};
use sundog_cap::{Cap, Pool, Slots};
use sundog_rt::start::capability;
use sundog_rt::{
    HEAP_ADDRESS, MESSAGE_ADDRESS, Resources, STACK_END, START_ADDRESS, map_with_tables,
};

/// Slots that the parent spends on a process: its objects, one frame for each segment, tables.
const PARENT_SLOTS: u32 = 64;

/// Builds the process, ready to run: [`Process::resume`] starts it.
///
/// # Errors
/// Those of [`SpawnError`]; what was made of it is destroyed then.
pub fn spawn(resources: &mut Resources, program: &Program<'_>) -> Result<Process, SpawnError> {
    let layout = Layout::plan(program)?;
    let first = resources.slots.take_run(PARENT_SLOTS)?;
    let memory = match resources.pool.split(&mut resources.slots, layout.bytes) {
        Ok(memory) => memory,
        Err(error) => {
            for slot in first..first + PARENT_SLOTS {
                resources.slots.give(slot)?;
            }
            return Err(error.into());
        }
    };
    let mut process = Process::empty(memory, first, PARENT_SLOTS);
    let mut pool = Pool::new();
    pool.add(memory.untyped);
    let slots = Slots::new(resources.slots.cnode(), first, PARENT_SLOTS)?;
    let mut builder = Builder {
        resources,
        program,
        layout,
        pool,
        slots,
    };
    match builder.build(&mut process) {
        Ok(()) => Ok(process),
        Err(error) => {
            process.destroy(resources)?;
            Err(error)
        }
    }
}

struct Builder<'r, 'p> {
    resources: &'r mut Resources,
    program: &'p Program<'p>,
    layout: Layout,
    /// The child's memory.
    pool: Pool,
    /// The part of the parent's slots that belongs to this process.
    slots: Slots,
}

impl Builder<'_, '_> {
    fn make<T: sundog_cap::Object>(&mut self, size: u64) -> Result<Cap<T>, Error> {
        self.pool.make(&mut self.slots, size)
    }

    fn build(&mut self, process: &mut Process) -> Result<(), SpawnError> {
        let vspace: Cap<VSpace> = self.make(0)?;
        process.vspace = Some(vspace);
        let mut table_pages = self.layout.table_pages;
        while table_pages != 0 {
            let run = table_pages.min(TABLE_RUN);
            let tables: Cap<PageTables> = self.make(run)?;
            vspace.bind_tables(tables)?;
            table_pages -= run;
        }
        self.map_image(vspace)?;
        let start = core::mem::take(&mut self.layout.start);
        self.map_new(
            vspace,
            START_ADDRESS,
            self.layout.start_pages,
            0,
            &start,
            Protection::READ,
        )?;
        self.map_new(
            vspace,
            self.layout.stack,
            self.program.stack_pages,
            0,
            &[],
            Protection::READ_WRITE,
        )?;
        if self.program.heap_pages != 0 {
            self.map_new(
                vspace,
                HEAP_ADDRESS,
                self.program.heap_pages,
                0,
                &[],
                Protection::READ_WRITE,
            )?;
        }

        let thread: Cap<Thread> = self.make(0)?;
        process.thread = Some(thread);
        let message: Cap<Frame> = self
            .slots
            .fill(|slot| thread.message_frame(Slots::ROOT, slot))?;
        process.message = Some(message);
        map_with_tables(
            &mut self.pool,
            &mut self.slots,
            vspace,
            message,
            MESSAGE_ADDRESS,
            0,
            1,
            Protection::READ_WRITE,
        )?;

        let context = self.context()?;
        let cnode: Cap<CNode> = self.make(self.program.slots.into())?;
        process.cnode = Some(cnode);
        for (slot, source) in [
            (capability::CNODE, cnode.address()),
            (capability::VSPACE, vspace.address()),
            (capability::THREAD, thread.address()),
            (capability::SCHED_CONTEXT, context.address()),
        ] {
            cnode.copy(slot, source, Rights::ALL)?;
        }
        self.grant(cnode)?;
        if self.program.memory != 0 {
            self.give_memory(cnode, capability::UNTYPED, self.program.memory)?;
        }

        let fault = self.fault()?;
        process.fault = fault;
        thread.configure(cnode, vspace, fault)?;
        thread.start_at(self.layout.image.entry, STACK_END, 0)?;
        context.bind(thread)?;
        Ok(())
    }

    fn map_image(&mut self, vspace: Cap<VSpace>) -> Result<(), Error> {
        let segments = core::mem::take(&mut self.layout.image.segments);
        for segment in &segments {
            let bytes = self
                .program
                .image
                .get(segment.file.clone())
                .ok_or(Error::OutOfRange)?;
            self.map_new(
                vspace,
                segment.address,
                segment.pages,
                segment.offset,
                bytes,
                segment.protection,
            )?;
        }
        self.layout.image.segments = segments;
        Ok(())
    }

    /// Makes a frame with `bytes` at `offset`, else zero, and maps it in the process.
    fn map_new(
        &mut self,
        vspace: Cap<VSpace>,
        address: u64,
        pages: u32,
        offset: usize,
        bytes: &[u8],
        protection: Protection,
    ) -> Result<(), Error> {
        let frame: Cap<Frame> = self.make(pages.into())?;
        if !bytes.is_empty() {
            // Only the pages that are written; the others are zero as they come.
            let touched = (offset + bytes.len()).div_ceil(PAGE_SIZE as usize) as u32;
            let mut mapping = self
                .resources
                .map(frame, 0, touched, Protection::READ_WRITE)?;
            let written = mapping.write(offset, bytes);
            self.resources.unmap(mapping)?;
            written?;
        }
        map_with_tables(
            &mut self.pool,
            &mut self.slots,
            vspace,
            frame,
            address,
            0,
            pages,
            protection,
        )
    }

    fn context(&mut self) -> Result<Cap<SchedContext>, Error> {
        match self.program.time {
            Time::Given(context) => Ok(context),
            Time::New(budget) => self.new_context(budget),
        }
    }

    fn new_context(&mut self, new: Budget) -> Result<Cap<SchedContext>, Error> {
        let context = self.make(0)?;
        new.control
            .configure(context, new.priority, new.cpu, new.budget, new.period)?;
        Ok(context)
    }

    fn grant(&mut self, cnode: Cap<CNode>) -> Result<(), SpawnError> {
        for (index, grant) in self.program.grants.iter().enumerate() {
            let done = match grant.what {
                What::Copy {
                    source,
                    rights,
                    badge: None,
                } => cnode.copy(grant.slot, source, rights),
                What::Copy {
                    source,
                    rights,
                    badge: Some(badge),
                } => cnode.mint(grant.slot, source, rights, badge),
                What::Memory { bytes } => self.give_memory(cnode, grant.slot, bytes),
                What::Context(budget) => {
                    let context = self.new_context(budget);
                    context.and_then(|context| self.hand_over(cnode, grant.slot, context))
                }
                What::Irq { control, line } => control.get(line, cnode.address(), grant.slot),
                What::VCpus { count } => self.give_vcpus(cnode, grant.slot, count),
            };
            done.map_err(|error| SpawnError::Grant(index, error))?;
        }
        Ok(())
    }

    /// Moves a new object's capability into the process.
    fn hand_over<T>(&mut self, cnode: Cap<CNode>, slot: u32, object: Cap<T>) -> Result<(), Error> {
        cnode.take(slot, object.address())?;
        self.slots.give(object.slot())
    }

    fn give_memory(&mut self, cnode: Cap<CNode>, slot: u32, bytes: u64) -> Result<(), Error> {
        let memory: Cap<Untyped> = self.make(bytes)?;
        self.hand_over(cnode, slot, memory)
    }

    fn give_vcpus(&mut self, cnode: Cap<CNode>, first: u32, count: u32) -> Result<(), Error> {
        (first..first + count).try_for_each(|slot| {
            let vcpu: Cap<VCpu> = self.make(0)?;
            self.hand_over(cnode, slot, vcpu)
        })
    }

    fn fault(&mut self) -> Result<Option<Cap<Endpoint>>, Error> {
        let Some(fault) = self.program.fault else {
            return Ok(None);
        };
        let rights = Rights::SEND.union(Rights::GRANT).union(Rights::GRANT_REPLY);
        self.slots
            .mint(fault.endpoint, rights, fault.badge)
            .map(Some)
    }
}
