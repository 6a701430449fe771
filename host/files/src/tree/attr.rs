//! Attributes: what the host says, in the words of the file protocol, and back.
use sundog_host_sys::calls::{Moment, SetMoment, Status};
use sundog_protocols::file::{Attr, Kind, SetTime, Time, device};

/// In a node's number its device stands from this bit on, so that numbers of several file systems differ.
const DEVICE_SHIFT: u32 = 48;

/// The number of a node on one of the tree's devices. Where a file system has numbers of more than 48 bits two could meet.
pub fn number(number: u64, device: usize) -> u64 {
    number ^ (device as u64) << DEVICE_SHIFT
}

/// A node's attributes; `None` for a kind that the protocol does not have.
pub fn from_status(status: &Status, device_index: usize) -> Option<Attr> {
    let kind = Kind::from_mode(status.mode)?;
    let (major, minor) = status.special;
    Some(Attr {
        id: number(status.number, device_index),
        kind,
        mode: status.mode & 0o7777,
        links: status.links,
        uid: status.user,
        gid: status.group,
        device: match kind {
            Kind::CharDevice | Kind::BlockDevice => device(major, minor),
            _ => 0,
        },
        size: status.size,
        blocks: status.blocks,
        accessed: time(status.accessed),
        modified: time(status.modified),
        changed: time(status.changed),
        created: time(status.created),
    })
}

fn time(moment: Moment) -> Time {
    Time {
        seconds: moment.seconds,
        nanos: moment.nanos,
    }
}

/// A time to set, as the host takes it.
pub fn moment(time: Option<SetTime>) -> SetMoment {
    match time {
        None => SetMoment::Keep,
        Some(SetTime::Now) => SetMoment::Now,
        Some(SetTime::At(time)) => SetMoment::At(Moment {
            seconds: time.seconds,
            nanos: time.nanos,
        }),
    }
}
