//! What the host wants of the processes: signals, and the end of all.

use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::signal::{SIGINT, SIGKILL, SIGQUIT, SignalInformation};
use sundog_linux_core::task::ProcessId;

/// Sends a signal as a terminal or a shell outside would: an interrupt to the foreground, others to the first process.
pub fn signal(kernel: &mut Kernel, signal: u32) {
    let Some(first) = kernel.first else { return };
    let processes = if matches!(signal, SIGINT | SIGQUIT) {
        // The first process leads the session, and a group of its own.
        let terminal = kernel.vfs.session_terminal(first.cast_unsigned());
        let foreground = terminal.and_then(|(_, group)| group);
        let group = foreground.map_or(first, u32::cast_signed);
        kernel.world.group_members(group).collect()
    } else {
        alloc::vec::Vec::from_iter(kernel.world.pids.get(&first).copied())
    };
    send(kernel, processes, signal);
}

/// Ends all processes.
pub fn stop(kernel: &mut Kernel) {
    let init = kernel.world.init;
    let processes = kernel.world.pids.values().copied();
    let processes = processes.filter(|process| Some(*process) != init).collect();
    send(kernel, processes, SIGKILL);
}

fn send(kernel: &mut Kernel, processes: alloc::vec::Vec<ProcessId>, signal: u32) {
    for process in processes {
        // A queue that is full has the signal already.
        kernel.signal_process(process, SignalInformation::kernel(signal));
    }
}
