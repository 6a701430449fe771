//! Watches the programs: every end of one arrives as a fault, whose badge tells which program it was.

use crate::inspect;
use crate::made::Made;
use crate::power::Power;
use crate::report::Report;
use crate::start::start;
use alloc::vec::Vec;
use sundog_abi::Info;
use sundog_init_core::{FaultText, Restarts};
use sundog_manifest::{Manifest, Program, Restart};
use sundog_rt::cap::object::{Endpoint, IoPorts, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::{Received, ticks};
use sundog_rt::{BootEnvironment, debug};
use sundog_spawn::{Ended, Fault, Process};

/// Init's state.
pub struct Supervisor<'a> {
    environment: BootEnvironment,
    programs: Vec<Program<'a>>,
    made: Made,
    processes: Vec<Option<Process>>,
    restarts: Vec<Restarts>,
    faults: Cap<Endpoint>,
    reply: Cap<Reply>,
    power: Option<Power<'a>>,
    report: Option<Report>,
    /// Whether what the programs hold is written down.
    inspects: bool,
}

impl<'a> Supervisor<'a> {
    /// Makes what the manifest lists; no program yet.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(
        mut environment: BootEnvironment,
        manifest: &Manifest<'a>,
        debug: Option<Cap<IoPorts>>,
        power: Option<Power<'a>>,
        report: Option<Report>,
    ) -> Result<Supervisor<'a>, Error> {
        let made = Made::new(&mut environment, manifest, debug)?;
        let (pool, slots) = (
            &mut environment.resources.pool,
            &mut environment.resources.slots,
        );
        let (faults, reply) = (pool.make(slots, 0)?, pool.make(slots, 0)?);
        let programs: Vec<_> = manifest.programs().collect();
        let inspects = inspect::is_asked(environment.page.command_line);
        let processes = programs.iter().map(|_| None).collect();
        let restarts = programs.iter().map(|_| Restarts::default()).collect();
        Ok(Supervisor {
            environment,
            programs,
            made,
            processes,
            restarts,
            faults,
            reply,
            power,
            report,
            inspects,
        })
    }

    /// Builds all programs in their order, then lets them run; returns how many do.
    pub fn start_all(&mut self) -> usize {
        for index in 0..self.programs.len() {
            self.build(index);
        }
        (0..self.programs.len())
            .filter(|index| self.resume(*index))
            .count()
    }

    /// All programs were started: tells what that cost, unless one of them is waited for.
    pub fn started(&mut self) {
        if self.power.is_none()
            && let Some(report) = self.report.take()
        {
            report.print(&mut self.environment);
        }
    }

    /// Builds the process of a program, or says why not.
    fn build(&mut self, index: usize) {
        let listed = &self.programs[index];
        let fault = Fault {
            endpoint: self.faults,
            badge: index as u64 + 1,
        };
        let started = start(
            &mut self.environment,
            &mut self.made,
            &self.processes,
            listed,
            fault,
        );
        match started {
            Ok(process) => {
                if self.inspects {
                    inspect::print(listed.name, &process);
                }
                self.processes[index] = Some(process);
            }
            Err(error) => debug!("init: {} does not start: {error}", listed.name),
        }
    }

    /// Lets the process of a program run, if it was built; whether it does.
    fn resume(&self, index: usize) -> bool {
        let Some(process) = &self.processes[index] else {
            return false;
        };
        match process.resume() {
            Ok(()) => true,
            Err(error) => {
                debug!(
                    "init: {} does not run: {error:?}",
                    self.programs[index].name
                );
                false
            }
        }
    }

    /// Waits for ends of programs, for ever.
    ///
    /// # Errors
    /// Those of waiting.
    pub fn run(&mut self) -> Result<(), Error> {
        loop {
            let received = self.faults.receive(Some(self.reply), None)?;
            let index = received
                .badge
                .checked_sub(1)
                .and_then(|index| usize::try_from(index).ok());
            if received.info.has(Info::FAULT)
                && let Some(index) = index.filter(|index| *index < self.programs.len())
            {
                self.ended(index, &received);
            }
        }
    }

    /// A program ended: says how, takes it apart and perhaps starts it again.
    fn ended(&mut self, index: usize, received: &Received) {
        let Some(process) = self.processes[index].take() else {
            return;
        };
        let listed = &self.programs[index];
        let name = listed.name;
        let ended = process.ended(&mut self.environment.resources);
        let good = matches!(ended, Ok(Ended::Exit(0)));
        match ended {
            Ok(Ended::Exit(status)) => debug!("init: {name} is done with status {status}"),
            Ok(Ended::Panic(text)) => debug!(
                "init: {name} gave up: {}",
                alloc::string::String::from_utf8_lossy(&text)
            ),
            Ok(Ended::Fault) | Err(_) => {
                let [first, second, third, ..] = received.words;
                let text = FaultText {
                    kind: received.info.label(),
                    words: [first, second, third],
                };
                debug!("init: {name} {text}");
            }
        }
        let again = self.may_start_again(index);
        if !again {
            self.end_machine(name, good);
        }
        if let Err(error) = process.destroy(&mut self.environment.resources) {
            debug!("init: {name} cannot be taken apart: {error:?}");
        }
        // Before it comes again: whoever is told then has not heard of the new one.
        if let Err(error) = self.made.tell(&mut self.environment, &self.programs[index]) {
            debug!("init: the end of {name} cannot be told: {error:?}");
        }
        if again {
            self.build(index);
            if self.resume(index) {
                debug!("init: {name} runs again");
                return;
            }
            self.end_machine(name, good);
        }
        if let Err(error) = self
            .made
            .abandon(&mut self.environment, &self.programs[index])
        {
            debug!("init: the endpoints of {name} cannot be given up: {error:?}");
        }
    }

    /// Whether a program that ended is started again; each answer counts as a start.
    fn may_start_again(&mut self, index: usize) -> bool {
        let window = Restarts::WINDOW_MICROSECONDS
            .saturating_mul(self.environment.page.ticks_per_microsecond);
        self.programs[index].restart == Restart::Always
            && self.restarts[index].allow(ticks(), window)
    }

    /// Ends the machine if it is to end with this program.
    fn end_machine(&mut self, name: &str, good: bool) {
        if let Some(power) = self.power.take_if(|power| power.waits_for(name)) {
            if let Some(report) = self.report.take() {
                report.print(&mut self.environment);
            }
            power.end(good);
        }
    }
}
