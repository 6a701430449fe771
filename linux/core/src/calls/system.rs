//! Calls about the system: its names, its size, random bytes.
use super::Outcome;
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;

/// What uname calls the system.
pub const SYSTEM_NAME: &[u8] = b"Linux";
/// The version of Linux whose behaviour programs may expect.
pub const RELEASE: &[u8] = b"6.1.0-sundog";
/// The version text.
pub const VERSION: &[u8] = b"#1 SMP PREEMPT Sundog";

/// uname.
pub fn uname(kernel: &mut Kernel, task: TaskId, to: u64) -> Outcome {
    let mut bytes = alloc::vec![0; 6 * 65];
    let world = &kernel.world;
    let fields = [
        SYSTEM_NAME,
        &world.host_name,
        RELEASE,
        VERSION,
        b"x86_64",
        &world.domain_name,
    ];
    for (field, room) in fields.iter().zip(bytes.chunks_exact_mut(65)) {
        let length = field.len().min(64);
        room[..length].copy_from_slice(&field[..length]);
    }
    kernel.write_user(task, to, &bytes)?;
    Ok(0)
}

/// sysinfo.
pub fn sysinfo(kernel: &mut Kernel, task: TaskId, to: u64) -> Outcome {
    let mut words = [0u64; 14];
    words[0] = kernel.now() / 1_000_000_000;
    words[4] = kernel.memory.total() as u64 * 4096;
    words[5] = kernel.memory.available() as u64 * 4096;
    words[10] = kernel.world.processes.len() as u64;
    words[13] = 1;
    kernel.write_words(task, to, &words)?;
    Ok(0)
}

/// getrandom.
pub fn getrandom(kernel: &mut Kernel, task: TaskId, to: u64, length: usize, flags: u32) -> Outcome {
    if flags & !7 != 0 || flags & 6 == 6 {
        return Err(Errno::EINVAL.into());
    }
    let length = length.min(1 << 20);
    let room = kernel.with_space(task, |space, environment| {
        Ok(space.accessible(environment, to, length, true))
    })?;
    if room < length && room == 0 {
        return Err(Errno::EFAULT.into());
    }
    let mut bytes = [0; 256];
    for done in (0..room).step_by(bytes.len()) {
        let part = &mut bytes[..(room - done).min(256)];
        kernel.machine.random(part);
        kernel.write_user(task, to.wrapping_add(done as u64), part)?;
    }
    Ok(room as u64)
}
