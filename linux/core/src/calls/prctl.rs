//! prctl and arch_prctl: the options that programs use.
use super::Outcome;
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;

const ARCH_SET_GS: u32 = 0x1001;
const ARCH_SET_FS: u32 = 0x1002;
const ARCH_GET_FS: u32 = 0x1003;
const ARCH_GET_GS: u32 = 0x1004;

/// arch_prctl: the segment bases.
pub fn arch_prctl(kernel: &mut Kernel, task: TaskId, option: u32, value: u64) -> Outcome {
    let registers = &kernel.task(task)?.vcpu.registers;
    match option {
        ARCH_SET_FS | ARCH_SET_GS if value >= crate::memory::USER_END => {
            return Err(Errno::EPERM.into());
        }
        ARCH_SET_FS => registers.fs_base.set(value),
        ARCH_SET_GS => registers.gs_base.set(value),
        ARCH_GET_FS | ARCH_GET_GS => {
            let base = if option == ARCH_GET_FS {
                registers.fs_base.get()
            } else {
                registers.gs_base.get()
            };
            kernel.write_words(task, value, &[base])?;
        }
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

/// prctl.
pub fn prctl(
    kernel: &mut Kernel,
    task: TaskId,
    option: u32,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
) -> Outcome {
    let privileged = kernel.process_of(task)?.labels.users[1] == 0;
    match option {
        // SET_PDEATHSIG
        1 if a <= 64 => kernel.task(task)?.parent_death_signal = a as u32,
        // GET_PDEATHSIG
        2 => {
            let signal = kernel.task(task)?.parent_death_signal;
            kernel.write_user(task, a, &signal.to_le_bytes())?;
        }
        // GET_DUMPABLE, SET_DUMPABLE
        3 => return Ok(u64::from(kernel.process_of(task)?.dumpable)),
        4 if a <= 1 => kernel.process_of(task)?.dumpable = a as u32,
        // GET_KEEPCAPS, SET_KEEPCAPS
        7 => return Ok(0),
        8 if a <= 1 => {}
        // SET_NAME, GET_NAME
        15 => {
            let name = read_name(kernel, task, a)?;
            kernel.task(task)?.name = name;
        }
        16 => {
            let name = kernel.task(task)?.name;
            kernel.write_user(task, a, &name)?;
        }
        // GET_SECCOMP
        21 => return Ok(0),
        // CAPBSET_READ, CAPBSET_DROP
        23 if a <= 40 => return Ok(1),
        24 if a <= 40 => {
            return if privileged {
                Ok(0)
            } else {
                Err(Errno::EPERM.into())
            };
        }
        // GET_SECUREBITS
        27 => return Ok(0),
        // SET_TIMERSLACK, GET_TIMERSLACK
        29 => {}
        30 => return Ok(50_000),
        // SET_CHILD_SUBREAPER, GET_CHILD_SUBREAPER
        36 => kernel.process_of(task)?.subreaper = a != 0,
        37 => {
            let value = u32::from(kernel.process_of(task)?.subreaper);
            kernel.write_user(task, a, &value.to_le_bytes())?;
        }
        // SET_NO_NEW_PRIVS, GET_NO_NEW_PRIVS
        38 if (a, b, c, d) == (1, 0, 0, 0) => kernel.process_of(task)?.no_new_privileges = true,
        39 if (a, b, c, d) == (0, 0, 0, 0) => {
            return Ok(u64::from(kernel.process_of(task)?.no_new_privileges));
        }
        // GET_TID_ADDRESS
        40 => {
            let word = kernel.task(task)?.clear_tid;
            kernel.write_words(task, a, &[word])?;
        }
        // CAP_AMBIENT: is set (none is), clear all
        47 if a == 1 => return Ok(0),
        47 if a == 4 => {}
        // SET_VMA: names of anonymous memory are not kept
        0x5356_4d41 => {}
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

fn read_name(kernel: &mut Kernel, task: TaskId, address: u64) -> Result<[u8; 16], Errno> {
    let mut name = [0; 16];
    for (index, byte) in name.iter_mut().enumerate().take(15) {
        let [read] = kernel.read_bytes(task, address.wrapping_add(index as u64))?;
        if read == 0 {
            break;
        }
        *byte = read;
    }
    Ok(name)
}
