//! What the personality says about itself: on standard error if the host has one, else on the debug port.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Write;
use sundog_linux_core::calls;
use sundog_linux_core::kernel::Trace;
use sundog_rt::debug;

/// Lines that wait to be sent.
pub type Lines = Rc<RefCell<Vec<String>>>;

/// With `--trace` names calls that are not there, once each, and all calls.
pub struct Log {
    /// All calls.
    pub calls: bool,
    /// Where lines go instead of the debug port.
    pub lines: Option<Lines>,
}

impl Log {
    fn say(&self, line: String) {
        match &self.lines {
            // The debug port is for whoever looks for faults; the person's standard error is the program's.
            Some(lines) if self.calls => lines.borrow_mut().push(line),
            _ => debug!("{line}"),
        }
    }
}

impl Trace for Log {
    fn unknown_call(&mut self, number: u64) {
        self.say(format!("linux: system call {number} is not there"));
    }

    fn call(&mut self, tid: i32, number: u64, arguments: &[u64; 6], result: Option<i64>) {
        let mut line = String::new();
        let name = calls::name(number).unwrap_or("?");
        // Writing to a string cannot fail.
        let _ = write!(line, "linux: [{tid}] {name}{arguments:x?}");
        let _ = match result {
            Some(value) => write!(line, " = {value:#x}"),
            None => write!(line, " ..."),
        };
        self.say(line);
    }

    fn wants_calls(&self) -> bool {
        self.calls
    }
}
