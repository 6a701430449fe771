//! Boot: from a memory map and a package to init, ready to run, holding everything.
//!
//! The kernel's own memory is taken once, behind its image; all the rest becomes untyped, out of which init's objects are made like
//! any others. After this the kernel takes no memory any more.

use sundog_abi::boot::{self, package, page, slot};
use sundog_abi::memory::PAGE_SIZE;
use sundog_abi::{Error, ObjectType, Protection, Rights};
use sundog_machine::{Ref, SharedPage, Token, UNIT, hardware};

use crate::cnode::CNode;
use crate::context::SchedContext;
use crate::kernel::{Kernel, Stop};
use crate::range::Map;
use crate::slot::Slot;
use crate::thread::Thread;
use crate::untyped::Retype;
use crate::vspace::VSpace;

/// What the machine is like.
#[derive(Clone, Copy, Debug)]
pub struct BootInfo<'a> {
    /// Usable memory: start and end of each range, physical, in rising order.
    pub memory: &'a [(u64, u64)],
    /// Memory from here on, in one of the ranges, is the kernel's to take first.
    pub free: u64,
    /// Start and length of the package.
    pub package: (u64, u64),
    /// The command line.
    pub command_line: &'a [u8],
    /// CPUs that run.
    pub cpus: u32,
    /// TSC ticks in a microsecond.
    pub ticks_per_microsecond: u64,
    /// TSC at the entry of the kernel.
    pub entry_ticks: u64,
}

/// Init's priority, budget and period (in microseconds: as long as it likes).
const PRIORITY: u64 = 62;
const PERIOD_MICROSECONDS: u64 = 10_000;
/// Pages for the tables of init's address space.
const TABLE_PAGES: u64 = 128;
/// Most units of one untyped capability.
const MOST_UNITS: u64 = 1 << 30;

/// Why there is no system.
pub type BootError = &'static str;

/// Memory that the kernel takes: from `start`, everything before `next` is in use.
struct Taken {
    start: u64,
    next: u64,
}

impl Taken {
    fn take(&mut self, bytes: u64) -> u32 {
        let unit = self.next / UNIT;
        self.next += bytes.next_multiple_of(PAGE_SIZE);
        unit as u32
    }
}

impl Kernel {
    /// Makes the system and init.
    ///
    /// # Errors
    /// A line that says what is wrong with the machine or the package.
    pub fn boot(mut token: Token, info: &BootInfo<'_>) -> Result<Kernel, BootError> {
        let mut taken = Taken {
            start: info.free,
            next: info.free,
        };
        let system = taken.take(u64::from(Kernel::system_units(info.cpus)) * UNIT);
        let cnode = taken.take(u64::from(CNode::units(boot::CNODE_SLOTS)) * UNIT);
        let page = taken.take(PAGE_SIZE);
        if !info
            .memory
            .iter()
            .any(|(start, end)| *start <= taken.start && taken.next <= *end)
        {
            return Err("too little memory for the kernel");
        }
        token.zero(system, (taken.next / UNIT) as u32 - system);
        let mut kernel = Kernel::create(token, system, info.cpus);
        let cnode = kernel.boot_cnode(cnode, boot::CNODE_SLOTS);
        let page = kernel.token.create::<SharedPage>(page);
        let untyped = kernel.boot_memory(cnode, page, &taken, info);
        kernel.boot_controls(cnode);
        kernel.boot_page(page, untyped, info);
        let largest = kernel
            .largest(cnode, untyped)
            .ok_or("no memory is left for init")?;
        kernel.boot_init(cnode, page, largest, info)?;
        Ok(kernel)
    }

    /// The slot of init's CNode of that number.
    fn init_slot(cnode: Ref<CNode>, number: u32) -> Ref<Slot> {
        cnode.part(1 + number)
    }

    /// Makes untyped capabilities of all memory that is in use by nobody; gives how many.
    fn boot_memory(
        &self,
        cnode: Ref<CNode>,
        page: Ref<SharedPage>,
        taken: &Taken,
        info: &BootInfo<'_>,
    ) -> u32 {
        let (package, length) = info.package;
        let used = [
            (taken.start, taken.next),
            (package, (package + length).next_multiple_of(PAGE_SIZE)),
        ];
        let mut count = 0;
        for (start, end) in info.memory {
            // Below `free` lie the kernel's image and what the firmware left.
            let mut at = (*start).max(info.free).next_multiple_of(PAGE_SIZE);
            let end = end / PAGE_SIZE * PAGE_SIZE;
            while at < end && count < boot::MAX_UNTYPED as u32 {
                if let Some((_, after)) = used.iter().find(|(from, to)| *from <= at && at < *to) {
                    at = *after;
                    continue;
                }
                let stop = used
                    .iter()
                    .map(|(from, _)| *from)
                    .filter(|from| *from > at)
                    .fold(end, u64::min);
                let units = ((stop - at) / UNIT).min(MOST_UNITS);
                let slot = Self::init_slot(cnode, slot::FIRST_UNTYPED + count);
                self.boot_untyped(slot, (at / UNIT) as u32, units as u32, false);
                let index = page::UNTYPED + 2 * count as usize;
                self.get(page).write(index, units * UNIT);
                count += 1;
                at += units * UNIT;
            }
        }
        count
    }

    fn largest(&self, cnode: Ref<CNode>, untyped: u32) -> Option<Ref<Slot>> {
        (0..untyped)
            .map(|index| Self::init_slot(cnode, slot::FIRST_UNTYPED + index))
            .max_by_key(|slot| self.get(*slot).size.get())
    }

    /// Makes the capabilities that exist once.
    fn boot_controls(&self, cnode: Ref<CNode>) {
        for (number, kind) in [
            (slot::IRQ_CONTROL, ObjectType::IrqControl),
            (slot::IO_PORT_CONTROL, ObjectType::IoPortControl),
            (slot::SCHED_CONTROL, ObjectType::SchedControl),
        ] {
            let slot = Self::init_slot(cnode, number);
            self.fill(slot, kind, 0, 0, Rights::USE);
            self.tree_insert(self.root(), slot);
        }
    }

    fn boot_page(&self, page: Ref<SharedPage>, untyped: u32, info: &BootInfo<'_>) {
        let words = self.get(page);
        words.write(page::ABI_VERSION, sundog_abi::ABI_VERSION);
        words.write(page::CPUS, info.cpus.into());
        words.write(page::TICKS_PER_MICROSECOND, info.ticks_per_microsecond);
        words.write(page::PACKAGE_BYTES, info.package.1);
        words.write(page::UNTYPED_COUNT, untyped.into());
        words.write(page::ENTRY_TICKS, info.entry_ticks);
        let room = (512 - page::COMMAND_LINE) * 8;
        let line = &info.command_line[..info.command_line.len().min(room)];
        words.write(page::COMMAND_LINE_BYTES, line.len() as u64);
        for (index, chunk) in line.chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            words.write(page::COMMAND_LINE + index, u64::from_le_bytes(bytes));
        }
    }

    /// Makes init's objects out of an untyped, maps its segments and lets it run.
    fn boot_init(
        &mut self,
        cnode: Ref<CNode>,
        page: Ref<SharedPage>,
        memory: Ref<Slot>,
        info: &BootInfo<'_>,
    ) -> Result<(), BootError> {
        let (package, length) = info.package;
        let word = |kernel: &Kernel, index: usize| {
            hardware::boot_word(&kernel.token, package + 8 * index as u64)
        };
        if length < PAGE_SIZE
            || !package.is_multiple_of(PAGE_SIZE)
            || word(self, package::MAGIC_WORD) != package::MAGIC
        {
            return Err("the module is no boot package; build the image with the command sundog");
        }
        if word(self, package::ABI_VERSION) != sundog_abi::ABI_VERSION {
            return Err(
                "the boot package was made for another version of the kernel's interface; build both again",
            );
        }
        self.boot_make(cnode, memory, slot::VSPACE, ObjectType::VSpace, 0)?;
        self.boot_make(cnode, memory, slot::THREAD, ObjectType::Thread, 0)?;
        self.boot_make(
            cnode,
            memory,
            slot::SCHED_CONTEXT,
            ObjectType::SchedContext,
            0,
        )?;
        self.boot_make(
            cnode,
            memory,
            slot::PAGE_TABLES,
            ObjectType::PageTables,
            TABLE_PAGES,
        )?;
        let vspace = self.boot_object::<VSpace>(cnode, slot::VSPACE)?;
        let tables = self.boot_object(cnode, slot::PAGE_TABLES)?;
        let thread = self.boot_object::<Thread>(cnode, slot::THREAD)?;
        let context = self.boot_object::<SchedContext>(cnode, slot::SCHED_CONTEXT)?;
        self.vspace_bind_tables(vspace, tables)
            .map_err(|_| "init's page tables are refused")?;

        let frame = |kernel: &Kernel, number, start: u64, pages: u64, rights| {
            let slot = Self::init_slot(cnode, number);
            kernel.fill(
                slot,
                ObjectType::Frame,
                (start / PAGE_SIZE) as u32,
                pages as u32,
                rights,
            );
            kernel.tree_insert(kernel.root(), slot);
            slot
        };
        let pages = length.div_ceil(PAGE_SIZE);
        let whole = frame(
            self,
            slot::PACKAGE,
            package,
            pages,
            Rights::READ.union(Rights::EXECUTE),
        );
        self.boot_map(
            vspace,
            whole,
            boot::PACKAGE_ADDRESS,
            0,
            pages,
            Protection::READ,
        )?;
        let boot_page = frame(self, slot::BOOT_PAGE, page.address(), 1, Rights::READ);
        self.boot_map(
            vspace,
            boot_page,
            boot::PAGE_ADDRESS,
            0,
            1,
            Protection::READ,
        )?;
        let message = Self::init_slot(cnode, slot::MESSAGE);
        let own = Self::init_slot(cnode, slot::THREAD);
        self.frame_child(
            own,
            message,
            self.thread_message(thread).unit(),
            1,
            Rights::READ.union(Rights::WRITE),
        )
        .map_err(|_| "init's message page is refused")?;
        self.boot_map(
            vspace,
            message,
            boot::MESSAGE_ADDRESS,
            0,
            1,
            Protection::READ_WRITE,
        )?;

        let segments = word(self, package::SEGMENTS);
        if segments > package::MAX_SEGMENTS as u64 {
            return Err("the boot package's init has too many segments");
        }
        let mut data = 0;
        for segment in 0..segments as usize {
            let at = package::SEGMENT_TABLE + segment * package::SEGMENT_WORDS;
            let [address, offset, bytes, pages, protection] =
                core::array::from_fn(|index| word(self, at + index));
            let protection = Protection::from_word(protection)
                .ok_or("a segment of init has an unknown protection")?;
            if !offset.is_multiple_of(PAGE_SIZE)
                || offset.checked_add(bytes).is_none_or(|end| end > length)
            {
                return Err("a segment of init lies outside of the boot package");
            }
            if !protection.contains(Protection::WRITE) {
                self.boot_map(
                    vspace,
                    whole,
                    address,
                    (offset / PAGE_SIZE) as u32,
                    pages,
                    protection,
                )?;
                continue;
            }
            if data == slot::DATA || bytes > pages.saturating_mul(PAGE_SIZE) {
                return Err(
                    "init has too many writable segments, or one that is shorter than its contents",
                );
            }
            let number = slot::FIRST_DATA + data;
            data += 1;
            self.boot_make(cnode, memory, number, ObjectType::Frame, pages)?;
            let made = Self::init_slot(cnode, number);
            hardware::boot_copy(
                &self.token,
                package + offset,
                self.frame_address(made),
                bytes,
            );
            self.boot_map(vspace, made, address, 0, pages, protection)?;
        }

        let space = Self::init_slot(cnode, slot::VSPACE);
        let capabilities = Self::init_slot(cnode, slot::CNODE);
        self.cnode_copy(space, self.thread_vspace(thread), Rights::ALL, None)
            .map_err(|_| "init's address space is refused")?;
        self.cnode_copy(capabilities, self.thread_cspace(thread), Rights::ALL, None)
            .map_err(|_| "init's CNode is refused")?;
        let registers = &self.get(thread).registers;
        registers.rip.set(word(self, package::ENTRY));
        registers.how.set(sundog_machine::BY_IRET);
        let period = PERIOD_MICROSECONDS * info.ticks_per_microsecond;
        self.context_configure(context, PRIORITY, 0, period, period)
            .map_err(|_| "the clock is too slow")?;
        self.context_bind(context, thread)
            .map_err(|_| "init's scheduling context is refused")?;
        self.thread_resume(thread).map_err(|_| "init cannot run")
    }

    fn boot_object<T: sundog_machine::Object>(
        &self,
        cnode: Ref<CNode>,
        number: u32,
    ) -> Result<Ref<T>, BootError> {
        self.get(Self::init_slot(cnode, number))
            .object
            .get()
            .ok_or("an object of init is missing")
    }

    /// Makes one object; zeroing is not interrupted, nothing else runs yet.
    fn boot_make(
        &mut self,
        cnode: Ref<CNode>,
        memory: Ref<Slot>,
        number: u32,
        kind: ObjectType,
        size: u64,
    ) -> Result<(), BootError> {
        let what = Retype {
            kind,
            size,
            target: cnode,
            first: number,
            count: 1,
        };
        loop {
            match self.untyped_retype(memory, what) {
                Ok(_) => return Ok(()),
                Err(Stop::Preempted) => {}
                Err(Stop::Error(_)) => return Err("too little memory for init"),
            }
        }
    }

    /// Maps pages of a frame of init's.
    fn boot_map(
        &mut self,
        vspace: Ref<VSpace>,
        frame: Ref<Slot>,
        address: u64,
        first: u32,
        pages: u64,
        protection: Protection,
    ) -> Result<(), BootError> {
        let mut done = 0;
        while done < pages {
            let what = Map {
                frame,
                address: address + done * PAGE_SIZE,
                first: first + done as u32,
                count: (pages - done) as u32,
                protection,
            };
            done += u64::from(self.vspace_map(vspace, what).map_err(|error| match error {
                Error::NeedTables => "the boot package is too long for init's page tables",
                Error::AlreadyMapped => "segments of init overlap",
                _ => "a segment of init cannot be mapped",
            })?);
        }
        Ok(())
    }
}
