//! Notifications, interrupts, and guests with every reason to come back from one.

use sundog_abi::vcpu::{exit, page};
use sundog_abi::{Call, Error, Info, ObjectType, Rights};
use sundog_core::{State, VCpu};
use sundog_machine::{Access, BY_SYSRET, Event};

use crate::world::{CNODE, IRQS, Program, World};

#[test]
fn signals_add_up_and_are_taken_once() {
    let mut world = World::new();
    let main = world.main;
    let notification = world.make(ObjectType::Notification, 0);
    let badged = [4, 8].map(|badge| world.mint(notification, Rights::SEND, badge));
    for slot in badged {
        world.does(Call::notification_signal, &[slot]);
    }
    assert_eq!(world.does(Call::notification_wait, &[notification, 0]), 12);
    assert_eq!(world.does(Call::notification_poll, &[notification]), 0);
    assert_eq!(
        world.call(main, Call::notification_wait, &[badged[0], 0]),
        Err(Error::MissingRights)
    );
}

#[test]
fn one_waiter_takes_the_word_and_the_next_waits_on() {
    let mut world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let badged = world.mint(notification, Rights::SEND, 6);
    let waiters = [world.thread(0), world.thread(1)];
    for waiter in waiters {
        let _ = world.call(waiter, Call::notification_wait, &[notification, 0]);
    }
    for (count, waiter) in waiters.into_iter().enumerate() {
        world.does(Call::notification_signal, &[badged]);
        assert_eq!(world.state(waiter), State::Ready);
        assert_eq!(world.registers(waiter).rdx.get(), 6);
        assert_eq!(world.status(waiter), Ok(()));
        assert_eq!(world.state(waiters[1]) == State::Waiting, count == 0);
    }
    assert_eq!(world.does(Call::notification_poll, &[notification]), 0);
}

/// A thread with a bound notification, and a badged capability to signal it.
fn bound(world: &mut World, cpu: u64) -> (Program, u64, u64) {
    let notification = world.make(ObjectType::Notification, 0);
    let thread = world.thread(cpu);
    let words = [thread.address, notification];
    world.does(Call::thread_bind_notification, &words);
    let badged = world.mint(notification, Rights::SEND, 5);
    (thread, notification, badged)
}

#[test]
fn a_receive_also_waits_for_the_bound_notification() {
    for before in [true, false] {
        let mut world = World::new();
        let endpoint = world.make(ObjectType::Endpoint, 0);
        let reply = world.make(ObjectType::Reply, 0);
        let (thread, _, signal) = bound(&mut world, 0);
        if before {
            world.does(Call::notification_signal, &[signal]);
        }
        let _ = world.receive(thread, endpoint, reply);
        if !before {
            assert_eq!(world.state(thread), State::Receiving);
            world.does(Call::notification_signal, &[signal]);
        }
        assert_eq!(world.state(thread), State::Ready);
        assert_eq!(world.received(thread), (0, Info(Info::NOTIFICATION | 1), 5));
        // The Reply is free for the next one.
        let _ = world.receive(thread, endpoint, reply);
        assert_eq!(world.state(thread), State::Receiving);
    }
}

#[test]
fn binding_a_notification_with_signals_wakes_who_receives() {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let notification = world.make(ObjectType::Notification, 0);
    let thread = world.thread(0);
    let _ = world.receive(thread, endpoint, 0);
    world.does(Call::notification_signal, &[notification]);
    let words = [thread.address, notification];
    world.does(Call::thread_bind_notification, &words);
    assert_eq!(world.received(thread), (0, Info(Info::NOTIFICATION | 1), 1));
    assert_eq!(world.state(thread), State::Ready);
}

#[test]
fn bindings_are_to_one_and_end_with_either() {
    let mut world = World::new();
    let (thread, notification, _) = bound(&mut world, 0);
    let other = world.thread(0);
    let main = world.main;
    let bind = |world: &mut World, thread: Program, notification: u64| {
        let words = [thread.address, notification];
        world.call(main, Call::thread_bind_notification, &words)
    };
    assert_eq!(bind(&mut world, other, notification), Err(Error::Busy));
    assert_eq!(
        world.call(other, Call::notification_wait, &[notification, 0]),
        Err(Error::Busy)
    );
    let second = world.make(ObjectType::Notification, 0);
    assert_eq!(bind(&mut world, thread, second), Err(Error::Busy));
    assert!(bind(&mut world, thread, 0).is_ok());
    assert!(bind(&mut world, other, notification).is_ok());
    world.does(Call::cnode_delete, &[CNODE, other.address]);
    assert!(bind(&mut world, thread, notification).is_ok());
    world.does(Call::cnode_revoke, &[CNODE, notification]);
    world.does(Call::cnode_delete, &[CNODE, notification]);
    assert!(bind(&mut world, thread, second).is_ok());
}

#[test]
fn an_interrupt_signals_until_its_line_or_notification_is_gone() {
    let mut world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let badged = world.mint(notification, Rights::SEND, 16);
    let line = world.free_slot();
    world.does(Call::irq_control_get, &[IRQS, 5, 0, line]);
    let main = world.main;
    let again = world.free_slot();
    for (number, error) in [
        (5, Error::Busy),
        (24, Error::OutOfRange),
        (u64::MAX, Error::OutOfRange),
    ] {
        assert_eq!(
            world.call(main, Call::irq_control_get, &[IRQS, number, 0, again]),
            Err(error)
        );
    }
    let masked = |world: &World| world.kernel.token().backing().hardware.masked.borrow()[5];
    world.does(Call::irq_bind, &[line, badged]);
    assert!(!masked(&world));
    world.event(1, Event::Interrupt { vector: 5 });
    assert!(masked(&world), "held back until it is acknowledged");
    assert_eq!(world.does(Call::notification_poll, &[notification]), 16);
    world.does(Call::irq_acknowledge, &[line]);
    assert!(!masked(&world));
    // Lines without anybody, and ones that do not exist.
    for vector in [7, 24, 200] {
        world.event(0, Event::Interrupt { vector });
    }
    world.does(Call::cnode_delete, &[CNODE, badged]);
    world.does(Call::cnode_delete, &[CNODE, notification]);
    assert!(masked(&world));
    world.event(1, Event::Interrupt { vector: 5 });
    world.does(Call::irq_acknowledge, &[line]);
    assert!(masked(&world));
    world.does(Call::cnode_delete, &[CNODE, line]);
    world.does(Call::irq_control_get, &[IRQS, 5, 0, again]);
}

/// A thread on CPU 1 that may enter a guest.
struct Guest {
    world: World,
    thread: Program,
    vcpu: u64,
    signal: u64,
}

fn guest() -> Guest {
    let mut world = World::new();
    let (thread, _, signal) = bound(&mut world, 1);
    let vcpu = world.make(ObjectType::VCpu, 0);
    let space = world.make(ObjectType::VSpace, 1);
    let main = world.main;
    assert_eq!(
        world.call(main, Call::vcpu_enter, &[vcpu, 0]),
        Err(Error::NotConfigured)
    );
    assert_eq!(
        world.call(main, Call::vcpu_configure, &[vcpu, crate::world::VSPACE]),
        Err(Error::NotAllowed)
    );
    world.does(Call::vcpu_configure, &[vcpu, space]);
    Guest {
        world,
        thread,
        vcpu,
        signal,
    }
}

impl Guest {
    fn object(&self) -> sundog_machine::Ref<VCpu> {
        self.world.object(self.vcpu)
    }

    fn word(&self, index: usize) -> u64 {
        let kernel = &self.world.kernel;
        kernel.get(kernel.vcpu_page(self.object())).read(index)
    }

    fn write(&self, index: usize, word: u64) {
        let kernel = &self.world.kernel;
        kernel
            .get(kernel.vcpu_page(self.object()))
            .write(index, word);
    }

    fn enter(&mut self, deadline: u64) {
        let words = [self.vcpu, deadline];
        let _ = self.world.call(self.thread, Call::vcpu_enter, &words);
    }

    fn is_inside(&self) -> bool {
        let inside = !self.world.kernel.get(self.thread.thread).vcpu.is_none();
        assert!(!inside || self.world.cpu_of(self.thread) == Some(1));
        inside
    }

    /// It has come back for this reason, and the thread goes on.
    fn came_back(&mut self, reason: u64, address: u64, code: u64) {
        assert!(!self.is_inside());
        assert_eq!(self.word(page::EXIT), reason);
        assert_eq!(self.word(page::EXIT_ADDRESS), address);
        assert_eq!(self.word(page::EXIT_CODE), code);
        self.world.turn(self.thread);
        assert_eq!(self.world.status(self.thread), Ok(()));
        assert_eq!(self.world.registers(self.thread).rdx.get(), reason);
    }
}

#[test]
fn a_guest_comes_back_by_what_it_does() {
    let mut guest = guest();
    guest.write(page::REGISTERS, 42);
    guest.write(page::RIP, 0x5000);
    let access = Access {
        present: true,
        write: true,
        execute: false,
    };
    for (event, reason, address, code) in [
        (Event::Syscall, exit::SYSCALL, 0, 0),
        (
            Event::PageFault {
                address: 0x77,
                access,
            },
            exit::FAULT,
            0x77,
            5,
        ),
        (
            Event::Exception {
                vector: 3,
                error: 9,
            },
            exit::EXCEPTION,
            3,
            9,
        ),
        (Event::BadState, exit::BAD_STATE, 0, 0),
    ] {
        guest.enter(0);
        assert!(guest.is_inside());
        let registers = &guest.world.kernel.get(guest.object()).registers;
        assert_eq!(registers.rax.get(), 42);
        registers.rbx.set(43);
        // The FPU is given, not an exit.
        let no_fpu = Event::Exception {
            vector: sundog_machine::NO_FPU,
            error: 0,
        };
        guest.world.event(1, no_fpu);
        assert!(guest.is_inside());
        guest.world.event(1, event);
        guest.came_back(reason, address, code);
        assert_eq!(guest.word(page::REGISTERS + 1), 43);
        guest.write(page::REGISTERS + 1, 0);
    }
}

#[test]
fn a_kick_brings_a_guest_back_and_sticks_until_one_exit_said_so() {
    let mut guest = guest();
    guest.enter(0);
    guest.world.does(Call::vcpu_kick, &[guest.vcpu]);
    guest.came_back(exit::KICK, 0, 0);
    guest.enter(0);
    assert!(guest.is_inside(), "one kick, one exit");
    guest.world.event(1, Event::Syscall);
    guest.came_back(exit::SYSCALL, 0, 0);
    for _ in 0..2 {
        guest.world.does(Call::vcpu_kick, &[guest.vcpu]);
    }
    guest.enter(0);
    guest.came_back(exit::KICK, 0, 0);
    guest.enter(0);
    assert!(guest.is_inside());
    let main = guest.world.main;
    let words = [guest.vcpu, 0];
    assert_eq!(
        guest.world.call(main, Call::vcpu_enter, &words),
        Err(Error::Busy)
    );
}

#[test]
fn a_kick_does_not_lose_a_guest_s_call_that_waits_for_the_lock() {
    let mut guest = guest();
    guest.write(page::RIP, 0x5000);
    guest.enter(0);
    let registers = &guest.world.kernel.get(guest.object()).registers;
    registers.rip.set(0x5002);
    registers.how.set(BY_SYSRET);
    let main = guest.world.main;
    let words = [guest.vcpu, 0, 0, 0, 0, 0];
    guest.world.turn(main);
    guest.world.load(main, Call::vcpu_kick as u64, words);
    guest.world.enter(0, Event::Syscall);
    guest.world.event(1, Event::Syscall);
    guest.came_back(exit::KICK, 0, 0);
    assert_eq!(guest.word(page::RIP), 0x5000);
}

#[test]
fn signals_and_deadlines_bring_a_guest_back() {
    let mut guest = guest();
    guest.enter(0);
    guest.world.does(Call::notification_signal, &[guest.signal]);
    guest.came_back(exit::NOTIFICATION, 5, 0);
    guest.world.does(Call::notification_signal, &[guest.signal]);
    guest.enter(0);
    guest.came_back(exit::NOTIFICATION, 5, 0);
    guest.enter(100_000);
    guest.world.pass(50_000);
    assert!(guest.is_inside());
    guest.world.pass(53_000);
    guest.came_back(exit::DEADLINE, 0, 0);
    // A deadline of an entry that is over means nothing.
    guest.enter(200_000);
    guest.world.event(1, Event::Syscall);
    guest.came_back(exit::SYSCALL, 0, 0);
    guest.enter(0);
    guest.world.pass(200_000);
    assert!(guest.is_inside());
}

#[test]
fn a_deadline_that_is_entered_with_again_still_comes_and_means_nothing_outside() {
    let mut guest = guest();
    for _ in 0..3 {
        guest.enter(100_000);
        assert!(guest.is_inside());
        guest.world.event(1, Event::Syscall);
        guest.came_back(exit::SYSCALL, 0, 0);
    }
    guest.enter(100_000);
    guest.world.pass(103_000);
    guest.came_back(exit::DEADLINE, 0, 0);
    // Left over while the thread waits for something else, without a limit.
    guest.enter(300_000);
    guest.world.event(1, Event::Syscall);
    let (thread, signal) = (guest.thread, guest.signal);
    let endpoint = guest.world.make(ObjectType::Endpoint, 0);
    let _ = guest.world.receive(thread, endpoint, 0);
    guest.world.pass(200_000);
    assert_eq!(guest.world.state(thread), State::Receiving);
    guest.world.does(Call::notification_signal, &[signal]);
    guest.world.turn(thread);
    // Another deadline, an earlier one and none.
    for (deadline, inside) in [(900_000, true), (500_000, false), (0, true)] {
        guest.enter(deadline);
        guest.world.event(1, Event::Syscall);
        guest.enter(deadline);
        guest.world.pass(130_000);
        assert_eq!(guest.is_inside(), inside, "deadline {deadline}");
        if inside {
            guest.world.event(1, Event::Syscall);
        }
        guest.world.turn(thread);
    }
    // It ends with its thread.
    guest.enter(1 << 40);
    guest.world.event(1, Event::Syscall);
    guest
        .world
        .does(Call::cnode_delete, &[CNODE, thread.address]);
    guest.world.pass(1 << 41);
}

#[test]
fn bad_registers_and_a_lost_address_space_are_exits_too() {
    let mut guest = guest();
    for place in [page::RIP, page::FS_BASE, page::GS_BASE] {
        guest.write(place, u64::MAX - 1);
        guest.enter(0);
        guest.came_back(exit::BAD_STATE, 0, 0);
        guest.write(place, 0);
    }
    guest.enter(0);
    let vspace = guest.world.kernel.vcpu_vspace(guest.object());
    guest.world.kernel.cpu = 0;
    guest.world.kernel.delete(vspace).unwrap();
    guest.world.answer_calls();
    guest.came_back(exit::BAD_STATE, 0, 0);
    let words = [guest.vcpu, 0];
    assert_eq!(
        guest.world.call(guest.thread, Call::vcpu_enter, &words),
        Err(Error::NotConfigured)
    );
}

#[test]
fn a_guest_ends_with_its_thread_or_vcpu() {
    let mut guest_1 = guest();
    guest_1.enter(0);
    guest_1
        .world
        .does(Call::cnode_delete, &[CNODE, guest_1.vcpu]);
    assert!(!guest_1.is_inside());
    guest_1.world.turn(guest_1.thread);
    assert_eq!(
        guest_1.world.registers(guest_1.thread).rdx.get(),
        exit::KICK
    );
    let mut guest_2 = guest();
    guest_2.enter(1 << 40);
    let thread = guest_2.thread.address;
    guest_2.world.does(Call::cnode_delete, &[CNODE, thread]);
    assert!(guest_2.world.kernel.get(guest_2.object()).runner.is_none());
}

#[test]
fn a_suspended_thread_leaves_its_guest_and_no_deadline_wakes_it() {
    let mut guest = guest();
    guest.enter(100_000);
    let address = guest.thread.address;
    guest.world.does(Call::thread_suspend, &[address]);
    guest.world.pass(200_000);
    assert_eq!(guest.world.state(guest.thread), State::Stopped);
    guest.world.does(Call::thread_resume, &[address]);
    guest.came_back(exit::KICK, 0, 0);
}
