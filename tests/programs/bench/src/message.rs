//! Messages between two programs.

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Reply};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::reply_receive_short;
use sundog_rt::{Environment, fail};

use crate::measure::{median, report};

/// Answers every call with the words that it brought.
pub fn serve(mut environment: Environment) -> ! {
    let requests: Cap<Endpoint> = environment.require("requests");
    let resources = &mut environment.resources;
    let Ok(reply) = resources.pool.make::<Reply>(&mut resources.slots, 0) else {
        fail("bench: no memory for a Reply");
    };
    let Ok(first) = requests.receive(Some(reply), None) else {
        fail("bench: the endpoint is refused");
    };
    let [one, two, three, four, ..] = first.words;
    let (mut info, mut words) = (first.info, [one, two, three, four]);
    loop {
        let end = reply_receive_short(requests.address(), reply.address(), info, &words);
        let Ok(next) = end else {
            fail("bench: the endpoint is refused");
        };
        (info, words) = (next.info, next.words);
    }
}

/// Calls and answers of some lengths.
pub fn round_trips(environment: &Environment) {
    let server: Cap<Endpoint> = environment.require("server");
    for (name, words) in [
        ("ipc_round_trip_0w", 0),
        ("ipc_round_trip_1w", 1),
        ("ipc_round_trip_4w", 4),
    ] {
        let info = Info::new(0, words);
        let cost = median(|| {
            if server.call_short(info, &[1, 2, 3, 4]).is_err() {
                fail("bench: a call failed");
            }
        });
        report(name, cost);
    }
}
