//! Messages between two programs.

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Reply};
use sundog_rt::sys::abi::{Error, Info};
use sundog_rt::sys::{Received, reply_receive_short};
use sundog_rt::{Environment, fail};

use crate::measure::{median, prepared, report};

/// Words of a message that lies in the page. The first one also tells the server that longer messages follow: it cannot answer with as many
/// in the short way.
const WORDS: usize = 20;

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
    while let Ok(next) = reply_receive_short(requests.address(), reply.address(), info, &words) {
        (info, words) = (next.info, next.words);
    }
    serve_long(environment, requests, reply)
}

/// The same for messages of any length, and for those that carry a capability, which is taken.
fn serve_long(mut environment: Environment, requests: Cap<Endpoint>, reply: Cap<Reply>) -> ! {
    let Ok(slot) = environment.resources.slots.take() else {
        fail("bench: no free slot");
    };
    environment
        .message
        .set_window(Cap::<Endpoint>::root(0).address(), slot, 1);
    let mut received = Received::default();
    loop {
        let info = Info::new(0, received.info.words());
        let end = requests.reply_receive(reply, info, &received.words, None);
        received = end.unwrap_or_else(|_| fail("bench: the endpoint is refused"));
    }
}

/// Calls and answers of some lengths.
///
/// # Errors
/// What the kernel refused.
pub fn round_trips(environment: &mut Environment) -> Result<(), Error> {
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
    let call = |info| server.call(info, &[0; 8], None);
    environment.message.set_words(&[7; WORDS]);
    call(Info::new(0, WORDS))?;
    let long = prepared(|| Ok(()), || call(Info::new(0, WORDS)).map(drop))?;
    report("ipc_round_trip_20w", long);
    let resources = &mut environment.resources;
    let given: Cap<Endpoint> = resources.pool.make(&mut resources.slots, 0)?;
    let cnode = resources.slots.cnode();
    environment.message.set_capabilities(&[given.address()]);
    // The server's copy is taken back before each call: its slot is empty again.
    let cost = prepared(
        || cnode.revoke(given.slot()),
        || call(Info::new(0, 0).with_capabilities(1)).map(drop),
    )?;
    report("ipc_round_trip_cap", cost);
    Ok(())
}
