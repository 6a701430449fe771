//! Signals: numbers, sets, what is known of one that was sent, and what a program wants to happen.
mod frame;
pub mod information;
mod pending;

pub(crate) use frame::seal_fpu;
pub use frame::{AlternateStack, FRAME_ROOM, Frame, FrameError};
pub use information::{Cause, SignalInformation};
pub use pending::Pending;

macro_rules! signals {
    ($($name:ident = $number:literal,)*) => {
        $(
            #[doc = concat!("Linux's ", stringify!($name), ".")]
            pub const $name: u32 = $number;
        )*
    };
}

signals! {
    SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9,
    SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17,
    SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25,
    SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPWR = 30, SIGSYS = 31, SIGRTMIN = 32,
}

/// The highest signal number.
pub const SIGNAL_MAX: u32 = 64;

/// A set of signals; bit n - 1 is signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// SIGKILL and SIGSTOP, which nobody can block, catch or ignore.
    pub const UNBLOCKABLE: Self = Self(1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1));
    /// The signals that stop a process.
    pub const STOPS: Self =
        Self(1 << (SIGSTOP - 1) | 1 << (SIGTSTP - 1) | 1 << (SIGTTIN - 1) | 1 << (SIGTTOU - 1));

    /// The set of one signal; empty for what is no signal.
    #[must_use]
    pub fn of(signal: u32) -> Self {
        if (1..=SIGNAL_MAX).contains(&signal) {
            Self(1 << (signal - 1))
        } else {
            Self(0)
        }
    }

    /// Whether a signal is in it.
    #[must_use]
    pub fn has(self, signal: u32) -> bool {
        self.0 & Self::of(signal).0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The lowest signal in it. Signals of faults come first, as on Linux.
    #[must_use]
    pub fn first(self) -> Option<u32> {
        const SYNCHRONOUS: u64 = 1 << (SIGSEGV - 1)
            | 1 << (SIGBUS - 1)
            | 1 << (SIGILL - 1)
            | 1 << (SIGTRAP - 1)
            | 1 << (SIGFPE - 1)
            | 1 << (SIGSYS - 1);
        let preferred = if self.0 & SYNCHRONOUS != 0 {
            self.0 & SYNCHRONOUS
        } else {
            self.0
        };
        (preferred != 0).then(|| preferred.trailing_zeros() + 1)
    }
}

/// What happens at a signal that a program did not say anything about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
}

/// The default action of a signal.
#[must_use]
pub fn default_action(signal: u32) -> DefaultAction {
    match signal {
        SIGCHLD | SIGCONT | SIGURG | SIGWINCH => DefaultAction::Ignore,
        SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU => DefaultAction::Stop,
        _ => DefaultAction::Terminate,
    }
}

/// sigaction's flags.
pub mod flags {
    /// No SIGCHLD for stops.
    pub const SA_NOCLDSTOP: u64 = 1;
    /// Children leave no zombies.
    pub const SA_NOCLDWAIT: u64 = 2;
    /// The handler takes three arguments.
    pub const SA_SIGINFO: u64 = 4;
    /// `restorer` is valid.
    pub const SA_RESTORER: u64 = 0x0400_0000;
    /// Run on the alternate stack.
    pub const SA_ONSTACK: u64 = 0x0800_0000;
    /// Interrupted calls go on.
    pub const SA_RESTART: u64 = 0x1000_0000;
    /// The signal is not blocked while its handler runs.
    pub const SA_NODEFER: u64 = 0x4000_0000;
    /// The handler is for one time only.
    pub const SA_RESETHAND: u64 = 0x8000_0000;
}

/// The handler value of the default action.
pub const SIG_DFL: u64 = 0;
/// The handler value of "ignore".
pub const SIG_IGN: u64 = 1;

/// What a program wants at a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// SIG_DFL, SIG_IGN or an address.
    pub handler: u64,
    /// The flags, see [`flags`].
    pub flags: u64,
    /// Where the handler returns to.
    pub restorer: u64,
    /// What is blocked while it runs.
    pub mask: SignalSet,
}

impl Action {
    /// Reads the kernel's `struct sigaction`.
    #[must_use]
    pub fn decode(bytes: &[u8; 32]) -> Self {
        let word = |index: usize| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[index * 8..index * 8 + 8]);
            u64::from_le_bytes(part)
        };
        let mask = SignalSet(word(3)).without(SignalSet::UNBLOCKABLE);
        Self {
            handler: word(0),
            flags: word(1),
            restorer: word(2),
            mask,
        }
    }

    /// Writes the kernel's `struct sigaction`.
    #[must_use]
    pub fn encode(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (index, word) in [self.handler, self.flags, self.restorer, self.mask.0]
            .iter()
            .enumerate()
        {
            bytes[index * 8..index * 8 + 8].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The actions of a process (or of several that share them), one for each signal.
#[derive(Clone, Debug)]
pub struct Actions([Action; SIGNAL_MAX as usize]);

impl Default for Actions {
    fn default() -> Self {
        Self([Action::default(); SIGNAL_MAX as usize])
    }
}

impl Actions {
    /// The action for a signal.
    #[must_use]
    pub fn get(&self, signal: u32) -> Action {
        self.0
            .get((signal as usize).wrapping_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// Sets the action for a signal.
    pub fn set(&mut self, signal: u32, action: Action) {
        if let Some(slot) = self.0.get_mut((signal as usize).wrapping_sub(1)) {
            *slot = action;
        }
    }

    /// Whether the signal has no effect when it is delivered.
    #[must_use]
    pub fn ignores(&self, signal: u32) -> bool {
        match self.get(signal).handler {
            SIG_IGN => true,
            SIG_DFL => default_action(signal) == DefaultAction::Ignore,
            _ => false,
        }
    }

    /// What remains after execve: handlers are gone, "ignore" stays.
    pub fn reset_handlers(&mut self) {
        for action in &mut self.0 {
            let handler = if action.handler == SIG_IGN {
                SIG_IGN
            } else {
                SIG_DFL
            };
            *action = Action {
                handler,
                ..Action::default()
            };
        }
    }
}
