//! The frame that a signal's handler finds on its stack: Linux's x86-64 layout, written and read back.
use super::{Cause, SignalInformation, SignalSet};
use crate::machine::GuestRegisters;
use alloc::vec::Vec;

/// The stack below a function's frame that the compiler may use without moving the pointer.
const RED_ZONE: u64 = 128;
/// Return address, ucontext, siginfo.
const FRAME_SIZE: usize = 8 + CONTEXT_SIZE + 128;
const CONTEXT_SIZE: usize = 304;
const SIGCONTEXT: usize = 40;
const FLAG_XSTATE: u64 = 1;
const FLAG_SIGCONTEXT_SS: u64 = 2;
const FLAG_STRICT_RESTORE_SS: u64 = 4;
const MAGIC1: u32 = 0x4650_5853;
const MAGIC2: u32 = 0x4650_5845;
/// The most that a frame takes of a stack (AT_MINSIGSTKSZ).
pub const FRAME_ROOM: u64 = 3632;

/// Where a thread wants handlers to run, if they ask for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlternateStack {
    /// Its first byte.
    pub start: u64,
    /// Its size; zero when there is none.
    pub size: u64,
    /// SS_AUTODISARM, if set.
    pub flags: u32,
}

impl AlternateStack {
    /// Whether the stack pointer is on it.
    #[must_use]
    pub fn holds(&self, pointer: u64) -> bool {
        self.size != 0 && pointer > self.start && pointer - self.start <= self.size
    }

    /// Linux's `stack_t`.
    #[must_use]
    pub fn encode(&self, pointer: u64) -> [u8; 24] {
        let state = match self.size {
            0 => 2,
            _ if self.holds(pointer) => 1,
            _ => 0,
        };
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.start.to_le_bytes());
        bytes[8..12].copy_from_slice(&(self.flags | state).to_le_bytes());
        bytes[16..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }
}

/// A frame could not be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError;

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The registers that were interrupted.
    pub registers: GuestRegisters,
    /// The mask to restore.
    pub mask: SignalSet,
    /// The alternate stack as it was.
    pub stack: AlternateStack,
    /// Where the floating-point state lies, or zero.
    pub fpu_address: u64,
}

const ORDER: usize = 18;

fn ordered(registers: &GuestRegisters) -> [u64; ORDER] {
    let r = registers;
    [
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx,
        r.rax, r.rcx, r.rsp, r.rip, r.rflags,
    ]
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut part = [0; 8];
    part.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(part)
}

impl Frame {
    /// Where the frame goes below a stack pointer: the frame's address (what the handler's stack pointer will be) and the
    /// address of the floating-point state.
    #[must_use]
    pub fn place(pointer: u64, on_new_stack: bool, fpu_length: usize) -> (u64, u64) {
        let top = if on_new_stack {
            pointer
        } else {
            pointer.wrapping_sub(RED_ZONE)
        };
        let fpu = if fpu_length == 0 {
            top
        } else {
            top.wrapping_sub(fpu_length as u64 + 4) & !63
        };
        let frame = (fpu.wrapping_sub(FRAME_SIZE as u64) & !15).wrapping_sub(8);
        (frame, if fpu_length == 0 { 0 } else { fpu })
    }

    /// The bytes of the frame.
    #[must_use]
    pub fn encode(&self, restorer: u64, information: &SignalInformation) -> Vec<u8> {
        let mut bytes = alloc::vec![0; FRAME_SIZE];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let context = 8;
        put(0, &restorer.to_le_bytes());
        let xstate = if self.fpu_address == 0 {
            0
        } else {
            FLAG_XSTATE
        };
        put(
            context,
            &(xstate | FLAG_SIGCONTEXT_SS | FLAG_STRICT_RESTORE_SS).to_le_bytes(),
        );
        put(context + 16, &self.stack.encode(self.registers.rsp));
        let machine = context + SIGCONTEXT;
        for (index, register) in ordered(&self.registers).iter().enumerate() {
            put(machine + index * 8, &register.to_le_bytes());
        }
        let at = machine + ORDER * 8;
        put(at, &(0x33_u64 | 0x2b << 48).to_le_bytes());
        if let Cause::Fault {
            address,
            vector,
            error,
            ..
        } = information.cause
        {
            put(at + 8, &error.to_le_bytes());
            put(at + 16, &u64::from(vector).to_le_bytes());
            put(at + 32, &address.to_le_bytes());
        }
        put(at + 24, &self.mask.0.to_le_bytes());
        put(at + 40, &self.fpu_address.to_le_bytes());
        put(context + SIGCONTEXT + 256, &self.mask.0.to_le_bytes());
        put(context + CONTEXT_SIZE, &information.encode());
        bytes
    }

    /// How many bytes of the context `decode` takes.
    pub const CONTEXT: usize = CONTEXT_SIZE;

    /// The address of the `siginfo_t` in a frame.
    #[must_use]
    pub fn information_address(frame: u64) -> u64 {
        frame.wrapping_add(8 + CONTEXT_SIZE as u64)
    }

    /// The address of the `ucontext_t` in a frame.
    #[must_use]
    pub fn context_address(frame: u64) -> u64 {
        frame.wrapping_add(8)
    }

    /// Reads a context back; segment bases are kept from `now`.
    ///
    /// # Errors
    /// When there are fewer bytes than a context has.
    pub fn decode(bytes: &[u8], now: &GuestRegisters) -> Result<Self, FrameError> {
        if bytes.len() < CONTEXT_SIZE {
            return Err(FrameError);
        }
        let at = |index: usize| word(bytes, SIGCONTEXT + index * 8);
        let registers = GuestRegisters {
            r8: at(0),
            r9: at(1),
            r10: at(2),
            r11: at(3),
            r12: at(4),
            r13: at(5),
            r14: at(6),
            r15: at(7),
            rdi: at(8),
            rsi: at(9),
            rbp: at(10),
            rbx: at(11),
            rdx: at(12),
            rax: at(13),
            rcx: at(14),
            rsp: at(15),
            rip: at(16),
            // The flags that a program can set itself, as Linux restores them.
            rflags: (at(17) & 0x5_0dd5) | (now.rflags & !0x5_0dd5),
            fs_base: now.fs_base,
            gs_base: now.gs_base,
        };
        let flags = word(bytes, 24) as u32;
        let stack = AlternateStack {
            start: word(bytes, 16),
            size: word(bytes, 32),
            flags: flags & 0x8000_0000,
        };
        let stack = if flags & 2 != 0 {
            AlternateStack::default()
        } else {
            stack
        };
        let mask = SignalSet(word(bytes, SIGCONTEXT + 256)).without(SignalSet::UNBLOCKABLE);
        Ok(Self {
            registers,
            mask,
            stack,
            fpu_address: at(ORDER + 5),
        })
    }
}

/// Marks a floating-point state for a frame: Linux's software bytes and the word behind the state.
pub(crate) fn seal_fpu(state: &mut Vec<u8>) {
    if state.len() < 512 {
        state.clear();
        return;
    }
    let length = state.len() as u32;
    let features = word(state, 464).max(3);
    let extended = length > 512;
    state[464..468].copy_from_slice(&if extended { MAGIC1 } else { 0 }.to_le_bytes());
    state[468..472].copy_from_slice(&(length + 4).to_le_bytes());
    state[472..480].copy_from_slice(&features.to_le_bytes());
    state[480..484].copy_from_slice(&length.to_le_bytes());
    state.extend_from_slice(&MAGIC2.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    #[test]
    fn frames_read_back_as_they_were_written() {
        let registers = GuestRegisters {
            rax: 1,
            r8: 2,
            rsp: 0x7000,
            rip: 0x40_0000,
            rflags: 0x202,
            ..Default::default()
        };
        let stack = AlternateStack {
            start: 0x9000,
            size: 0x2000,
            flags: 0,
        };
        let frame = Frame {
            registers,
            mask: SignalSet(0xf0),
            stack,
            fpu_address: 0x6000,
        };
        let bytes = frame.encode(0x1234, &SignalInformation::kernel(SIGINT));
        assert_eq!(word(&bytes, 0), 0x1234);
        assert_eq!(bytes[8 + CONTEXT_SIZE], SIGINT as u8);
        assert_eq!(Frame::decode(&bytes[8..], &registers), Ok(frame));
        assert_eq!(Frame::decode(&bytes[8..100], &registers), Err(FrameError));
    }

    #[test]
    fn frames_are_aligned_as_a_called_function_expects() {
        for pointer in 0x10_0000..0x10_0040 {
            let (frame, fpu) = Frame::place(pointer, false, 832);
            assert_eq!((frame + 8) % 16, 0);
            assert_eq!(fpu % 64, 0);
            assert!(fpu + 836 <= pointer - RED_ZONE && frame + FRAME_SIZE as u64 <= fpu);
        }
    }
}
