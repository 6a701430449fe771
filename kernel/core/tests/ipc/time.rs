//! Priorities, budgets, turns and the order of deadlines.

use sundog_abi::{Call, Error, Info, ObjectType};
use sundog_core::{SchedContext, State};
use sundog_machine::Event;

use crate::world::{CNODE, PERIOD, Program, SCHED, World};

fn left(world: &World, program: Program) -> u64 {
    let context = world.object::<SchedContext>(program.context);
    world.kernel.get(context).left.get()
}

#[test]
fn the_more_urgent_thread_runs_at_once_on_either_cpu() {
    for cpu in [0, 1] {
        let mut world = World::new();
        let notification = world.make(ObjectType::Notification, 0);
        let calm = world.thread_at(5 | cpu << 8, PERIOD, PERIOD);
        let urgent = world.thread_at(20 | cpu << 8, PERIOD, PERIOD);
        assert_eq!(world.cpu_of(urgent), Some(cpu as usize));
        let _ = world.call(urgent, Call::notification_wait, &[notification, 0]);
        assert_eq!(world.cpu_of(urgent), None);
        world.does(Call::notification_signal, &[notification]);
        assert_eq!(world.cpu_of(urgent), Some(cpu as usize));
        if cpu == 1 {
            assert_eq!(world.state(calm), State::Ready);
            let _ = world.call(urgent, Call::notification_wait, &[notification, 0]);
            assert_eq!(world.cpu_of(calm), Some(1));
        }
    }
}

#[test]
fn who_is_preempted_goes_on_before_its_equals() {
    let mut world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let first = world.thread(1);
    let second = world.thread(1);
    let urgent = world.thread_at(20 | 1 << 8, PERIOD, PERIOD);
    let _ = world.call(urgent, Call::notification_wait, &[notification, 0]);
    assert_eq!(world.cpu_of(first), Some(1));
    world.does(Call::notification_signal, &[notification]);
    assert_eq!(world.cpu_of(urgent), Some(1));
    let _ = world.call(urgent, Call::notification_wait, &[notification, 0]);
    assert_eq!(world.cpu_of(first), Some(1));
    let _ = world.call(first, Call::sched_yield, &[first.context]);
    assert_eq!(world.cpu_of(second), Some(1));
    // Another's context does not yield for it.
    let _ = world.call(second, Call::sched_yield, &[first.context]);
    assert_eq!(world.cpu_of(second), Some(1));
}

#[test]
fn threads_without_limit_take_turns_by_their_budget() {
    let mut world = World::new();
    let threads: Vec<Program> = (0..3)
        .map(|_| world.thread_at(10 | 1 << 8, 5000, 5000))
        .collect();
    for round in 0..7 {
        assert_eq!(world.cpu_of(threads[round % 3]), Some(1), "round {round}");
        world.pass(3000);
        assert_eq!(world.cpu_of(threads[round % 3]), Some(1));
        let timer = world.kernel.token().backing().hardware.timers.borrow()[1];
        assert!(
            timer <= 5000 * (round as u64 + 1),
            "the timer ends the turn"
        );
        world.pass(2000);
    }
}

#[test]
fn a_budget_ends_and_comes_again_each_period() {
    let mut world = World::new();
    let thread = world.thread_at(10 | 1 << 8, 20_000, 100_000);
    let context = world.object::<SchedContext>(thread.context);
    let (step, mut ran) = (1000, 0);
    for _ in 0..1000 {
        ran += u64::from(world.cpu_of(thread).is_some());
        world.pass(step);
    }
    let used = ran * step;
    assert!(
        (190_000..=200_000 + 20_000).contains(&used),
        "a fifth of the time: {used}"
    );
    let consumed = world.does(Call::sched_consumed, &[thread.context]);
    assert_eq!(consumed, used);
    assert_eq!(world.does(Call::sched_consumed, &[thread.context]), 0);
    assert!(world.kernel.get(context).left.get() <= 20_000);
}

#[test]
fn a_budget_that_ends_as_its_thread_blocks_comes_again() {
    let mut world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let thread = world.thread_at(10 | 1 << 8, 20_000, 100_000);
    world.turn(thread);
    world.load(
        thread,
        Call::notification_wait as u64,
        [notification, 0, 0, 0, 0, 0],
    );
    world.advance(25_000);
    world.event(1, Event::Syscall);
    assert_eq!(world.state(thread), State::Waiting);
    assert_eq!(left(&world, thread), 0);
    world.does(Call::notification_signal, &[notification]);
    assert_eq!(world.cpu_of(thread), None);
    world.pass(60_000);
    assert_eq!(world.cpu_of(thread), None);
    world.pass(20_000);
    assert_eq!(world.cpu_of(thread), Some(1));
}

#[test]
fn a_budget_that_ends_as_its_thread_is_stopped_comes_again() {
    let mut world = World::new();
    let thread = world.thread_at(10 | 1 << 8, 20_000, 100_000);
    world.turn(thread);
    world.advance(25_000);
    world.does(Call::thread_suspend, &[thread.address]);
    world.does(Call::thread_resume, &[thread.address]);
    assert_eq!(world.cpu_of(thread), None);
    world.pass(80_000);
    assert_eq!(world.cpu_of(thread), Some(1));
}

#[test]
fn a_server_goes_on_with_its_own_time_when_the_lent_one_ends() {
    for keeps in [true, false] {
        let mut world = World::new();
        let endpoint = world.make(ObjectType::Endpoint, 0);
        let reply = world.make(ObjectType::Reply, 0);
        let server = world.server(endpoint, reply, 1, keeps);
        let client = world.thread_at(10 | 1 << 8, 20_000, 100_000);
        let _ = world.sends(client, Call::call, endpoint, 1);
        assert_eq!(world.cpu_of(server), Some(1));
        world.pass(20_000);
        assert_eq!(world.cpu_of(server).is_some(), keeps);
        world.pass(82_500);
        assert_eq!(world.cpu_of(server), Some(1));
        assert!(world.replies(server, reply, 2).is_ok());
        assert_eq!(world.state(client), State::Ready);
        world.turn(client);
        assert_eq!(world.received(client).2, 2);
    }
}

#[test]
fn a_call_that_was_taken_late_lends_no_time_that_is_used_up() {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let server = world.thread(0);
    let client = world.thread_at(10 | 1 << 8, 20_000, 100_000);
    world.turn(client);
    world.load(
        client,
        Call::call as u64,
        [endpoint, Info::new(1, 1).0, 0, 0, 0, 0],
    );
    world.advance(25_000);
    world.event(1, Event::Syscall);
    assert_eq!(left(&world, client), 0);
    let _ = world.receive(server, endpoint, reply);
    assert_eq!(world.state(client), State::Calling);
    assert_eq!(world.turn(server), 0, "it goes on with its own");
}

#[test]
fn parameters_are_checked_and_can_move_a_running_thread() {
    let mut world = World::new();
    let main = world.main;
    let thread = world.thread(1);
    for (place, budget, period, error) in [
        (64, 5000, 5000, Error::OutOfRange),
        (2 << 8, 5000, 5000, Error::OutOfRange),
        (u64::MAX, 5000, 5000, Error::OutOfRange),
        (1, 999, 5000, Error::InvalidArgument),
        (1, 5001, 5000, Error::InvalidArgument),
        (1, 5000, 1 << 49, Error::InvalidArgument),
    ] {
        let words = [SCHED, thread.context, place, budget, period];
        assert_eq!(world.call(main, Call::sched_configure, &words), Err(error));
    }
    world.turn(thread);
    let words = [SCHED, thread.context, 30, PERIOD, PERIOD];
    assert!(world.call(thread, Call::sched_configure, &words).is_ok());
    assert_eq!(world.cpu_of(thread), Some(0), "by its own call");
    let words = [SCHED, thread.context, 10 | 1 << 8, PERIOD, PERIOD];
    assert!(world.call(thread, Call::sched_configure, &words).is_ok());
    assert_eq!(world.cpu_of(thread), Some(1));
    world.does(
        Call::sched_configure,
        &[SCHED, thread.context, 10, PERIOD, PERIOD],
    );
    assert_eq!(world.turn(thread), 0);
}

#[test]
fn binding_is_to_one() {
    let mut world = World::new();
    let main = world.main;
    let (a, b) = (world.thread(0), world.passive());
    let context = world.context(10, PERIOD, PERIOD);
    for words in [[a.context, b.address], [context, a.address]] {
        assert_eq!(world.call(main, Call::sched_bind, &words), Err(Error::Busy));
    }
    world.does(Call::sched_unbind, &[a.context]);
    world.does(Call::sched_bind, &[a.context, b.address]);
    world.does(Call::sched_bind, &[context, a.address]);
    world.does(Call::cnode_delete, &[CNODE, context]);
    world.does(Call::sched_unbind, &[a.context]);
    world.does(Call::sched_bind, &[a.context, a.address]);
}

#[test]
fn deadlines_come_in_order_at_most_sixteen_at_a_time() {
    let count = if cfg!(miri) { 4 } else { 40 };
    let mut world = World::with_memory(200 * 64);
    let notification = world.make(ObjectType::Notification, 0);
    let threads: Vec<Program> = (0..count).map(|_| world.thread(0)).collect();
    for (index, thread) in threads.iter().enumerate() {
        let deadline = 100_000 + (index as u64 * 7 % count as u64) * 4096;
        let _ = world.call(*thread, Call::notification_wait, &[notification, deadline]);
    }
    world.pass(100_000 + 2048 + 4096);
    let woken = |world: &World| {
        let ready = |thread: &&Program| world.state(**thread) == State::Ready;
        threads.iter().filter(ready).count()
    };
    assert_eq!(woken(&world), 2, "only what is due");
    world.advance(1 << 20);
    let mut entries = 0;
    while woken(&world) < count {
        let before = woken(&world);
        world.event(0, Event::Timer);
        assert!(woken(&world) - before <= 16);
        entries += 1;
        // Each moves down twice at most before it expires.
        assert!(entries < 9, "each entry makes sixteen steps");
    }
    for thread in threads {
        assert_eq!(world.status(thread), Err(Error::TimedOut));
    }
}

#[test]
fn a_deadline_in_the_past_ends_a_wait_soon_but_delivers_what_is_there() {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let (a, b) = (world.thread(0), world.thread(0));
    world.pass(100_000);
    let words = [endpoint, Info::DEADLINE, 5];
    let _ = world.call(a, Call::receive, &words);
    assert_eq!(world.state(a), State::Receiving);
    world.pass(3000);
    world.turn(a);
    assert_eq!(world.status(a), Err(Error::TimedOut));
    let _ = world.sends(b, Call::send, endpoint, 9);
    assert!(world.call(a, Call::receive, &words).is_ok());
    assert_eq!(world.received(a).2, 9);
}
