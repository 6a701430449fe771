//! Nothing leaks, whatever fails.

mod fake;

use super::blocks::BLOCK;
use super::*;
use fake::{Counts, Fake, POOL_PAGES};
use sundog_rt::cap::Error;
use sundog_rt::sys::abi::vcpu::exit;

const READ: Protection = Protection {
    write: false,
    execute: false,
};
const WRITE: Protection = Protection {
    write: true,
    execute: false,
};
const EXECUTE: Protection = Protection {
    write: false,
    execute: true,
};

fn machine(slots: usize, bytes: u64) -> SundogMachine<Fake> {
    SundogMachine::new(
        Fake::new(slots, bytes),
        Parameters {
            memory: fake::MEMORY,
            clock: Clock::new(fake::START, 1000),
            calendar: 0,
            random: Random::new(&[1; 4]),
        },
    )
}

fn counts(machine: &SundogMachine<Fake>) -> Counts {
    machine.objects.counts()
}

/// A process as fork and exit make and end it.
fn fork(machine: &mut SundogMachine<Fake>, parent: SpaceId, from: &Vcpu) -> Result<(), NoRoom> {
    let vcpu = machine.create_vcpu()?;
    let space = match machine.create_space() {
        Ok(space) => space,
        Err(error) => {
            machine.destroy_vcpu(vcpu);
            return Err(error);
        }
    };
    machine.copy_fpu(from, &vcpu);
    assert!(machine.share(parent, space, 0x40_0000, 20));
    machine.protect(parent, 0x7f00_0000_0000, 20, READ);
    let done = machine.map(space, 0x40_0000, 4096 * 100, 5, WRITE);
    machine.enter(&vcpu, space, u64::MAX);
    machine.destroy_space(space);
    machine.destroy_vcpu(vcpu);
    done
}

fn parent(machine: &mut SundogMachine<Fake>) -> (SpaceId, Vcpu) {
    let space = machine.create_space().unwrap();
    let vcpu = machine.create_vcpu().unwrap();
    fill(machine, space);
    (space, vcpu)
}

/// What a parent's guest has touched.
fn fill(machine: &mut SundogMachine<Fake>, space: SpaceId) {
    machine.map(space, 0x40_0000, 0, 20, EXECUTE).unwrap();
    machine
        .map(space, 0x7f00_0000_0000, 4096 * 20, 20, WRITE)
        .unwrap();
}

#[test]
fn a_thousand_forks_leave_nothing() {
    let mut machine = machine(100, 4 << 20);
    let (space, vcpu) = parent(&mut machine);
    fork(&mut machine, space, &vcpu).unwrap();
    let before = counts(&machine);
    for _ in 0..1000 {
        fork(&mut machine, space, &vcpu).unwrap();
    }
    assert_eq!(counts(&machine), before);
}

#[test]
fn all_spaces_and_vcpus_that_fit_can_be_made_again() {
    let mut machine = machine(300, 8 << 20);
    let make = |machine: &mut SundogMachine<Fake>| {
        let mut made = Vec::new();
        while let Ok(space) = machine.create_space() {
            let Ok(vcpu) = machine.create_vcpu() else {
                machine.destroy_space(space);
                break;
            };
            made.push((space, vcpu));
        }
        made
    };
    let first = make(&mut machine);
    assert!(first.len() > 30, "{}", first.len());
    let count = first.len();
    for (space, vcpu) in first {
        machine.destroy_vcpu(vcpu);
        machine.destroy_space(space);
    }
    let left = counts(&machine);
    assert_eq!((left.spaces, left.tables, left.vcpus), (0, 0, 0));
    assert_eq!((left.state_pages, left.mappings), (0, 0));
    assert_eq!(make(&mut machine).len(), count);
}

#[test]
fn memory_for_objects_grows_by_pieces_and_is_used_again() {
    // As many spaces at once as there is memory for: those before are forgotten.
    let spaces = |pieces: usize| {
        let mut machine = machine(100, 2 * BLOCK);
        machine.objects.pieces = (pieces, 3 * BLOCK);
        let mut grown = None;
        for _ in 0..2 {
            let made: Vec<SpaceId> = (0..40).map(|_| machine.create_space().unwrap()).collect();
            // The second time without any more memory.
            let now = counts(&machine);
            assert_eq!(grown.get_or_insert(now.untyped), &now.untyped);
            assert_eq!(now.spaces, 2 + 3 * pieces);
            for space in made {
                machine.destroy_space(space);
            }
            assert_eq!(counts(&machine).spaces, 0);
        }
    };
    for pieces in [0, 1, 4] {
        spaces(pieces);
    }
}

#[test]
fn a_piece_that_is_not_to_be_had_now_may_be_later() {
    let mut machine = machine(100, BLOCK);
    machine.create_space().unwrap();
    let before = counts(&machine);
    machine.create_space().unwrap();
    assert_eq!(counts(&machine), before, "the first one is forgotten");
    machine.objects.pieces = (1, 2 * BLOCK);
    for _ in 0..4 {
        machine.create_space().unwrap();
    }
    assert_eq!(counts(&machine).spaces, 3);
}

#[test]
fn every_failure_gives_back_what_was_taken() {
    every_failure(4 << 20, 0);
    // So little that the fork that fails takes the memory's last block and a piece more.
    every_failure(4 * BLOCK, 9);
}

fn every_failure(bytes: u64, pieces: usize) {
    let mut failures = 0;
    for nth in 0.. {
        let mut machine = machine(100, bytes);
        machine.objects.pieces = (pieces, BLOCK);
        let (space, vcpu) = parent(&mut machine);
        // The rest of a divided block, so that fork has to divide another one.
        for _ in 1..8 {
            machine.create_vcpu().unwrap();
        }
        let before = counts(&machine);
        machine.objects.fail_after(nth, Error::NotEnoughMemory);
        let done = fork(&mut machine, space, &vcpu);
        let failed = machine.objects.failed();
        failures += usize::from(failed);
        // To make room the parent's space may have been forgotten.
        fill(&mut machine, space);
        let after = counts(&machine);
        assert_eq!(after.spaces, before.spaces, "call {nth}");
        assert_eq!(after.vcpus, before.vcpus, "call {nth}");
        assert_eq!(after.tables, before.tables, "call {nth}");
        assert_eq!(after.state_pages, before.state_pages, "call {nth}");
        // Blocks that wait for their next use keep the slot of their untyped memory, and nothing else.
        let (idle, lost) = machine.blocks.idle();
        assert_eq!(lost, 0, "call {nth}");
        let pieces = after.untyped - before.untyped;
        assert_eq!(after.slots - before.slots, pieces, "call {nth}");
        assert!(pieces <= idle + 8, "call {nth}");
        // What failed once works when there is room again.
        fork(&mut machine, space, &vcpu).unwrap();
        if !failed {
            assert!(done.is_ok());
            break;
        }
    }
    assert!(failures > 25, "{failures}");
}

#[test]
fn many_more_guests_than_spaces_fit_all_go_on() {
    const GUESTS: u64 = 60;
    let place = |guest: u64| 0x40_0000 + (guest << 21);
    let mut machine = machine(1000, 2 << 20);
    let mut guests = Vec::new();
    for guest in 0..GUESTS {
        let space = machine.create_space().unwrap();
        guests.push((guest, space, machine.create_vcpu().unwrap()));
    }
    for _ in 0..3 {
        for (guest, space, vcpu) in &guests {
            machine.map(*space, place(*guest), 0, 3, WRITE).unwrap();
            assert_eq!(machine.enter(vcpu, *space, u64::MAX), Exit::Deadline);
            assert!(counts(&machine).mappings >= 3, "the own space is there");
        }
    }
    assert!(counts(&machine).spaces < 30, "{:?}", counts(&machine));
    // A fork of one that was forgotten, and changes to it, do nothing that could be wrong.
    let (_, first, _) = guests[0];
    let (_, second, _) = guests[1];
    machine.protect(first, place(0), 3, READ);
    machine.unmap(first, place(0), 3);
    assert!(machine.share(first, second, place(0), 3));
    for (_, space, vcpu) in guests {
        machine.destroy_vcpu(vcpu);
        machine.destroy_space(space);
    }
    let left = counts(&machine);
    assert_eq!((left.spaces, left.tables, left.vcpus), (0, 0, 0));
}

#[test]
fn tables_are_added_as_they_are_needed() {
    let mut machine = machine(100, 4 << 20);
    let space = machine.create_space().unwrap();
    let first = counts(&machine).tables;
    for index in 0..30 {
        machine
            .map(space, index << 30, 0, 1, READ)
            .unwrap_or_else(|_| panic!("page {index}"));
    }
    assert!(counts(&machine).tables > first);
    machine.destroy_space(space);
    assert_eq!(counts(&machine).tables, 0);
}

#[test]
fn without_memory_for_tables_a_mapping_fails_and_can_be_tried_again() {
    let mut machine = machine(100, 128 << 10);
    let space = machine.create_space().unwrap();
    let mut mapped = 0_u64;
    while machine.map(space, mapped << 30, 0, 1, READ).is_ok() {
        mapped += 1;
    }
    assert!(mapped > 3 && mapped < 20, "{mapped}");
    machine.unmap(space, 0, 1 << 35);
    assert_eq!(counts(&machine).mappings, 0);
    assert_eq!(machine.map(space, mapped << 30, 0, 1, READ), Ok(()));
}

#[test]
fn a_mapping_takes_the_place_of_others() {
    let mut machine = machine(100, 4 << 20);
    let space = machine.create_space().unwrap();
    machine.map(space, 0x1000, 0, 3, READ).unwrap();
    machine.map(space, 0x0000, 4096 * 7, 200, WRITE).unwrap();
    let slot = machine.spaces.get(space.0).unwrap().slot;
    for page in 0..200 {
        assert_eq!(
            machine.objects.mapped(slot, page),
            Some((7 + page as u32, Allowed::READ_WRITE))
        );
    }
}

#[test]
fn what_fork_shares_is_mapped_alike() {
    let mut machine = machine(100, 4 << 20);
    let (space, _) = parent(&mut machine);
    let child = machine.create_space().unwrap();
    let place = 0x7f00_0000_0000;
    assert!(machine.share(space, child, place, 20));
    for id in [space, child] {
        let slot = machine.spaces.get(id.0).unwrap().slot;
        let mapped = machine.objects.mapped(slot, place >> 12);
        assert_eq!(mapped, Some((20, Allowed::READ_WRITE)));
    }
}

#[test]
fn a_page_whose_protection_cannot_be_changed_is_unmapped() {
    let mut machine = machine(100, 4 << 20);
    let (space, _) = parent(&mut machine);
    let place = 0x7f00_0000_0000;
    let slot = machine.spaces.get(space.0).unwrap().slot;
    machine.objects.fail_after(0, Error::MissingRights);
    machine.protect(space, place, 20, READ);
    assert_eq!(machine.objects.mapped(slot, place >> 12), None);
    let next = machine.objects.mapped(slot, (place >> 12) + 1);
    assert_eq!(next, Some((21, Allowed::READ)));
}

#[test]
fn what_finds_no_room_in_fork_is_not_mapped() {
    let mut machine = machine(100, 4 << 20);
    let (space, _) = parent(&mut machine);
    let child = machine.create_space().unwrap();
    machine.objects.fail_after(0, Error::NotEnoughMemory);
    assert!(machine.share(space, child, 0x7f00_0000_0000, 20));
    let slots = [space, child].map(|id| machine.spaces.get(id.0).unwrap().slot);
    let mapped = slots.map(|slot| machine.objects.mapped(slot, 0x7f00_0000_0000 >> 12));
    assert_eq!(mapped, [Some((20, Allowed::READ_WRITE)), None]);
}

#[test]
fn registers_go_in_and_come_out() {
    let mut machine = machine(100, 4 << 20);
    let (space, vcpu) = parent(&mut machine);
    machine.objects.exit = [exit::EXCEPTION, 6, 3];
    let registers = &vcpu.registers;
    registers.rip.set(0x40_0000);
    registers.rax.set(9);
    registers.gs_base.set(5);
    let exit = machine.enter(&vcpu, space, 2_000_000);
    assert_eq!(exit, Exit::Exception { vector: 6, code: 3 });
    // The fake guest adds one to every register.
    let after = registers.load();
    assert_eq!((after.rip, after.rax, after.gs_base), (0x40_0001, 10, 6));
    assert_eq!(machine.objects.deadline, 2_000_000 + fake::START);
    machine.enter(&vcpu, space, u64::MAX);
    assert_eq!(machine.objects.deadline, 0);
}

#[test]
fn a_guest_of_a_space_that_is_gone_does_not_run() {
    let mut machine = machine(100, 4 << 20);
    let (space, vcpu) = parent(&mut machine);
    machine.enter(&vcpu, space, u64::MAX);
    machine.destroy_space(space);
    let before = vcpu.registers.load();
    assert_eq!(machine.enter(&vcpu, space, u64::MAX), Exit::BadState);
    assert_eq!(vcpu.registers.load(), before);
    let other = machine.create_space().unwrap();
    machine.objects.exit = [exit::SYSCALL, 0, 0];
    assert_eq!(machine.enter(&vcpu, other, u64::MAX), Exit::Syscall);
    machine.kick(vcpu.id);
    assert_eq!(machine.enter(&vcpu, other, u64::MAX), Exit::Kick);
}

#[test]
fn floating_point_states_are_copied_and_reset() {
    let mut machine = machine(100, 4 << 20);
    let (_, one) = parent(&mut machine);
    let two = machine.create_vcpu().unwrap();
    let first = machine.save_fpu(&one);
    assert_eq!(first[..2], [0x7f, 0x03]);
    let mut state = first.clone();
    state[100] = 7;
    assert!(machine.load_fpu(&one, &state));
    machine.copy_fpu(&one, &two);
    assert_eq!(machine.save_fpu(&two), state);
    machine.reset_fpu(&two);
    assert_eq!(machine.save_fpu(&two), first);
    // Flags that the processor does not know, and parts that it does not have, are cut off; lengths must be right.
    state[27] = 0xff;
    state[519] = 0xff;
    state[530] = 1;
    assert!(machine.load_fpu(&two, &state));
    let taken = machine.save_fpu(&two);
    assert_eq!((taken[27], taken[519], taken[530]), (0, 0, 0));
    assert!(!machine.load_fpu(&two, &state[1..]));
    assert!(machine.objects.synced > 0);
}

#[test]
fn the_pool_has_an_end() {
    let mut machine = machine(100, 4 << 20);
    let space = machine.create_space().unwrap();
    let last = (POOL_PAGES as usize - 1) * 4096;
    assert_eq!(machine.map(space, 0, last, 1, READ), Ok(()));
    assert_eq!(machine.map(space, 0x1000, last, 2, READ), Err(NoRoom));
    assert_eq!(machine.map(space, 0x1000, usize::MAX, 2, READ), Err(NoRoom));
}
