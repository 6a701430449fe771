//! What the parent gave, made into what a sandbox needs: memory, objects, the line to the terminal, the files.

use crate::line::{Line, Wake};
use crate::machine::{Parameters, SundogMachine};
use crate::native::Native;
use crate::natives::Natives;
use crate::options::Options;
use crate::random::Random;
use crate::requests::Requests;
use crate::root;
use crate::terminal::Terminal;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::RefCell;
use core::fmt::Debug;
use sundog_linux_core::frames::Memory;
use sundog_linux_core::kernel::{Kernel, Settings};
use sundog_linux_memory::Pool;
use sundog_rt::cap::object::{Frame, Notification, PageTables, Untyped, VSpace};
use sundog_rt::cap::{Cap, Error, Protection, Slots};
use sundog_rt::ring::{Consumer, Mapped, Producer};
use sundog_rt::{Environment, Package, Resources, sys};
use sundog_service::ring;

/// Of the memory for guests and objects, one part in so many is for objects.
const OBJECTS_PART: u32 = 6;
/// Pages of a run of tables of the own address space, without its header.
const RUN_PAGES: u64 = 240;
/// Pages that a leaf table maps, and that it takes with its records.
const LEAF: (u64, u64) = (512, 3);

impl Wake for Cap<Notification> {
    fn wake(&self) {
        // A program that is gone needs no wake.
        let _ = self.signal();
    }
}

/// The line to the terminal.
pub type NativeTerminal = Terminal<Mapped, Cap<Notification>>;

/// The sandbox before its first program.
pub struct Sandbox {
    /// The personality.
    pub kernel: Kernel,
    /// Its terminal.
    pub terminal: NativeTerminal,
    /// Native processes' requests, and what else wakes it.
    pub requests: Requests,
}

/// Makes the sandbox.
///
/// # Errors
/// A sentence that says what is missing.
pub fn build(mut environment: Environment, options: &Options) -> Result<Sandbox, String> {
    let untyped: Cap<Untyped> = environment.require("pool");
    let archive: Cap<Frame> = environment.require("archive");
    let events: Cap<Notification> = environment.require("events");
    let wake: Cap<Notification> = environment.require("wake");
    environment
        .thread()
        .bind_notification(Some(events))
        .map_err(refused("its notification"))?;
    let input = ring(&mut environment, "input").map_err(refused("the ring of input"))?;
    let output = ring(&mut environment, "output").map_err(refused("the ring of output"))?;
    let line = Line::new(Consumer::new(input), Producer::new(output), wake, wake);
    let terminal = Terminal::new(line);
    let ticks_per_microsecond = environment.start.ticks_per_microsecond;
    let time = (1..)
        .map_while(|number| environment.capability(&format!("time-{number}")))
        .collect();
    let children: Option<Cap<Untyped>> = environment.capability("children");
    let Environment {
        mut resources,
        message,
        ..
    } = environment;

    let bytes = root_archive(&mut resources, archive, &options.root)?;
    let (frame, pool) = pool(&mut resources, untyped)?;
    let memory = Memory::new(pool);
    let mut random = Random::new(&seed());
    if let Some(children) = children {
        resources.pool.add(children);
    }
    let endpoint = {
        let Resources { pool, slots, .. } = &mut resources;
        pool.make(slots, 0)
            .map_err(refused("the endpoint of native programs"))?
    };
    let natives = Rc::new(RefCell::new(Natives::new(
        endpoint,
        time,
        ticks_per_microsecond,
    )));
    let resources = Rc::new(RefCell::new(resources));
    let requests = Requests::new(endpoint, message, resources.clone(), natives.clone())
        .map_err(refused("the replies to native programs"))?;
    let vfs = root::build(bytes, &memory, options.time, random.divide())?;
    let machine = SundogMachine::new(
        Native::new(resources, frame, natives),
        Parameters {
            memory: untyped.slot(),
            ticks_per_microsecond,
            calendar: options.time.saturating_mul(1_000_000_000),
            random,
        },
    );
    let kernel = Kernel::new(Box::new(machine), memory, vfs, Settings::default());
    Ok(Sandbox {
        kernel,
        terminal,
        requests,
    })
}

fn refused<E: Debug>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error:?}")
}

/// A seed: what the processor offers, and the counter, which alone would be easy to guess.
fn seed() -> [u64; 4] {
    core::array::from_fn(|_| sys::hardware_random().unwrap_or(0) ^ sys::ticks().rotate_left(32))
}

/// The bytes of the root folder, an archive in the boot package's archive.
fn root_archive(
    resources: &mut Resources,
    frame: Cap<Frame>,
    name: &str,
) -> Result<&'static [u8], String> {
    let pages = resources
        .slots
        .cnode()
        .inspect(frame.slot())
        .map(|description| description.size);
    let bytes = pages
        .and_then(|pages| resources.map_constant(frame, pages))
        .map_err(refused("the boot package"))?;
    let package = Package::decode(bytes).map_err(|error| String::from(error.text()))?;
    match sundog_init_core::find(package.archive, name) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(format!("the boot package has no file {name}")),
        Err(_) => Err(String::from("the boot package's archive is damaged")),
    }
}

/// Makes the frame of the guests' memory and maps it here in one piece.
fn pool(resources: &mut Resources, untyped: Cap<Untyped>) -> Result<(Cap<Frame>, Pool), String> {
    let wrong = refused("the memory for programs");
    let size = resources
        .slots
        .cnode()
        .inspect(untyped.slot())
        .map_err(&wrong)?
        .size;
    let pages = size - size / OBJECTS_PART;
    let frame: Cap<Frame> = retype(resources, untyped, pages.into()).map_err(&wrong)?;
    let vspace: Cap<VSpace> = resources.vspace;
    let (covers, takes) = LEAF;
    // A leaf table more at each end, and the directories.
    let mut tables = (u64::from(pages) / covers + 2) * takes + 4;
    while tables > 0 {
        let run = tables.min(RUN_PAGES);
        let made: Cap<PageTables> = retype(resources, untyped, run).map_err(&wrong)?;
        vspace.bind_tables(made).map_err(&wrong)?;
        tables -= run;
    }
    let mapping = resources
        .map(frame, 0, pages, Protection::READ_WRITE)
        .map_err(&wrong)?;
    let pool = Pool::from_mapping(mapping).ok_or("the memory for programs cannot be written")?;
    Ok((frame, pool))
}

fn retype<T: sundog_rt::cap::Object>(
    resources: &mut Resources,
    untyped: Cap<Untyped>,
    size: u64,
) -> Result<Cap<T>, Error> {
    resources
        .slots
        .fill(|slot| Ok(untyped.retype::<T>(size, Slots::ROOT, slot, 1)?))
}
