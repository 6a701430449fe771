//! The binary manifest as init reads it: views into the bytes, checked once.

use sundog_abi::Rights;

use crate::capability::{Capability, FIRST_SLOT, Kind, Object, Restart, Time};
use crate::reader::{Item, Items, Reader};

/// The first bytes of a binary manifest; the last one is the version of the format.
pub(crate) const MAGIC: [u8; 8] = *b"SUNDOGM\x02";

/// The bytes are not a manifest of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A decoded manifest. Every list in it was read to its end, and every number that names something else in it was checked.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    endpoints: Items<'a, &'a str>,
    notifications: Items<'a, &'a str>,
    rings: Items<'a, Ring<'a>>,
    programs: Items<'a, Program<'a>>,
}

/// Shared memory between two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring<'a> {
    /// Its name.
    pub name: &'a str,
    /// Pages of its Frame, header page included; a power of two.
    pub pages: u32,
}

/// An entry of a program's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// An absolute path without a slash at its end, or `/`.
    pub path: &'a str,
    /// The slot of the endpoint capability that serves what is below it.
    pub slot: u32,
}

/// A notification that init signals each time a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tell {
    /// The notification.
    pub notification: u32,
    /// The bits that are set; not zero.
    pub badge: u64,
}

/// A program and what it is given.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file in the image's archive.
    pub image: &'a str,
    /// What happens at its end.
    pub restart: Restart,
    /// Its own right to run; none: it runs on the time of its callers only.
    pub time: Option<Time>,
    /// Pages of untyped memory for its own objects, segments, stack and heap.
    pub memory: u32,
    /// Slots of its CNode.
    pub slots: u32,
    arguments: Items<'a, &'a str>,
    tells: Items<'a, Tell>,
    names: Items<'a, Name<'a>>,
    capabilities: Items<'a, Capability<'a>>,
}

impl<'a> Manifest<'a> {
    /// Reads and checks the bytes.
    ///
    /// # Errors
    /// `Malformed` for anything that the host's encoder would not write, as far as init's safety depends on it: lists that are
    /// not whole, unknown kinds and rights, slots outside of the CNode, names of what does not exist.
    pub fn decode(bytes: &'a [u8]) -> Result<Manifest<'a>, Malformed> {
        Self::read(bytes).ok_or(Malformed)
    }

    fn read(bytes: &'a [u8]) -> Option<Manifest<'a>> {
        let mut reader = Reader(bytes.strip_prefix(&MAGIC)?);
        let manifest = Manifest {
            endpoints: reader.list()?,
            notifications: reader.list()?,
            rings: reader.list()?,
            programs: reader.list()?,
        };
        (reader.0.is_empty() && manifest.refers_to_itself()).then_some(manifest)
    }

    /// The endpoints' names; a capability names an endpoint by its index here.
    pub fn endpoints(&self) -> Items<'a, &'a str> {
        self.endpoints.clone()
    }

    /// The notifications' names.
    pub fn notifications(&self) -> Items<'a, &'a str> {
        self.notifications.clone()
    }

    /// The rings.
    pub fn rings(&self) -> Items<'a, Ring<'a>> {
        self.rings.clone()
    }

    /// The programs, in the order in which init starts them.
    pub fn programs(&self) -> Items<'a, Program<'a>> {
        self.programs.clone()
    }

    /// Whether every index and slot names something.
    fn refers_to_itself(&self) -> bool {
        let endpoints = self.endpoints().count();
        let notifications = self.notifications().count();
        let rings = self.rings().count();
        let programs = self.programs().count();
        let below = |index: u32, count: usize| usize::try_from(index).is_ok_and(|i| i < count);
        self.programs().all(|program| {
            let inside = |slot: u32, count: u32| {
                let end = slot.checked_add(count);
                slot >= FIRST_SLOT && count > 0 && end.is_some_and(|end| end <= program.slots)
            };
            let names = program.names().all(|name| inside(name.slot, 1));
            let told = program
                .tells()
                .all(|tell| below(tell.notification, notifications));
            names
                && told
                && program.capabilities().all(|capability| {
                    inside(capability.slot, capability.kind.slots())
                        && match capability.kind {
                            Kind::Serves { endpoint }
                            | Kind::Mints { endpoint }
                            | Kind::Calls { endpoint, .. } => below(endpoint, endpoints),
                            Kind::Notification { notification, .. } => {
                                below(notification, notifications)
                            }
                            Kind::Ring { ring } => below(ring, rings),
                            Kind::Foreign { program, .. } => below(program, programs),
                            _ => true,
                        }
                })
        })
    }
}

impl<'a> Program<'a> {
    /// Its arguments, without its own name.
    pub fn arguments(&self) -> Items<'a, &'a str> {
        self.arguments.clone()
    }

    /// Who is told of its ends.
    pub fn tells(&self) -> Items<'a, Tell> {
        self.tells.clone()
    }

    /// Its namespace.
    pub fn names(&self) -> Items<'a, Name<'a>> {
        self.names.clone()
    }

    /// Its capabilities.
    pub fn capabilities(&self) -> Items<'a, Capability<'a>> {
        self.capabilities.clone()
    }
}

impl<'a> Item<'a> for Ring<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let name = reader.text()?;
        let pages = reader.u32()?;
        pages
            .is_power_of_two()
            .then_some((Ring { name, pages }, reader.0))
    }
}

impl<'a> Item<'a> for Name<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let path = reader.text()?;
        let slot = reader.u32()?;
        path.starts_with('/')
            .then_some((Name { path, slot }, reader.0))
    }
}

impl<'a> Item<'a> for Tell {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let tell = Tell {
            notification: reader.u32()?,
            badge: reader.u64().filter(|badge| *badge != 0)?,
        };
        Some((tell, reader.0))
    }
}

impl<'a> Item<'a> for Program<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let name = reader.text()?;
        let image = reader.text()?;
        let restart = match reader.u8()? {
            0 => Restart::Never,
            1 => Restart::Always,
            _ => return None,
        };
        let time = match reader.u8()? {
            0 => None,
            1 => Some(time(&mut reader)?),
            _ => return None,
        };
        let program = Program {
            name,
            image,
            restart,
            time,
            memory: reader.u32()?,
            slots: reader.u32()?,
            arguments: reader.list()?,
            tells: reader.list()?,
            names: reader.list()?,
            capabilities: reader.list()?,
        };
        Some((program, reader.0))
    }
}

impl<'a> Item<'a> for Capability<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader(bytes);
        let name = reader.text()?;
        let slot = reader.u32()?;
        let rights = Rights(reader.u16()?);
        let kind = kind(&mut reader)?;
        let capability = Capability {
            name,
            slot,
            rights,
            kind,
        };
        let sound = kind.allowed().contains(rights) && rights.contains(kind.required());
        sound.then_some((capability, reader.0))
    }
}

fn time(reader: &mut Reader) -> Option<Time> {
    let time = Time {
        priority: reader.u8()?,
        cpu: reader.u16()?,
        budget: reader.u32()?,
        period: reader.u32()?,
    };
    let sound = time.priority < 64 && time.budget > 0 && time.budget <= time.period;
    sound.then_some(time)
}

/// A kind: its number, then its fields. The encoder is `host::encode`.
fn kind(reader: &mut Reader) -> Option<Kind> {
    Some(match reader.u8()? {
        1 => Kind::Serves {
            endpoint: reader.u32()?,
        },
        2 => Kind::Calls {
            endpoint: reader.u32()?,
            badge: reader.u64().filter(|badge| *badge != 0)?,
        },
        3 => {
            let (first, count) = (reader.u16()?, reader.u16()?);
            if count == 0 || u32::from(first) + u32::from(count) > 0x1_0000 {
                return None;
            }
            Kind::IoPorts { first, count }
        }
        4 => Kind::Irq { line: reader.u8()? },
        5 => Kind::Notification {
            notification: reader.u32()?,
            badge: reader.u64()?,
        },
        6 => Kind::Ring {
            ring: reader.u32()?,
        },
        7 => Kind::Untyped {
            pages: reader.u32().filter(|pages| *pages != 0)?,
        },
        8 => Kind::SchedContext {
            time: time(reader)?,
        },
        9 => Kind::VCpus {
            count: reader.u32()?,
        },
        10 => Kind::Archive,
        11 => {
            let program = reader.u32()?;
            let number = reader.u8()?;
            let mut objects = Object::NAMES.iter().map(|(_, object)| *object);
            let object = objects.find(|object| *object as u8 == number)?;
            Kind::Foreign { program, object }
        }
        12 => Kind::Mints {
            endpoint: reader.u32()?,
        },
        _ => return None,
    })
}
