//! Threads that wait at a serial line's server in the personality's place, so that this itself never waits in a call.

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::ring::{Consumer, Mapped, Producer};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::{MAX_WORDS, REGISTER_WORDS};
use sundog_serial_core::protocol::{DONE, MAX_BYTES, Message, READ, WRITE};

/// One direction of a line.
pub struct Pump {
    /// The line's server.
    pub serial: Cap<Endpoint>,
    /// What wakes this thread.
    pub own: Cap<Notification>,
    /// What wakes the personality.
    pub personality: Cap<Notification>,
}

impl Pump {
    /// Asks the server; `None` if it is gone or does not understand.
    fn ask(&self, page: &mut MessagePage, request: &Message) -> Option<Message> {
        let all = request.words();
        let mut words = [0; REGISTER_WORDS];
        if all.len() <= REGISTER_WORDS {
            words[..all.len()].copy_from_slice(all);
        } else {
            page.set_words(all);
        }
        let info = Info::new(0, all.len());
        let reply = self.serial.call(info, &words, None).ok()?;
        let length = reply.info.words().min(MAX_WORDS);
        let mut arrived = [0; MAX_WORDS];
        if length <= REGISTER_WORDS {
            arrived[..length].copy_from_slice(&reply.words[..length]);
        } else {
            page.words(&mut arrived[..length]);
        }
        Message::arrived(&arrived[..length]).filter(|message| message.label() == DONE)
    }

    fn wake(&self, wake: bool) {
        if wake {
            // Whoever is gone needs no wake.
            let _ = self.personality.signal();
        }
    }

    /// Reads from the line into the ring, until either ends.
    pub fn read(self, mut ring: Producer<Mapped>, mut page: MessagePage) {
        let mut bytes = [0; MAX_BYTES];
        loop {
            let request = Message::number(READ, MAX_BYTES as u64);
            let Some(reply) = self.ask(&mut page, &request) else {
                break;
            };
            let Some(arrived) = reply.unpack(&mut bytes) else {
                break;
            };
            if self.put(&mut ring, arrived).is_none() {
                break;
            }
        }
        self.wake(ring.close());
        self.rest();
    }

    fn put(&self, ring: &mut Producer<Mapped>, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let moved = ring.write(bytes).ok()?;
            self.wake(moved.wake);
            bytes = &bytes[moved.bytes..];
            if moved.bytes == 0 && ring.sleep(1).ok()? {
                self.own.wait(None).ok()?;
            }
        }
        Some(())
    }

    /// Writes to the line what is in the ring, until either ends.
    pub fn write(self, mut ring: Consumer<Mapped>, mut page: MessagePage) {
        while self.send(&mut ring, &mut page).is_some() {}
        self.wake(ring.close());
        self.rest();
    }

    fn send(&self, ring: &mut Consumer<Mapped>, page: &mut MessagePage) -> Option<()> {
        let mut bytes = [0; MAX_BYTES];
        // The bytes stay in the ring until the line has them, so that an empty ring means that all was sent.
        let count = ring.peek(&mut bytes).ok()?;
        if count == 0 {
            if ring.sleep(1).ok()? {
                self.own.wait(None).ok()?;
            }
            return Some(());
        }
        let reply = self.ask(page, &Message::bytes(WRITE, &bytes[..count])?)?;
        let taken = usize::try_from(reply.count()).ok()?;
        if taken == 0 || taken > count {
            return None;
        }
        self.wake(ring.skip(taken).ok()?.wake);
        Some(())
    }

    /// A thread that has nothing to do any more must not return, since that would end the program.
    fn rest(&self) {
        while self.own.wait(None).is_ok() {}
    }
}
