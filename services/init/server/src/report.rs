//! What a start cost: with `report` on the kernel's command line init says when it began and how much memory it has left, at the end
//! of the program that `exit-with` names, or else when all programs are started.

use sundog_abi::Word;
use sundog_abi::memory::PAGE_SIZE;
use sundog_rt::{BootEnvironment, debug};

/// The largest piece that is tried: more than any machine of a test has.
const LARGEST: Word = 1 << 40;

/// What is told, once.
pub struct Report {
    began: Word,
}

impl Report {
    /// What the command line asks for, if anything; `began`: the tick at which init began.
    pub fn from_command_line(environment: &BootEnvironment, began: Word) -> Option<Report> {
        let mut words = environment.page.command_line.split(|byte| *byte == b' ');
        words
            .any(|word| word == b"report")
            .then_some(Report { began })
    }

    /// Tells it. Init has no memory left afterwards: the kernel does not say how much of an untyped range is free, so it is found out by
    /// splitting it off.
    pub fn print(self, environment: &mut BootEnvironment) {
        let (entry, began) = (environment.page.entry_ticks, self.began);
        let resources = &mut environment.resources;
        let (mut piece, mut left) = (LARGEST, 0);
        while piece >= PAGE_SIZE {
            match resources.pool.split(&mut resources.slots, piece) {
                Ok(_) => left += piece,
                Err(_) => piece /= 2,
            }
        }
        debug!("report: entered {entry} began {began} left {left}");
    }
}
