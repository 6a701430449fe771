//! Messages: the info word and the message page.
//!
//! In a call, send or reply: rdi = capability address, rsi = [`Info`], rdx = deadline (absolute TSC ticks, only with
//! [`Info::DEADLINE`]), r8 = address of a Reply capability (receive, reply-and-receive). Words 1-4 travel in r12, r13, r14, r15;
//! words 5-8 in r9, r10, rbx, rbp; longer messages lie whole in the message page. After it: rax = status, rdi = badge of the
//! sender's capability, rsi = info of the message that arrived, the words in the same registers. Every other register is clobbered.

/// Words of a message that travel in registers.
pub const REGISTER_WORDS: usize = 8;
/// Words of the longest message.
pub const MAX_WORDS: usize = 64;
/// Capabilities of a message, each way.
pub const MAX_CAPABILITIES: usize = 4;

/// Describes a message: its length in words, its number of capabilities, flags and a label of 32 bits that means what the
/// protocol says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Info(pub u64);

impl Info {
    /// Do not wait: the call fails with `WouldBlock` instead.
    pub const NON_BLOCKING: u64 = 1 << 12;
    /// rdx holds a deadline.
    pub const DEADLINE: u64 = 1 << 13;
    /// In a message that arrived: it is a notification's word, in word 1; the badge is 0.
    pub const NOTIFICATION: u64 = 1 << 14;
    /// In a message that arrived: the kernel sent it about a thread; see [`crate::fault`].
    pub const FAULT: u64 = 1 << 15;
    /// Bits that a sender may set.
    pub const SENDER_MASK: u64 = 0xffff_ffff_0000_077f;

    /// A message of `words` words with label `label` and no capabilities.
    pub const fn new(label: u32, words: usize) -> Info {
        Info(((label as u64) << 32) | words as u64)
    }

    /// The same message with `count` capabilities, taken from the message page.
    #[must_use]
    pub const fn with_capabilities(self, count: usize) -> Info {
        Info(self.0 | (count as u64) << 8)
    }

    /// The label.
    pub const fn label(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The length in words, as claimed by the sender: at most 127, valid up to [`MAX_WORDS`].
    pub const fn words(self) -> usize {
        (self.0 & 0x7f) as usize
    }

    /// The number of capabilities, as claimed by the sender: at most 7, valid up to [`MAX_CAPABILITIES`].
    pub const fn capabilities(self) -> usize {
        (self.0 >> 8 & 7) as usize
    }

    /// Whether a flag is set.
    pub const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

/// Offsets in the message page, in 64-bit words. The page belongs to the Thread object; user space maps it through a Frame that is
/// made by `thread_message_frame`.
pub mod page {
    /// The words of the message, [`super::MAX_WORDS`] of them.
    pub const WORDS: usize = 0;
    /// Addresses of the capabilities to send, [`super::MAX_CAPABILITIES`] of them.
    pub const SEND: usize = 64;
    /// Address of the CNode whose slots take what is received; 0 for the root CNode itself.
    pub const RECEIVE_CNODE: usize = 68;
    /// The first slot of the window.
    pub const RECEIVE_SLOT: usize = 69;
    /// How many slots the window has, at most [`super::MAX_CAPABILITIES`].
    pub const RECEIVE_COUNT: usize = 70;
    /// Written by the kernel: a bit for each capability of the message that arrived in the window's slot of that number.
    pub const ARRIVED: usize = 71;
    /// Registers of another thread, for `thread_read_registers` and `thread_write_registers`.
    pub const REGISTERS: usize = 96;
}
