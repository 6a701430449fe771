//! What is asked for: for each case the calls of one process, by their number.

use sundog_host_sys::Call;

const WRITE: usize = 1;
const POLL: usize = 7;
const MMAP: usize = 9;
const MPROTECT: usize = 10;
const MUNMAP: usize = 11;
const SIGPROCMASK: usize = 14;
const READV: usize = 19;
const SELECT: usize = 23;
const PAUSE: usize = 34;
const SOCKETPAIR: usize = 53;
const EXECVE: usize = 59;
const FCNTL: usize = 72;
const SETGROUPS: usize = 116;
const SIGQUEUEINFO: usize = 129;
const SETRLIMIT: usize = 160;
const TIMER_CREATE: usize = 222;
const GETDENTS: usize = 217;
const EPOLL_WAIT: usize = 232;
const EPOLL_CTL: usize = 233;
const OPENAT: usize = 257;
const PIPE2: usize = 293;
const EPOLL_CREATE: usize = 291;
const MEMFD: usize = 319;
const GETRANDOM: usize = 318;
const READLINK: usize = 89;

/// Different locks.
const LOCKS: usize = 60_000;

const NONBLOCK: usize = 0o4000;
/// Memory that the calls themselves map.
const FAR: usize = 0x1000_0000_0000;
const PAGE: usize = 4096;

/// A way to be greedy.
pub struct Case {
    pub name: &'static str,
    /// In how many processes, one after the other, which all stay.
    pub processes: u64,
    /// How many calls each makes.
    pub calls: u64,
    pub call: fn(&Memory, u64) -> Call,
}

/// What the calls name.
pub struct Memory {
    bytes: Vec<u8>,
    program: Vec<u8>,
    /// Pointers to the same text, and a null pointer.
    same: Vec<usize>,
    empties: Vec<usize>,
    parts: Vec<usize>,
    limit: [usize; 2],
    numbers: Vec<u32>,
    information: [u32; 32],
    /// Locks of one byte each, which do not touch each other.
    locks: Vec<[u64; 4]>,
}

impl Memory {
    pub fn new() -> Self {
        let program = b"/bin/true\0".to_vec();
        let list = |text: &[u8], count: usize| {
            let mut list = vec![text.as_ptr().expose_provenance(); count];
            list.push(0);
            list
        };
        let bytes = vec![0; 1 << 20];
        let part = [bytes.as_ptr().expose_provenance(), 1 << 18];
        let mut information = [0; 32];
        information[0] = 40;
        information[2] = u32::MAX;
        Self {
            same: list(&program, 262_143),
            empties: list(b"\0", 200_000),
            parts: (0..1024).flat_map(|_| part).collect(),
            limit: [1 << 20; 2],
            // Descriptors and events of poll; mostly none that is open.
            numbers: (0..1 << 18).map(|number| number / 2).collect(),
            information,
            locks: (0..LOCKS as u64)
                .map(|number| [1, number * 2, 1, 0])
                .collect(),
            bytes,
            program,
        }
    }

    fn program(&self) -> usize {
        self.program.as_ptr().expose_provenance()
    }

    fn bytes(&self) -> usize {
        self.bytes.as_ptr().expose_provenance()
    }

    fn limit(&self) -> Call {
        let limit = self.limit.as_ptr().expose_provenance();
        (SETRLIMIT, [7, limit, 0, 0, 0, 0])
    }
}

/// A case of one process.
const fn alone(name: &'static str, calls: u64, call: fn(&Memory, u64) -> Call) -> Case {
    many(name, 1, calls, call)
}

const fn many(
    name: &'static str,
    processes: u64,
    calls: u64,
    call: fn(&Memory, u64) -> Call,
) -> Case {
    Case {
        name,
        processes,
        calls,
        call,
    }
}

/// Waits for ever, as the last call of a process that is to keep what it holds.
const WAIT: Call = (PAUSE, [0; 6]);

pub const CASES: &[Case] = &[
    alone("arguments", 1, |memory, _| {
        let list = memory.same.as_ptr().expose_provenance();
        (EXECVE, [memory.program(), list, 0, 0, 0, 0])
    }),
    alone("empty-arguments", 1, |memory, _| {
        let list = memory.empties.as_ptr().expose_provenance();
        (EXECVE, [memory.program(), list, 0, 0, 0, 0])
    }),
    alone("areas", 70_004, |_, number| match number as usize {
        0 => (MMAP, [FAR, 1 << 34, 0, 0x4032, usize::MAX, 0]),
        number @ 1..70_001 => (MPROTECT, [FAR + number * 2 * PAGE, PAGE, 1, 0, 0, 0]),
        70_001 => (57, [0; 6]),
        70_002 => (MPROTECT, [FAR, 1 << 34, 1, 0, 0, 0]),
        _ => (MUNMAP, [FAR, 1 << 34, 0, 0, 0, 0]),
    }),
    alone("holes", 70_002, |_, number| match number as usize {
        0 => (MMAP, [FAR, 1 << 34, 0, 0x4032, usize::MAX, 0]),
        number @ 1..70_001 => (MUNMAP, [FAR + number * 2 * PAGE, PAGE, 0, 0, 0, 0]),
        _ => (MUNMAP, [FAR, 1 << 34, 0, 0, 0, 0]),
    }),
    // A page in each two MiB, so that each needs a table of its own; then a fork, and all of it elsewhere.
    alone("tables", 8003, |_, number| match number as usize {
        0 => (MMAP, [FAR, 1 << 34, 3, 0x4032, usize::MAX, 0]),
        number @ 1..8001 => (GETRANDOM, [FAR + (number << 21), 1, 0, 0, 0, 0]),
        8001 => (57, [0; 6]),
        _ => (25, [FAR, 1 << 34, 1 << 34, 3, FAR * 2 + PAGE, 0]),
    }),
    many("groups", 200, 2, |memory, number| match number {
        0 => (SETGROUPS, [65_536, memory.bytes(), 0, 0, 0, 0]),
        _ => WAIT,
    }),
    many("pipes", 8, 4000, |memory, number| match number {
        0 => memory.limit(),
        1..1900 => (PIPE2, [memory.bytes() + 65_536, NONBLOCK, 0, 0, 0, 0]),
        number @ 1900..3999 => {
            let descriptor = number as usize * 2 - 3799;
            (WRITE, [descriptor, memory.bytes(), 65_536, 0, 0, 0])
        }
        _ => WAIT,
    }),
    many("sockets", 8, 4000, |memory, number| match number {
        0 => memory.limit(),
        1..1900 => (
            SOCKETPAIR,
            [1, 1 | NONBLOCK, 0, memory.bytes() + 65_536, 0, 0],
        ),
        number @ 1900..3999 => {
            let descriptor = number as usize - 1900;
            (WRITE, [descriptor, memory.bytes(), 1 << 18, 0, 0, 0])
        }
        _ => WAIT,
    }),
    many("signals", 200, 1100, |memory, number| match number {
        0 => {
            let all = memory.numbers.as_ptr_range().end.expose_provenance() - 8;
            (SIGPROCMASK, [0, all, 0, 8, 0, 0])
        }
        1..1099 => {
            let information = memory.information.as_ptr().expose_provenance();
            let own = std::process::id() as usize;
            (SIGQUEUEINFO, [own, 40, information, 0, 0, 0])
        }
        _ => WAIT,
    }),
    many("poll", 4, 8, |memory, number| {
        let list = memory.numbers.as_ptr().expose_provenance();
        match number {
            0 => memory.limit(),
            1 => (POLL, [list, 100_000, 1, 0, 0, 0]),
            2 => (SELECT, [1 << 20, memory.bytes(), memory.bytes(), 0, 0, 0]),
            3 => (EPOLL_CREATE, [0; 6]),
            4 => (EPOLL_WAIT, [2, memory.bytes(), 1 << 20, 1, 0, 0]),
            5 => (GETDENTS, [2, memory.bytes(), 1 << 30, 0, 0, 0]),
            // Nothing but descriptors that are passed over: this waits.
            _ => (MMAP, [FAR, 1 << 20, 3, 0x32, usize::MAX, 0]),
        }
    }),
    many("parts", 2, 4, |memory, number| {
        let parts = memory.parts.as_ptr().expose_provenance();
        match number {
            0 => (
                OPENAT,
                [0, c"/dev/zero".as_ptr().expose_provenance(), 2, 0, 0, 0],
            ),
            1 => (READV, [2, parts, 1024, 0, 0, 0]),
            2 => (20, [2, parts, 1024, 0, 0, 0]),
            _ => (
                READLINK,
                [memory.program(), memory.bytes(), usize::MAX, 0, 0, 0],
            ),
        }
    }),
    alone("locks", 60_001, |memory, number| match number {
        0 => (MEMFD, [memory.program(), 0, 0, 0, 0, 0]),
        number => {
            let lock = memory.locks.as_ptr().expose_provenance();
            (FCNTL, [2, 6, lock + number as usize % LOCKS * 32, 0, 0, 0])
        }
    }),
    many("timers", 50, 5000, |memory, number| match number {
        4999 => WAIT,
        _ => (TIMER_CREATE, [1, 0, memory.bytes(), 0, 0, 0]),
    }),
    many("files", 4, 40_000, |memory, number| match number {
        0 => memory.limit(),
        39_999 => WAIT,
        number if number % 3 == 0 => (EPOLL_CREATE, [0; 6]),
        number if number % 3 == 1 => (MEMFD, [memory.program(), 0, 0, 0, 0, 0]),
        number => {
            let descriptor = number as usize / 3 * 2;
            (
                EPOLL_CTL,
                [descriptor, 1, descriptor + 1, memory.bytes(), 0, 0],
            )
        }
    }),
];
