//! The table of system calls: number, name, typed arguments and handler of each, said once.
use super::{
    Argument, Outcome, exec, files, folders, fork, futex, identity, io, jobs, limits, memory,
    names, poll, prctl, process, select, signals, sockets, system, time, timers, wait, xattr,
};
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;

/// Whether two names are the same.
const fn same(one: &str, two: &str) -> bool {
    let (one, two) = (one.as_bytes(), two.as_bytes());
    if one.len() != two.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != two[index] {
            return false;
        }
        index += 1;
    }
    true
}

macro_rules! calls {
    ($($number:literal $name:ident($($argument:ident: $kind:ty),*) => $module:ident::$handler:ident;)*) => {
        /// The name of a call, if the personality has it.
        #[must_use]
        pub fn name(number: u64) -> Option<&'static str> {
            match number {
                $($number => Some(stringify!($name)),)*
                _ => None,
            }
        }

        /// The number of the call with this name.
        const fn number(name: &str) -> usize {
            $(if same(name, stringify!($name)) {
                return $number;
            })*
            panic!("no such call")
        }

        #[inline(always)]
        fn call(kernel: &mut Kernel, task: TaskId, number: u64, registers: [u64; 6]) -> Outcome {
            match number {
                $($number => {
                    #[allow(unused_mut, unused_variables, reason = "calls without arguments take none")]
                    let mut registers = registers.into_iter();
                    $(let $argument = <$kind as Argument>::from_register(registers.next().unwrap_or(0));)*
                    $module::$handler(kernel, task $(, $argument)*)
                })*
                _ => unknown(kernel, number),
            }
        }
    };
}

calls! {
    0 read(fd: i32, buffer: u64, length: usize) => io::read;
    1 write(fd: i32, buffer: u64, length: usize) => io::write;
    2 open(path: u64, flags: u32, mode: u32) => files::open;
    3 close(fd: i32) => files::close;
    4 stat(path: u64, to: u64) => names::stat;
    5 fstat(fd: i32, to: u64) => names::fstat;
    6 lstat(path: u64, to: u64) => names::lstat;
    7 poll(fds: u64, count: u64, timeout: i32) => poll::poll;
    8 lseek(fd: i32, offset: i64, whence: u32) => files::lseek;
    9 mmap(address: u64, length: u64, access: u32, flags: u32, fd: i32, offset: u64) => memory::mmap;
    10 mprotect(start: u64, length: u64, access: u32) => memory::mprotect;
    11 munmap(start: u64, length: u64) => memory::munmap;
    12 brk(end: u64) => memory::brk;
    13 rt_sigaction(signal: u32, new: u64, old: u64, size: u64) => signals::rt_sigaction;
    14 rt_sigprocmask(how: u32, set: u64, old: u64, size: u64) => signals::rt_sigprocmask;
    15 rt_sigreturn() => signals::rt_sigreturn;
    16 ioctl(fd: i32, request: u32, argument: u64) => files::ioctl;
    17 pread64(fd: i32, buffer: u64, length: usize, offset: i64) => io::pread;
    18 pwrite64(fd: i32, buffer: u64, length: usize, offset: i64) => io::pwrite;
    19 readv(fd: i32, parts: u64, count: u64) => io::readv;
    20 writev(fd: i32, parts: u64, count: u64) => io::writev;
    21 access(path: u64, mode: u32) => names::access;
    22 pipe(to: u64) => files::pipe;
    23 select(count: i32, read: u64, write: u64, except: u64, timeout: u64) => select::select;
    24 sched_yield() => process::sched_yield;
    25 mremap(old: u64, old_length: u64, length: u64, flags: u32, to: u64) => memory::mremap;
    26 msync(start: u64, length: u64, flags: u32) => memory::msync;
    27 mincore(start: u64, length: u64, to: u64) => memory::mincore;
    28 madvise(start: u64, length: u64, advice: u32) => memory::madvise;
    32 dup(fd: i32) => files::dup;
    33 dup2(fd: i32, to: i32) => files::dup2;
    34 pause() => signals::pause;
    35 nanosleep(time: u64, left: u64) => time::nanosleep;
    36 getitimer(which: u32, to: u64) => time::getitimer;
    37 alarm(seconds: u32) => time::alarm;
    38 setitimer(which: u32, new: u64, old: u64) => time::setitimer;
    39 getpid() => identity::getpid;
    40 sendfile(to: i32, from: i32, offset: u64, length: usize) => io::sendfile;
    41 socket(domain: u32, kind: u32, protocol: u32) => sockets::socket;
    42 connect(fd: i32, address: u64, length: u32) => sockets::connect;
    43 accept(fd: i32) => sockets::not_for_pairs;
    44 sendto(fd: i32, buffer: u64, length: usize, flags: u32, address: u64, size: u32) => sockets::sendto;
    45 recvfrom(fd: i32, buffer: u64, length: usize, flags: u32, address: u64, size: u64) => sockets::recvfrom;
    46 sendmsg(fd: i32, message: u64, flags: u32) => sockets::sendmsg;
    47 recvmsg(fd: i32, message: u64, flags: u32) => sockets::recvmsg;
    48 shutdown(fd: i32, how: u32) => sockets::shutdown;
    49 bind(fd: i32) => sockets::not_for_pairs;
    50 listen(fd: i32) => sockets::not_for_pairs;
    51 getsockname(fd: i32, to: u64, length: u64) => sockets::getsockname;
    52 getpeername(fd: i32, to: u64, length: u64) => sockets::getsockname;
    53 socketpair(domain: u32, kind: u32, protocol: u32, to: u64) => files::socketpair;
    54 setsockopt(fd: i32, level: u32, option: u32, from: u64, length: u32) => sockets::setsockopt;
    55 getsockopt(fd: i32, level: u32, option: u32, to: u64, length: u64) => sockets::getsockopt;
    56 clone(flags: u64, stack: u64, parent_tid: u64, child_tid: u64, tls: u64) => fork::clone;
    57 fork() => fork::fork;
    58 vfork() => fork::vfork;
    59 execve(path: u64, arguments: u64, environment: u64) => exec::execve;
    60 exit(status: i32) => process::exit;
    61 wait4(pid: i32, status: u64, options: u32, usage: u64) => wait::wait4;
    62 kill(pid: i32, signal: u32) => signals::kill;
    63 uname(to: u64) => system::uname;
    72 fcntl(fd: i32, command: u32, argument: u64) => files::fcntl;
    73 flock(fd: i32, operation: u32) => files::flock;
    74 fsync(fd: i32) => files::fsync;
    75 fdatasync(fd: i32) => files::fdatasync;
    76 truncate(path: u64, length: i64) => names::truncate;
    77 ftruncate(fd: i32, length: i64) => files::ftruncate;
    79 getcwd(to: u64, size: usize) => folders::getcwd;
    80 chdir(path: u64) => folders::chdir;
    81 fchdir(fd: i32) => folders::fchdir;
    82 rename(old: u64, new: u64) => folders::rename;
    83 mkdir(path: u64, mode: u32) => folders::mkdir;
    84 rmdir(path: u64) => folders::rmdir;
    85 creat(path: u64, mode: u32) => files::creat;
    86 link(old: u64, new: u64) => folders::link;
    87 unlink(path: u64) => folders::unlink;
    88 symlink(target: u64, path: u64) => folders::symlink;
    89 readlink(path: u64, to: u64, size: usize) => folders::readlink;
    90 chmod(path: u64, mode: u32) => names::chmod;
    91 fchmod(fd: i32, mode: u32) => names::fchmod;
    92 chown(path: u64, user: u32, group: u32) => names::chown;
    93 fchown(fd: i32, user: u32, group: u32) => names::fchown;
    94 lchown(path: u64, user: u32, group: u32) => names::lchown;
    95 umask(mask: u32) => folders::umask;
    96 gettimeofday(to: u64, zone: u64) => time::gettimeofday;
    97 getrlimit(resource: u32, to: u64) => limits::getrlimit;
    98 getrusage(who: i32, to: u64) => limits::getrusage;
    99 sysinfo(to: u64) => system::sysinfo;
    100 times(to: u64) => limits::times;
    102 getuid() => identity::getuid;
    103 syslog(action: i32, buffer: u64, length: i32) => process::syslog;
    104 getgid() => identity::getgid;
    105 setuid(user: u32) => identity::setuid;
    106 setgid(group: u32) => identity::setgid;
    107 geteuid() => identity::geteuid;
    108 getegid() => identity::getegid;
    109 setpgid(pid: i32, group: i32) => jobs::setpgid;
    110 getppid() => identity::getppid;
    111 getpgrp() => jobs::getpgrp;
    112 setsid() => jobs::setsid;
    113 setreuid(real: u32, effective: u32) => identity::setreuid;
    114 setregid(real: u32, effective: u32) => identity::setregid;
    115 getgroups(size: i32, to: u64) => identity::getgroups;
    116 setgroups(size: u32, from: u64) => identity::setgroups;
    117 setresuid(real: u32, effective: u32, saved: u32) => identity::setresuid;
    118 getresuid(real: u64, effective: u64, saved: u64) => identity::getresuid;
    119 setresgid(real: u32, effective: u32, saved: u32) => identity::setresgid;
    120 getresgid(real: u64, effective: u64, saved: u64) => identity::getresgid;
    121 getpgid(pid: i32) => jobs::getpgid;
    122 setfsuid(user: u32) => identity::setfsuid;
    123 setfsgid(group: u32) => identity::setfsgid;
    124 getsid(pid: i32) => jobs::getsid;
    125 capget(header: u64, data: u64) => identity::capget;
    126 capset(header: u64, data: u64) => identity::capset;
    127 rt_sigpending(to: u64, size: u64) => signals::rt_sigpending;
    128 rt_sigtimedwait(set: u64, to: u64, timeout: u64, size: u64) => signals::rt_sigtimedwait;
    129 rt_sigqueueinfo(pid: i32, signal: u32, information: u64) => signals::rt_sigqueueinfo;
    130 rt_sigsuspend(set: u64, size: u64) => signals::rt_sigsuspend;
    131 sigaltstack(new: u64, old: u64) => signals::sigaltstack;
    133 mknod(path: u64, mode: u32, device: u64) => folders::mknod;
    137 statfs(path: u64, to: u64) => names::statfs;
    138 fstatfs(fd: i32, to: u64) => names::fstatfs;
    140 getpriority(which: u32, who: i32) => limits::getpriority;
    141 setpriority(which: u32, who: i32, nice: i32) => limits::setpriority;
    142 sched_setparam(pid: i32, parameters: u64) => process::sched_setparam;
    143 sched_getparam(pid: i32, to: u64) => process::sched_getparam;
    144 sched_setscheduler(pid: i32, policy: u32, parameters: u64) => process::sched_setscheduler;
    145 sched_getscheduler(pid: i32) => process::sched_getscheduler;
    146 sched_get_priority_max(policy: u32) => process::sched_get_priority_max;
    147 sched_get_priority_min(policy: u32) => process::sched_get_priority_min;
    148 sched_rr_get_interval(pid: i32, to: u64) => process::sched_rr_get_interval;
    149 mlock(start: u64, length: u64) => memory::mlock;
    150 munlock(start: u64, length: u64) => memory::mlock;
    157 prctl(option: u32, a: u64, b: u64, c: u64, d: u64) => prctl::prctl;
    158 arch_prctl(option: u32, value: u64) => prctl::arch_prctl;
    160 setrlimit(resource: u32, from: u64) => limits::setrlimit;
    161 chroot(path: u64) => folders::chroot;
    162 sync() => files::sync;
    186 gettid() => identity::gettid;
    188 setxattr(path: u64) => xattr::on_path;
    189 lsetxattr(path: u64) => xattr::on_link;
    190 fsetxattr(fd: i32) => xattr::on_file;
    191 getxattr(path: u64) => xattr::on_path;
    192 lgetxattr(path: u64) => xattr::on_link;
    193 fgetxattr(fd: i32) => xattr::on_file;
    194 listxattr(path: u64) => xattr::list_path;
    195 llistxattr(path: u64) => xattr::list_link;
    196 flistxattr(fd: i32) => xattr::list_file;
    197 removexattr(path: u64) => xattr::on_path;
    198 lremovexattr(path: u64) => xattr::on_link;
    199 fremovexattr(fd: i32) => xattr::on_file;
    200 tkill(tid: i32, signal: u32) => signals::tkill;
    201 time(to: u64) => time::time;
    202 futex(word: u64, operation: u32, value: u32, timeout: u64, second: u64, third: u32) => futex::futex;
    203 sched_setaffinity(pid: i32, size: usize, from: u64) => process::sched_setaffinity;
    204 sched_getaffinity(pid: i32, size: usize, to: u64) => process::sched_getaffinity;
    213 epoll_create(size: i32) => poll::epoll_create;
    217 getdents64(fd: i32, to: u64, size: usize) => folders::getdents64;
    218 set_tid_address(word: u64) => process::set_tid_address;
    221 fadvise64(fd: i32, offset: i64, length: i64, advice: u32) => files::fadvise64;
    222 timer_create(clock: u32, event: u64, to: u64) => timers::timer_create;
    223 timer_settime(timer: i32, flags: u32, new: u64, old: u64) => timers::timer_settime;
    224 timer_gettime(timer: i32, to: u64) => timers::timer_gettime;
    225 timer_getoverrun(timer: i32) => timers::timer_getoverrun;
    226 timer_delete(timer: i32) => timers::timer_delete;
    227 clock_settime(clock: u32, from: u64) => time::clock_settime;
    228 clock_gettime(clock: u32, to: u64) => time::clock_gettime;
    229 clock_getres(clock: u32, to: u64) => time::clock_getres;
    230 clock_nanosleep(clock: u32, flags: u32, time: u64, left: u64) => time::clock_nanosleep;
    231 exit_group(status: i32) => process::exit_group;
    232 epoll_wait(fd: i32, to: u64, count: i32, timeout: i32) => poll::epoll_wait;
    233 epoll_ctl(fd: i32, operation: u32, target: i32, event: u64) => poll::epoll_ctl;
    234 tgkill(pid: i32, tid: i32, signal: u32) => signals::tgkill;
    247 waitid(kind: u32, id: i32, to: u64, options: u32, usage: u64) => wait::waitid;
    257 openat(folder: i32, path: u64, flags: u32, mode: u32) => files::openat;
    258 mkdirat(folder: i32, path: u64, mode: u32) => folders::mkdirat;
    259 mknodat(folder: i32, path: u64, mode: u32, device: u64) => folders::mknodat;
    260 fchownat(folder: i32, path: u64, user: u32, group: u32, flags: u32) => names::fchownat;
    262 newfstatat(folder: i32, path: u64, to: u64, flags: u32) => names::newfstatat;
    263 unlinkat(folder: i32, path: u64, flags: u32) => folders::unlinkat;
    264 renameat(old_folder: i32, old: u64, new_folder: i32, new: u64) => folders::renameat;
    265 linkat(old_folder: i32, old: u64, new_folder: i32, new: u64, flags: u32) => folders::linkat;
    266 symlinkat(target: u64, folder: i32, path: u64) => folders::symlinkat;
    267 readlinkat(folder: i32, path: u64, to: u64, size: usize) => folders::readlinkat;
    268 fchmodat(folder: i32, path: u64, mode: u32) => names::fchmodat;
    269 faccessat(folder: i32, path: u64, mode: u32) => names::faccessat;
    270 pselect6(count: i32, read: u64, write: u64, except: u64, timeout: u64, mask: u64) => select::pselect6;
    271 ppoll(fds: u64, count: u64, timeout: u64, mask: u64, size: u64) => poll::ppoll;
    273 set_robust_list(head: u64, length: u64) => process::set_robust_list;
    274 get_robust_list(tid: i32, head: u64, length: u64) => process::get_robust_list;
    280 utimensat(folder: i32, path: u64, times: u64, flags: u32) => names::utimensat;
    281 epoll_pwait(fd: i32, to: u64, count: i32, timeout: i32, mask: u64, size: u64) => poll::epoll_pwait;
    284 eventfd(value: u32) => files::eventfd;
    285 fallocate(fd: i32, mode: u32, offset: i64, length: i64) => files::fallocate;
    288 accept4(fd: i32) => sockets::not_for_pairs;
    290 eventfd2(value: u32, flags: u32) => files::eventfd2;
    291 epoll_create1(flags: u32) => poll::epoll_create1;
    292 dup3(fd: i32, to: i32, flags: u32) => files::dup3;
    293 pipe2(to: u64, flags: u32) => files::pipe2;
    295 preadv(fd: i32, parts: u64, count: u64, offset: i64) => io::preadv;
    296 pwritev(fd: i32, parts: u64, count: u64, offset: i64) => io::pwritev;
    297 rt_tgsigqueueinfo(pid: i32, tid: i32, signal: u32, information: u64) => signals::rt_tgsigqueueinfo;
    302 prlimit64(pid: i32, resource: u32, new: u64, old: u64) => limits::prlimit64;
    309 getcpu(cpu: u64, node: u64) => process::getcpu;
    316 renameat2(old_folder: i32, old: u64, new_folder: i32, new: u64, flags: u32) => folders::renameat2;
    318 getrandom(to: u64, length: usize, flags: u32) => system::getrandom;
    319 memfd_create(name: u64, flags: u32) => files::memfd_create;
    322 execveat(folder: i32, path: u64, arguments: u64, environment: u64, flags: u32) => exec::execveat;
    324 membarrier(command: u32, flags: u32) => process::membarrier;
    326 copy_file_range(from: i32, at: u64, to: i32, position: u64, length: usize, flags: u32) => io::copy_file_range;
    327 preadv2(fd: i32, parts: u64, count: u64, offset: i64, high: u64, flags: u32) => io::preadv2;
    328 pwritev2(fd: i32, parts: u64, count: u64, offset: i64, high: u64, flags: u32) => io::pwritev2;
    332 statx(folder: i32, path: u64, flags: u32, mask: u32, to: u64) => names::statx;
    334 rseq(area: u64, size: u32, flags: u32, signature: u32) => process::rseq;
    435 clone3(arguments: u64, size: usize) => fork::clone3;
    436 close_range(first: u32, last: u32, flags: u32) => files::close_range;
    439 faccessat2(folder: i32, path: u64, mode: u32, flags: u32) => names::faccessat2;
}

/// The calls that make a record that stays: a process, an open file, a socket, a timer or a lock.
const RECORDS: [&str; 30] = [
    "open",
    "openat",
    "creat",
    "pipe",
    "pipe2",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "flock",
    "socket",
    "socketpair",
    "memfd_create",
    "eventfd",
    "eventfd2",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "timer_create",
    "mmap",
    "mremap",
    "mprotect",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "execve",
    "execveat",
    "brk",
    "setgroups",
];
/// Calls have numbers below this times 64.
const WORDS: usize = 8;
/// One bit for each call: whether it is among `RECORDS`.
const MAKES_RECORDS: [u64; WORDS] = {
    let mut bits = [0; WORDS];
    let mut index = 0;
    while index < RECORDS.len() {
        let number = number(RECORDS[index]);
        bits[number / 64] |= 1 << (number % 64);
        index += 1;
    }
    bits
};

/// Whether a call makes a record that stays.
fn makes_records(number: u64) -> bool {
    MAKES_RECORDS
        .get((number / 64) as usize)
        .is_some_and(|bits| bits >> (number % 64) & 1 != 0)
}

fn unknown(kernel: &mut Kernel, number: u64) -> Outcome {
    if number < 1024 && kernel.unknown.insert(number) {
        kernel.trace.unknown_call(number);
    }
    Err(Errno::ENOSYS.into())
}

/// Makes (or makes again) the call that a task is in.
///
/// # Errors
/// As the call says; ENOSYS for what is not in the table.
#[inline]
pub fn dispatch(kernel: &mut Kernel, task: TaskId) -> Outcome {
    let state = kernel.task(task)?;
    let arguments = state.vcpu.registers.arguments();
    let state = state.call.as_ref().ok_or(Errno::ESRCH)?;
    let number = state.number;
    // A call that has begun, such as a vfork that waits for its child, goes on.
    if makes_records(number)
        && state.done == 0
        && state.saved.is_none()
        && !(kernel.settings.room)()
    {
        return Err(Errno::ENOMEM.into());
    }
    call(kernel, task, number, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_make_records_are_those_named() {
        for number in 0..600 {
            let named = name(number).is_some_and(|name| RECORDS.contains(&name));
            assert_eq!(makes_records(number), named, "{number}");
        }
    }
}
