//! Calls on sockets. A sandbox without a network has connected pairs of local stream sockets and nothing else.
use super::{Outcome, Stop, io};
use crate::Errno;
use crate::kernel::Kernel;
use crate::signal::{SIGPIPE, SignalSet};
use crate::task::TaskId;

const MSG_DONTWAIT: u32 = 0x40;
const MSG_NOSIGNAL: u32 = 0x4000;
const MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;
const SOL_SOCKET: u32 = 1;
const KIND: u32 = 0o170_000;
const SOCKET: u32 = 0o140_000;
/// The size of a buffer that getsockopt tells.
const BUFFER: u32 = 212_992;

/// Fails unless a descriptor is a socket.
fn check(kernel: &mut Kernel, task: TaskId, fd: i32) -> Result<(), Errno> {
    let stat = kernel.with_files(task, |vfs, context| vfs.fstat(context, fd))??;
    if stat.mode() & KIND == SOCKET {
        Ok(())
    } else {
        Err(Errno::ENOTSOCK)
    }
}

/// socket: there is no network to make one for.
pub fn socket(_: &mut Kernel, _: TaskId, _domain: u32, _kind: u32, _protocol: u32) -> Outcome {
    Err(Errno::EAFNOSUPPORT.into())
}

/// connect: pairs are connected.
pub fn connect(kernel: &mut Kernel, task: TaskId, fd: i32, _address: u64, _length: u32) -> Outcome {
    check(kernel, task, fd)?;
    Err(Errno::EISCONN.into())
}

/// bind, listen, accept, accept4: pairs can do none of these.
pub fn not_for_pairs(kernel: &mut Kernel, task: TaskId, fd: i32) -> Outcome {
    check(kernel, task, fd)?;
    Err(Errno::EINVAL.into())
}

/// What flags make of a transfer's outcome.
fn finish(
    kernel: &mut Kernel,
    task: TaskId,
    flags: u32,
    before: SignalSet,
    outcome: Outcome,
) -> Outcome {
    match outcome {
        Err(Stop::Wait(wait)) if flags & MSG_DONTWAIT != 0 => match wait.done {
            0 => Err(Errno::EAGAIN.into()),
            done => Ok(done),
        },
        Err(Stop::Errno(Errno::EPIPE)) if flags & MSG_NOSIGNAL != 0 => {
            kernel.drain_events(Some(task));
            if !before.has(SIGPIPE) {
                kernel.task(task)?.pending.discard(SignalSet::of(SIGPIPE));
            }
            Err(Errno::EPIPE.into())
        }
        outcome => outcome,
    }
}

fn begin(kernel: &mut Kernel, task: TaskId, fd: i32, flags: u32) -> Result<SignalSet, Errno> {
    check(kernel, task, fd)?;
    if flags & !(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    Ok(kernel.task(task)?.pending.set())
}

/// sendto.
pub fn sendto(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    buffer: u64,
    length: usize,
    flags: u32,
    address: u64,
    _address_length: u32,
) -> Outcome {
    let before = begin(kernel, task, fd, flags)?;
    if address != 0 {
        return Err(Errno::EISCONN.into());
    }
    let outcome = io::write(kernel, task, fd, buffer, length);
    finish(kernel, task, flags, before, outcome)
}

/// recvfrom: the other side of a pair has no name.
pub fn recvfrom(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    buffer: u64,
    length: usize,
    flags: u32,
    address: u64,
    address_length: u64,
) -> Outcome {
    let before = begin(kernel, task, fd, flags)?;
    let outcome = io::read(kernel, task, fd, buffer, length);
    let count = finish(kernel, task, flags, before, outcome)?;
    if address != 0 && address_length != 0 {
        kernel.write_user(task, address_length, &[0; 4])?;
    }
    Ok(count)
}

/// sendmsg: descriptors cannot be sent along.
pub fn sendmsg(kernel: &mut Kernel, task: TaskId, fd: i32, message: u64, flags: u32) -> Outcome {
    let before = begin(kernel, task, fd, flags)?;
    let [name, _, parts, count, _, control] = kernel.read_words(task, message)?;
    if name != 0 {
        return Err(Errno::EISCONN.into());
    }
    if control != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let outcome = io::writev(kernel, task, fd, parts, count);
    finish(kernel, task, flags, before, outcome)
}

/// recvmsg.
pub fn recvmsg(kernel: &mut Kernel, task: TaskId, fd: i32, message: u64, flags: u32) -> Outcome {
    let before = begin(kernel, task, fd, flags)?;
    let [_, _, parts, count] = kernel.read_words(task, message)?;
    let outcome = io::readv(kernel, task, fd, parts, count);
    let received = finish(kernel, task, flags, before, outcome)?;
    // No name, no control data, no flags.
    kernel.write_user(task, message.wrapping_add(8), &[0; 4])?;
    kernel.write_user(task, message.wrapping_add(40), &[0; 12])?;
    Ok(received)
}

/// shutdown.
pub fn shutdown(kernel: &mut Kernel, task: TaskId, fd: i32, how: u32) -> Outcome {
    check(kernel, task, fd)?;
    kernel.with_files(task, |vfs, context| vfs.socket_shutdown(context, fd, how))??;
    Ok(0)
}

/// Writes a value cut to the room that a program has, and its full length.
fn answer(kernel: &mut Kernel, task: TaskId, to: u64, length: u64, value: &[u8]) -> Outcome {
    let room = i32::from_le_bytes(kernel.read_bytes(task, length)?);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    kernel.write_user(task, to, &value[..value.len().min(room)])?;
    kernel.write_user(task, length, &(value.len() as u32).to_le_bytes())?;
    Ok(0)
}

/// getsockname and getpeername: local, without a name.
pub fn getsockname(kernel: &mut Kernel, task: TaskId, fd: i32, to: u64, length: u64) -> Outcome {
    check(kernel, task, fd)?;
    answer(kernel, task, to, length, &1_u16.to_le_bytes())
}

/// getsockopt.
pub fn getsockopt(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    level: u32,
    option: u32,
    to: u64,
    length: u64,
) -> Outcome {
    check(kernel, task, fd)?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let value = match option {
        // SO_TYPE: stream; SO_DOMAIN: local
        3 | 39 => 1,
        // SO_ERROR, SO_BROADCAST, SO_KEEPALIVE, SO_PASSCRED, SO_ACCEPTCONN, SO_PROTOCOL
        4 | 6 | 9 | 16 | 30 | 38 => 0,
        // SO_SNDBUF, SO_RCVBUF
        7 | 8 => BUFFER,
        // SO_PEERCRED: whoever made the pair, which is this sandbox
        17 => {
            let process = kernel.process_of(task)?;
            let words = [
                process.pid as u32,
                process.labels.users[1],
                process.labels.groups[1],
            ];
            let bytes: alloc::vec::Vec<u8> =
                words.iter().flat_map(|word| word.to_le_bytes()).collect();
            return answer(kernel, task, to, length, &bytes);
        }
        _ => return Err(Errno::ENOPROTOOPT.into()),
    };
    answer(kernel, task, to, length, &value.to_le_bytes())
}

/// setsockopt: sizes and time-outs of pairs are what they are.
pub fn setsockopt(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    level: u32,
    option: u32,
    from: u64,
    length: u32,
) -> Outcome {
    check(kernel, task, fd)?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if length < 4 {
        return Err(Errno::EINVAL.into());
    }
    kernel.read_bytes::<4>(task, from)?;
    match option {
        // SO_REUSEADDR, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER
        2 | 7 | 8 | 9 | 13 => Ok(0),
        _ => Err(Errno::ENOPROTOOPT.into()),
    }
}
