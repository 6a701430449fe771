//! What Linux says about a file, read from the words of `statx`.

use super::SetMoment;

/// `STATX_BASIC_STATS | STATX_BTIME`.
pub(super) const MASK: usize = 0xfff;
const UTIME_NOW: i64 = 0x3fff_ffff;
const UTIME_OMIT: i64 = 0x3fff_fffe;

/// A point in time since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below 10^9.
    pub nanos: u32,
}

/// What is known about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The device that the file system lies on.
    pub device: u64,
    /// The file's number in it.
    pub number: u64,
    /// Kind and permissions, as `st_mode`.
    pub mode: u32,
    /// How many names it has.
    pub links: u32,
    /// Owner.
    pub user: u32,
    /// Group.
    pub group: u32,
    /// Major and minor number if it is a device.
    pub special: (u32, u32),
    /// Size in bytes.
    pub size: u64,
    /// Space taken, in units of 512 bytes.
    pub blocks: u64,
    /// Last read.
    pub accessed: Moment,
    /// Last change of the data.
    pub modified: Moment,
    /// Last change of data or attributes.
    pub changed: Moment,
    /// When it was made; all zero where the file system does not know.
    pub created: Moment,
}

impl Status {
    pub(super) fn from_words(words: &[u64; 32]) -> Status {
        let low = |index: usize| words[index] as u32;
        let high = |index: usize| (words[index] >> 32) as u32;
        let moment = |index: usize| Moment {
            seconds: words[index] as i64,
            nanos: low(index + 1),
        };
        Status {
            links: low(2),
            user: high(2),
            group: low(3),
            mode: high(3) & 0xffff,
            number: words[4],
            size: words[5],
            blocks: words[6],
            accessed: moment(8),
            created: moment(10),
            changed: moment(12),
            modified: moment(14),
            special: (low(16), high(16)),
            device: u64::from(low(17)) << 32 | u64::from(high(17)),
        }
    }
}

/// Seconds and nanoseconds as `utimensat` wants them.
pub(super) fn words(moment: SetMoment) -> [i64; 2] {
    match moment {
        SetMoment::Keep => [0, UTIME_OMIT],
        SetMoment::Now => [0, UTIME_NOW],
        SetMoment::At(moment) => [moment.seconds, i64::from(moment.nanos)],
    }
}
