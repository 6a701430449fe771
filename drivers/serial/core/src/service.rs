//! What the server does with requests: answer at once, or park the caller until the device is ready for it.

use crate::protocol::{BROKEN, BUSY, DONE, MALFORMED, MAX_BYTES, Message, POLL, READ, WRITE};
use crate::registers::Ports;
use crate::uart::Uart;

/// Callers that can wait at the same time.
pub const MAX_PARKED: usize = 8;

/// What to do about a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a message lives on the stack of one loop, and the service has no heap"
)]
pub enum Action {
    /// Answer now.
    Reply(Message),
    /// Keep the caller waiting: its place in `0..MAX_PARKED`.
    Park(usize),
}

/// An answer to a caller that waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// The caller's place, free again.
    pub place: usize,
    /// The answer.
    pub message: Message,
}

#[derive(Clone, Copy)]
struct Parked {
    request: Message,
    /// Callers are served in the order in which they came.
    order: u64,
}

/// The state of the service.
pub struct Service<P> {
    uart: Uart<P>,
    parked: [Option<Parked>; MAX_PARKED],
    next_order: u64,
}

impl<P: Ports> Service<P> {
    /// A service on a device that runs.
    pub fn new(uart: Uart<P>) -> Service<P> {
        Service {
            uart,
            parked: [None; MAX_PARKED],
            next_order: 0,
        }
    }

    /// Handles a request of `words`.
    pub fn request(&mut self, words: &[u64]) -> Action {
        let Some(request) = Message::arrived(words) else {
            return Action::Reply(Message::number(MALFORMED, 0));
        };
        // Whoever came first is served first: with others waiting for the same, this one waits too.
        let waiting = self
            .parked
            .iter()
            .flatten()
            .any(|other| other.request.label() == request.label());
        if !waiting && let Some(answer) = self.attempt(&request) {
            return Action::Reply(answer);
        }
        match self.parked.iter().position(Option::is_none) {
            None => Action::Reply(Message::number(BUSY, 0)),
            Some(place) => {
                self.parked[place] = Some(Parked {
                    request,
                    order: self.next_order,
                });
                self.next_order += 1;
                Action::Park(place)
            }
        }
    }

    /// Works off an interrupt of the device. Then call [`Service::completed`] until it has no more.
    ///
    /// # Errors
    /// Those of the ports.
    pub fn interrupt(&mut self) -> Result<(), P::Error> {
        self.uart.interrupt()
    }

    /// The next caller whose wait is over.
    pub fn completed(&mut self) -> Option<Completion> {
        for label in [WRITE, READ] {
            let waiting = self
                .parked
                .iter()
                .enumerate()
                .filter_map(|(place, parked)| Some((place, (*parked)?)));
            let first = waiting
                .filter(|(_, parked)| parked.request.label() == label)
                .min_by_key(|(_, parked)| parked.order);
            if let Some((place, parked)) = first
                && let Some(message) = self.attempt(&parked.request)
            {
                self.parked[place] = None;
                return Some(Completion { place, message });
            }
        }
        None
    }

    /// The answer, if the device is ready for one.
    fn attempt(&mut self, request: &Message) -> Option<Message> {
        match request.label() {
            WRITE => self.write(request),
            READ | POLL => {
                let answer = self.read(request.count());
                let nothing = answer == Message::number(DONE, 0) && request.count() != 0;
                (request.label() == POLL || !nothing).then_some(answer)
            }
            _ => Some(Message::number(MALFORMED, 0)),
        }
    }

    fn write(&mut self, request: &Message) -> Option<Message> {
        let mut buffer = [0; MAX_BYTES];
        let Some(bytes) = request.unpack(&mut buffer) else {
            return Some(Message::number(MALFORMED, 0));
        };
        if !bytes.is_empty() && self.uart.room() == 0 {
            return None;
        }
        Some(match self.uart.write(bytes) {
            Ok(accepted) => Message::number(DONE, accepted as u64),
            Err(_) => Message::number(BROKEN, 0),
        })
    }

    fn read(&mut self, most: u64) -> Message {
        let mut buffer = [0; MAX_BYTES];
        let most = usize::try_from(most).unwrap_or(MAX_BYTES).min(MAX_BYTES);
        match self.uart.read(&mut buffer[..most]) {
            Ok(count) => {
                Message::bytes(DONE, &buffer[..count]).unwrap_or(Message::number(BROKEN, 0))
            }
            Err(_) => Message::number(BROKEN, 0),
        }
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
