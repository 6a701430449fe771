//! What a message carries: words of every number, badges, and capabilities with every way in which they may not arrive.

use sundog_abi::message::{MAX_WORDS, page};
use sundog_abi::{Call, Error, Info, ObjectType, Rights};
use sundog_core::State;
use sundog_machine::Event;

use crate::world::{CNODE, Program, World};

struct Pair {
    world: World,
    client: Program,
    server: Program,
    /// With all rights.
    endpoint: u64,
    reply: u64,
}

fn pair() -> Pair {
    let mut world = World::new();
    let client = world.thread(0);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let server = world.server(endpoint, reply, 0, true);
    Pair {
        world,
        client,
        server,
        endpoint,
        reply,
    }
}

fn write(world: &World, program: Program, index: usize, word: u64) {
    let kernel = &world.kernel;
    kernel
        .get(kernel.thread_message(program.thread))
        .write(index, word);
}

fn read(world: &World, program: Program, index: usize) -> u64 {
    let kernel = &world.kernel;
    kernel
        .get(kernel.thread_message(program.thread))
        .read(index)
}

/// Puts a message of `words` words where a program has to.
fn compose(world: &World, program: Program, words: usize) {
    let r = world.registers(program);
    let places = [
        &r.r12, &r.r13, &r.r14, &r.r15, &r.r9, &r.r10, &r.rbx, &r.rbp,
    ];
    for (index, place) in places.into_iter().enumerate() {
        place.set(if words <= 8 { 100 + index as u64 } else { 1 });
    }
    for index in 0..MAX_WORDS {
        write(world, program, page::WORDS + index, 100 + index as u64);
    }
}

fn assert_arrived(world: &World, program: Program, words: usize) {
    let r = world.registers(program);
    let places = [
        &r.r12, &r.r13, &r.r14, &r.r15, &r.r9, &r.r10, &r.rbx, &r.rbp,
    ];
    assert_eq!(Info(r.rsi.get()), Info::new(3, words));
    let in_page = |index| read(world, program, page::WORDS + index);
    for index in 0..words {
        let word = match places.get(index) {
            Some(place) if words <= places.len() => place.get(),
            _ => in_page(index),
        };
        assert_eq!(word, 100 + index as u64, "word {index} of {words}");
    }
    for place in &places[words.clamp(4, 8)..] {
        assert_eq!(place.get(), 0, "an unused register is cleared");
    }
}

/// A message system call whose message is composed; the registers of `words` beyond those of the call stay.
fn send(world: &mut World, program: Program, what: Call, to: u64, info: Info, r8: u64) {
    let cpu = world.turn(program);
    let registers = world.registers(program);
    registers.rax.set(what as u64);
    registers.rdi.set(to);
    registers.rsi.set(info.0);
    registers.r8.set(r8);
    registers.how.set(sundog_machine::BY_SYSRET);
    world.event(cpu, Event::Syscall);
}

#[test]
fn words_of_every_number_arrive_both_ways() {
    let mut pair = pair();
    for words in 0..=MAX_WORDS {
        let world = &mut pair.world;
        let info = Info::new(3, words);
        world.turn(pair.client);
        compose(world, pair.client, words);
        send(world, pair.client, Call::call, pair.endpoint, info, 0);
        assert_arrived(world, pair.server, words);
        world.turn(pair.server);
        compose(world, pair.server, words);
        send(
            world,
            pair.server,
            Call::reply_receive,
            pair.endpoint,
            info,
            pair.reply,
        );
        assert_arrived(world, pair.client, words);
        assert_eq!(world.status(pair.client), Ok(()));
        assert_eq!(world.state(pair.server), State::Receiving);
    }
}

#[test]
fn messages_that_are_too_long_are_refused() {
    let mut pair = pair();
    let world = &mut pair.world;
    for info in [
        Info(MAX_WORDS as u64 + 1),
        Info(127),
        Info(5 << 8),
        Info(7 << 8),
    ] {
        for what in [Call::call, Call::send] {
            send(world, pair.client, what, pair.endpoint, info, 0);
            assert_eq!(world.status(pair.client), Err(Error::InvalidArgument));
        }
    }
    assert_eq!(world.state(pair.server), State::Receiving);
    let _ = world.sends(pair.client, Call::call, pair.endpoint, 1);
    send(world, pair.server, Call::reply, pair.reply, Info(65), 0);
    assert_eq!(world.status(pair.server), Err(Error::InvalidArgument));
    assert_eq!(world.state(pair.client), State::Calling);
    let words = [pair.endpoint, Info(5 << 8).0, 0, 0, pair.reply];
    let end = world.call(pair.server, Call::reply_receive, &words);
    assert_eq!(end, Err(Error::InvalidArgument));
    assert_eq!(world.state(pair.client), State::Calling);
}

#[test]
fn a_sender_cannot_forge_flags_and_the_badge_is_the_capability_s() {
    let mut pair = pair();
    let world = &mut pair.world;
    let badged = world.mint(pair.endpoint, Rights::ALL, 0xabc);
    let info = Info(Info::NOTIFICATION | Info::FAULT | 1 << 16 | 1 << 11 | 0x7 << 32);
    send(world, pair.client, Call::call, badged, info, 0);
    assert_eq!(world.received(pair.server).0, 0xabc);
    assert_eq!(world.received(pair.server).1, Info::new(7, 0));
    let _ = world.replies(pair.server, pair.reply, 1);
    assert_eq!(world.received(pair.client).0, 0);
}

#[test]
fn rights_decide_who_may_send_and_receive() {
    let mut pair = pair();
    let world = &mut pair.world;
    let send_only = world.mint(pair.endpoint, Rights::SEND, 0);
    let receive_only = world.mint(pair.endpoint, Rights::RECEIVE, 0);
    let client = pair.client;
    let error = Err(Error::MissingRights);
    assert_eq!(world.receive(client, send_only, 0), error);
    for what in [Call::call, Call::send] {
        assert_eq!(world.sends(client, what, receive_only, 1), error);
    }
    assert_eq!(
        world.sends(client, Call::call, pair.reply, 1),
        Err(Error::WrongType)
    );
    assert_eq!(
        world.receive(client, pair.endpoint, pair.endpoint),
        Err(Error::WrongType)
    );
}

#[test]
fn a_call_that_nobody_could_answer_is_refused() {
    let mut pair = pair();
    let world = &mut pair.world;
    // The receiver has no Reply; then the callers were first.
    world.does(Call::cnode_delete, &[CNODE, pair.reply]);
    let end = world.sends(pair.client, Call::call, pair.endpoint, 1);
    assert_eq!(end, Err(Error::Dead));
    let main = world.main;
    assert!(world.sends(main, Call::send, pair.endpoint, 1).is_ok());
    let _ = world.sends(pair.client, Call::call, pair.endpoint, 2);
    let _ = world.sends(main, Call::send, pair.endpoint, 3);
    assert_eq!(world.state(pair.client), State::Sending);
    let _ = world.receive(pair.server, pair.endpoint, 0);
    assert_eq!(world.received(pair.server).2, 3);
    world.turn(pair.client);
    assert_eq!(world.status(pair.client), Err(Error::Dead));
}

#[test]
fn senders_are_served_in_their_order() {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let senders: Vec<Program> = (0..3).map(|_| world.thread(0)).collect();
    let receiver = world.thread(0);
    for (index, sender) in senders.iter().enumerate() {
        let _ = world.sends(*sender, Call::send, endpoint, index as u64);
    }
    // The one in the middle gives up.
    world.does(Call::thread_suspend, &[senders[1].address]);
    for index in [0, 2] {
        let _ = world.receive(receiver, endpoint, 0);
        assert_eq!(world.received(receiver).2, index);
        assert_eq!(world.state(senders[index as usize]), State::Ready);
    }
    let words = [endpoint, Info::NON_BLOCKING];
    assert_eq!(
        world.call(receiver, Call::receive, &words),
        Err(Error::WouldBlock)
    );
    for what in [Call::send, Call::call] {
        let end = world.call(receiver, what, &words);
        assert_eq!(end, Err(Error::WouldBlock));
    }
}

/// A client and a server with capability spaces of their own, and a window of two slots each.
struct Apart {
    world: World,
    client: Program,
    server: Program,
    endpoint: u64,
}

const SPACE_SLOTS: u64 = 8;
const ENDPOINT: u64 = 2;
const REPLY: u64 = 3;
/// What is to travel: a notification.
const GIFT: u64 = 4;
const WINDOW: u64 = 5;

fn apart(client_rights: Rights, server_rights: Rights) -> Apart {
    let mut world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let mut programs = Vec::new();
    for rights in [client_rights, server_rights] {
        let space = world.make(ObjectType::CNode, SPACE_SLOTS);
        let gift = world.make(ObjectType::Notification, 0);
        let reply = world.make(ObjectType::Reply, 0);
        world.does(
            Call::cnode_copy,
            &[space, ENDPOINT, endpoint, rights.0.into()],
        );
        world.does(Call::cnode_copy, &[space, GIFT, gift, Rights::ALL.0.into()]);
        world.does(Call::cnode_move, &[space, REPLY, reply]);
        let program = world.passive_in(space, 0);
        let context = world.context(10, 1 << 40, 1 << 40);
        world.does(Call::sched_bind, &[context, program.address]);
        let program = Program { context, ..program };
        write(&world, program, page::RECEIVE_CNODE, 0);
        write(&world, program, page::RECEIVE_SLOT, WINDOW);
        write(&world, program, page::RECEIVE_COUNT, 2);
        write(&world, program, page::SEND, GIFT);
        write(&world, program, page::SEND + 1, GIFT);
        programs.push(program);
    }
    Apart {
        world,
        client: programs[0],
        server: programs[1],
        endpoint,
    }
}

impl Apart {
    fn slot(&self, program: Program, index: u64) -> sundog_machine::Ref<sundog_core::Slot> {
        let space = self.world.kernel.thread_cspace(program.thread);
        let address = sundog_abi::Address(index);
        self.world.kernel.slot_at(space, address).unwrap()
    }

    /// Which slots of the window hold something.
    fn window(&self, program: Program) -> [bool; 2] {
        [WINDOW, WINDOW + 1].map(|slot| !self.world.kernel.get(self.slot(program, slot)).is_empty())
    }

    fn exchange(&mut self, there: usize, back: usize) -> Result<(), Error> {
        let Apart {
            world,
            client,
            server,
            ..
        } = self;
        let _ = world.receive(*server, ENDPOINT, REPLY);
        let info = Info::new(0, 0).with_capabilities(there);
        send(world, *client, Call::call, ENDPOINT, info, 0);
        assert_eq!(world.state(*client), State::Calling);
        let info = Info::new(0, 0).with_capabilities(back);
        send(world, *server, Call::reply, REPLY, info, 0);
        assert_eq!(world.status(*client), Ok(()));
        world.status(*server)
    }
}

#[test]
fn capabilities_travel_only_with_the_rights_to_grant() {
    let (grant, reply) = (Rights::GRANT, Rights::GRANT_REPLY);
    for bits in 0..8 {
        let has = |bit: u32, right: Rights| {
            if bits >> bit & 1 != 0 {
                right
            } else {
                Rights::NONE
            }
        };
        let client = Rights::SEND.union(has(0, grant)).union(has(1, reply));
        let mut apart = apart(client, Rights::RECEIVE.union(has(2, grant)));
        let end = apart.exchange(2, 1);
        let there = bits & 1 != 0;
        assert_eq!(apart.window(apart.server), [there, there], "rights {bits}");
        let arrived = read(&apart.world, apart.server, page::ARRIVED);
        assert_eq!(arrived, if there { 3 } else { 0 });
        let back = bits & 6 == 6;
        assert_eq!(apart.window(apart.client), [back, false]);
        assert_eq!(
            end,
            if back {
                Ok(())
            } else {
                Err(Error::TransferFailed)
            }
        );
        if there {
            let slot = apart.world.kernel.get(apart.slot(apart.server, WINDOW));
            assert_eq!(slot.kind(), Some(ObjectType::Notification));
        }
    }
}

#[test]
fn what_does_not_fit_or_cannot_be_copied_stays_behind() {
    let all = [Rights::ALL, Rights::ALL];
    let window = |apart: &mut Apart, index: usize, word: u64| {
        write(&apart.world, apart.server, index, word);
    };
    // Each case: what is changed, and which capabilities arrive then.
    type Change<'a> = Box<dyn Fn(&mut Apart) + 'a>;
    let cases: Vec<(Change, u64)> = vec![
        (Box::new(|_| {}), 3),
        (Box::new(move |a| window(a, page::RECEIVE_COUNT, 1)), 1),
        (Box::new(move |a| window(a, page::RECEIVE_COUNT, 0)), 0),
        (
            Box::new(move |a| window(a, page::RECEIVE_COUNT, 1 << 40)),
            0,
        ),
        (
            Box::new(move |a| window(a, page::RECEIVE_SLOT, u64::MAX)),
            0,
        ),
        (
            Box::new(move |a| window(a, page::RECEIVE_SLOT, u32::MAX.into())),
            0,
        ),
        (Box::new(move |a| window(a, page::RECEIVE_SLOT, 4)), 2),
        (Box::new(move |a| window(a, page::RECEIVE_SLOT, 7)), 1),
        (Box::new(move |a| window(a, page::RECEIVE_CNODE, GIFT)), 0),
        (
            Box::new(|a| write(&a.world, a.client, page::SEND, 7)),
            2, // an empty slot
        ),
        (
            Box::new(|a| write(&a.world, a.client, page::SEND + 1, REPLY)),
            1, // a Reply cannot be copied
        ),
        (
            Box::new(|a| write(&a.world, a.client, page::SEND + 1, u64::MAX)),
            1,
        ),
    ];
    for (number, (change, arrives)) in cases.into_iter().enumerate() {
        let mut apart = apart(all[0], all[1]);
        change(&mut apart);
        assert_eq!(apart.exchange(2, 0), Ok(()));
        let arrived = read(&apart.world, apart.server, page::ARRIVED);
        assert_eq!(arrived, arrives, "case {number}");
    }
}

#[test]
fn a_capability_that_is_revoked_before_it_is_taken_does_not_arrive() {
    let mut apart = apart(Rights::ALL, Rights::ALL);
    let info = Info::new(0, 0).with_capabilities(1);
    let (client, server) = (apart.client, apart.server);
    send(&mut apart.world, client, Call::call, ENDPOINT, info, 0);
    assert_eq!(apart.world.state(client), State::Sending);
    let gift = apart.slot(client, GIFT);
    apart.world.kernel.delete(gift).unwrap();
    let _ = apart.world.receive(server, ENDPOINT, REPLY);
    assert_eq!(read(&apart.world, server, page::ARRIVED), 0);
    assert_eq!(apart.window(server), [false, false]);
}

#[test]
fn who_gave_a_capability_can_revoke_it() {
    let mut apart = apart(Rights::ALL, Rights::ALL);
    apart.exchange(1, 0).unwrap();
    assert_eq!(apart.window(apart.server), [true, false]);
    let gift = apart.slot(apart.client, GIFT);
    apart.world.kernel.revoke(gift).unwrap();
    assert_eq!(apart.window(apart.server), [false, false]);
    let _ = apart.endpoint;
}

#[test]
fn a_plain_send_tells_nothing_of_the_receiver_s_slots() {
    let mut apart = apart(Rights::ALL, Rights::ALL);
    let (client, server) = (apart.client, apart.server);
    for _ in 0..2 {
        let _ = apart.world.receive(server, ENDPOINT, REPLY);
        let info = Info::new(0, 0).with_capabilities(2);
        send(&mut apart.world, client, Call::send, ENDPOINT, info, 0);
        // The second time the window is full.
        assert_eq!(apart.world.status(client), Ok(()));
    }
}
