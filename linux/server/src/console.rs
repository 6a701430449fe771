//! Where the first process' standard streams lead: a terminal, or the streams of the process outside that is this sandbox.

use crate::channel::Channel;
use crate::sandbox::NativeTerminal;
use crate::streams;
use alloc::format;
use alloc::vec::Vec;
use sundog_linux_vfs::{Context, Errno, Queue, Vfs};
use sundog_protocols::host_process::Request;

/// The streams.
pub enum Console {
    /// A line with a terminal at its end.
    Terminal(NativeTerminal),
    /// The streams outside.
    Outside {
        /// Channels that are not used yet, for descriptors 0 to 2.
        channels: Vec<Channel>,
        /// For words of the personality's own.
        own: Channel,
        /// Where readers wait.
        queue: Option<Queue>,
    },
}

impl Console {
    /// Gives the first process its descriptors 0, 1 and 2.
    ///
    /// # Errors
    /// Those of opening.
    pub fn open(&mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        match self {
            Console::Terminal(terminal) => terminal.open(vfs, context),
            Console::Outside {
                channels, queue, ..
            } => {
                *queue = Some(streams::open(vfs, context, channels.drain(..))?);
                Ok(())
            }
        }
    }

    /// Moves what can be moved; `notified` says that somebody outside has news. Whether a process may have become ready.
    pub fn work(&mut self, vfs: &mut Vfs, notified: bool) -> bool {
        match self {
            Console::Terminal(terminal) => terminal.work(vfs),
            Console::Outside { queue, .. } => {
                if let (true, Some(queue)) = (notified, queue) {
                    vfs.wake(*queue);
                }
                notified
            }
        }
    }

    /// Says that the personality will wait for its notification. `false`: there is something to do already.
    pub fn sleep(&mut self) -> bool {
        match self {
            Console::Terminal(terminal) => terminal.sleep(),
            Console::Outside { .. } => true,
        }
    }

    /// Sends a line of the personality's own.
    pub fn say(&mut self, text: &str) {
        match self {
            Console::Terminal(terminal) => terminal.say(text),
            Console::Outside { own, .. } => {
                let bytes = format!("{text}\n").into_bytes();
                let request = Request::Write {
                    descriptor: 2,
                    bytes,
                };
                // A text that is too long, or that nobody takes, is not said.
                if let Ok(words) = request.encode() {
                    let _ = own.ask(words.as_slice());
                }
            }
        }
    }

    /// Sends what still waits. `true`: all has gone.
    pub fn finish(&mut self) -> bool {
        match self {
            Console::Terminal(terminal) => terminal.finish(),
            Console::Outside { .. } => true,
        }
    }
}
