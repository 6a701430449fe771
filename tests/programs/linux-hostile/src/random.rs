//! A small generator, and hostile system calls out of it.

use sundog_host_sys::Call;

/// Numbers of calls: those of Linux, and a few more.
const NUMBERS: u64 = 461;
/// Calls that end or stop the caller at once (`rt_sigreturn`, `pause`, `vfork`, `exit`, `rt_sigsuspend`, `exit_group`) or its parent
/// (`kill`, `rt_sigqueueinfo`, `tkill`, `tgkill`), which one in sixteen draws keeps.
const RARE: [usize; 10] = [15, 34, 58, 60, 62, 129, 130, 200, 231, 234];
/// What is in the caller's memory: bytes that are also names of files.
const NAMES: [&str; 8] = [
    "/tmp/file\0",
    "/tmp\0",
    "/proc/self/maps\0",
    "/proc/1/mem\0",
    "/dev/null\0",
    "../../../..\0",
    "/bin/busybox\0",
    "\0",
];
/// Bytes of the caller's memory behind each address, so that most of what the kernel writes stays within.
const ROOM: usize = 4096;

/// Sizes at which limits lie: parts of a list, groups, descriptors, arguments.
const SIZES: [usize; 9] = [
    1023,
    1024,
    1025,
    65_535,
    65_536,
    65_537,
    100_000,
    262_143,
    1 << 20,
];
/// How many pointers to one text a list of arguments has.
const POINTERS: usize = 250_000;

/// Xorshift: its sequence depends on the seed alone.
pub struct Random {
    state: u64,
    /// Addresses in the caller's memory.
    own: [usize; 3],
    names: [usize; NAMES.len()],
    /// Many pointers to one name, and a null pointer.
    pointers: usize,
}

/// Memory of the caller that calls may name.
pub struct Memory {
    zeros: Vec<u8>,
    numbers: Vec<u64>,
    pointers: Vec<usize>,
}

impl Memory {
    /// Zeros, and records of small numbers.
    pub fn new() -> Self {
        let zeros = vec![0; ROOM];
        let numbers = (0..ROOM as u64 / 8).map(|index| index % 7).collect();
        let mut pointers = vec![NAMES[1].as_ptr().expose_provenance(); POINTERS + 1];
        pointers[POINTERS] = 0;
        Self {
            zeros,
            numbers,
            pointers,
        }
    }
}

impl Random {
    /// A sequence for each seed, of calls that name `memory`.
    pub fn new(seed: u64, memory: &Memory) -> Self {
        let stack = [0_u8; 8];
        Self {
            // Neighbouring seeds begin far from each other; 0 would stay 0.
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            own: [
                memory.zeros.as_ptr().expose_provenance(),
                memory.numbers.as_ptr().expose_provenance(),
                stack.as_ptr().expose_provenance(),
            ],
            pointers: memory.pointers.as_ptr().expose_provenance(),
            names: NAMES.map(|name| name.as_ptr().expose_provenance()),
        }
    }

    fn word(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// The next call.
    pub fn call(&mut self) -> Call {
        (self.number(), std::array::from_fn(|_| self.argument()))
    }

    fn number(&mut self) -> usize {
        loop {
            let word = self.word();
            let number = match word >> 58 {
                0 => word,
                _ => word % NUMBERS,
            } as usize;
            if !RARE.contains(&number) || word >> 54 & 15 == 0 {
                return number;
            }
        }
    }

    /// Small numbers, edges, the caller's own memory, and addresses that are unmapped, no addresses at all or the kernel's.
    fn argument(&mut self) -> usize {
        let word = self.word();
        let low = word as usize & 0xffff_ffff;
        match word >> 60 {
            0 | 1 => 0,
            2 => usize::MAX,
            3 => low & 3,
            4 => low & 0x3f,
            5 if low & 1 << 16 == 0 => low & 0xffff,
            5 => SIZES[(low >> 17) % SIZES.len()],
            6 if low & 16 == 0 => self.own[low % 2],
            6 => self.pointers,
            7 => self.own[low % 3] + (low >> 8) % ROOM,
            8 => self.names[low % NAMES.len()],
            // Unmapped, the kernel's half, and neither half.
            9 => low & 0xffff_f000,
            10 => 0xffff_8000_0000_0000 | word as usize >> 20,
            11 => 1 << 47 | low,
            12 => i64::MAX as usize,
            13 => (i64::MIN as usize).wrapping_add(low & 0xfff),
            14 => 1 << (low & 63),
            _ => word as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_its_calls_and_every_kind_of_argument_comes() {
        let memory = Memory::new();
        let calls = |seed| {
            let mut random = Random::new(seed, &memory);
            (0..5000).map(|_| random.call()).collect::<Vec<_>>()
        };
        let (once, again, other) = (calls(1), calls(1), calls(2));
        let numbers = |calls: &[Call]| calls.iter().map(|call| call.0).collect::<Vec<_>>();
        assert_eq!(numbers(&once), numbers(&again));
        assert_ne!(numbers(&once), numbers(&other));
        for number in 0..NUMBERS as usize {
            let common = !RARE.contains(&number);
            assert!(!common || numbers(&once).contains(&number), "{number}");
        }
        let arguments = || once.iter().flat_map(|call| call.1);
        let kernel = |word| (0xffff_8000_0000_0000..0xffff_9000_0000_0000).contains(&word);
        let list = memory.pointers.as_ptr().expose_provenance();
        for wanted in [0, 1, usize::MAX, i64::MAX as usize, 1024, 65_536, list] {
            assert!(arguments().any(|word| word == wanted), "{wanted:#x}");
        }
        assert!(arguments().any(kernel));
        assert!(arguments().any(|word| word >> 47 == 1));
        assert!(arguments().any(|word| word == memory.zeros.as_ptr().expose_provenance()));
    }
}
