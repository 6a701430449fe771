//! The files of /proc that are about the whole sandbox.
use crate::calls::system::{RELEASE, SYSTEM_NAME, VERSION};
use crate::kernel::World;
use crate::task::TaskState;
use crate::world::PID_MAX;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_linux_vfs::SystemFile;

const SECOND: u64 = 1_000_000_000;

/// The text of a file.
pub(super) fn text(world: &World, file: SystemFile) -> Vec<u8> {
    let line = |bytes: &[u8]| [bytes, b"\n"].concat();
    match file {
        SystemFile::Meminfo => meminfo(world).into_bytes(),
        SystemFile::Cpuinfo => cpuinfo().into_bytes(),
        SystemFile::Uptime => {
            let idle = world.now.saturating_sub(world.used_time);
            let seconds =
                |time: u64| format!("{}.{:02}", time / SECOND, time % SECOND / 10_000_000);
            format!("{} {}\n", seconds(world.now), seconds(idle)).into_bytes()
        }
        SystemFile::Loadavg => {
            let running = world
                .tasks
                .iter()
                .filter(|(_, task)| task.state == TaskState::Ready)
                .count();
            format!(
                "0.00 0.00 0.00 {running}/{} {}\n",
                world.tasks.len(),
                world.last_id
            )
            .into_bytes()
        }
        SystemFile::Stat => stat(world).into_bytes(),
        SystemFile::Version => [
            SYSTEM_NAME,
            b" version ",
            RELEASE,
            b" (sundog) ",
            VERSION,
            b"\n",
        ]
        .concat(),
        SystemFile::Cmdline => line(b"sundog"),
        SystemFile::Swaps => b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_vec(),
        SystemFile::Hostname => line(&world.host_name),
        SystemFile::Osrelease => line(RELEASE),
        SystemFile::Ostype => line(SYSTEM_NAME),
        SystemFile::KernelVersion => line(VERSION),
        SystemFile::PidMax => format!("{PID_MAX}\n").into_bytes(),
        SystemFile::NgroupsMax => line(b"65536"),
        SystemFile::CapLastCap => line(b"40"),
        SystemFile::BootId => uuid(world.boot_id, 0).into_bytes(),
        SystemFile::Uuid => {
            world.uuids.set(world.uuids.get() + 1);
            let salt = (world.now << 20).wrapping_add(world.uuids.get());
            uuid(world.boot_id, salt).into_bytes()
        }
        SystemFile::ThreadsMax => line(b"4096"),
        SystemFile::OvercommitMemory => line(b"0"),
        SystemFile::FileMax => line(b"1048576"),
        SystemFile::PipeMaxSize => line(b"1048576"),
        SystemFile::Somaxconn => line(b"4096"),
    }
}

fn meminfo(world: &World) -> String {
    let (total, free) = world
        .memory
        .as_ref()
        .map_or((0, 0), |memory| (memory.total(), memory.available()));
    let (total, free) = (total * 4, free * 4);
    let zero = [
        "Buffers",
        "Cached",
        "SwapCached",
        "SwapTotal",
        "SwapFree",
        "Dirty",
        "Writeback",
        "Shmem",
    ];
    let mut text =
        format!("MemTotal:{total:>15} kB\nMemFree:{free:>16} kB\nMemAvailable:{free:>11} kB\n");
    for name in zero {
        let colon = format!("{name}:");
        text += &format!("{colon:<16}{:>8} kB\n", 0);
    }
    text
}

fn cpuinfo() -> String {
    "processor\t: 0\nvendor_id\t: Sundog\ncpu family\t: 6\nmodel\t\t: 0\nmodel name\t: Sundog virtual processor\n\
     stepping\t: 0\ncpu MHz\t\t: 1000.000\ncache size\t: 4096 KB\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n\
     cpu cores\t: 1\nfpu\t\t: yes\nflags\t\t: fpu tsc msr cx8 sep cmov mmx fxsr sse sse2 syscall nx lm\n\
     clflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 40 bits physical, 48 bits virtual\n\n"
        .into()
}

fn stat(world: &World) -> String {
    const TICK: u64 = 10_000_000;
    let used = world.used_time / TICK;
    let idle = world.now.saturating_sub(world.used_time) / TICK;
    let running = world
        .tasks
        .iter()
        .filter(|(_, task)| task.state == TaskState::Ready)
        .count();
    format!(
        "cpu  {used} 0 0 {idle} 0 0 0 0 0 0\ncpu0 {used} 0 0 {idle} 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime {}\nprocesses {}\nprocs_running {running}\nprocs_blocked 0\n",
        world.calendar / SECOND,
        world.forks,
    )
}

/// A random-looking identifier of version 4; the same for the same numbers.
fn uuid(mut bytes: [u8; 16], salt: u64) -> String {
    for (index, byte) in bytes.iter_mut().enumerate() {
        let mixed = salt
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(index as u32 * 4);
        *byte ^= mixed as u8;
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |range: core::ops::Range<usize>| {
        bytes[range]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    format!(
        "{}-{}-{}-{}-{}\n",
        hex(0..4),
        hex(4..6),
        hex(6..8),
        hex(8..10),
        hex(10..16)
    )
}
