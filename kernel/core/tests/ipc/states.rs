//! The table of `docs/states.md`: each event in each state.

use sundog_abi::{Call, Error, Info, ObjectType, Rights};
use sundog_core::State;
use sundog_machine::{Access, Event};

use crate::world::{CNODE, Program, VSPACE, World};

/// What a thread waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Sending,
    SendingCall,
    SendingFault,
    Receiving,
    Waiting,
    Calling,
    CallingFault,
}

const WAITS: [Wait; 7] = [
    Wait::Sending,
    Wait::SendingCall,
    Wait::SendingFault,
    Wait::Receiving,
    Wait::Waiting,
    Wait::Calling,
    Wait::CallingFault,
];

struct Scene {
    world: World,
    /// The thread that waits.
    thread: Program,
    server: Program,
    endpoint: u64,
    notification: u64,
    reply: u64,
}

/// A thread that waits, until `deadline` if that is not 0.
fn scene(wait: Wait, deadline: u64) -> Scene {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let notification = world.make(ObjectType::Notification, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let own_reply = world.make(ObjectType::Reply, 0);
    let server = world.thread(0);
    let program = world.passive_in(CNODE, endpoint);
    let context = world.context(10, 1 << 40, 1 << 40);
    world.does(Call::sched_bind, &[context, program.address]);
    let thread = Program { context, ..program };
    let info = Info::new(9, 1).0 | if deadline == 0 { 0 } else { Info::DEADLINE };
    if matches!(wait, Wait::Calling | Wait::CallingFault) {
        world.receive(server, endpoint, reply).unwrap();
    }
    let cpu = world.turn(thread);
    match wait {
        Wait::Sending => {
            let _ = world.call(thread, Call::send, &[endpoint, info, deadline]);
        }
        Wait::SendingCall | Wait::Calling => {
            let _ = world.call(thread, Call::call, &[endpoint, info, deadline]);
        }
        Wait::Receiving => {
            let words = [endpoint, info, deadline, 0, own_reply];
            let _ = world.call(thread, Call::receive, &words);
        }
        Wait::Waiting => {
            let _ = world.call(thread, Call::notification_wait, &[notification, deadline]);
        }
        Wait::SendingFault | Wait::CallingFault => world.event(cpu, FAULT),
    }
    let scene = Scene {
        world,
        thread,
        server,
        endpoint,
        notification,
        reply,
    };
    assert_eq!(scene.world.state(thread), wait.state(), "{wait:?}");
    scene
}

const FAULT: Event = Event::PageFault {
    address: 0xbad000,
    access: Access {
        present: false,
        write: true,
        execute: false,
    },
};

impl Wait {
    fn state(self) -> State {
        match self {
            Wait::Sending | Wait::SendingCall | Wait::SendingFault => State::Sending,
            Wait::Receiving => State::Receiving,
            Wait::Waiting => State::Waiting,
            Wait::Calling | Wait::CallingFault => State::Calling,
        }
    }

    fn is_fault(self) -> bool {
        matches!(self, Wait::SendingFault | Wait::CallingFault)
    }
}

impl Scene {
    /// The thread gets its turn, and its call has ended so.
    fn ended(&mut self, wait: Wait, error: Error) {
        assert_eq!(self.world.state(self.thread), State::Ready, "{wait:?}");
        self.world.turn(self.thread);
        assert_eq!(self.world.status(self.thread), Err(error), "{wait:?}");
    }

    fn delete(&mut self, slot: u64) {
        self.world.does(Call::cnode_delete, &[CNODE, slot]);
    }
}

#[test]
fn the_last_capability_of_a_thread_ends_it_in_every_state() {
    for wait in WAITS {
        let mut scene = scene(wait, 0);
        scene.delete(scene.thread.address);
        assert!(!scene.world.holds(scene.thread.address));
        // Its time is free, and who served it goes on.
        let context = scene
            .world
            .object::<sundog_core::SchedContext>(scene.thread.context);
        assert!(scene.world.kernel.get(context).owner.is_none());
        let call = [scene.reply, Info::new(0, 0).0];
        assert_eq!(
            scene.world.call(scene.server, Call::reply, &call),
            Ok(scene.world.registers(scene.server).rdx.get())
        );
    }
}

#[test]
fn a_suspended_thread_has_its_wait_cancelled() {
    for wait in WAITS {
        let mut scene = scene(wait, 1 << 50);
        scene
            .world
            .does(Call::thread_suspend, &[scene.thread.address]);
        assert_eq!(scene.world.state(scene.thread), State::Stopped);
        scene
            .world
            .does(Call::thread_resume, &[scene.thread.address]);
        if wait.is_fault() {
            assert_eq!(scene.world.state(scene.thread), State::Ready);
            assert_eq!(scene.world.registers(scene.thread).rax.get(), 0);
        } else {
            scene.ended(wait, Error::Cancelled);
        }
    }
}

#[test]
fn resuming_what_is_not_stopped_changes_nothing() {
    for wait in WAITS {
        let mut scene = scene(wait, 0);
        scene
            .world
            .does(Call::thread_resume, &[scene.thread.address]);
        assert_eq!(scene.world.state(scene.thread), wait.state());
    }
}

#[test]
fn a_deadline_ends_each_wait_but_a_fault() {
    for wait in WAITS.into_iter().filter(|wait| !wait.is_fault()) {
        let mut scene = scene(wait, 50_000);
        scene.world.pass(40_000);
        assert_eq!(scene.world.state(scene.thread), wait.state(), "not early");
        scene.world.pass(13_000);
        scene.ended(wait, Error::TimedOut);
        // A Reply whose caller gave up is empty, and can be used again.
        if wait == Wait::Calling {
            scene.world.replies(scene.server, scene.reply, 1).unwrap();
            assert_eq!(scene.world.status(scene.thread), Err(Error::TimedOut));
            let _ = scene
                .world
                .receive(scene.server, scene.endpoint, scene.reply);
            assert_eq!(scene.world.state(scene.server), State::Receiving);
        }
    }
}

#[test]
fn senders_hear_that_nobody_can_receive_any_more() {
    for wait in [
        Wait::Sending,
        Wait::SendingCall,
        Wait::SendingFault,
        Wait::Receiving,
    ] {
        let mut scene = scene(wait, 0);
        let sender = scene
            .world
            .mint(scene.endpoint, Rights::SEND.union(Rights::GRANT), 0);
        scene.delete(scene.endpoint);
        match wait {
            // It has no capability to receive any more, but may go on waiting.
            Wait::Receiving => {
                assert_eq!(scene.world.state(scene.thread), State::Receiving);
            }
            Wait::SendingFault => assert_eq!(scene.world.state(scene.thread), State::Stopped),
            _ => scene.ended(wait, Error::Dead),
        }
        if wait != Wait::Receiving {
            for what in [Call::send, Call::call] {
                let end = scene.world.sends(scene.server, what, sender, 1);
                assert_eq!(end, Err(Error::Dead), "later calls too");
            }
        }
    }
}

#[test]
fn an_endpoint_that_ends_wakes_all_who_wait_there() {
    for wait in [Wait::Sending, Wait::SendingCall, Wait::Receiving] {
        let mut scene = scene(wait, 0);
        // The copy in the thread's fault slot is a child.
        scene
            .world
            .does(Call::cnode_revoke, &[CNODE, scene.endpoint]);
        assert_eq!(scene.world.state(scene.thread), wait.state());
        scene.delete(scene.endpoint);
        let error = if wait == Wait::Receiving {
            Error::Cancelled
        } else {
            Error::Dead
        };
        scene.ended(wait, error);
    }
}

#[test]
fn a_notification_that_ends_wakes_who_waits() {
    let mut scene = scene(Wait::Waiting, 0);
    scene.delete(scene.notification);
    scene.ended(Wait::Waiting, Error::Cancelled);
}

#[test]
fn a_reply_that_is_deleted_fails_its_call() {
    let mut scene = scene(Wait::Calling, 0);
    scene.delete(scene.reply);
    scene.ended(Wait::Calling, Error::Dead);
}

#[test]
fn a_fault_whose_reply_is_deleted_stays_where_it_was() {
    let mut scene = scene(Wait::CallingFault, 0);
    let rip = scene.world.registers(scene.thread).rip.get();
    scene.delete(scene.reply);
    assert_eq!(scene.world.state(scene.thread), State::Stopped);
    assert_eq!(scene.world.registers(scene.thread).rip.get(), rip);
}

#[test]
fn a_reply_in_use_is_refused_for_another_call() {
    let mut scene = scene(Wait::Calling, 0);
    let end = scene
        .world
        .receive(scene.server, scene.endpoint, scene.reply);
    assert_eq!(end, Err(Error::Busy));
    assert_eq!(scene.world.state(scene.thread), State::Calling);
}

#[test]
fn a_receiver_whose_reply_is_deleted_takes_plain_messages_only() {
    let mut scene = scene(Wait::Receiving, 0);
    let reply = scene
        .world
        .kernel
        .get(scene.thread.thread)
        .reply
        .get()
        .unwrap();
    let slot = (1..crate::world::SLOTS as u64)
        .find(|slot| {
            scene
                .world
                .kernel
                .get(scene.world.slot(*slot))
                .object
                .get::<sundog_core::Reply>()
                == Some(reply)
        })
        .unwrap();
    scene.delete(slot);
    let (server, endpoint) = (scene.server, scene.endpoint);
    assert_eq!(
        scene.world.sends(server, Call::call, endpoint, 1),
        Err(Error::Dead)
    );
    assert!(scene.world.sends(server, Call::send, endpoint, 5).is_ok());
    assert_eq!(scene.world.received(scene.thread).2, 5);
    assert_eq!(scene.world.state(scene.thread), State::Ready);
}

#[test]
fn waits_stay_when_spaces_are_revoked() {
    for wait in WAITS {
        let mut scene = scene(wait, 0);
        let (thread, before) = (scene.thread.thread, scene.world.state(scene.thread));
        let own = [
            scene.world.kernel.thread_cspace(thread),
            scene.world.kernel.thread_vspace(thread),
        ];
        for slot in own {
            scene.world.kernel.delete(slot).unwrap();
            scene.world.answer_calls();
            scene.world.kernel.check();
            assert_eq!(scene.world.state(scene.thread), before);
        }
    }
}

#[test]
fn a_thread_without_address_space_stops_when_it_would_run() {
    let mut world = World::new();
    let thread = world.thread(1);
    assert_eq!(world.cpu_of(thread), Some(1));
    let vspace = world.kernel.thread_vspace(thread.thread);
    world.kernel.cpu = 0;
    world.kernel.delete(vspace).unwrap();
    world.answer_calls();
    world.kernel.check();
    assert_eq!(world.state(thread), State::Stopped);
    assert_eq!(world.current(1), None);
    assert_eq!(
        world.call(world.main, Call::thread_resume, &[thread.address]),
        Err(Error::NotConfigured)
    );
}

#[test]
fn without_capability_space_every_look_up_fails() {
    let mut world = World::new();
    let thread = world.thread(1);
    let cspace = world.kernel.thread_cspace(thread.thread);
    world.kernel.delete(cspace).unwrap();
    assert_eq!(
        world.call(thread, Call::notification_poll, &[1]),
        Err(Error::NotConfigured)
    );
}

#[test]
fn a_thread_that_runs_elsewhere_is_stopped_freed_or_loses_its_time() {
    for case in 0..4 {
        let mut world = World::new();
        let thread = world.thread(1);
        assert_eq!(world.cpu_of(thread), Some(1));
        match case {
            0 => {
                world.does(Call::thread_suspend, &[thread.address]);
                assert_eq!(world.state(thread), State::Stopped);
            }
            1 => {
                world.does(Call::cnode_delete, &[CNODE, thread.address]);
            }
            2 => {
                world.does(Call::sched_unbind, &[thread.context]);
                assert_eq!(world.state(thread), State::Ready);
            }
            _ => {
                world.does(Call::cnode_delete, &[CNODE, thread.context]);
                assert_eq!(world.state(thread), State::Ready);
            }
        }
        assert_eq!(world.current(1), None);
        if case == 2 {
            world.does(Call::sched_bind, &[thread.context, thread.address]);
            assert_eq!(world.current(1), Some(thread.thread));
        }
    }
}

#[test]
fn a_thread_can_end_all_that_it_has_by_its_own_call() {
    for case in 0..6 {
        let mut world = World::new();
        let thread = world.thread(1);
        let (what, words) = match case {
            0 => (Call::cnode_delete, vec![CNODE, thread.address]),
            1 => (Call::thread_suspend, vec![thread.address]),
            2 => (Call::cnode_delete, vec![CNODE, thread.context]),
            3 => (Call::sched_unbind, vec![thread.context]),
            // All of it: every object, the common CNode too.
            4 => (Call::cnode_revoke, vec![CNODE, crate::world::MEMORY]),
            _ => (Call::cnode_revoke, vec![CNODE, VSPACE]),
        };
        world.load(thread, what as u64, {
            let mut all = [0; 6];
            all[..words.len()].copy_from_slice(&words);
            all
        });
        world.event(1, Event::Syscall);
        assert_eq!(world.current(1), None, "case {case}");
        if case == 1 || case == 3 {
            assert_eq!(world.status(thread), Ok(()));
        }
        if case == 4 {
            assert_eq!(world.current(0), None);
        }
    }
}

#[test]
fn a_fault_without_a_handler_stops_the_thread() {
    let mut world = World::new();
    let thread = world.thread(1);
    world.event(1, FAULT);
    assert_eq!(world.state(thread), State::Stopped);
    assert_eq!(world.current(1), None);
}

#[test]
fn a_call_that_is_not_in_the_table_is_a_fault_with_registers_as_they_were() {
    let mut scene = scene(Wait::CallingFault, 0);
    assert_eq!(
        scene.world.received(scene.server).1,
        Info(Info::new(sundog_abi::fault::PAGE, 3).0 | Info::FAULT)
    );
    assert_eq!(scene.world.received(scene.server).2, 0xbad000);
    scene.world.replies(scene.server, scene.reply, 0).unwrap();
    scene
        .world
        .receive(scene.server, scene.endpoint, scene.reply)
        .unwrap();
    let cpu = scene.world.turn(scene.thread);
    scene
        .world
        .load(scene.thread, 0x1234, [11, 12, 13, 14, 15, 16]);
    scene.world.event(cpu, Event::Syscall);
    assert_eq!(scene.world.state(scene.thread), State::Calling);
    let registers = scene.world.registers(scene.thread);
    assert_eq!(registers.rax.get(), 0x1234);
    assert_eq!(registers.rdi.get(), 11);
    let (_, info, number) = scene.world.received(scene.server);
    assert_eq!(info.label(), sundog_abi::fault::UNKNOWN_CALL);
    assert_eq!(number, 0x1234);
    scene.world.replies(scene.server, scene.reply, 99).unwrap();
    assert_eq!(scene.world.state(scene.thread), State::Ready);
    assert_eq!(scene.world.registers(scene.thread).rax.get(), 0x1234);
    assert_eq!(scene.world.registers(scene.thread).rdi.get(), 11);
}
