//! What a program can be given: the kinds of capabilities, and their rights.

use sundog_abi::Rights;

/// The first slot that a manifest may fill. Below it lie slot 0, which is always empty, and the program's own objects.
pub const FIRST_SLOT: u32 = 16;

/// What init does when a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Report it; its endpoints fail with `Dead`.
    Never,
    /// Start it again on the same endpoints.
    Always,
}

/// The right to run: parameters of a scheduling context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// 0 to 63; higher runs first.
    pub priority: u8,
    /// The CPU it runs on.
    pub cpu: u16,
    /// Microseconds in each period; not zero.
    pub budget: u32,
    /// Microseconds; at least the budget.
    pub period: u32,
}

/// An object of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Its capability space.
    CNode = 1,
    /// Its thread.
    Thread = 2,
    /// Its address space.
    VSpace = 3,
    /// Its memory.
    Frame = 4,
}

impl Object {
    /// Every object with its name in manifests.
    pub const NAMES: [(&'static str, Object); 4] = [
        ("cnode", Object::CNode),
        ("thread", Object::Thread),
        ("vspace", Object::VSpace),
        ("frame", Object::Frame),
    ];
}

/// What a capability names. Endpoints, notifications, rings and programs are numbered from 0 in the order of the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An endpoint that the program receives on.
    Serves {
        /// The endpoint.
        endpoint: u32,
    },
    /// An unbadged capability of an endpoint that the program serves, of which it makes badged ones for others. It is apart from
    /// the one that it receives on, so that what it hands out cannot have the right `grant` by mistake.
    Mints {
        /// The endpoint.
        endpoint: u32,
    },
    /// An endpoint that the program calls.
    Calls {
        /// The endpoint.
        endpoint: u32,
        /// The badge that the server sees; not zero.
        badge: u64,
    },
    /// I/O ports.
    IoPorts {
        /// The first.
        first: u16,
        /// How many; `first + count` is at most 65536.
        count: u16,
    },
    /// An interrupt line.
    Irq {
        /// The line of the I/O APIC.
        line: u8,
    },
    /// A notification, shared by the programs that name it.
    Notification {
        /// The notification.
        notification: u32,
        /// The bits that its signals set; 0: an unbadged capability.
        badge: u64,
    },
    /// The Frame of a ring between two programs.
    Ring {
        /// The ring.
        ring: u32,
    },
    /// Memory to make objects of.
    Untyped {
        /// Pages of 4096 bytes.
        pages: u32,
    },
    /// A scheduling context for a thread that the program makes itself.
    SchedContext {
        /// Its parameters.
        time: Time,
    },
    /// A run of VCpus, from the slot on.
    VCpus {
        /// How many.
        count: u32,
    },
    /// The image's archive of files, as a Frame.
    Archive,
    /// An object of another program.
    Foreign {
        /// The program.
        program: u32,
        /// Which of its objects.
        object: Object,
    },
}

/// What it takes to make capabilities for clients that call and get capabilities in replies.
const MINT: Rights = Rights::SEND.union(Rights::GRANT_REPLY).union(Rights::BADGE);

impl Kind {
    /// How many slots it fills.
    pub const fn slots(self) -> u32 {
        match self {
            Kind::VCpus { count } => count,
            _ => 1,
        }
    }

    /// The rights that a capability of this kind can have.
    pub const fn allowed(self) -> Rights {
        let read_write = Rights::READ.union(Rights::WRITE);
        match self {
            Kind::Serves { .. } => Rights::RECEIVE.union(Rights::GRANT),
            Kind::Mints { .. } => MINT.union(Rights::GRANT),
            Kind::Calls { .. } => Rights::SEND.union(Rights::GRANT).union(Rights::GRANT_REPLY),
            Kind::IoPorts { .. } | Kind::Ring { .. } => read_write,
            Kind::Irq { .. } | Kind::SchedContext { .. } => Rights::USE,
            Kind::Notification { .. } => Rights::SEND.union(Rights::RECEIVE).union(Rights::BADGE),
            Kind::Untyped { .. } => Rights::WRITE,
            Kind::Archive => Rights::READ,
            Kind::VCpus { .. } => Rights::USE.union(Rights::SEND),
            Kind::Foreign { object, .. } => match object {
                Object::CNode => read_write.union(Rights::USE),
                Object::Thread => read_write,
                Object::VSpace => Rights::MAP.union(Rights::SHARE),
                Object::Frame => read_write.union(Rights::EXECUTE),
            },
        }
    }

    /// The rights that it has when the manifest names none.
    pub const fn default_rights(self) -> Rights {
        match self {
            Kind::Serves { .. } => Rights::RECEIVE,
            Kind::Mints { .. } => MINT,
            Kind::Calls { .. } => Rights::SEND.union(Rights::GRANT_REPLY),
            Kind::Notification { .. } => Rights::SEND.union(Rights::RECEIVE),
            other => other.allowed(),
        }
    }

    /// The rights without which it would be of no use.
    pub const fn required(self) -> Rights {
        match self {
            Kind::Serves { .. } => Rights::RECEIVE,
            Kind::Mints { .. } => Rights::SEND.union(Rights::BADGE),
            Kind::Calls { .. } => Rights::SEND,
            _ => Rights::NONE,
        }
    }
}

/// A capability that a program starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability<'a> {
    /// Its name in the program's code.
    pub name: &'a str,
    /// Its slot, or the first of its slots; at least [`FIRST_SLOT`].
    pub slot: u32,
    /// Its rights.
    pub rights: Rights,
    /// What it names.
    pub kind: Kind,
}
