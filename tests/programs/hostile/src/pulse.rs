//! The pulse of a CPU: a program that wakes up there again and again, so that others see whether it runs.

use alloc::vec::Vec;
use sundog_rt::cap::object::{Frame, Notification, SchedContext};
use sundog_rt::cap::{Cap, Error, Protection, Rights};
use sundog_rt::{Environment, Mapping, Resources, fail, sys};
use sundog_spawn::{Grant, Process, Program, SpawnError, Time, What, spawn};

/// How long it sleeps between two beats.
const MICROSECONDS: u64 = 500;
/// Words of its page: how many beats there were, and the longest time between two of them.
const BEATS: usize = 0;
const LONGEST: usize = 8;
/// Untyped memory of the program.
const MEMORY: u64 = 128 << 10;

/// The program: beats until it is destroyed.
pub fn run(mut environment: Environment) {
    let frame: Cap<Frame> = environment.require("beats");
    let nothing: Cap<Notification> = environment.require("nothing");
    let Ok(mut page) = environment
        .resources
        .map(frame, 0, 1, Protection::READ_WRITE)
    else {
        fail("pulse: the page for the beats cannot be mapped");
    };
    let pause = MICROSECONDS * environment.start.ticks_per_microsecond;
    let (mut beats, mut longest) = (0_u64, 0_u64);
    let mut before = sys::ticks();
    loop {
        if nothing.wait(Some(before + pause)) != Err(Error::TimedOut) {
            fail("pulse: nobody signals this notification, and a wait for it has ended");
        }
        let now = sys::ticks();
        let took = now.saturating_sub(before);
        before = now;
        beats += 1;
        longest = longest.max(took);
        for (place, value) in [(BEATS, beats), (LONGEST, longest)] {
            if page.write(place, &value.to_ne_bytes()).is_err() {
                fail("pulse: the page for the beats is too short");
            }
        }
    }
}

/// A program of that kind, as its parent holds it.
pub struct Pulse {
    page: Mapping,
    process: Process,
}

impl Pulse {
    /// Starts one on the CPU, and at the priority, of `time`.
    ///
    /// # Errors
    /// Those of `spawn`.
    pub fn start(
        environment: &mut Environment,
        image: &[u8],
        time: Cap<SchedContext>,
    ) -> Result<Pulse, SpawnError> {
        let ticks_per_microsecond = environment.start.ticks_per_microsecond;
        let resources = &mut environment.resources;
        let frame: Cap<Frame> = resources.frame(1)?;
        let page = resources.map(frame, 0, 1, Protection::READ)?;
        let nothing: Cap<Notification> = resources.pool.make(&mut resources.slots, 0)?;
        let mut program = Program::new(image, b"hostile", Time::Given(time));
        program.arguments = Vec::from([&b"hostile"[..], b"pulse"]);
        let grant = |name, slot, source, rights| Grant {
            name,
            slot,
            what: What::Copy {
                source,
                rights,
                badge: None,
            },
        };
        let both = Rights::READ.union(Rights::WRITE);
        program.grants.extend([
            grant("beats", 16, frame.address(), both),
            grant("nothing", 17, nothing.address(), Rights::RECEIVE),
        ]);
        program.memory = MEMORY;
        program.ticks_per_microsecond = ticks_per_microsecond;
        let process = spawn(resources, &program)?;
        process.resume()?;
        Ok(Pulse { page, process })
    }

    /// How many beats there were. At each of them the CPU ran, and what was ready there at a lower priority went on next.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn beats(&self) -> Result<u64, Error> {
        self.page.word(BEATS)
    }

    /// The longest time between two beats, in ticks.
    ///
    /// # Errors
    /// As for [`Pulse::beats`].
    pub fn longest(&self) -> Result<u64, Error> {
        self.page.word(LONGEST)
    }

    /// Ends the program.
    ///
    /// # Errors
    /// Those of [`Process::destroy`].
    pub fn stop(self, resources: &mut Resources) -> Result<(), Error> {
        self.process.destroy(resources)
    }
}
