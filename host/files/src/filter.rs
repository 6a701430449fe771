//! The system calls that a confined server can make, and what their arguments must be.
//!
//! Paths that are not looked at here: those of `openat2` lead beneath a descriptor, by the description that they come with, or
//! (`OPEN`) to what Landlock allows to be opened; those of `mkdirat` and the others that make and remove names are Landlock's too.
//! All others are the empty path.
use linux_raw_sys::general::*;
use sundog_host_sys::calls::{BENEATH_FIRST, BENEATH_LAST, EMPTY, OPEN_FIRST, OPEN_LAST, STRIDE};
use sundog_host_sys::seccomp::{Must, Rule};

/// A descriptor's number, and not the current folder.
const DESCRIPTOR: Must = Must::Within(0xf_ffff);
const NO_PATH: Must = Must::Be(EMPTY as u64);
const BENEATH: Must = Must::Step {
    first: BENEATH_FIRST as u64,
    last: BENEATH_LAST as u64,
    step: STRIDE as u64,
};
const OPEN: Must = Must::Step {
    first: OPEN_FIRST as u64,
    last: OPEN_LAST as u64,
    step: STRIDE as u64,
};
const SIZE: Must = Must::Be(24);
/// Protection of memory: readable and writable at most.
const NO_CODE: Must = Must::Within(3);
const PRIVATE_MEMORY: Must = Must::Be(0x22);
const MAY_MOVE: Must = Must::Within(1);

const fn free(call: u32) -> Rule<'static> {
    with(call, &[])
}

const fn with(call: u32, arguments: &'static [(u8, Must)]) -> Rule<'static> {
    Rule { call, arguments }
}

/// The rules; what is called most comes first.
pub const RULES: [Rule<'static>; 54] = [
    free(__NR_read),
    free(__NR_write),
    with(__NR_openat2, &[(0, DESCRIPTOR), (2, BENEATH), (3, SIZE)]),
    with(__NR_openat2, &[(0, DESCRIPTOR), (2, OPEN), (3, SIZE)]),
    with(__NR_statx, &[(1, NO_PATH)]),
    free(__NR_close),
    free(__NR_pread64),
    free(__NR_pwrite64),
    free(__NR_poll),
    free(__NR_ppoll),
    free(__NR_getdents64),
    free(__NR_lseek),
    with(__NR_readlinkat, &[(1, NO_PATH)]),
    free(__NR_fstatfs),
    free(__NR_ftruncate),
    free(__NR_fallocate),
    free(__NR_fsync),
    free(__NR_fdatasync),
    free(__NR_flock),
    // The standard library looks whether what it closes is open, when it is built for debugging.
    with(__NR_fcntl, &[(1, Must::Be(F_GETFD as u64))]),
    with(__NR_fcntl, &[(1, Must::Be(F_SETFL as u64))]),
    with(__NR_fcntl, &[(1, Must::Be(F_OFD_SETLK as u64))]),
    with(__NR_fcntl, &[(1, Must::Be(F_OFD_GETLK as u64))]),
    with(__NR_fcntl, &[(1, Must::Be(F_DUPFD_CLOEXEC as u64))]),
    free(__NR_fchmod),
    with(__NR_fchmodat2, &[(0, DESCRIPTOR), (1, NO_PATH)]),
    with(__NR_fchownat, &[(0, DESCRIPTOR), (1, NO_PATH)]),
    with(__NR_utimensat, &[(0, DESCRIPTOR), (1, NO_PATH)]),
    with(__NR_mkdirat, &[(0, DESCRIPTOR)]),
    with(__NR_unlinkat, &[(0, DESCRIPTOR)]),
    with(__NR_symlinkat, &[(1, DESCRIPTOR)]),
    with(__NR_linkat, &[(0, DESCRIPTOR), (2, DESCRIPTOR)]),
    with(__NR_renameat2, &[(0, DESCRIPTOR), (2, DESCRIPTOR)]),
    with(
        __NR_mknodat,
        &[
            (0, DESCRIPTOR),
            (2, Must::Within(S_IFREG as u64 | 0o7777)),
            (3, Must::Be(0)),
        ],
    ),
    with(
        __NR_mknodat,
        &[
            (0, DESCRIPTOR),
            (2, Must::Within(S_IFIFO as u64 | 0o7777)),
            (3, Must::Be(0)),
        ],
    ),
    with(
        __NR_mknodat,
        &[
            (0, DESCRIPTOR),
            (2, Must::Within(S_IFSOCK as u64 | 0o7777)),
            (3, Must::Be(0)),
        ],
    ),
    // The heap. Nothing becomes code, and what lies below 4 GiB stays as it is: the descriptions.
    with(
        __NR_mmap,
        &[(0, Must::Be(0)), (2, NO_CODE), (3, PRIVATE_MEMORY)],
    ),
    with(__NR_munmap, &[(0, Must::BeHigh)]),
    with(__NR_mprotect, &[(0, Must::BeHigh), (2, NO_CODE)]),
    with(__NR_mremap, &[(0, Must::BeHigh), (3, MAY_MOVE)]),
    with(__NR_madvise, &[(0, Must::BeHigh)]),
    free(__NR_brk),
    // The clock, where it is not read without a call; the end of an interrupted wait, and of the process.
    free(__NR_clock_gettime),
    free(__NR_restart_syscall),
    free(__NR_rt_sigreturn),
    free(__NR_rt_sigprocmask),
    free(__NR_sigaltstack),
    free(__NR_gettid),
    free(__NR_getpid),
    with(__NR_futex, &[]),
    free(__NR_sched_yield),
    free(__NR_getrandom),
    free(__NR_exit),
    free(__NR_exit_group),
];
