//! A sandbox within this one: a second personality, made of a part of this one's memory, time and files.

use crate::calendar::Calendar;
use crate::channel::{self, Area};
use crate::gated::gift::Gift;
use crate::gated::within::{Devices, Registered};
use crate::natives::{CALL, has_room_for, texts};
use crate::places::{Place, What as There};
use crate::say::words;
use crate::shares;
use crate::wish::Wish;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::load::Texts;
use sundog_linux_vfs::{Bound, Errno, Export, Numbers, Vfs};
use sundog_options::{BindMode, Operation, Plan};
use sundog_protocols::file::wire::{Message, Reply};
use sundog_protocols::file::{FileError, Session};
use sundog_rt::Resources;
use sundog_rt::cap::object::{Endpoint, Frame, Notification, SchedContext};
use sundog_rt::cap::{Cap, Error, Protection};
use sundog_rt::start::capability::FIRST_GIVEN;
use sundog_rt::sys::abi::{Address, Rights};
use sundog_spawn::{Fault, Grant, Process, Program, SpawnError, Time, What, spawn};
use sundog_tmpfs_core::Clock;

/// Pages of the personality's own heap, and bytes that it makes objects of.
const HEAP_PAGES: u32 = 512;
const OWN: u64 = 512 << 10;
/// Its slots.
const SLOTS: u32 = 2048;
/// Handles that it may hold on each bound tree.
const HANDLES: usize = 4096;
/// The badge of its own notification with which its askers wake it.
const NEWS: u64 = 4;
/// Where the number of a tree lies in a badge; below is the process id.
pub const TREE_SHIFT: u32 = 32;

/// What every sandbox within gets of.
pub struct Parts {
    /// The image of the personality.
    pub image: &'static [u8],
    /// The boot package, read only.
    pub archive: Cap<Frame>,
    /// The calendar.
    pub calendar: Calendar,
    /// Bytes that there are for native programs and sandboxes, with what runs already.
    pub children: u64,
    /// Notifications and frames of sandboxes that have ended.
    pub spare: Vec<(Cap<Notification>, Cap<Frame>)>,
}

/// A tree of this sandbox that an inner one sees.
pub struct Tree {
    export: Export,
    numbers: Numbers,
    session: Session,
}

/// Input for an inner sandbox.
#[derive(Debug, Default)]
pub enum Input {
    /// Nobody wants any.
    #[default]
    Idle,
    /// It was asked for.
    Asked,
    /// It is here.
    Here(Result<Vec<u8>, Errno>),
}

/// The objects between this personality and a sandbox within.
pub struct Shared {
    /// The shared pages.
    pub area: Area,
    /// What wakes the sandbox.
    pub events: Cap<Notification>,
    frame: Cap<Frame>,
}

/// What a sandbox within shares with this personality.
pub struct Inner {
    /// Pages and notification.
    pub shared: Shared,
    /// Its standard input.
    pub input: Input,
    /// Keys of its terminal.
    pub keys: Input,
    trees: Vec<Tree>,
}

/// What a sandbox is started with.
pub struct Start<'a> {
    pub parts: &'a Parts,
    pub shared: (Cap<Notification>, Cap<Frame>),
    pub requests: Cap<Endpoint>,
    pub pid: i32,
    pub wish: &'a Wish,
    pub texts: &'a Texts,
    pub time: Cap<SchedContext>,
    pub lent: &'a [Cap<SchedContext>],
    pub ticks_per_microsecond: u64,
    /// Its devices.
    pub devices: &'a Devices,
    /// The time of its questions, and its place with the consent service, if one of its devices asks.
    pub asking: Option<(Cap<SchedContext>, &'a Registered)>,
}

impl Parts {
    /// A notification and a frame for a sandbox: those of one that has ended, or fresh ones.
    ///
    /// # Errors
    /// ENOMEM and a sentence.
    pub fn shared(
        &mut self,
        resources: &mut Resources,
    ) -> Result<(Cap<Notification>, Cap<Frame>), (Errno, String)> {
        if let Some(spare) = self.spare.pop() {
            return Ok(spare);
        }
        let frame = resources.frame(channel::PAGES).map_err(refused)?;
        let Resources { pool, slots, .. } = &mut *resources;
        Ok((pool.make(slots, 0).map_err(refused)?, frame))
    }
}

fn refused(error: Error) -> (Errno, String) {
    (Errno::ENOMEM, format!("no memory for it: {error:?}"))
}

impl Tree {
    /// Gives it up.
    pub fn end(mut self, vfs: &mut Vfs) {
        if let Ok(mut exported) = vfs.exported(&self.export, &mut self.numbers) {
            self.session.end(&mut exported);
        }
        vfs.end_export(&self.export);
    }
}

impl Inner {
    /// Gives back what it shared, but for the trees, which the files take back.
    pub fn end(
        self,
        resources: &mut Resources,
        spare: &mut Vec<(Cap<Notification>, Cap<Frame>)>,
    ) -> Vec<Tree> {
        let Shared {
            mut area,
            events,
            frame,
        } = self.shared;
        // The next sandbox sees nothing of this one.
        let blanked = area.0.write(0, &alloc::vec![0; area.0.bytes()]);
        let unmapped = resources.unmap(area.0);
        let polled = events.poll();
        if blanked.is_ok() && unmapped.is_ok() && polled.is_ok() {
            spare.push((events, frame));
        }
        self.trees
    }

    /// Serves a request of the inner sandbox for one of its trees, counted from 1.
    pub fn serve(&mut self, vfs: &mut Vfs, tree: usize, words: &[u64]) -> Message {
        let tree = tree
            .checked_sub(1)
            .and_then(|tree| self.trees.get_mut(tree));
        let Some(Tree {
            export,
            numbers,
            session,
        }) = tree
        else {
            return Reply::Error(FileError::EACCES).encode();
        };
        match vfs.exported(export, numbers) {
            Ok(mut exported) => session.serve(&mut exported, words, &mut self.shared.area),
            Err(_) => Reply::Error(FileError::EIO).encode(),
        }
    }
}

fn exports(
    kernel: &mut Kernel,
    start: &Start<'_>,
    trees: &mut Vec<Tree>,
    places: &mut Vec<Place>,
) -> Result<(), (Errno, String)> {
    let task = kernel.world.tids.get(&start.pid).copied();
    let task = task.ok_or((Errno::ESRCH, String::new()))?;
    for (number, operation) in start.wish.plan.operations.iter().enumerate() {
        let Operation::Bind { source, mode, .. } = operation else {
            continue;
        };
        if start.devices.is_node(number) {
            continue;
        }
        let read_only = *mode == BindMode::ReadOnly;
        let devices = *mode == BindMode::Device;
        let exported = kernel
            .with_files(task, |vfs, context| {
                vfs.export(context, source, read_only, devices)
            })
            .and_then(|exported| exported);
        let parts = exported.map_err(|error| {
            let source = String::from_utf8_lossy(source);
            let why = words(error);
            (error, format!("Can't find source path {source}: {why}"))
        })?;
        for part in parts {
            let what = match part.what {
                Bound::Tree(export) => {
                    trees.push(Tree {
                        export,
                        numbers: kernel.vfs.numbers(),
                        session: Session::new(b"", HANDLES),
                    });
                    match export.is_read_only() {
                        true => There::ReadOnly,
                        false => There::Tree,
                    }
                }
                Bound::Proc => There::Proc,
                Bound::Devices => There::Devices,
            };
            places.push(Place {
                operation: number,
                what,
                path: part.path,
            });
        }
    }
    Ok(())
}

/// Makes the process and what is shared with it.
///
/// # Errors
/// An error number and a sentence; nothing stays then.
pub fn spawn_sandbox(
    resources: &mut Resources,
    kernel: &mut Kernel,
    start: &Start<'_>,
) -> Result<(Process, Inner), (Errno, String)> {
    let (mut trees, mut places) = (Vec::new(), Vec::new());
    let made = exports(kernel, start, &mut trees, &mut places)
        .and_then(|()| build(resources, start, trees.len(), &places));
    match made {
        Ok((process, shared)) => Ok((
            process,
            Inner {
                shared,
                input: Input::Idle,
                keys: Input::Idle,
                trees,
            },
        )),
        Err(error) => {
            for tree in trees {
                tree.end(&mut kernel.vfs);
            }
            Err(error)
        }
    }
}

/// Starts the program with what its options give it, or with as much as there is if they do not say.
fn start_within(
    resources: &mut Resources,
    program: &mut Program<'_>,
    plan: &Plan,
    children: u64,
) -> Result<Process, (Errno, String)> {
    let own = program
        .bytes()
        .map_err(|error| (crate::natives::errno(error), format!("{error:?}")))?;
    let (given, within) = (plan.memory, plan.memory_within);
    let mut memory = given.unwrap_or_else(|| shares::usual(own, within, children));
    loop {
        let shares = shares::divide(own, memory, within).map_err(|text| (Errno::ENOMEM, text))?;
        for grant in &mut program.grants {
            match grant.name {
                "pool" => grant.what = What::Memory { bytes: shares.pool },
                "children" => {
                    grant.what = What::Memory {
                        bytes: shares.within,
                    }
                }
                _ => {}
            }
        }
        let error = match spawn(resources, program) {
            Ok(process) => return Ok(process),
            Err(error) => error,
        };
        let text = match error {
            SpawnError::Kernel(Error::NotEnoughMemory) => match shares::less(own, memory, within) {
                Some(less) if given.is_none() => {
                    memory = less;
                    continue;
                }
                _ => shares::not_left(memory, given.is_some()),
            },
            error => format!("it does not start: {error:?}"),
        };
        return Err((crate::natives::errno(error), text));
    }
}

fn build(
    resources: &mut Resources,
    start: &Start<'_>,
    trees: usize,
    places: &[Place],
) -> Result<(Process, Shared), (Errno, String)> {
    let (events, frame) = start.shared;
    let mapping = resources
        .map(frame, 0, channel::PAGES, Protection::READ_WRITE)
        .map_err(refused)?;
    let names: Vec<String> = (1..=trees).map(|tree| format!("tree-{tree}")).collect();
    let times: Vec<String> = (1..=start.lent.len())
        .map(|time| format!("time-{time}"))
        .collect();
    let copy = |source: Address, rights: Rights| What::Copy {
        source,
        rights,
        badge: None,
    };
    let badged = |tree: usize| What::Copy {
        source: start.requests.address(),
        rights: CALL,
        badge: Some(start.pid as u64 | (tree as u64) << TREE_SHIFT),
    };
    let mut given = alloc::vec![
        ("process", badged(0)),
        ("area", copy(frame.address(), Rights::ALL)),
        ("events", copy(events.address(), Rights::ALL)),
        ("archive", copy(start.parts.archive.address(), Rights::READ)),
        ("pool", What::Memory { bytes: 0 }),
        ("children", What::Memory { bytes: 0 }),
    ];
    given.extend(
        names
            .iter()
            .zip(1..)
            .map(|(name, tree)| (&**name, badged(tree))),
    );
    given.extend(
        times
            .iter()
            .zip(start.lent)
            .map(|(name, time)| (&**name, copy(time.address(), Rights::ALL))),
    );
    let seconds = format!("{}", start.parts.calendar.now().seconds);
    if let Some((time, Registered { endpoint, .. })) = &start.asking {
        given.extend([
            ("consent", copy(endpoint.address(), CALL)),
            ("ask-1", copy(time.address(), Rights::ALL)),
            (
                "news",
                What::Copy {
                    source: events.address(),
                    rights: Rights::SEND,
                    badge: Some(NEWS),
                },
            ),
        ]);
    }
    let gifts: Vec<String> = start.devices.gifts.iter().map(Gift::text).collect();
    let mut program = Program::new(start.parts.image, b"linux", Time::Given(start.time));
    program
        .arguments
        .extend([&b"--time"[..], seconds.as_bytes()]);
    for gift in &gifts {
        program.arguments.extend([&b"--gift"[..], gift.as_bytes()]);
    }
    let places: Vec<Vec<u8>> = places.iter().map(Place::text).collect();
    for place in &places {
        program.arguments.extend([&b"--place"[..], place]);
    }
    program.arguments.push(b"--within");
    let too_many = |error| (error, String::from("its arguments"));
    has_room_for(start.texts).map_err(too_many)?;
    let arguments = texts(&start.texts.arguments, usize::MAX).map_err(too_many)?;
    program.arguments.extend(arguments);
    program.variables = texts(&start.texts.environment, usize::MAX).map_err(too_many)?;
    program.ticks_per_microsecond = start.ticks_per_microsecond;
    program.slots = SLOTS;
    program.heap_pages = HEAP_PAGES;
    program.memory = OWN;
    program.fault = Some(Fault {
        endpoint: start.requests,
        badge: start.pid as u64,
    });
    program.grants = given
        .into_iter()
        .zip(FIRST_GIVEN..)
        .map(|((name, what), slot)| Grant { name, slot, what })
        .collect();
    let plan = &start.wish.plan;
    let spawned = start_within(resources, &mut program, plan, start.parts.children);
    let process = match spawned {
        Ok(process) => process,
        Err(error) => {
            let _ = resources.unmap(mapping);
            return Err(error);
        }
    };
    process.resume().map_err(refused)?;
    let area = Area(mapping);
    Ok((
        process,
        Shared {
            area,
            events,
            frame,
        },
    ))
}
