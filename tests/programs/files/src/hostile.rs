//! A client that sends its servers anything, and one that works beside it.

use crate::client::{PIECE, Trial, Wrong, good, is};
use alloc::format;
use sundog_rt::cap::object::{Endpoint, Frame, SchedContext};
use sundog_rt::cap::{Cap, Error, Protection};
use sundog_rt::start::capability;
use sundog_rt::sys::abi::Info;
use sundog_rt::{Environment, Mapping, NewThread, debug, fail, spawn_thread};

/// Operations of the protocol, and some numbers that are none.
const OPERATIONS: u64 = 24;
/// The words of each operation's request, the one behind it included.
const LENGTHS: [usize; OPERATIONS as usize] = [
    2, 3, 3, 2, 5, 4, 4, 2, 8, 4, 3, 5, 4, 6, 4, 3, 5, 2, 2, 2, 4, 3, 2, 2,
];
/// Handles that are tried: the attacker has about so many.
const HANDLES: u64 = 40;
/// One request of so many must at least be one that the server does not refuse.
const LEAST_ANSWERED: u64 = 50;
/// Bytes of a ring's header.
const HEADER: usize = 4096;
/// Rounds of work that must fit beside the attack.
const LEAST_ROUNDS: u32 = 20;

/// Works until the attacker is done.
///
/// # Errors
/// What was wrong.
pub fn beside(mut trial: Trial) -> Result<(), Wrong> {
    let (large, free) = (
        good("hash", trial.hash("/files-trial"))?,
        trial.free("/tmp")?,
    );
    trial.make("/tmp/kept", 20 * PIECE)?;
    trial.listen()?;
    trial.tell()?;
    let (mut rounds, mut over) = (0, false);
    while !over {
        over = trial.events.poll()? != 0;
        trial.make("/tmp/a", 5 * PIECE)?;
        trial.check("/tmp/a", 5 * PIECE)?;
        good("remove", trial.files.remove("/tmp/a", false))?;
        trial.check("/tmp/kept", 20 * PIECE)?;
        rounds += 1;
    }
    is(
        good("hash", trial.hash("/files-trial"))? == large,
        "the archive changed",
    )?;
    debug!("files: {rounds} rounds of work beside the attack");
    is(
        rounds >= LEAST_ROUNDS,
        "hardly any work was done beside the attack",
    )?;
    good("remove", trial.files.remove("/tmp/kept", false))?;
    is(trial.free("/tmp")? == free, "the attacker took memory")?;
    is(
        good("list", trial.files.list("/tmp"))?.is_empty(),
        "a strange file",
    )
}

/// Xorshift: its sequence depends on the seed alone.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Anything, with the small numbers and edges among it that get furthest.
    fn value(&mut self) -> u64 {
        let word = self.next();
        match word >> 61 {
            0 => word & 0xff,
            1 => 1 << (word & 63),
            2 => u64::MAX,
            3 => word & 0xffff_ffff,
            4 => word,
            // A span within the ring: a short name somewhere.
            _ => (word & 0x1f) << 32 | (word >> 8 & 0x3fff),
        }
    }

    /// A request, as far as it looks like one: an operation, a small number, a handle.
    fn head(&mut self) -> u64 {
        let word = self.next();
        let operation = word % OPERATIONS;
        let small = if word >> 62 == 0 {
            self.value() & 0xff_ffff
        } else {
            word >> 32 & 3
        };
        // Mostly the root's handle, which is the first one.
        let handle = if word >> 60 & 1 == 0 {
            0
        } else {
            (word >> 16) % HANDLES
        };
        operation | small << 8 | handle << 32
    }
}

/// Sends random requests to each of its servers while a second thread, on another CPU, scribbles over the rings.
///
/// # Errors
/// Those of what it needs itself; never the servers' answers.
pub fn attack(environment: Environment, calls: u64, seed: u64) -> Result<(), Wrong> {
    let mut trial = Trial::new(environment)?;
    // In its first life this says that it is there, in the next that the attack is over.
    trial.ask()?;
    let _ = trial.files.list("/tmp");
    scribble(&mut trial.environment, seed)?;
    let servers: [Cap<Endpoint>; 2] =
        ["tmpfs", "archive"].map(|name| trial.environment.require(name));
    let mut random = Random::new(seed);
    let mut answered = 0;
    for call in 0..calls {
        let mut words = [0; 8];
        words[0] = random.head();
        words[1..].fill_with(|| random.value());
        if random.next() >> 60 == 0 {
            words[0] = random.next();
        }
        // Mostly with the length that the operation has, sometimes with another, also one that needs the message page.
        let mut length = match random.next() >> 59 {
            0 => 64,
            1 => 0,
            2..8 => random.next() as usize % 9,
            _ => LENGTHS[words[0] as usize % LENGTHS.len()],
        };
        // What a session's end took away comes again.
        if call % 64 < 2 {
            (words[0], words[1], length) = (1, 0, 3);
        }
        // Where a long answer goes: mostly into the ring.
        if let Some(place) = words[..length.min(8)].last_mut()
            && length > 1
            && random.next() >> 62 != 0
        {
            *place = random.next() & 0x3fff;
        }
        let server = servers[usize::from(call % 4 == 0)];
        match server.call(Info::new(random.next() as u32 & 1, length), &words, None) {
            // An answer in the ring is none that refuses, nor is one without an error's number.
            Ok(answer) => {
                let good = answer.info.label() != 0 || answer.words[0] & 0xffff == 0;
                answered += u64::from(good);
            }
            Err(Error::InvalidArgument) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if answered < calls / LEAST_ANSWERED {
        fail(&format!("files: only {answered} requests were not refused"));
    }
    // It dies with whatever it holds.
    fail(&format!("files: {calls} calls with seed {seed}"))
}

/// Lets a thread write anything anywhere into all rings, header included, for ever.
fn scribble(environment: &mut Environment, seed: u64) -> Result<(), Wrong> {
    let context: Cap<SchedContext> = environment.require("scribbler");
    let mut rings = alloc::vec::Vec::new();
    for name in ["tmpfs-data", "archive-data"] {
        let frame: Cap<Frame> = environment.require(name);
        let resources = &mut environment.resources;
        let pages = resources.slots.cnode().inspect(frame.slot())?.size;
        rings.push(resources.map(frame, 0, pages, Protection::READ_WRITE)?);
    }
    let thread = NewThread {
        cspace: Cap::root(capability::CNODE),
        fault: None,
        context,
        stack_pages: 4,
    };
    spawn_thread(&mut environment.resources, thread, move |_| {
        scribbling(&mut rings, seed)
    })?;
    Ok(())
}

fn scribbling(rings: &mut [Mapping], seed: u64) {
    let mut random = Random::new(seed ^ u64::MAX);
    loop {
        for ring in rings.iter_mut() {
            let word = random.next();
            // Names: mostly letters, also slashes, dots, zeros, anything.
            let place = HEADER + word as usize % (ring.bytes() - HEADER - 8);
            let bytes = match word >> 61 {
                0 => random.next().to_le_bytes(),
                1 => *b"ab/..\0cd",
                _ => (word | 0x4040_4040_4040_4040).to_le_bytes(),
            };
            let _ = ring.write(place, &bytes);
            // The header too, but seldom: it ends the own session.
            if word & 0xfff == 0 {
                let value = random.value().to_le_bytes();
                let _ = ring.write((word >> 40) as usize % 8 * 64, &value);
            }
        }
    }
}
