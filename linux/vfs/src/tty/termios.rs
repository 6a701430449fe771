//! Terminal settings: flags, control characters, and their layout in memory.

pub use linux_raw_sys::general::{
    ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHONL, ICANON, ICRNL, IEXTEN, IGNCR, IMAXBEL, INLCR,
    ISIG, ISTRIP, IUTF8, IXANY, IXON, NOFLSH, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY,
    TOSTOP, VEOF, VEOL, VEOL2, VERASE, VINTR, VKILL, VLNEXT, VMIN, VQUIT, VREPRINT, VSTART, VSTOP,
    VSUSP, VTIME, VWERASE, XTABS,
};

/// Terminal settings (`struct termios2`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Termios {
    /// Input flags.
    pub input: u32,
    /// Output flags.
    pub output: u32,
    /// Control flags.
    pub control: u32,
    /// Local flags.
    pub local: u32,
    /// Control characters, by `V*`.
    pub characters: [u8; 19],
    /// Speed in and out, bits per second.
    pub speeds: [u32; 2],
}

/// Bytes of `struct termios` in the kernel's form.
pub const TERMIOS_SIZE: usize = 36;
/// Bytes of `struct termios2`.
pub const TERMIOS2_SIZE: usize = 44;

const B38400: u32 = 0o17;
const CS8: u32 = 0o60;
const CREAD: u32 = 0o200;
const HUPCL: u32 = 0o2000;

impl Default for Termios {
    /// Linux's settings of a fresh terminal.
    fn default() -> Termios {
        Termios {
            input: ICRNL | IXON,
            output: OPOST | ONLCR,
            control: B38400 | CS8 | CREAD | HUPCL,
            local: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            characters: [
                3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0,
            ],
            speeds: [38400; 2],
        }
    }
}

impl Termios {
    /// Whether a local flag is set.
    pub fn local(&self, flag: u32) -> bool {
        self.local & flag != 0
    }

    /// Whether an input flag is set.
    pub fn input(&self, flag: u32) -> bool {
        self.input & flag != 0
    }

    /// Whether an output flag is set.
    pub fn output(&self, flag: u32) -> bool {
        self.output & flag != 0
    }

    /// Whether `byte` is the control character `which` (a disabled one, 0, is none).
    pub fn is(&self, which: u32, byte: u8) -> bool {
        byte != 0 && self.characters[which as usize] == byte
    }

    /// The layout of `struct termios2`; its first 36 bytes are `struct termios`.
    pub fn encode(&self) -> [u8; TERMIOS2_SIZE] {
        let mut bytes = [0; TERMIOS2_SIZE];
        for (index, word) in [self.input, self.output, self.control, self.local]
            .iter()
            .enumerate()
        {
            bytes[index * 4..index * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes[17..36].copy_from_slice(&self.characters);
        for (index, speed) in self.speeds.iter().enumerate() {
            bytes[36 + index * 4..40 + index * 4].copy_from_slice(&speed.to_le_bytes());
        }
        bytes
    }

    /// Takes settings over from `struct termios` or `struct termios2`, by the length; speeds only from the latter.
    pub fn decode(&mut self, bytes: &[u8]) {
        let word = |at: usize| {
            let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
            part.map(u32::from_le_bytes)
        };
        let fields = [
            &mut self.input,
            &mut self.output,
            &mut self.control,
            &mut self.local,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            *field = word(index * 4).unwrap_or(*field);
        }
        if let Some(characters) = bytes.get(17..36) {
            self.characters.copy_from_slice(characters);
        }
        for (index, speed) in self.speeds.iter_mut().enumerate() {
            *speed = word(36 + index * 4).unwrap_or(*speed);
        }
    }
}
