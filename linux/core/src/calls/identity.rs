//! Calls about who the caller is. User and group ids are labels: they give no authority outside of the sandbox' files.
use super::Outcome;
use crate::Errno;
use crate::fallible;
use crate::kernel::Kernel;
use crate::process::Labels;
use crate::task::TaskId;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// getpid.
pub fn getpid(kernel: &mut Kernel, task: TaskId) -> Outcome {
    Ok(kernel.process_of(task)?.pid as u64)
}

/// gettid.
pub fn gettid(kernel: &mut Kernel, task: TaskId) -> Outcome {
    Ok(kernel.task(task)?.tid as u64)
}

/// getppid.
pub fn getppid(kernel: &mut Kernel, task: TaskId) -> Outcome {
    let parent = kernel.process_of(task)?.parent;
    Ok(parent
        .and_then(|parent| kernel.world.processes.get(parent.0))
        .map_or(0, |parent| parent.pid as u64))
}

macro_rules! getters {
    ($($(#[$outer:meta])* $name:ident => $field:ident[$index:literal];)*) => {
        $(
            $(#[$outer])*
            pub fn $name(kernel: &mut Kernel, task: TaskId) -> Outcome {
                Ok(u64::from(kernel.process_of(task)?.labels.$field[$index]))
            }
        )*
    };
}

getters! {
    /// getuid.
    getuid => users[0];
    /// geteuid.
    geteuid => users[1];
    /// getgid.
    getgid => groups[0];
    /// getegid.
    getegid => groups[1];
}

/// An id that means "leave it".
const SAME: u32 = u32::MAX;

/// Sets real, effective and saved ids of a kind, if each is one that the process has or it is user 0.
fn set_three(ids: &mut [u32; 4], new: [u32; 3], privileged: bool) -> Outcome {
    let known = |id: u32| id == SAME || ids[..3].contains(&id);
    if !privileged && !new.iter().all(|id| known(*id)) {
        return Err(Errno::EPERM.into());
    }
    for (id, new) in ids.iter_mut().zip(new) {
        if new != SAME {
            *id = new;
        }
    }
    ids[3] = ids[1];
    Ok(0)
}

fn change(
    kernel: &mut Kernel,
    task: TaskId,
    f: impl FnOnce(&mut Labels, bool) -> Outcome,
) -> Outcome {
    let labels = &mut kernel.process_of(task)?.labels;
    let privileged = labels.users[1] == 0;
    f(labels, privileged)
}

/// setuid.
pub fn setuid(kernel: &mut Kernel, task: TaskId, user: u32) -> Outcome {
    change(kernel, task, |labels, privileged| {
        let all = if privileged { user } else { SAME };
        set_three(&mut labels.users, [all, user, all], privileged)
    })
}

/// setgid.
pub fn setgid(kernel: &mut Kernel, task: TaskId, group: u32) -> Outcome {
    change(kernel, task, |labels, privileged| {
        let all = if privileged { group } else { SAME };
        set_three(&mut labels.groups, [all, group, all], privileged)
    })
}

/// setreuid.
pub fn setreuid(kernel: &mut Kernel, task: TaskId, real: u32, effective: u32) -> Outcome {
    change(kernel, task, |labels, privileged| {
        let saved = if real != SAME || (effective != SAME && effective != labels.users[0]) {
            effective
        } else {
            SAME
        };
        set_three(&mut labels.users, [real, effective, saved], privileged)
    })
}

/// setregid.
pub fn setregid(kernel: &mut Kernel, task: TaskId, real: u32, effective: u32) -> Outcome {
    change(kernel, task, |labels, privileged| {
        let saved = if real != SAME || (effective != SAME && effective != labels.groups[0]) {
            effective
        } else {
            SAME
        };
        set_three(&mut labels.groups, [real, effective, saved], privileged)
    })
}

/// setresuid.
pub fn setresuid(
    kernel: &mut Kernel,
    task: TaskId,
    real: u32,
    effective: u32,
    saved: u32,
) -> Outcome {
    change(kernel, task, |labels, privileged| {
        set_three(&mut labels.users, [real, effective, saved], privileged)
    })
}

/// setresgid.
pub fn setresgid(
    kernel: &mut Kernel,
    task: TaskId,
    real: u32,
    effective: u32,
    saved: u32,
) -> Outcome {
    change(kernel, task, |labels, privileged| {
        set_three(&mut labels.groups, [real, effective, saved], privileged)
    })
}

fn write_three(kernel: &mut Kernel, task: TaskId, ids: [u32; 4], to: [u64; 3]) -> Outcome {
    for (id, to) in ids.into_iter().zip(to) {
        kernel.write_user(task, to, &id.to_le_bytes())?;
    }
    Ok(0)
}

/// getresuid.
pub fn getresuid(
    kernel: &mut Kernel,
    task: TaskId,
    real: u64,
    effective: u64,
    saved: u64,
) -> Outcome {
    let ids = kernel.process_of(task)?.labels.users;
    write_three(kernel, task, ids, [real, effective, saved])
}

/// getresgid.
pub fn getresgid(
    kernel: &mut Kernel,
    task: TaskId,
    real: u64,
    effective: u64,
    saved: u64,
) -> Outcome {
    let ids = kernel.process_of(task)?.labels.groups;
    write_three(kernel, task, ids, [real, effective, saved])
}

/// setfsuid: returns the old one, whether or not it was changed.
pub fn setfsuid(kernel: &mut Kernel, task: TaskId, user: u32) -> Outcome {
    let ids = &mut kernel.process_of(task)?.labels.users;
    let old = ids[3];
    if ids.contains(&user) || ids[1] == 0 {
        ids[3] = if user == SAME { old } else { user };
    }
    Ok(u64::from(old))
}

/// setfsgid: returns the old one, whether or not it was changed.
pub fn setfsgid(kernel: &mut Kernel, task: TaskId, group: u32) -> Outcome {
    let labels = &mut kernel.process_of(task)?.labels;
    let old = labels.groups[3];
    if labels.groups.contains(&group) || labels.users[1] == 0 {
        labels.groups[3] = if group == SAME { old } else { group };
    }
    Ok(u64::from(old))
}

/// getgroups.
pub fn getgroups(kernel: &mut Kernel, task: TaskId, size: i32, to: u64) -> Outcome {
    let groups = kernel.process_of(task)?.labels.more.clone();
    if size < 0 || (size != 0 && (size as usize) < groups.len()) {
        return Err(Errno::EINVAL.into());
    }
    if size != 0 {
        let mut at = to;
        for part in groups.chunks(256) {
            let bytes: Vec<u8> = part.iter().flat_map(|group| group.to_le_bytes()).collect();
            kernel.write_user(task, at, &bytes)?;
            at = at.wrapping_add(bytes.len() as u64);
        }
    }
    Ok(groups.len() as u64)
}

/// setgroups.
pub fn setgroups(kernel: &mut Kernel, task: TaskId, size: u32, from: u64) -> Outcome {
    if kernel.process_of(task)?.labels.users[1] != 0 {
        return Err(Errno::EPERM.into());
    }
    if size > 65536 {
        return Err(Errno::EINVAL.into());
    }
    let mut bytes = fallible::zeroed(size as usize * 4)?;
    kernel.read_user(task, from, &mut bytes)?;
    let groups = bytes
        .chunks_exact(4)
        .map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]));
    let groups = Rc::new(fallible::collect(groups)?);
    drop(bytes);
    // What one process holds leaves the others their room.
    if size > 256 && !(kernel.settings.room)() {
        return Err(Errno::ENOMEM.into());
    }
    kernel.process_of(task)?.labels.more = groups;
    Ok(0)
}

/// The version of capability sets with 64 bits.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

fn capability_header(kernel: &mut Kernel, task: TaskId, header: u64) -> Result<bool, Errno> {
    let version = u32::from_le_bytes(kernel.read_bytes(task, header)?);
    if matches!(version, CAPABILITY_VERSION | 0x2007_1026 | 0x1998_0330) {
        return Ok(true);
    }
    kernel.write_user(task, header, &CAPABILITY_VERSION.to_le_bytes())?;
    Ok(false)
}

/// capget: user 0 has the label of all, others of none.
pub fn capget(kernel: &mut Kernel, task: TaskId, header: u64, data: u64) -> Outcome {
    let known = capability_header(kernel, task, header)?;
    if data == 0 {
        return Ok(0);
    }
    if !known {
        return Err(Errno::EINVAL.into());
    }
    let full = kernel.process_of(task)?.labels.users[1] == 0;
    let (low, high) = if full { (u32::MAX, 0x1ff) } else { (0, 0) };
    let bytes: Vec<u8> = [low, low, 0, high, high, 0]
        .iter()
        .flat_map(|word: &u32| word.to_le_bytes())
        .collect();
    kernel.write_user(task, data, &bytes)?;
    Ok(0)
}

/// capset: the labels are given by the user id alone; asking for what one has succeeds, for more fails.
pub fn capset(kernel: &mut Kernel, task: TaskId, header: u64, data: u64) -> Outcome {
    if !capability_header(kernel, task, header)? {
        return Err(Errno::EINVAL.into());
    }
    let bytes: [u8; 24] = kernel.read_bytes(task, data)?;
    let wants = bytes.iter().any(|byte| *byte != 0);
    if wants && kernel.process_of(task)?.labels.users[1] != 0 {
        Err(Errno::EPERM.into())
    } else {
        Ok(0)
    }
}
