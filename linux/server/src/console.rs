//! Where the first process' standard streams lead: the host, a bare line, or the process outside that is this sandbox.

use crate::host_streams::{Ask, HostStreams, Order};
use crate::orders;
use crate::outside::Outside;
use crate::requests::Requests;
use crate::sandbox::NativeTerminal;
use crate::trace::Lines;
use alloc::boxed::Box;
use alloc::vec::Vec;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_vfs::{Context, Errno, Vfs};
use sundog_protocols::Words;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::ring::Mapped;

/// The host's streams over kernel objects.
pub struct Host {
    /// The streams.
    pub streams: HostStreams<Mapped, Cap<Notification>>,
    /// The console program.
    pub console: Cap<Endpoint>,
    /// What the personality says about itself.
    pub lines: Lines,
    /// Streams that are closed.
    pub closed: Vec<i32>,
}

/// Asks the console program; the answer's words lie in the page of the personality's only thread.
struct Asking<'a> {
    console: Cap<Endpoint>,
    requests: &'a mut Requests,
}

impl Ask for Asking<'_> {
    fn ask(&mut self, request: &Words) -> Option<Words> {
        self.requests.ask(self.console, request)
    }
}

/// The streams.
pub enum Console {
    /// The host's, behind the console program.
    Host(Box<Host>),
    /// A line with a terminal at its end.
    Terminal(NativeTerminal),
    /// The streams outside.
    Outside(Outside),
}

impl Console {
    /// Waits until there may be a first process.
    pub fn prepare(&mut self, kernel: &mut Kernel, requests: &mut Requests) {
        if let Console::Host(host) = self {
            loop {
                requests.notified = false;
                let console = host.console;
                if host.streams.prepare(&mut Asking { console, requests }) {
                    break;
                }
                requests.wait(kernel, None);
            }
        }
    }

    /// Gives the first process its descriptors 0, 1 and 2.
    ///
    /// # Errors
    /// Those of opening.
    pub fn open(&mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        match self {
            Console::Host(host) => {
                host.streams.open(vfs, context)?;
                for descriptor in &host.closed {
                    vfs.close(context, *descriptor)?;
                }
                Ok(())
            }
            Console::Terminal(terminal) => terminal.open(vfs, context),
            Console::Outside(outside) => outside.open(vfs, context),
        }
    }

    /// Moves what can be moved, and does what the host wants. Whether a process may have become ready.
    pub fn work(&mut self, kernel: &mut Kernel, requests: &mut Requests) -> bool {
        let notified = core::mem::take(&mut requests.notified);
        match self {
            Console::Host(host) => host.work(kernel, requests, notified),
            Console::Terminal(terminal) => terminal.work(&mut kernel.vfs),
            Console::Outside(outside) => outside.work(kernel, notified),
        }
    }

    /// Says that the personality will wait for its notification. `false`: there is something to do already.
    pub fn sleep(&mut self) -> bool {
        match self {
            Console::Host(host) => host.streams.sleep(),
            Console::Terminal(terminal) => terminal.sleep(true),
            Console::Outside(_) => true,
        }
    }

    /// Whether no program should run before some of what the personality itself said has gone.
    pub fn is_congested(&self) -> bool {
        matches!(self, Console::Host(host) if host.streams.is_congested())
    }

    /// Sends a line of the personality's own.
    pub fn say(&mut self, text: &str) {
        match self {
            Console::Host(host) => host.streams.say(text),
            Console::Terminal(terminal) => terminal.say(text),
            Console::Outside(outside) => outside.say(text),
        }
    }

    /// Whether the other side may take as long as it wants for the last output, and ends the machine itself.
    pub fn is_patient(&self) -> bool {
        matches!(self, Console::Host(_))
    }

    /// Sends what still waits, and then the status. `true`: all has gone; else the personality is to wait for its notification.
    pub fn finish(&mut self, kernel: &mut Kernel, requests: &mut Requests, status: u8) -> bool {
        loop {
            let moved = self.work(kernel, requests);
            match self {
                Console::Host(host) => {
                    let console = host.console;
                    if !moved
                        && host
                            .streams
                            .finish(&mut Asking { console, requests }, status)
                    {
                        return true;
                    }
                }
                Console::Terminal(terminal) => return terminal.finish(),
                Console::Outside(_) => return true,
            }
            if !moved && self.sleep() {
                return false;
            }
        }
    }
}

impl Host {
    fn work(&mut self, kernel: &mut Kernel, requests: &mut Requests, notified: bool) -> bool {
        for line in self.lines.borrow_mut().drain(..) {
            self.streams.say(&line);
        }
        let console = self.console;
        let mut asking = Asking { console, requests };
        let changed = self.streams.work(&mut kernel.vfs, &mut asking, notified);
        for order in self.streams.take_orders() {
            match order {
                Order::Signal(number) => orders::signal(kernel, number.into()),
                Order::Stop => orders::stop(kernel),
            }
        }
        changed
    }
}
