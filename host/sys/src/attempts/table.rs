//! The list of calls.

use super::Word::{self, *};

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What it would do.
    pub name: &'static str,
    /// Whether any process that is not confined can do it without harm to itself, as a check that the call is made right.
    pub works: bool,
    pub(super) call: usize,
    pub(super) arguments: [Word; 6],
    pub(super) old_gate: bool,
}

/// The current folder instead of a descriptor (`AT_FDCWD`).
const HERE: Word = N(-100_i32 as u32 as usize);
const ZERO: Word = N(0);

const fn call<const COUNT: usize>(
    name: &'static str,
    works: bool,
    call: usize,
    words: [Word; COUNT],
) -> Attempt {
    let mut arguments = [ZERO; 6];
    let mut index = 0;
    while index < COUNT {
        arguments[index] = words[index];
        index += 1;
    }
    Attempt {
        name,
        works,
        call,
        arguments,
        old_gate: false,
    }
}

/// Calls on files elsewhere.
const FILES: [Attempt; 36] = [
    call("open a file", true, 2, [File]),
    call("openat a file", true, 257, [HERE, File]),
    call("create a file", true, 85, [New, N(0o600)]),
    call(
        "openat2 by an own description",
        true,
        437,
        [HERE, File, How, N(24)],
    ),
    call("openat2 for reading", true, 437, [N(3), File, Open, N(24)]),
    call(
        "openat2 for writing",
        true,
        437,
        [N(3), File, OpenCut, N(24)],
    ),
    call("openat2 upwards", false, 437, [Folder, Up, Open, N(24)]),
    call(
        "openat2 of a node by its path",
        false,
        437,
        [Folder, File, Node, N(24)],
    ),
    call(
        "openat2 of a node upwards",
        false,
        437,
        [Folder, Up, Node, N(24)],
    ),
    call(
        "openat2 of a node from the current folder",
        false,
        437,
        [HERE, Up, Node, N(24)],
    ),
    call(
        "openat2 of a new file",
        false,
        437,
        [Folder, New, Create, N(24)],
    ),
    call("open by a file handle", false, 304, [HERE, Zeros]),
    call("truncate", true, 76, [File, ZERO]),
    call("chmod", true, 90, [File, N(0o777)]),
    call("fchmodat", true, 268, [HERE, File, N(0o777)]),
    call("fchmodat2", true, 452, [HERE, File, N(0o777)]),
    call("chown", true, 92, [File, N(usize::MAX), N(usize::MAX)]),
    call(
        "fchownat",
        true,
        260,
        [HERE, File, N(usize::MAX), N(usize::MAX)],
    ),
    call("utimensat", true, 280, [HERE, File, Zeros, ZERO]),
    call("stat", true, 4, [File, Zeros]),
    call("statx", true, 332, [HERE, File, ZERO, N(0xfff), Zeros]),
    call("access", true, 21, [File, ZERO]),
    call("statfs", true, 137, [File, Zeros]),
    call("readlink", false, 267, [HERE, File, Zeros, N(100)]),
    call("getxattr", false, 191, [File, New, Zeros, N(100)]),
    call("setxattr", false, 188, [File, New, Zeros, N(1)]),
    call("mkdirat", true, 258, [HERE, New, N(0o700)]),
    call("symlinkat", true, 266, [File, HERE, New]),
    call("mknodat of a pipe", true, 259, [HERE, New, N(0o010_600)]),
    call(
        "mknodat of a device",
        false,
        259,
        [HERE, New, N(0o020_600), N(0x103)],
    ),
    call("linkat into", true, 265, [HERE, File, HERE, New]),
    call("renameat2", true, 316, [HERE, File, HERE, New]),
    call(
        "renameat2 out of the folder",
        true,
        316,
        [HERE, Own, HERE, New],
    ),
    call(
        "linkat out of the folder",
        true,
        265,
        [HERE, Own, HERE, New],
    ),
    call("unlinkat", true, 263, [HERE, File]),
    call("chdir", true, 80, [Top]),
];

/// Calls that change names elsewhere by a path, beside a descriptor that does not matter: the filter cannot see that, Landlock does.
const NAMES: [Attempt; 11] = [
    call("make a folder outside", true, 258, [Folder, New, N(0o700)]),
    call("make a link outside", true, 266, [File, Folder, New]),
    call(
        "make a pipe outside",
        true,
        259,
        [Folder, New, N(0o010_600)],
    ),
    call(
        "make a file outside",
        true,
        259,
        [Folder, New, N(0o100_600)],
    ),
    call("remove outside", true, 263, [Folder, File]),
    call("move outside", true, 316, [Folder, File, Folder, New]),
    call("move out", true, 316, [Folder, Own, Folder, New]),
    call("move in", true, 316, [Folder, File, Folder, Within]),
    call("link outside", true, 265, [Folder, File, Folder, New]),
    call("link out", true, 265, [Folder, Own, Folder, New]),
    call("link in", true, 265, [Folder, File, Folder, Within]),
];

/// Calls that reach other processes, the network, new programs, more rights.
const OTHERS: [Attempt; 48] = [
    call("kill", true, 62, [Process, ZERO]),
    call("tgkill", true, 234, [Process, Process, ZERO]),
    call("ptrace", false, 101, [N(16), Process]),
    call("pidfd_open", true, 434, [Process]),
    call(
        "read another process' memory",
        false,
        310,
        [Process, Zeros, N(1), Zeros, N(1)],
    ),
    call(
        "write another process' memory",
        false,
        311,
        [Process, Zeros, N(1), Zeros, N(1)],
    ),
    call("a socket of the internet", true, 41, [N(2), N(1)]),
    call("a local socket", true, 41, [N(1), N(1)]),
    call("a netlink socket", true, 41, [N(16), N(3)]),
    call("connect", false, 42, [ZERO, Zeros, N(16)]),
    call("sendmsg", false, 46, [ZERO, Zeros]),
    call("recvmsg", false, 47, [ZERO, Zeros, N(0x40)]),
    call("execve", false, 59, [Program, Zeros, Zeros]),
    call("execveat", false, 322, [HERE, Program, Zeros, Zeros]),
    call("fork", false, 57, []),
    call("vfork", false, 58, []),
    call("clone", false, 56, [N(17)]),
    call("clone3", false, 435, [Zeros, N(64)]),
    call(
        "map memory with code",
        true,
        9,
        [ZERO, N(4096), N(7), N(0x22), N(usize::MAX)],
    ),
    call("map a file", false, 9, [ZERO, N(4096), N(1), N(2), N(0)]),
    call(
        "map over the descriptions",
        false,
        9,
        [Page, N(4096), N(3), N(0x32), N(usize::MAX)],
    ),
    call(
        "make the descriptions writable",
        true,
        10,
        [Page, N(4096), N(3)],
    ),
    call("make memory code", false, 10, [N(1 << 40), N(4096), N(7)]),
    call("unmap the descriptions", true, 11, [Page, N(4096)]),
    call("drop the descriptions", true, 28, [Page, N(4096), N(4)]),
    call(
        "move the descriptions",
        true,
        25,
        [Page, N(4096), N(8192), N(1)],
    ),
    call(
        "move onto the descriptions",
        false,
        25,
        [N(1 << 40), N(4096), N(4096), N(3), Page],
    ),
    call("userfaultfd", false, 323, [ZERO]),
    call("prctl: may be traced again", true, 157, [N(4), N(1)]),
    call("prctl: keep capabilities", true, 157, [N(8), N(1)]),
    call("another filter", false, 317, [N(1), ZERO, Zeros]),
    call("setuid", false, 105, [ZERO]),
    call("setgroups", false, 116, [ZERO, Zeros]),
    call("capset", false, 126, [Zeros, Zeros]),
    call("unshare", false, 272, [N(0x1000_0000)]),
    call("mount", false, 165, [Top, Top, Top, ZERO, ZERO]),
    call("open_tree", false, 428, [HERE, Top, N(1)]),
    call("chroot", false, 161, [Top]),
    call("io_uring_setup", false, 425, [N(1), Zeros]),
    call("bpf", false, 321, [ZERO, Zeros, N(64)]),
    call("perf_event_open", false, 298, [Zeros]),
    call("keyctl", false, 250, [ZERO, N(usize::MAX)]),
    call("memfd_create", true, 319, [Program]),
    call("inotify", true, 294, [ZERO]),
    call("shmget", false, 29, [ZERO, N(4096), N(0o1600)]),
    call("ioctl", false, 16, [ZERO, N(0x5412), Zeros]),
    call("prlimit64", true, 302, [ZERO, N(7), ZERO, Zeros]),
    call("fcntl: notify", false, 72, [ZERO, N(8), Process]),
];

/// Ways into the kernel that are not the usual one.
const GATES: [Attempt; 2] = [
    call("getpid as an x32 program", false, 39 | 0x4000_0000, []),
    Attempt {
        name: "getpid by the old gate",
        works: false,
        call: 20,
        arguments: [ZERO; 6],
        old_gate: true,
    },
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Attempt> {
    FILES.iter().chain(&NAMES).chain(&OTHERS).chain(&GATES)
}
