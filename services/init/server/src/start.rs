//! From a program in the manifest to a process.

use crate::made::Made;
use alloc::vec::Vec;
use core::fmt;
use sundog_abi::boot::slot;
use sundog_abi::{Address, Rights};
use sundog_init_core::{BadArchive, find};
use sundog_manifest::{Capability, Kind, Object, Program as Listed, Time as ListedTime};
use sundog_rt::BootEnvironment;
use sundog_rt::cap::Error;
use sundog_spawn::{
    Budget, Directory, Fault, Grant, Process, Program, SpawnError, Time, What, spawn,
};

/// Bytes of a page.
const PAGE: u64 = sundog_abi::memory::PAGE_SIZE;

/// Why a program of the manifest does not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError<'a> {
    /// The archive is damaged.
    Archive,
    /// The archive has no such file.
    NoImage,
    /// The manifest gives it no time of its own, and a program begins to run on its own.
    NoTime,
    /// A capability could not be made.
    Capability(&'a str, Error),
    /// A capability names an object that init does not hand out.
    Refused(&'a str),
    /// The process could not be built.
    Spawn(SpawnError),
}

impl fmt::Display for StartError<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Archive => formatter.write_str("the archive is damaged"),
            StartError::NoImage => formatter.write_str("its image is not in the archive"),
            StartError::NoTime => formatter.write_str("the manifest gives it no time"),
            StartError::Capability(name, error) => {
                write!(formatter, "its capability {name} cannot be made: {error:?}")
            }
            StartError::Refused(name) => write!(
                formatter,
                "its capability {name} is to an object of a program that does not run, or to memory of another program"
            ),
            StartError::Spawn(SpawnError::Memory(bytes)) => write!(
                formatter,
                "its memory is too little, it needs {bytes} bytes"
            ),
            StartError::Spawn(error) => write!(formatter, "{error:?}"),
        }
    }
}

impl From<BadArchive> for StartError<'_> {
    fn from(_: BadArchive) -> Self {
        StartError::Archive
    }
}

fn budget(environment: &BootEnvironment, time: ListedTime) -> Budget {
    let ticks = environment.page.ticks_per_microsecond;
    Budget {
        control: environment.sched_control(),
        priority: time.priority,
        cpu: time.cpu.into(),
        budget: u64::from(time.budget).saturating_mul(ticks),
        period: u64::from(time.period).saturating_mul(ticks),
    }
}

/// What a listed capability is for the process builder.
fn what(
    environment: &mut BootEnvironment,
    made: &mut Made,
    processes: &[Option<Process>],
    capability: &Capability<'_>,
) -> Result<What, Option<Error>> {
    let copy = |source: Address, badge: u64| What::Copy {
        source,
        rights: capability.rights,
        badge: Some(badge).filter(|badge| *badge != 0),
    };
    let endpoint = |index: u32| {
        made.endpoints
            .get(index as usize)
            .copied()
            .flatten()
            .ok_or(Some(Error::Dead))
    };
    Ok(match capability.kind {
        Kind::Serves { endpoint: index } | Kind::Mints { endpoint: index } => {
            copy(endpoint(index)?.address(), 0)
        }
        Kind::Calls {
            endpoint: index,
            badge,
        } => copy(endpoint(index)?.address(), badge),
        Kind::IoPorts { first, count } => copy(made.ports(environment, first, count)?.address(), 0),
        Kind::Irq { line } => What::Irq {
            control: environment.irq_control(),
            line: line.into(),
        },
        Kind::Notification {
            notification,
            badge,
        } => {
            let notification = made
                .notifications
                .get(notification as usize)
                .ok_or(Some(Error::OutOfRange))?;
            copy(notification.address(), badge)
        }
        Kind::Ring { ring } => copy(
            made.rings
                .get(ring as usize)
                .ok_or(Some(Error::OutOfRange))?
                .address(),
            0,
        ),
        Kind::Untyped { pages } => What::Memory {
            bytes: u64::from(pages) * PAGE,
        },
        Kind::SchedContext { time } => What::Context(budget(environment, time)),
        Kind::VCpus { count } => What::VCpus { count },
        Kind::Archive => What::Copy {
            source: Address::root(slot::PACKAGE),
            rights: Rights::READ,
            badge: None,
        },
        Kind::Foreign { program, object } => {
            let process = processes
                .get(program as usize)
                .and_then(Option::as_ref)
                .ok_or(None)?;
            let address = match object {
                Object::CNode => process.cnode().map(|cnode| cnode.address()),
                Object::Thread => process.thread().map(|thread| thread.address()),
                Object::VSpace => process.vspace().map(|vspace| vspace.address()),
                Object::Frame => return Err(None),
            };
            copy(address?, 0)
        }
    })
}

/// Builds the process of a listed program, ready to run.
///
/// # Errors
/// Those of [`StartError`]; nothing of the process is left then.
pub fn start<'a>(
    environment: &mut BootEnvironment,
    made: &mut Made,
    processes: &[Option<Process>],
    listed: &Listed<'a>,
    fault: Fault,
) -> Result<Process, StartError<'a>> {
    let image = find(environment.package.archive, listed.image)?.ok_or(StartError::NoImage)?;
    let time = Time::New(budget(environment, listed.time.ok_or(StartError::NoTime)?));
    let mut program = Program::new(image, listed.name.as_bytes(), time);
    program
        .arguments
        .extend(listed.arguments().map(str::as_bytes));
    program.slots = listed.slots;
    program.fault = Some(fault);
    program.ticks_per_microsecond = environment.page.ticks_per_microsecond;
    for capability in listed.capabilities() {
        let what =
            what(environment, made, processes, &capability).map_err(|error| match error {
                Some(error) => StartError::Capability(capability.name, error),
                None => StartError::Refused(capability.name),
            })?;
        program.grants.push(Grant {
            name: capability.name,
            slot: capability.slot,
            what,
        });
    }
    let names: Vec<_> = listed.names().collect();
    program
        .directories
        .extend(names.iter().map(|name| Directory {
            prefix: name.path,
            slot: name.slot,
            create: true,
        }));
    program
        .fit(u64::from(listed.memory) * PAGE)
        .map_err(StartError::Spawn)?;
    spawn(&mut environment.resources, &program).map_err(StartError::Spawn)
}
