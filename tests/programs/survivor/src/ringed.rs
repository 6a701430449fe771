//! A client over two rings: it sleeps when the driver dies, and finds its rings where it left them.

use crate::{AFTER, ONE, READY, TWO, Watch, compare};
use alloc::vec;
use sundog_rt::Environment;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Notification;
use sundog_service::{Incoming, Outgoing, Trouble, ring};

/// Works with the driver and with the one after it.
///
/// # Errors
/// What was wrong.
pub fn run(mut environment: Environment) -> Result<(), &'static str> {
    let go: Cap<Notification> = environment.require("go");
    let mut line = Line::new(&mut environment).map_err(|_| "the rings cannot be mapped")?;
    line.write(READY)?;
    line.read(ONE)?;
    if line.input.restarted() || line.output.restarted() {
        return Err("the first driver is said to be another");
    }
    let watch = Watch::start(&environment);
    go.signal().map_err(|_| "the killer cannot be told")?;
    // The killer runs when this program waits.
    while !line.input.restarted() {
        line.wait()?;
    }
    if !line.output.restarted() {
        return Err("only one ring tells of the new driver");
    }
    line.write(AFTER)?;
    watch.stop()?;
    line.read(TWO)
}

struct Line {
    input: Incoming,
    output: Outgoing,
    events: Cap<Notification>,
    /// Bytes that fit into the empty ring.
    room: usize,
}

impl Line {
    fn new(environment: &mut Environment) -> Result<Line, Trouble> {
        let wake: Cap<Notification> = environment.require("wake");
        let output = Outgoing::new(ring(environment, "output")?, wake);
        Ok(Line {
            input: Incoming::new(ring(environment, "input")?, wake),
            events: environment.require("events"),
            room: output.room()?,
            output,
        })
    }

    fn wait(&self) -> Result<(), &'static str> {
        let waited = self.events.wait(None);
        waited.map(drop).map_err(|_| "waiting is refused")
    }

    /// Writes bytes, and waits until the driver has taken them.
    fn write(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        const WRONG: &str = "the output ring is broken";
        if !self.output.write_whole(bytes).map_err(|_| WRONG)? {
            return Err("there is no room in an empty ring");
        }
        while self.output.sleep(self.room).map_err(|_| WRONG)? {
            self.wait()?;
        }
        Ok(())
    }

    /// Reads bytes that must be these.
    fn read(&mut self, wanted: &[u8]) -> Result<(), &'static str> {
        const WRONG: &str = "the input ring is broken";
        let mut found = vec![0; wanted.len()];
        let mut count = 0;
        while count < found.len() {
            let read = self.input.read(&mut found[count..]).map_err(|_| WRONG)?;
            count += read;
            if read == 0 && self.input.sleep().map_err(|_| WRONG)? {
                self.wait()?;
            }
        }
        compare(&found, wanted)
    }
}
