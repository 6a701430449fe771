//! Writes the binary manifest; the reader is `crate::decode`.

use std::string::String;
use std::vec::Vec;

use super::system::{Grant, Member, System};
use crate::capability::{Kind, Restart, Time};
use crate::decode::MAGIC;

impl System {
    /// The binary that init reads. Lengths were checked when the text was read.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        list(&mut bytes, &self.endpoints, |out, server| {
            text(out, &server.endpoint);
        });
        list(&mut bytes, &self.notifications, text);
        list(&mut bytes, &self.rings, |out, (name, pages)| {
            text(out, name);
            u32(out, *pages);
        });
        list(&mut bytes, &self.programs, program);
        bytes
    }
}

fn program(out: &mut Vec<u8>, program: &Member) {
    text(out, &program.name);
    text(out, &program.image);
    out.push(match program.restart {
        Restart::Never => 0,
        Restart::Always => 1,
    });
    out.push(program.time.is_some().into());
    if let Some(own) = program.time {
        time(out, own);
    }
    u32(out, program.memory);
    u32(out, program.slots);
    list(out, &program.arguments, text);
    list(out, &program.tells, |out, (notification, badge)| {
        u32(out, *notification);
        out.extend(badge.to_le_bytes());
    });
    list(out, &program.names, |out, (path, slot)| {
        text(out, path);
        u32(out, *slot);
    });
    list(out, &program.capabilities, capability);
}

fn capability(out: &mut Vec<u8>, capability: &Grant) {
    text(out, &capability.name);
    u32(out, capability.slot);
    out.extend(capability.rights.0.to_le_bytes());
    match capability.kind {
        Kind::Serves { endpoint } => numbered(out, 1, endpoint),
        Kind::Mints { endpoint } => numbered(out, 12, endpoint),
        Kind::Calls { endpoint, badge } => {
            numbered(out, 2, endpoint);
            out.extend(badge.to_le_bytes());
        }
        Kind::IoPorts { first, count } => {
            out.push(3);
            out.extend(first.to_le_bytes());
            out.extend(count.to_le_bytes());
        }
        Kind::Irq { line } => out.extend([4, line]),
        Kind::Notification {
            notification,
            badge,
        } => {
            numbered(out, 5, notification);
            out.extend(badge.to_le_bytes());
        }
        Kind::Ring { ring } => numbered(out, 6, ring),
        Kind::Untyped { pages } => numbered(out, 7, pages),
        Kind::SchedContext { time: own } => {
            out.push(8);
            time(out, own);
        }
        Kind::VCpus { count } => numbered(out, 9, count),
        Kind::Archive => out.push(10),
        Kind::Foreign { program, object } => {
            numbered(out, 11, program);
            out.push(object as u8);
        }
    }
}

fn numbered(out: &mut Vec<u8>, kind: u8, number: u32) {
    out.push(kind);
    u32(out, number);
}

fn time(out: &mut Vec<u8>, time: Time) {
    out.push(time.priority);
    out.extend(time.cpu.to_le_bytes());
    u32(out, time.budget);
    u32(out, time.period);
}

fn u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &String) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    out.extend(&text.as_bytes()[..length.into()]);
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    let start = out.len();
    out.extend([0; 8]);
    for item in items {
        write(out, item);
    }
    let length = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX);
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&count.to_le_bytes());
}
