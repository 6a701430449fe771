//! A virtual processor: the VCpu object, and its state page as registers and exits.

use super::blocks::Blocks;
use crate::objects::{Make, Objects, Result};
use alloc::vec;
use alloc::vec::Vec;
use sundog_linux_core::machine::{Exit, GuestRegisters, SpaceId};
use sundog_rt::cap::Error;
use sundog_rt::sys::abi::fault;
use sundog_rt::sys::abi::vcpu::{exit, page};

/// Words of a general exchange: registers, instruction pointer, flags, segment bases.
const REGISTER_WORDS: usize = page::GS_BASE + 1;
/// Bytes of the FPU's area: what `xsave` writes for x87, SSE and AVX.
const FPU_BYTES: usize = 832;
/// Bytes of it that `fxsave` knows.
const LEGACY_BYTES: usize = 512;
/// Place of the word of flags in it that the processor knows, and those flags.
const MXCSR: (usize, u32) = (24, 0xffff);

/// A virtual processor.
pub struct Vcpu<P> {
    slot: u32,
    piece: u32,
    frame: u32,
    page: P,
    /// The space that the object has.
    pub space: Option<SpaceId>,
}

/// The floating-point state of a program that starts: control words as the ABI has them, all registers zero.
fn fresh_fpu() -> Vec<u8> {
    let mut state = vec![0; FPU_BYTES];
    state[..2].copy_from_slice(&0x037f_u16.to_le_bytes());
    state[MXCSR.0..MXCSR.0 + 4].copy_from_slice(&0x1f80_u32.to_le_bytes());
    state
}

fn to_words(guest: &GuestRegisters) -> [u64; REGISTER_WORDS] {
    let g = guest;
    [
        g.rax, g.rbx, g.rcx, g.rdx, g.rsi, g.rdi, g.rbp, g.rsp, g.r8, g.r9, g.r10, g.r11, g.r12,
        g.r13, g.r14, g.r15, g.rip, g.rflags, g.fs_base, g.gs_base,
    ]
}

fn from_words(words: &[u64; REGISTER_WORDS]) -> GuestRegisters {
    let [rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, ..] = *words;
    let [
        ..,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rip,
        rflags,
        fs_base,
        gs_base,
    ] = *words;
    GuestRegisters {
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        rsp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        rip,
        rflags,
        fs_base,
        gs_base,
    }
}

/// The exit that the words of a state page tell of.
fn decode(reason: u64, address: u64, code: u64) -> Exit {
    match reason {
        exit::SYSCALL => Exit::Syscall,
        exit::FAULT => Exit::Fault {
            address,
            write: code & fault::WRITE != 0,
            execute: code & fault::EXECUTE != 0,
            present: code & fault::PRESENT != 0,
        },
        exit::EXCEPTION => Exit::Exception {
            vector: address as u8,
            code: code as u32,
        },
        exit::KICK => Exit::Kick,
        exit::NOTIFICATION => Exit::Notification,
        exit::DEADLINE => Exit::Deadline,
        _ => Exit::BadState,
    }
}

fn read_words<O: Objects, const N: usize>(objects: &O, page: &O::Page, first: usize) -> [u64; N] {
    let mut bytes = [[0; 8]; N];
    objects.read_state(page, first * 8, bytes.as_flattened_mut());
    bytes.map(u64::from_le_bytes)
}

impl<P> Vcpu<P> {
    /// Makes a virtual processor.
    ///
    /// # Errors
    /// `NotEnoughMemory`; nothing stays taken then.
    pub fn new<O: Objects<Page = P>>(objects: &mut O, blocks: &mut Blocks) -> Result<Vcpu<P>> {
        let slot = objects.take_slot()?;
        let frame = match objects.take_slot() {
            Ok(frame) => frame,
            Err(error) => {
                objects.give_slot(slot);
                return Err(error);
            }
        };
        let piece = match blocks.take_piece(objects) {
            Ok(piece) => piece,
            Err(error) => {
                objects.give_slot(frame);
                objects.give_slot(slot);
                return Err(error);
            }
        };
        let page = objects
            .make(piece, Make::Vcpu, slot)
            .and_then(|()| objects.map_state(slot, frame));
        match page {
            Ok(page) => {
                let mut vcpu = Vcpu {
                    slot,
                    piece,
                    frame,
                    page,
                    space: None,
                };
                vcpu.put_fpu(objects, &fresh_fpu());
                Ok(vcpu)
            }
            Err(error) => {
                if blocks.give_piece(objects, piece) {
                    objects.give_slot(frame);
                    objects.give_slot(slot);
                }
                Err(error)
            }
        }
    }

    /// Gives everything back. Nobody is in it.
    pub fn end<O: Objects<Page = P>>(self, objects: &mut O, blocks: &mut Blocks) {
        let unmapped = objects.unmap_state(self.page);
        debug_assert!(unmapped.is_ok(), "a page that was mapped can be unmapped");
        if blocks.give_piece(objects, self.piece) {
            objects.give_slot(self.frame);
            objects.give_slot(self.slot);
        }
    }

    /// Lets the guest run in the space whose VSpace is in slot `vspace`, until it comes back.
    ///
    /// # Errors
    /// Those of `vcpu_configure` and `vcpu_enter`: the guest did not run.
    pub fn enter<O: Objects<Page = P>>(
        &mut self,
        objects: &mut O,
        space: SpaceId,
        vspace: u32,
        registers: &mut GuestRegisters,
        deadline: u64,
    ) -> Result<Exit> {
        if self.space != Some(space) {
            objects.configure(self.slot, vspace)?;
            self.space = Some(space);
        }
        let bytes = to_words(registers).map(u64::to_le_bytes);
        objects.write_state(&mut self.page, page::REGISTERS, bytes.as_flattened());
        objects.enter(self.slot, deadline)?;
        let [reason, address, code] = read_words(objects, &self.page, page::EXIT);
        let exit = decode(reason, address, code);
        // A guest that did not run has the registers that it was given.
        if exit != Exit::BadState {
            *registers = from_words(&read_words(objects, &self.page, page::REGISTERS));
        }
        Ok(exit)
    }

    /// Brings the guest back.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn kick<O: Objects<Page = P>>(&self, objects: &mut O) -> Result<()> {
        objects.kick(self.slot)
    }

    /// The floating-point state.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`.
    pub fn fpu<O: Objects<Page = P>>(&self, objects: &mut O) -> Result<Vec<u8>> {
        objects.sync_fpu(self.slot)?;
        let mut state = vec![0; FPU_BYTES];
        objects.read_state(&self.page, page::FPU_BYTE, &mut state);
        Ok(state)
    }

    /// Loads a floating-point state, whose flags are cut to those that the processor knows.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`; `InvalidArgument` for a state of another length than [`Vcpu::fpu`] gives.
    pub fn set_fpu<O: Objects<Page = P>>(&mut self, objects: &mut O, state: &[u8]) -> Result<()> {
        if state.len() != FPU_BYTES {
            return Err(Error::InvalidArgument);
        }
        // So that no processor still has the state before.
        objects.sync_fpu(self.slot)?;
        self.put_fpu(objects, state);
        Ok(())
    }

    /// Makes the floating-point state that of a program that starts.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`.
    pub fn reset_fpu<O: Objects<Page = P>>(&mut self, objects: &mut O) -> Result<()> {
        self.set_fpu(objects, &fresh_fpu())
    }

    fn put_fpu<O: Objects<Page = P>>(&mut self, objects: &mut O, state: &[u8]) {
        let mut state = state.to_vec();
        let (at, known) = MXCSR;
        if let Some(bytes) = state[at..].first_chunk_mut::<4>() {
            *bytes = (u32::from_le_bytes(*bytes) & known).to_le_bytes();
        }
        // Behind the legacy part: which parts are present, of those that are saved; the rest of that header is zero.
        state[LEGACY_BYTES] &= 0b111;
        state[LEGACY_BYTES + 1..LEGACY_BYTES + 64].fill(0);
        objects.write_state(&mut self.page, page::FPU_BYTE, &state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_come_back_in_their_places() {
        let words = core::array::from_fn(|index| index as u64 + 1);
        let guest = from_words(&words);
        assert_eq!((guest.rax, guest.rsp, guest.r15), (1, 8, 16));
        assert_eq!((guest.rip, guest.rflags), (17, 18));
        assert_eq!((guest.fs_base, guest.gs_base), (19, 20));
        assert_eq!(to_words(&guest), words);
    }

    #[test]
    fn exits_are_taken_apart() {
        let all = Exit::Fault {
            address: 7,
            write: true,
            execute: true,
            present: true,
        };
        let code = fault::WRITE | fault::EXECUTE | fault::PRESENT;
        assert_eq!(decode(exit::FAULT, 7, code), all);
        assert_eq!(decode(exit::SYSCALL, 1, 2), Exit::Syscall);
        assert_eq!(
            decode(exit::EXCEPTION, 13, 8),
            Exit::Exception {
                vector: 13,
                code: 8
            }
        );
        assert_eq!(decode(exit::KICK, 0, 0), Exit::Kick);
        assert_eq!(decode(exit::NOTIFICATION, 3, 0), Exit::Notification);
        assert_eq!(decode(exit::DEADLINE, 0, 0), Exit::Deadline);
        for reason in [exit::BAD_STATE, 0, 99] {
            assert_eq!(decode(reason, 0, 0), Exit::BadState);
        }
    }
}
