//! What the parent gave, made into what a sandbox needs: memory, objects, the line to the terminal, the files.

use crate::calendar::Calendar;
use crate::channel::{self, Area, Channel};
use crate::console::{Console, Host};
use crate::gated::port::NativePort;
use crate::gated::within::Within;
use crate::gated::{self, Keeper};
use crate::host_streams::HostStreams;
use crate::inner::Parts;
use crate::line::{Line, Wake};
use crate::machine::clock::Clock;
use crate::machine::{Parameters, SundogMachine};
use crate::native::Native;
use crate::natives::Natives;
use crate::options::Options;
use crate::outside::Outside;
use crate::pool::{self, Made};
use crate::random::Random;
use crate::requests::Requests;
use crate::root;
use crate::tasks;
use crate::terminal::Terminal;
use crate::view::View;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Debug;
use sundog_linux_core::kernel::{Kernel, Settings};
use sundog_linux_vfs::{Closed, Gatekeeper};
use sundog_rt::cap::object::{Endpoint, Frame, Notification, Untyped};
use sundog_rt::cap::{Cap, Protection};
use sundog_rt::ring::{Consumer, Mapped, Producer};
use sundog_rt::{Environment, Package, Resources, sys};
use sundog_service::ring;

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
    /// Its standard streams.
    pub console: Console,
    /// What its first process is to see, if it is a sandbox within another.
    pub view: Option<View>,
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
    environment
        .thread()
        .bind_notification(Some(events))
        .map_err(refused("its notification"))?;
    let process: Option<Cap<Endpoint>> = environment.capability("process");
    let console = match process {
        None => Some(console(&mut environment, options)?),
        Some(_) => None,
    };
    let area: Option<Cap<Frame>> = environment.capability("area");
    let trees: Vec<Cap<Endpoint>> = (1..)
        .map_while(|number| environment.capability(&format!("tree-{number}")))
        .collect();
    let ticks_per_microsecond = environment.start.ticks_per_microsecond;
    let clock = Clock::new(sys::ticks(), ticks_per_microsecond);
    let calendar = Calendar::new(options.time, clock);
    let gates = gates(&mut environment, options)?;
    let time = (1..)
        .map_while(|number| environment.capability(&format!("time-{number}")))
        .collect();
    let children: Option<Cap<Untyped>> = environment.capability("children");
    let held = options.gated().filter_map(gated::node);
    let within = Within::new(
        environment.capability("consent"),
        held.map(|node| node.name).collect(),
        ticks_per_microsecond,
    );
    let Environment {
        mut resources,
        message,
        start,
    } = environment;

    let pool = bytes(&resources, untyped)?;
    let heap = start.heap.end - start.heap.start + pool::heap_growth(pool);
    let package = boot_archive(&mut resources, archive)?;
    let image = member(package, "linux")?;
    let Made {
        frames,
        memory,
        growth,
    } = pool::build(&mut resources, untyped)?;
    let mut random = Random::new(&seed());
    let mut children_bytes = 0;
    if let Some(children) = children {
        children_bytes = bytes(&resources, children)?;
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
        Parts {
            image,
            archive,
            calendar,
            children: children_bytes,
            spare: Vec::new(),
        },
        within,
    )));
    let resources = Rc::new(RefCell::new(resources));
    let requests = Requests::new(endpoint, message, start, resources.clone(), natives.clone())
        .map_err(refused("the replies to native programs"))?;
    let mut settings = Settings {
        room: root::room_for_records,
        ..Settings::default()
    };
    tasks::limit(&mut settings, options.processes, heap, pool)?;
    if let Some(name) = &options.host_name {
        settings.host_name.clone_from(name);
    }
    let (vfs, console, view) = match (console, &options.within) {
        (Some(console), _) => {
            let bytes = member(package, &options.root)?;
            let mut vfs = root::build(bytes, &memory, calendar, random.divide(), gates)?;
            root::add_devices(&mut vfs, &options.devices)?;
            (vfs, console, None)
        }
        (None, Some(wish)) => {
            let (Some(process), Some(area)) = (process, area) else {
                return Err(String::from("no shared pages were given"));
            };
            let mut channel = |endpoint| channel(&mut resources.borrow_mut(), endpoint, area);
            let channels = [process; 3].into_iter().map(&mut channel);
            let channels = channels.collect::<Result<Vec<_>, _>>()?;
            let own = channel(process)?;
            let trees = trees.into_iter().map(&mut channel);
            let trees = trees.collect::<Result<VecDeque<_>, _>>()?;
            let mut view = View::new(
                wish,
                &options.gifts,
                &options.places,
                trees,
                &memory,
                calendar,
            );
            let vfs = root::build_within(view.root(), &memory, calendar, random.divide(), gates)?;
            let console = Console::Outside(Outside::new(channels, own));
            (vfs, console, Some(view))
        }
        (None, None) => return Err(String::from("no options of a sandbox were given")),
    };
    let machine = SundogMachine::new(
        Native::new(resources, frames, growth, natives),
        Parameters {
            memory: untyped.slot(),
            clock,
            calendar: options.time.saturating_mul(1_000_000_000),
            random,
        },
    );
    let kernel = Kernel::new(Box::new(machine), memory, vfs, settings);
    Ok(Sandbox {
        kernel,
        console,
        view,
        requests,
    })
}

/// The length of untyped memory.
fn bytes(resources: &Resources, untyped: Cap<Untyped>) -> Result<u64, String> {
    let described = resources.slots.cnode().inspect(untyped.slot());
    let described = described.map_err(refused("the memory"))?;
    Ok(u64::from(described.size) * 4096)
}

fn refused<E: Debug>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error:?}")
}

/// A seed: what the processor offers, and the counter, which alone would be easy to guess.
fn seed() -> [u64; 4] {
    core::array::from_fn(|_| sys::hardware_random().unwrap_or(0) ^ sys::ticks().rotate_left(32))
}

/// The terminal at the end of the two rings, with the console program or a bare line behind it.
fn console(environment: &mut Environment, options: &Options) -> Result<Console, String> {
    let console: Option<Cap<Endpoint>> = environment.capability("console");
    let wake: Cap<Notification> = environment.require(match console {
        Some(_) => "wake-console",
        None => "wake",
    });
    let input = ring(environment, "input").map_err(refused("the ring of input"))?;
    let output = ring(environment, "output").map_err(refused("the ring of output"))?;
    let line = Line::new(Consumer::new(input), Producer::new(output), wake, wake);
    let terminal = Terminal::new(line);
    Ok(match console {
        Some(console) => Console::Host(Box::new(Host {
            streams: HostStreams::new(terminal),
            console,
            lines: Rc::default(),
            closed: options.closed.clone(),
        })),
        None => Console::Terminal(terminal),
    })
}

/// Who answers opens of devices that ask.
fn gates(environment: &mut Environment, options: &Options) -> Result<Box<dyn Gatekeeper>, String> {
    if options.gated().next().is_none() {
        return Ok(Box::new(Closed));
    }
    let port = NativePort::new(environment).map_err(refused("who asks for devices"))?;
    Ok(Box::new(Keeper::new(port)))
}

/// A way to the personality outside.
fn channel(
    resources: &mut Resources,
    endpoint: Cap<Endpoint>,
    area: Cap<Frame>,
) -> Result<Channel, String> {
    let mapping = resources
        .map(area, 0, channel::PAGES, Protection::READ_WRITE)
        .map_err(refused("the shared pages"))?;
    Ok(Channel {
        endpoint,
        area: Area(mapping),
    })
}

/// The boot package's archive.
fn boot_archive(resources: &mut Resources, frame: Cap<Frame>) -> Result<&'static [u8], String> {
    let pages = resources
        .slots
        .cnode()
        .inspect(frame.slot())
        .map(|description| description.size);
    let bytes = pages
        .and_then(|pages| resources.map_constant(frame, pages))
        .map_err(refused("the boot package"))?;
    let package = Package::decode(bytes).map_err(|error| String::from(error.text()))?;
    Ok(package.archive)
}

/// A file of it.
fn member(archive: &'static [u8], name: &str) -> Result<&'static [u8], String> {
    match sundog_init_core::find(archive, name) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(format!("the boot package has no file {name}")),
        Err(_) => Err(String::from("the boot package's archive is damaged")),
    }
}
