//! The machine's end: with `exit-with=NAME[,NAME]...` on the kernel's command line the machine stops when one of those programs does, and is not
//! started again.

use sundog_abi::Error;
use sundog_rt::cap::object::IoPorts;
use sundog_rt::cap::{Cap, Slots};
use sundog_rt::{BootEnvironment, debug};

/// The port of QEMU's exit device.
const PORT: u16 = 0xf4;
/// What it is told if the program ended with status 0; QEMU's status is twice that plus one.
const GOOD: u8 = 0x10;
/// What it is told otherwise.
const BAD: u8 = 0x12;

/// Ends the machine with the first of some programs.
pub struct Power<'a> {
    names: &'a str,
    ports: Cap<IoPorts>,
}

impl Power<'_> {
    /// What the command line asks for, if anything.
    pub fn from_command_line<'a>(environment: &mut BootEnvironment) -> Option<Power<'a>> {
        let line: &'static [u8] = environment.page.command_line;
        let names = core::str::from_utf8(line)
            .ok()?
            .split_whitespace()
            .find_map(|word| word.strip_prefix("exit-with="))?;
        match Self::ports(environment) {
            Ok(ports) => Some(Power { names, ports }),
            Err(error) => {
                debug!("init: the machine's exit cannot be had: {error:?}");
                None
            }
        }
    }

    fn ports(environment: &mut BootEnvironment) -> Result<Cap<IoPorts>, Error> {
        let control = environment.io_port_control();
        environment
            .resources
            .slots
            .fill(|slot| control.get(PORT, 1, Slots::ROOT, slot))
    }

    /// Whether this program is one of them.
    pub fn waits_for(&self, name: &str) -> bool {
        self.names.split(',').any(|other| other == name)
    }

    /// Ends the machine; `good` tells how that program ended.
    pub fn end(self, good: bool) {
        if let Err(error) = self.ports.write(PORT, if good { GOOD } else { BAD }) {
            debug!("init: the machine does not stop: {error:?}");
        }
    }
}
