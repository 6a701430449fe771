//! What the personality says about itself on the debug port.

use alloc::string::String;
use core::fmt::Write;
use sundog_linux_core::calls;
use sundog_linux_core::kernel::Trace;
use sundog_rt::debug;

/// Names calls that are not there, once each, and with `--trace` all calls.
pub struct Log {
    /// All calls.
    pub calls: bool,
}

impl Trace for Log {
    fn unknown_call(&mut self, number: u64) {
        debug!("linux: system call {number} is not there");
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
        debug!("{line}");
    }

    fn wants_calls(&self) -> bool {
        self.calls
    }
}
