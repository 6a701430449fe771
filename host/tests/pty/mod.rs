//! A terminal that a test holds the other end of.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// How long something that must happen may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A terminal.
pub struct Terminal {
    own: File,
    theirs: OwnedFd,
    shown: String,
    /// Bytes of it in front of which everything was waited for.
    seen: usize,
}

impl Terminal {
    /// One of the usual size.
    pub fn new() -> Terminal {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&own).unwrap();
        unlockpt(&own).unwrap();
        let name = ptsname(&own, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = open(&*name, flags, Mode::empty()).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size).unwrap();
        Terminal {
            own: own.into(),
            theirs,
            shown: String::new(),
            seen: 0,
        }
    }

    /// Its settings, to be compared.
    pub fn settings(&self) -> String {
        format!("{:?}", tcgetattr(&self.theirs).unwrap())
    }

    /// Starts a command whose standard streams it is.
    pub fn start(&self, mut command: Command) -> Child {
        let stream = || self.theirs.try_clone().unwrap();
        command.stdin(stream()).stdout(stream()).stderr(stream());
        command.spawn().unwrap()
    }

    /// Types.
    pub fn types(&mut self, keys: &str) {
        self.own.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until this was shown, behind what was waited for before.
    pub fn waits_for(&mut self, text: &str) {
        let begin = Instant::now();
        loop {
            if let Some(place) = self.shown[self.seen..].find(text) {
                self.seen += place + text.len();
                return;
            }
            assert!(
                begin.elapsed() < LIMIT,
                "{text:?} was not shown, but: {:?}",
                self.shown
            );
            self.look();
        }
    }

    /// Fails if this was ever shown.
    pub fn never(&self, text: &str) {
        assert!(!self.shown.contains(text), "{:?}", self.shown);
    }

    /// Reads until the command ends.
    pub fn ends(&mut self, child: &mut Child) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if begin.elapsed() > LIMIT {
                child.kill().unwrap();
                panic!("it does not end; shown: {:?}", self.shown);
            }
            self.look();
        }
    }

    /// Takes what is shown within a moment.
    fn look(&mut self) {
        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: 10_000_000,
        };
        let mut own = [PollFd::new(&self.own, PollFlags::IN)];
        if poll(&mut own, Some(&moment)).unwrap() == 0 {
            return;
        }
        let mut bytes = [0; 4096];
        match self.own.read(&mut bytes) {
            Ok(count) => self.shown += &String::from_utf8_lossy(&bytes[..count]),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}
