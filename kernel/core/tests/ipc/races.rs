//! What one CPU does to a thread while that is on its way into the kernel on the other.

use sundog_abi::{Call, ObjectType};
use sundog_core::State;
use sundog_machine::Event;

use crate::world::{CNODE, World};

/// A call that a thread on CPU 1 has made, and that waits for the kernel's lock.
fn begins(world: &World, program: crate::world::Program, what: Call, words: [u64; 6]) {
    assert_eq!(world.cpu_of(program), Some(1));
    world.load(program, what as u64, words);
}

#[test]
fn a_call_that_waits_for_the_lock_while_its_thread_is_stopped_is_made_again() {
    let mut world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let thread = world.thread(1);
    world.registers(thread).rip.set(0x1002);
    begins(
        &world,
        thread,
        Call::notification_signal,
        [notification, 0, 0, 0, 0, 0],
    );
    // The other CPU is first.
    let address = thread.address;
    let main = world.main;
    world.load(main, Call::thread_suspend as u64, [address, 0, 0, 0, 0, 0]);
    world.enter(0, Event::Syscall);
    assert_eq!(world.state(thread), State::Stopped);
    world.event(1, Event::Syscall);
    assert_eq!(world.current(1), None);
    assert_eq!(
        world.call(main, Call::notification_poll, &[notification]),
        Ok(0),
        "it was not done"
    );
    assert_eq!(
        world.registers(thread).rip.get(),
        0x1000,
        "it stands before the instruction again"
    );
    assert_eq!(
        world.registers(thread).rax.get(),
        Call::notification_signal as u64
    );
}

#[test]
fn a_thread_that_was_interrupted_goes_on_behind_what_it_did() {
    let mut world = World::new();
    let thread = world.thread(1);
    world.registers(thread).rip.set(0x1002);
    world.does(Call::thread_suspend, &[thread.address]);
    assert_eq!(world.registers(thread).rip.get(), 0x1002);
}

#[test]
fn events_of_a_thread_that_is_gone_mean_nothing() {
    for event in [
        Event::Syscall,
        Event::BadState,
        Event::Exception {
            vector: 13,
            error: 0,
        },
    ] {
        let mut world = World::new();
        let thread = world.thread(1);
        begins(&world, thread, Call::cnode_delete, [CNODE, 5, 0, 0, 0, 0]);
        let main = world.main;
        let words = [CNODE, thread.address, 0, 0, 0, 0];
        world.load(main, Call::cnode_delete as u64, words);
        world.enter(0, Event::Syscall);
        world.event(1, event);
        assert_eq!(world.current(1), None);
    }
}

#[test]
fn a_delete_that_is_interrupted_goes_on_and_is_told_to_nobody_when_the_thread_ends() {
    // A CNode with many slots, deleted in steps; the deleter is told, killed, or somebody else finishes the work.
    for case in 0..4 {
        let mut world = World::new();
        let cnode = world.make(ObjectType::CNode, 40);
        let untyped = world.make(ObjectType::Untyped, 64 * 64);
        let holder = world.make(ObjectType::CNode, 4);
        world.does(
            Call::untyped_retype,
            &[untyped, ObjectType::CNode as u64, 20, holder, 2, 1],
        );
        let thread = world.thread(1);
        let patience = |world: &World, steps| {
            let hardware = &world.kernel.token().backing().hardware;
            hardware.preempt_after.set(steps);
        };
        patience(&world, Some(3));
        let target = if case == 3 { holder } else { cnode };
        begins(
            &world,
            thread,
            Call::cnode_delete,
            [CNODE, target, 0, 0, 0, 0],
        );
        world.event(1, Event::Syscall);
        patience(&world, None);
        assert_eq!(
            world.registers(thread).rax.get(),
            Call::cnode_delete as u64,
            "not done yet"
        );
        match case {
            0 => {}
            1 => {
                world.does(Call::cnode_delete, &[CNODE, thread.address]);
                continue;
            }
            2 => {
                world.does(Call::thread_suspend, &[thread.address]);
                world.does(Call::thread_resume, &[thread.address]);
            }
            _ => {
                // Somebody revokes what the CNode is made of, in steps too.
                for _ in 0..40 {
                    patience(&world, Some(1));
                    let _ = world.call(world.main, Call::cnode_revoke, &[CNODE, untyped]);
                    patience(&world, None);
                }
            }
        }
        // It makes the same call again, by itself.
        let cpu = world.turn(thread);
        world.registers(thread).how.set(sundog_machine::BY_SYSRET);
        world.event(cpu, Event::Syscall);
        assert_eq!(world.status(thread), Ok(()), "case {case}");
        assert!(!world.holds(target));
    }
}

#[test]
fn a_message_page_frame_dies_with_its_thread() {
    let mut world = World::new();
    let thread = world.thread(1);
    let slot = world.free_slot();
    world.does(Call::thread_message_frame, &[thread.address, 0, slot]);
    assert!(world.holds(slot));
    world.does(Call::cnode_revoke, &[CNODE, thread.address]);
    assert!(!world.holds(slot));
}

#[test]
fn what_goes_along_with_an_old_space_may_be_the_caller_itself() {
    // Thread B's old capability space holds the last capability of thread A, which gives B another one.
    let mut world = World::new();
    let a = world.thread(1);
    let space = world.make(ObjectType::CNode, 4);
    let b = world.passive_in(space, 0);
    world.does(Call::thread_suspend, &[b.address]);
    world.does(Call::cnode_move, &[space, 2, a.address]);
    // Only B holds the space now.
    world.does(Call::cnode_delete, &[CNODE, space]);
    begins(
        &world,
        a,
        Call::thread_configure,
        [b.address, CNODE, crate::world::VSPACE, 0, 0, 0],
    );
    // What was there goes first, slot by slot, and the call is made again after each.
    for _ in 0..3 {
        assert_eq!(world.current(1), Some(a.thread));
        world.registers(a).how.set(sundog_machine::BY_SYSRET);
        world.event(1, Event::Syscall);
        if world.current(1).is_none() {
            return;
        }
    }
    panic!("the thread is still there");
}
