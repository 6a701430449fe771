//! Where a scheduling context is: the sentences below the table of `docs/states.md`.

use sundog_abi::{Call, Error, Info, ObjectType};
use sundog_core::{SchedContext, State};
use sundog_machine::{Event, Ref};

use crate::world::{CNODE, Program, World};

/// A client with time, and servers behind each other, each waiting at its endpoint with a Reply.
struct Chain {
    world: World,
    client: Program,
    time: Ref<SchedContext>,
    servers: Vec<(Program, u64, u64)>,
}

/// `keeps` says of each server whether it has time of its own.
fn chain(keeps: &[bool]) -> Chain {
    let mut world = World::new();
    let client = world.thread(0);
    let mut servers = Vec::new();
    for keeps in keeps {
        let endpoint = world.make(ObjectType::Endpoint, 0);
        let reply = world.make(ObjectType::Reply, 0);
        let server = world.server(endpoint, reply, 0, *keeps);
        servers.push((server, endpoint, reply));
    }
    let time = world.object(client.context);
    let mut chain = Chain {
        world,
        client,
        time,
        servers,
    };
    // Only the client and its servers run from now on.
    let main = chain.world.main;
    let mut caller = client;
    for (server, endpoint, _) in chain.servers.clone() {
        let _ = chain.world.sends(caller, Call::call, endpoint, 5);
        assert_eq!(chain.world.state(caller), State::Calling);
        assert_eq!(chain.runner(), Some(server));
        caller = server;
    }
    assert_eq!(chain.world.state(main), State::Ready);
    chain
}

impl Chain {
    /// Calls that the client's time was lent along.
    fn length(&self) -> usize {
        let mut here = self.world.kernel.get(self.time).top.get();
        let mut length = 0;
        while let Some(reply) = here {
            length += 1;
            here = self.world.kernel.get(reply).below.get();
        }
        length
    }

    /// Who runs on the client's time.
    fn runner(&self) -> Option<Program> {
        let runner = self.world.kernel.get(self.time).runner.get()?;
        let servers = self.servers.iter().map(|(server, ..)| *server);
        [self.client]
            .into_iter()
            .chain(servers)
            .find(|program| program.thread == runner)
    }

    fn delete(&mut self, slot: u64) {
        self.world.does(Call::cnode_delete, &[CNODE, slot]);
    }
}

#[test]
fn time_goes_along_with_a_call_and_comes_back_with_the_reply() {
    let mut chain = chain(&[false, false, true]);
    for index in (0..3).rev() {
        let (server, _, reply) = chain.servers[index];
        chain.world.replies(server, reply, 6).unwrap();
        let caller = if index == 0 {
            chain.client
        } else {
            chain.servers[index - 1].0
        };
        assert_eq!(chain.runner(), Some(caller));
        assert_eq!(chain.world.state(caller), State::Ready);
        assert_eq!(chain.world.received(caller).2, 6);
        // A server without its own is ready, but has no time; one that has goes on.
        let own = index == 2;
        assert_eq!(chain.world.runs_on(server).is_some(), own);
    }
}

#[test]
fn the_fast_way_needs_no_run_queue() {
    let mut chain = chain(&[false]);
    let (server, endpoint, reply) = chain.servers[0];
    let cpu = chain.world.turn(server);
    for round in 0..3 {
        let words = [endpoint, Info::new(1, 1).0, 0, 0, reply];
        let _ = chain.world.call(server, Call::reply_receive, &words);
        assert_eq!(chain.world.current(cpu), Some(chain.client.thread));
        let _ = chain.world.sends(chain.client, Call::call, endpoint, round);
        assert_eq!(chain.world.current(cpu), Some(server.thread));
        assert_eq!(chain.world.received(server).2, round);
    }
}

#[test]
fn a_reply_through_an_older_call_takes_only_that_out_of_the_chain() {
    let mut chain = chain(&[false, false]);
    let (inner, _, inner_reply) = chain.servers[1];
    let outer_reply = chain.servers[0].2;
    // The inner server answers the outer call.
    chain.world.replies(inner, outer_reply, 8).unwrap();
    assert_eq!(chain.world.state(chain.client), State::Ready);
    assert_eq!(chain.world.runs_on(chain.client), None);
    assert_eq!(chain.runner(), Some(inner));
    chain.world.replies(inner, inner_reply, 9).unwrap();
    let (outer, endpoint, reply) = chain.servers[0];
    assert_eq!(chain.runner(), Some(outer));
    // It has nobody to answer to: when it receives, the time goes to its owner.
    let _ = chain.world.receive(outer, endpoint, reply);
    assert_eq!(chain.runner(), Some(chain.client));
    chain.world.turn(chain.client);
    assert_eq!(chain.world.received(chain.client).2, 8);
}

#[test]
fn when_a_server_dies_the_nearest_living_caller_gets_the_time() {
    for dead in 0..2 {
        let mut chain = chain(&[false, false]);
        // The client is gone, or the one in the middle.
        if dead == 0 {
            chain.delete(chain.client.address);
        } else {
            chain.delete(chain.servers[0].0.address);
        }
        let (inner, ..) = chain.servers[1];
        assert_eq!(chain.runner(), Some(inner), "it is not stopped");
        chain.delete(inner.address);
        let heir = if dead == 0 {
            chain.servers[0].0
        } else {
            chain.client
        };
        assert_eq!(chain.runner(), Some(heir));
        assert_eq!(chain.world.state(heir), State::Calling);
        // The Reply of the server that died is still there: deleting it ends the wait.
        let reply = chain.servers[if dead == 0 { 1 } else { 0 }].2;
        chain.delete(reply);
        chain.world.turn(heir);
        assert_eq!(chain.world.status(heir), Err(Error::Dead));
    }
}

#[test]
fn a_suspended_server_gives_the_time_back_and_can_still_answer_later() {
    let mut chain = chain(&[false]);
    let (server, _, reply) = chain.servers[0];
    chain.world.does(Call::thread_suspend, &[server.address]);
    assert_eq!(chain.runner(), Some(chain.client));
    assert_eq!(chain.world.state(chain.client), State::Calling);
    let main = chain.world.main;
    chain.world.replies(main, reply, 4).unwrap();
    chain.world.turn(chain.client);
    assert_eq!(chain.world.received(chain.client).2, 4);
}

#[test]
fn a_server_that_stops_by_a_fault_gives_the_time_back() {
    let mut chain = chain(&[false]);
    let (server, ..) = chain.servers[0];
    let cpu = chain.world.turn(server);
    let exception = sundog_machine::Event::Exception {
        vector: 6,
        error: 0,
    };
    chain.world.event(cpu, exception);
    assert_eq!(chain.world.state(server), State::Stopped);
    assert_eq!(chain.runner(), Some(chain.client));
}

#[test]
fn a_caller_that_gives_up_gets_its_time_back_from_a_server_with_its_own() {
    for keeps in [true, false] {
        let mut chain = chain(&[keeps]);
        let (server, endpoint, reply) = chain.servers[0];
        chain
            .world
            .does(Call::thread_suspend, &[chain.client.address]);
        chain
            .world
            .does(Call::thread_resume, &[chain.client.address]);
        if keeps {
            assert_eq!(chain.runner(), Some(chain.client));
            assert!(chain.world.runs_on(server).is_some());
        } else {
            assert_eq!(chain.runner(), Some(server), "it is not stopped");
            assert_eq!(chain.world.runs_on(chain.client), None);
        }
        chain.world.replies(server, reply, 1).unwrap();
        let _ = chain.world.receive(server, endpoint, reply);
        assert_eq!(chain.runner(), Some(chain.client));
        chain.world.turn(chain.client);
        assert_eq!(chain.world.status(chain.client), Err(Error::Cancelled));
    }
}

#[test]
fn a_deleted_reply_takes_the_time_back_at_once() {
    for keeps in [true, false] {
        let mut chain = chain(&[keeps]);
        let (server, _, reply) = chain.servers[0];
        chain.delete(reply);
        assert_eq!(chain.runner(), Some(chain.client));
        chain.world.turn(chain.client);
        assert_eq!(chain.world.status(chain.client), Err(Error::Dead));
        assert_eq!(chain.world.runs_on(server).is_some(), keeps);
        assert_eq!(chain.world.state(server), State::Ready);
    }
}

#[test]
fn a_server_that_deletes_its_own_reply_hears_how_that_ended() {
    let mut chain = chain(&[true]);
    let (server, _, reply) = chain.servers[0];
    chain.world.turn(server);
    chain.world.registers(server).rax.set(77);
    assert_eq!(
        chain
            .world
            .call(server, Call::cnode_delete, &[CNODE, reply]),
        Ok(0)
    );
}

#[test]
fn deleting_a_reply_in_the_middle_leaves_the_rest_of_the_chain() {
    let mut chain = chain(&[false, false, false]);
    chain.delete(chain.servers[1].2);
    // The first server hears that its call is dead, but the time is still with the last.
    assert_eq!(chain.world.status(chain.servers[0].0), Err(Error::Dead));
    let (last, _, reply) = chain.servers[2];
    assert_eq!(chain.runner(), Some(last));
    chain.world.replies(last, reply, 1).unwrap();
    let (middle, endpoint, _) = chain.servers[1];
    assert_eq!(chain.runner(), Some(middle));
    let _ = chain.world.receive(middle, endpoint, 0);
    assert_eq!(chain.runner(), Some(chain.client), "the nearest that waits");
}

#[test]
fn time_that_is_taken_away_stops_who_has_no_other() {
    for keeps in [true, false] {
        let mut chain = chain(&[keeps]);
        let (server, _, reply) = chain.servers[0];
        chain
            .world
            .does(Call::sched_unbind, &[chain.client.context]);
        assert_eq!(chain.world.runs_on(server).is_some(), keeps);
        if keeps {
            chain.world.replies(server, reply, 1).unwrap();
            assert_eq!(chain.world.state(chain.client), State::Ready);
            assert_eq!(chain.world.runs_on(chain.client), None);
        }
        let words = [chain.client.context, chain.client.address];
        chain.world.does(Call::sched_bind, &words);
        assert_eq!(chain.runner(), Some(chain.client));
    }
}

#[test]
fn taking_time_away_along_a_long_chain_goes_step_by_step() {
    for deletes in [false, true] {
        let mut chain = chain(&[false; 12]);
        let (context, client) = (chain.client.context, chain.client.address);
        let (number, words) = if deletes {
            (Call::cnode_delete, [CNODE, context, 0, 0, 0, 0])
        } else {
            (Call::sched_unbind, [context, 0, 0, 0, 0, 0])
        };
        let patience = |world: &World, steps| {
            let hardware = &world.kernel.token().backing().hardware;
            hardware.preempt_after.set(steps);
        };
        let main = chain.world.main;
        chain.world.turn(main);
        patience(&chain.world, Some(3));
        chain.world.registers(main).rip.set(0x1002);
        chain.world.load(main, number as u64, words);
        chain.world.event(0, Event::Syscall);
        // It is not done, and will be made again; eight calls still remember it.
        assert_eq!(chain.world.registers(main).rip.get(), 0x1000);
        assert_eq!(chain.length(), 8);
        patience(&chain.world, None);
        assert_eq!(chain.runner(), None);
        if !deletes {
            // Half taken, it cannot be given to another.
            let thread = chain.world.thread(0);
            let words = [context, thread.address];
            let bound = chain.world.call(main, Call::sched_bind, &words);
            assert_eq!(bound, Err(Error::Busy));
        }
        patience(&chain.world, Some(0));
        let what = &words[..if deletes { 2 } else { 1 }];
        chain.world.does(number, what);
        patience(&chain.world, None);
        if !deletes {
            assert_eq!(chain.length(), 0);
            chain.world.does(Call::sched_bind, &[context, client]);
            assert_eq!(chain.runner(), Some(chain.client));
        }
    }
}

#[test]
fn a_passive_server_keeps_the_time_while_it_only_looks() {
    let mut chain = chain(&[false]);
    let (server, endpoint, _) = chain.servers[0];
    let other = chain.world.make(ObjectType::Reply, 0);
    let words = [endpoint, Info::NON_BLOCKING, 0, 0, other];
    assert_eq!(
        chain.world.call(server, Call::receive, &words),
        Err(Error::WouldBlock)
    );
    assert_eq!(chain.runner(), Some(server));
    // A plain message does not change that either.
    let main = chain.world.main;
    let _ = chain.world.sends(main, Call::send, endpoint, 3);
    let _ = chain.world.receive(server, endpoint, other);
    assert_eq!(chain.world.received(server).2, 3);
    assert_eq!(chain.runner(), Some(server));
    // Another call does: it comes with time of its own.
    let _ = chain.world.sends(main, Call::call, endpoint, 4);
    let _ = chain.world.receive(server, endpoint, other);
    assert_eq!(chain.runner(), Some(chain.client));
    assert_eq!(
        chain.world.runs_on(server),
        Some(chain.world.object(main.context))
    );
}

#[test]
fn a_server_on_another_cpu_comes_over_with_the_call() {
    let mut world = World::new();
    let client = world.thread(0);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let server = world.server(endpoint, reply, 1, true);
    let _ = world.sends(client, Call::call, endpoint, 1);
    assert_eq!(world.turn(server), 0);
    let words = [endpoint, Info::new(0, 0).0, 0, 0, reply];
    let _ = world.call(server, Call::reply_receive, &words);
    assert_eq!(world.state(server), State::Receiving);
    assert_eq!(world.turn(client), 0);
    // The call waits and the server takes it: it changes its CPU in the middle of its own call.
    let other = world.thread(1);
    assert!(world.sends(other, Call::send, endpoint, 1).is_ok());
    let _ = world.sends(client, Call::call, endpoint, 2);
    assert_eq!(world.state(client), State::Sending);
    assert_eq!(world.turn(server), 1);
    let _ = world.receive(server, endpoint, reply);
    assert_eq!(world.state(client), State::Calling);
    assert_eq!(world.turn(server), 0);
    assert_eq!(world.received(server).2, 2);
}

#[test]
fn an_answer_by_somebody_else_stops_the_server_that_has_the_time() {
    let mut world = World::new();
    let client = world.thread(1);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let server = world.server(endpoint, reply, 0, true);
    let _ = world.sends(client, Call::call, endpoint, 1);
    assert_eq!(world.cpu_of(server), Some(1));
    // The first thread, on the other CPU, holds the Reply too.
    let main = world.main;
    world.turn(main);
    assert_eq!(world.cpu_of(server), Some(1));
    world.replies(main, reply, 2).unwrap();
    assert_eq!(world.cpu_of(client), Some(1));
    assert_eq!(world.cpu_of(server), None, "it runs on its own time only");
    assert_eq!(world.turn(server), 0);
}
