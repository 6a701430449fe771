//! The calls of the kind `message`: call, send, receive, reply.

use crate::trap::{self, Arrived, Trap};
use sundog_abi::{Address, Call, Error, Info, Word, from_status};

/// An absolute time in TSC ticks at which a wait gives up; `None` waits for ever.
pub type Deadline = Option<Word>;

/// A message that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Received {
    /// The badge of the capability that it was sent through; 0 for a reply and for a notification.
    pub badge: Word,
    /// Length, capabilities, flags and label.
    pub info: Info,
    /// The words that travelled in registers. With more than eight, the words lie in the message page and these are 0.
    pub words: [Word; 8],
}

/// A message of at most four words that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Short {
    /// The badge of the capability that it was sent through; 0 for a reply and for a notification.
    pub badge: Word,
    /// Length, capabilities, flags and label. A sender may have claimed more than four words; those are lost.
    pub info: Info,
    /// The words.
    pub words: [Word; 4],
}

/// Info and deadline as the registers want them.
fn timed(info: Info, deadline: Deadline) -> (Word, Word) {
    match deadline {
        Some(ticks) => (info.0 | Info::DEADLINE, ticks),
        None => (info.0 & !Info::DEADLINE, 0),
    }
}

fn long(
    number: Call,
    capability: Address,
    info: Info,
    deadline: Deadline,
    reply: Address,
    words: &[Word; 8],
) -> Result<Received, Error> {
    let (info, deadline) = timed(info, deadline);
    let registers = Trap {
        number: number as Word,
        capability: capability.0,
        info,
        deadline,
        reply: reply.0,
    };
    let mut words = *words;
    let Arrived {
        status,
        badge,
        info,
    } = trap::message(&registers, &mut words);
    from_status(status).map(|()| Received {
        badge,
        info: Info(info),
        words,
    })
}

#[inline(always)]
fn short(
    number: Call,
    capability: Address,
    info: Info,
    reply: Address,
    words: &[Word; 4],
) -> Result<Short, Error> {
    let registers = Trap {
        number: number as Word,
        capability: capability.0,
        info: info.0 & !Info::DEADLINE,
        deadline: 0,
        reply: reply.0,
    };
    let mut words = *words;
    let Arrived {
        status,
        badge,
        info,
    } = trap::message_short(&registers, &mut words);
    from_status(status).map(|()| Short {
        badge,
        info: Info(info),
        words,
    })
}

/// Sends a message through `endpoint` and waits for the reply. A message of more than eight words lies whole in the message page.
///
/// # Errors
/// Those of the table for `call`.
pub fn call(
    endpoint: Address,
    info: Info,
    words: &[Word; 8],
    deadline: Deadline,
) -> Result<Received, Error> {
    long(Call::call, endpoint, info, deadline, Address::NULL, words)
}

/// [`call`] with at most four words and no deadline: the shortest way there is.
///
/// # Errors
/// Those of the table for `call`; `InvalidArgument` if `info` claims more than four words.
#[inline(always)]
pub fn call_short(endpoint: Address, info: Info, words: &[Word; 4]) -> Result<Short, Error> {
    if info.words() > 4 {
        return Err(Error::InvalidArgument);
    }
    short(Call::call, endpoint, info, Address::NULL, words)
}

/// Sends a message through `endpoint` and waits until a receiver took it.
///
/// # Errors
/// Those of the table for `send`.
pub fn send(
    endpoint: Address,
    info: Info,
    words: &[Word; 8],
    deadline: Deadline,
) -> Result<(), Error> {
    long(Call::send, endpoint, info, deadline, Address::NULL, words).map(|_| ())
}

/// Waits for a message at `endpoint`. A call is answered through the Reply object at `reply`; with [`Address::NULL`] the
/// receiver takes no calls. `flags`: [`Info::NON_BLOCKING`] or 0.
///
/// # Errors
/// Those of the table for `receive`.
pub fn receive(
    endpoint: Address,
    reply: Address,
    flags: Word,
    deadline: Deadline,
) -> Result<Received, Error> {
    long(
        Call::receive,
        endpoint,
        Info(flags),
        deadline,
        reply,
        &[0; 8],
    )
}

/// Answers the call that `reply` stands for, then waits for the next message. With an empty Reply it only waits.
///
/// # Errors
/// Those of the table for `reply_receive`.
pub fn reply_receive(
    endpoint: Address,
    reply: Address,
    info: Info,
    words: &[Word; 8],
    deadline: Deadline,
) -> Result<Received, Error> {
    long(Call::reply_receive, endpoint, info, deadline, reply, words)
}

/// [`reply_receive`] with at most four words each way and no deadline.
///
/// # Errors
/// Those of the table for `reply_receive`; `InvalidArgument` if `info` claims more than four words.
#[inline(always)]
pub fn reply_receive_short(
    endpoint: Address,
    reply: Address,
    info: Info,
    words: &[Word; 4],
) -> Result<Short, Error> {
    if info.words() > 4 {
        return Err(Error::InvalidArgument);
    }
    short(Call::reply_receive, endpoint, info, reply, words)
}

/// Answers a call, once.
///
/// # Errors
/// Those of the table for `reply`.
pub fn reply(reply: Address, info: Info, words: &[Word; 8]) -> Result<(), Error> {
    long(Call::reply, reply, info, None, Address::NULL, words).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_sets_its_flag_and_none_clears_it() {
        assert_eq!(
            timed(Info::new(7, 2), Some(99)),
            (Info::new(7, 2).0 | Info::DEADLINE, 99)
        );
        assert_eq!(timed(Info(Info::DEADLINE), None), (0, 0));
    }

    #[test]
    fn a_short_call_refuses_words_that_it_cannot_carry() {
        assert_eq!(
            call_short(Address::root(1), Info::new(0, 5), &[0; 4]),
            Err(Error::InvalidArgument)
        );
        assert_eq!(
            call_short(Address::root(1), Info::new(0, 4), &[0; 4]),
            Err(Error::UnknownCall)
        );
    }
}
