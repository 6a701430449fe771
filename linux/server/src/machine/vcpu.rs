//! A virtual processor: the VCpu object, its exits, and the floating-point state in its state page.

use super::blocks::Blocks;
use crate::objects::{Make, Objects, Result};
use alloc::vec;
use alloc::vec::Vec;
use sundog_linux_core::machine::{Exit, SpaceId, StatePage};
use sundog_linux_memory::Word;
use sundog_rt::cap::Error;
use sundog_rt::sys::abi::fault;
use sundog_rt::sys::abi::vcpu::{exit, page};

/// Bytes of the FPU's area: what `xsave` writes for x87, SSE and AVX.
const FPU_BYTES: usize = 832;
/// Bytes of it that `fxsave` knows.
const LEGACY_BYTES: usize = 512;
/// Place of the word of flags in it that the processor knows, and those flags.
const MXCSR: (usize, u32) = (24, 0xffff);

/// A virtual processor, without its state page.
pub struct Vcpu {
    slot: u32,
    piece: u32,
    frame: u32,
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

/// The exit for a reason of `abi::vcpu::exit`; more about it is in the state page.
fn decode(reason: u64, state: &StatePage) -> Exit {
    let word = |index: usize| state.words()[index].get();
    match reason {
        exit::SYSCALL => Exit::Syscall,
        exit::FAULT => {
            let code = word(page::EXIT_CODE);
            Exit::Fault {
                address: word(page::EXIT_ADDRESS),
                write: code & fault::WRITE != 0,
                execute: code & fault::EXECUTE != 0,
                present: code & fault::PRESENT != 0,
            }
        }
        exit::EXCEPTION => Exit::Exception {
            vector: word(page::EXIT_ADDRESS) as u8,
            code: word(page::EXIT_CODE) as u32,
        },
        exit::KICK => Exit::Kick,
        exit::NOTIFICATION => Exit::Notification,
        exit::DEADLINE => Exit::Deadline,
        _ => Exit::BadState,
    }
}

/// The words of a state page that are the floating-point state.
fn fpu_words(state: &StatePage) -> &[Word] {
    let first = page::FPU_BYTE / 8;
    &state.words()[first..first + FPU_BYTES / 8]
}

impl Vcpu {
    /// Makes a virtual processor, and maps its state page.
    ///
    /// # Errors
    /// `NotEnoughMemory`; nothing stays taken then.
    pub fn new<O: Objects>(objects: &mut O, blocks: &mut Blocks) -> Result<(Vcpu, StatePage)> {
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
                let vcpu = Vcpu {
                    slot,
                    piece,
                    frame,
                    space: None,
                };
                put_fpu(&page, &fresh_fpu());
                Ok((vcpu, page))
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
    pub fn end<O: Objects>(self, page: StatePage, objects: &mut O, blocks: &mut Blocks) {
        let unmapped = objects.unmap_state(page);
        debug_assert!(unmapped.is_ok(), "a page that was mapped can be unmapped");
        if blocks.give_piece(objects, self.piece) {
            objects.give_slot(self.frame);
            objects.give_slot(self.slot);
        }
    }

    /// Lets the guest run, with the registers in its state page, until it comes back.
    ///
    /// # Errors
    /// Those of `vcpu_enter`: the guest did not run.
    pub fn enter<O: Objects>(
        &self,
        objects: &mut O,
        page: &StatePage,
        deadline: u64,
    ) -> Result<Exit> {
        let reason = objects.enter(self.slot, page, deadline)?;
        Ok(decode(reason, page))
    }

    /// Gives the guest the space whose VSpace is in slot `vspace`.
    ///
    /// # Errors
    /// Those of `vcpu_configure`.
    pub fn configure<O: Objects>(
        &mut self,
        objects: &mut O,
        space: SpaceId,
        vspace: u32,
    ) -> Result<()> {
        objects.configure(self.slot, vspace)?;
        self.space = Some(space);
        Ok(())
    }

    /// Brings the guest back.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn kick<O: Objects>(&self, objects: &mut O) -> Result<()> {
        objects.kick(self.slot)
    }

    /// The floating-point state.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`.
    pub fn fpu<O: Objects>(&self, objects: &mut O, page: &StatePage) -> Result<Vec<u8>> {
        objects.sync_fpu(self.slot)?;
        let words = fpu_words(page).iter();
        Ok(words.flat_map(|word| word.get().to_le_bytes()).collect())
    }

    /// Loads a floating-point state, whose flags are cut to those that the processor knows.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`; `InvalidArgument` for a state of another length than [`Vcpu::fpu`] gives.
    pub fn set_fpu<O: Objects>(
        &self,
        objects: &mut O,
        page: &StatePage,
        state: &[u8],
    ) -> Result<()> {
        if state.len() != FPU_BYTES {
            return Err(Error::InvalidArgument);
        }
        // So that no processor still has the state before.
        objects.sync_fpu(self.slot)?;
        put_fpu(page, state);
        Ok(())
    }

    /// Makes the floating-point state that of a program that starts.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`.
    pub fn reset_fpu<O: Objects>(&self, objects: &mut O, page: &StatePage) -> Result<()> {
        self.set_fpu(objects, page, &fresh_fpu())
    }
}

fn put_fpu(page: &StatePage, state: &[u8]) {
    let mut state = state.to_vec();
    let (at, known) = MXCSR;
    if let Some(bytes) = state[at..].first_chunk_mut::<4>() {
        *bytes = (u32::from_le_bytes(*bytes) & known).to_le_bytes();
    }
    // Behind the legacy part: which parts are present, of those that are saved; the rest of that header is zero.
    state[LEGACY_BYTES] &= 0b111;
    state[LEGACY_BYTES + 1..LEGACY_BYTES + 64].fill(0);
    let (values, _) = state.as_chunks::<8>();
    for (word, value) in fpu_words(page).iter().zip(values) {
        word.set(u64::from_le_bytes(*value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_taken_apart() {
        let state = StatePage::on_heap();
        let exit_of = |reason, address, code| {
            state.words()[page::EXIT_ADDRESS].set(address);
            state.words()[page::EXIT_CODE].set(code);
            decode(reason, &state)
        };
        let all = Exit::Fault {
            address: 7,
            write: true,
            execute: true,
            present: true,
        };
        let code = fault::WRITE | fault::EXECUTE | fault::PRESENT;
        assert_eq!(exit_of(exit::FAULT, 7, code), all);
        assert_eq!(exit_of(exit::SYSCALL, 1, 2), Exit::Syscall);
        assert_eq!(
            exit_of(exit::EXCEPTION, 13, 8),
            Exit::Exception {
                vector: 13,
                code: 8
            }
        );
        assert_eq!(exit_of(exit::KICK, 0, 0), Exit::Kick);
        assert_eq!(exit_of(exit::NOTIFICATION, 3, 0), Exit::Notification);
        assert_eq!(exit_of(exit::DEADLINE, 0, 0), Exit::Deadline);
        for reason in [exit::BAD_STATE, 0, 99] {
            assert_eq!(exit_of(reason, 0, 0), Exit::BadState);
        }
    }
}
