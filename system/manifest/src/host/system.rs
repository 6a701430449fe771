//! A manifest that was read: names resolved to numbers, as in the binary.

use std::string::String;
use std::vec::Vec;

use sundog_abi::Rights;

use crate::capability::{Kind, Restart, Time};

/// A system: what init makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Pages of the machine's memory.
    pub memory: u32,
    /// CPUs of the machine.
    pub cpus: u16,
    /// Endpoints; each has one server.
    pub endpoints: Vec<Server>,
    /// Notifications by name.
    pub notifications: Vec<String>,
    /// Rings: name and pages.
    pub rings: Vec<(String, u32)>,
    /// Programs, in the order of the text.
    pub programs: Vec<Member>,
}

/// An endpoint and who receives on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The endpoint's name.
    pub endpoint: String,
    /// The program's number.
    pub program: usize,
}

/// A program of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its file in the image.
    pub image: String,
    /// Whether it drives a device by ports and interrupts.
    pub driver: bool,
    /// What happens at its end.
    pub restart: Restart,
    /// Its own right to run, if it has one.
    pub time: Option<Time>,
    /// Pages of untyped memory for its own objects.
    pub memory: u32,
    /// Slots of its CNode.
    pub slots: u32,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The programs that may get its capabilities, by number.
    pub trusts: Vec<usize>,
    /// The notifications that its ends signal, by number, and the bits they set.
    pub tells: Vec<(u32, u64)>,
    /// Its namespace: path and slot.
    pub names: Vec<(String, u32)>,
    /// Its capabilities.
    pub capabilities: Vec<Grant>,
}

/// A capability of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The line of the text that gives it.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Its first slot.
    pub slot: u32,
    /// Its rights.
    pub rights: Rights,
    /// What it names.
    pub kind: Kind,
}
