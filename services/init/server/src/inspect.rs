//! With `inspect` on the kernel's command line: what each program holds after it was built and before it runs, by the kernel's word.

use sundog_abi::Error;
use sundog_rt::cap::Holding;
use sundog_rt::debug;
use sundog_spawn::Process;

/// Whether the command line asks for it.
pub fn is_asked(command_line: &[u8]) -> bool {
    command_line
        .split(u8::is_ascii_whitespace)
        .any(|word| word == b"inspect")
}

/// Asks the kernel about every slot of the process' CNode, up to the first that is outside of it, and writes down those that are not
/// empty.
pub fn print(name: &str, process: &Process) {
    let Ok(cnode) = process.cnode() else {
        return debug!("init: {name} has no CNode");
    };
    // Slot 0 is always empty and cannot be named.
    for slot in 1.. {
        match cnode.inspect(slot) {
            Ok(found) => {
                if let Some(holding) = Holding::new(slot, &found) {
                    debug!("init: {name} holds {holding}");
                }
            }
            Err(Error::OutOfRange) => {
                return debug!("init: {name} holds nothing else in {slot} slots");
            }
            Err(error) => return debug!("init: {name} cannot be inspected: {error:?}"),
        }
    }
}
