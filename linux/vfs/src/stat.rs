//! `struct stat`, `statx` and `statfs`: filled from a node's attributes and laid out as Linux does on x86_64.

use sundog_protocols::file::{Attr, StatFs, Time, device_major, device_minor};

/// What stat tells about a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Device number of the tree.
    pub device: u64,
    /// Number of the mount (`stx_mnt_id`).
    pub mount: u64,
    /// The attributes.
    pub attr: Attr,
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn put_time(bytes: &mut [u8], at: usize, time: Time) {
    put(bytes, at, &time.seconds.to_le_bytes());
    put(bytes, at + 8, &u64::from(time.nanos).to_le_bytes());
}

/// Preferred size of reads and writes.
pub const BLOCK_SIZE: u32 = 4096;

impl Stat {
    /// `st_mode`: kind and permission bits.
    pub fn mode(&self) -> u32 {
        self.attr.kind.mode_bits() | self.attr.mode
    }

    /// x86_64's `struct stat`.
    pub fn encode(&self) -> [u8; 144] {
        let mut bytes = [0; 144];
        let attr = &self.attr;
        put(&mut bytes, 0, &self.device.to_le_bytes());
        put(&mut bytes, 8, &attr.id.to_le_bytes());
        put(&mut bytes, 16, &u64::from(attr.links).to_le_bytes());
        put(&mut bytes, 24, &self.mode().to_le_bytes());
        put(&mut bytes, 28, &attr.uid.to_le_bytes());
        put(&mut bytes, 32, &attr.gid.to_le_bytes());
        put(&mut bytes, 40, &attr.device.to_le_bytes());
        put(&mut bytes, 48, &attr.size.to_le_bytes());
        put(&mut bytes, 56, &u64::from(BLOCK_SIZE).to_le_bytes());
        put(&mut bytes, 64, &attr.blocks.to_le_bytes());
        put_time(&mut bytes, 72, attr.accessed);
        put_time(&mut bytes, 88, attr.modified);
        put_time(&mut bytes, 104, attr.changed);
        bytes
    }

    /// `struct statx`; the mask tells `STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID`.
    pub fn encode_statx(&self) -> [u8; 256] {
        let mut bytes = [0; 256];
        let attr = &self.attr;
        put(&mut bytes, 0, &0x1fff_u32.to_le_bytes());
        put(&mut bytes, 4, &BLOCK_SIZE.to_le_bytes());
        put(&mut bytes, 16, &attr.links.to_le_bytes());
        put(&mut bytes, 20, &attr.uid.to_le_bytes());
        put(&mut bytes, 24, &attr.gid.to_le_bytes());
        put(&mut bytes, 28, &(self.mode() as u16).to_le_bytes());
        put(&mut bytes, 32, &attr.id.to_le_bytes());
        put(&mut bytes, 40, &attr.size.to_le_bytes());
        put(&mut bytes, 48, &attr.blocks.to_le_bytes());
        for (at, time) in [
            (64, attr.accessed),
            (80, attr.created),
            (96, attr.changed),
            (112, attr.modified),
        ] {
            put(&mut bytes, at, &time.seconds.to_le_bytes());
            put(&mut bytes, at + 8, &time.nanos.to_le_bytes());
        }
        for (at, device) in [(128, attr.device), (136, self.device)] {
            put(&mut bytes, at, &device_major(device).to_le_bytes());
            put(&mut bytes, at + 4, &device_minor(device).to_le_bytes());
        }
        put(&mut bytes, 144, &self.mount.to_le_bytes());
        bytes
    }
}

/// x86_64's `struct statfs`; `flags` are `ST_*` without `ST_VALID`.
pub fn encode_statfs(statfs: &StatFs, device: u64, flags: u64) -> [u8; 120] {
    const ST_VALID: u64 = 0x20;
    let mut bytes = [0; 120];
    let words = [
        u64::from(statfs.magic),
        u64::from(statfs.block_size),
        statfs.blocks,
        statfs.free,
        statfs.free,
        statfs.nodes,
        statfs.free_nodes,
        device,
        255,
        u64::from(statfs.block_size),
        flags | ST_VALID,
    ];
    for (index, word) in words.iter().enumerate() {
        put(&mut bytes, index * 8, &word.to_le_bytes());
    }
    bytes
}
