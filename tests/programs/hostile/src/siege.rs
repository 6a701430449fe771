//! The parent of attackers: random calls hit the caller itself too, so whenever one has ended or stands still, the next one goes on.

use crate::pulse::Pulse;
use alloc::format;
use sundog_rt::cap::object::{Endpoint, Frame, Notification, Reply, SchedContext};
use sundog_rt::cap::{Cap, Error, Protection, Rights};
use sundog_rt::{Environment, Mapping, Package, Resources, debug, fail, sys};
use sundog_spawn::{Fault, Grant, Process, Program, SpawnError, Time, What, spawn};

/// How often its CPU may be seen to run while an attacker makes no call before it counts as one that stopped itself. Time alone says
/// nothing: two CPUs of a machine are two threads of the computer that pretends it, and one of them may be kept from running.
const STILL_BEATS: u64 = 8;
/// How often the parent looks.
const LOOK_MICROSECONDS: u64 = 1000;
/// How long the attackers' CPU may do nothing at all: a timer or an interrupt of it was lost then.
const LOST_SECONDS: u64 = 20;
/// Attackers in a row that make no call at all before the siege is given up.
const MOST_IDLE: u32 = 20;
/// Untyped memory of an attacker.
const MEMORY: u64 = 128 << 10;

/// Has attackers make `calls` random calls.
pub fn run(environment: Environment, calls: u64, seed: u64) {
    let end: Cap<Notification> = environment.require("end");
    match Siege::new(environment).and_then(|siege| siege.run(calls, seed)) {
        Ok((lives, away)) => {
            debug!("siege: {calls} calls with seed {seed}\nsiege: {lives} attackers");
            debug!("siege: their CPU was away for {away} us at most");
        }
        Err(error) => fail(&format!("siege: {error:?}")),
    }
    if end.signal().is_err() {
        fail("siege: the witness cannot be told");
    }
}

struct Siege {
    environment: Environment,
    image: &'static [u8],
    time: Cap<SchedContext>,
    faults: Cap<Endpoint>,
    reply: Cap<Reply>,
    frame: Cap<Frame>,
    /// The page in which the attacker counts.
    progress: Mapping,
    /// Of the attackers' CPU, at a higher priority than theirs.
    pulse: Pulse,
}

impl Siege {
    fn new(mut environment: Environment) -> Result<Siege, SpawnError> {
        let image = own_image(&mut environment)?;
        let beats = environment.require("beats");
        let pulse = Pulse::start(&mut environment, image, beats)?;
        let resources = &mut environment.resources;
        let frame = resources.frame(1)?;
        let progress = resources.map(frame, 0, 1, Protection::READ_WRITE)?;
        let faults = resources.pool.make(&mut resources.slots, 0)?;
        let reply = resources.pool.make(&mut resources.slots, 0)?;
        Ok(Siege {
            image,
            time: environment.require("time"),
            faults,
            reply,
            frame,
            progress,
            pulse,
            environment,
        })
    }

    /// Starts attackers until all calls are made; how many there were, and the longest time in microseconds that their CPU was away.
    fn run(mut self, calls: u64, seed: u64) -> Result<(u64, u64), SpawnError> {
        let (mut done, mut lives, mut idle) = (0, 0, 0);
        while done < calls {
            let made = self.attack(calls - done, seed.wrapping_add(lives << 32))?;
            done += made;
            lives += 1;
            idle = if made == 0 { idle + 1 } else { 0 };
            if idle == MOST_IDLE {
                fail("siege: no attacker makes a call any more");
            }
        }
        let away = self.pulse.longest()? / self.environment.start.ticks_per_microsecond;
        self.pulse.stop(&mut self.environment.resources)?;
        Ok((lives, away))
    }

    /// One attacker from its start to its end; the calls that it made.
    fn attack(&mut self, calls: u64, seed: u64) -> Result<u64, SpawnError> {
        self.progress.write(0, &0_u64.to_ne_bytes())?;
        let (calls, seed) = (format!("calls={calls}"), format!("seed={seed}"));
        let mut program = Program::new(self.image, b"hostile", Time::Given(self.time));
        program
            .arguments
            .extend([&b"attack"[..], calls.as_bytes(), seed.as_bytes()]);
        let (receive, port) = (
            Rights::RECEIVE.union(Rights::GRANT),
            Rights::READ.union(Rights::WRITE),
        );
        let notify = Rights::SEND.union(Rights::RECEIVE);
        program.grants.extend([
            self.grant("requests", 16, receive),
            self.grant("registers", 17, port),
            self.grant("events", 19, notify),
            Grant {
                name: "progress",
                slot: 20,
                what: copy(self.frame.address(), port),
            },
            Grant {
                name: "vcpu",
                slot: 21,
                what: What::VCpus { count: 1 },
            },
        ]);
        program.memory = MEMORY;
        program.fault = Some(Fault {
            endpoint: self.faults,
            badge: 1,
        });
        let process = spawn(&mut self.environment.resources, &program)?;
        let made = self.watch(&process);
        process.destroy(&mut self.environment.resources)?;
        Ok(made?)
    }

    /// Lets it run until it has ended or stands still.
    fn watch(&self, process: &Process) -> Result<u64, Error> {
        process.resume()?;
        let microsecond = self.environment.start.ticks_per_microsecond;
        let (mut seen, mut beats) = (0, self.pulse.beats()?);
        let (mut last, mut alive) = (beats, sys::ticks());
        loop {
            let deadline = sys::ticks() + LOOK_MICROSECONDS * microsecond;
            let ended = self.faults.receive(Some(self.reply), Some(deadline));
            let now = self.pulse.beats()?;
            let made = self.progress.word(0)?;
            match ended {
                Err(Error::TimedOut) => {}
                Ok(_) => return Ok(made),
                Err(error) => return Err(error),
            }
            if made != seen {
                (seen, beats) = (made, now);
            } else if now - beats >= STILL_BEATS {
                return Ok(made);
            }
            if now != last {
                (last, alive) = (now, sys::ticks());
            } else if sys::ticks() - alive > LOST_SECONDS * 1_000_000 * microsecond {
                fail("siege: nothing runs on the attackers' CPU any more");
            }
        }
    }

    /// One of the own capabilities for the attacker.
    fn grant(&self, name: &'static str, slot: u32, rights: Rights) -> Grant<'static> {
        let own: Cap<Frame> = self.environment.require(name);
        Grant {
            name,
            slot,
            what: copy(own.address(), rights),
        }
    }
}

fn copy(source: sys::abi::Address, rights: Rights) -> What {
    What::Copy {
        source,
        rights,
        badge: None,
    }
}

/// The image of this very program.
fn own_image(environment: &mut Environment) -> Result<&'static [u8], Error> {
    let frame: Cap<Frame> = environment.require("archive");
    let resources: &mut Resources = &mut environment.resources;
    let pages = resources.slots.cnode().inspect(frame.slot())?.size;
    let package = Package::decode(resources.map_constant(frame, pages)?);
    let archive = package.map_err(|_| Error::InvalidArgument)?.archive;
    match sundog_init_core::find(archive, "hostile") {
        Ok(Some(image)) => Ok(image),
        _ => Err(Error::InvalidArgument),
    }
}
