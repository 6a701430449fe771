//! One side of a ring together with the notification that wakes the other side.

use sundog_rt::cap::object::{Frame, Notification};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::ring::{self, Consumer, Mapped, Moved, Producer};
use sundog_rt::{Environment, fail};

/// Why a server cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The kernel refused something.
    Kernel(Error),
    /// The other side of a ring broke its rules.
    Ring(ring::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Kernel(error)
    }
}

impl From<ring::Error> for Trouble {
    fn from(error: ring::Error) -> Trouble {
        Trouble::Ring(error)
    }
}

/// Maps the ring that the parent gave under a name; without it the program ends, saying which one it lacks.
///
/// # Errors
/// Those of mapping.
pub fn ring(environment: &mut Environment, name: &str) -> Result<Mapped, Trouble> {
    let frame: Cap<Frame> = environment.require(name);
    let resources = &mut environment.resources;
    let pages = resources.slots.cnode().inspect(frame.slot())?.size;
    if pages < 2 {
        fail("a ring has at least two pages");
    }
    Ok(resources.map_ring(frame, pages)?)
}

fn wake(other: Cap<Notification>, moved: Moved) -> Result<usize, Trouble> {
    if moved.wake {
        other.signal()?;
    }
    Ok(moved.bytes)
}

/// Wakes the other side of a ring that was taken up again: it may wait for a signal of whoever held it before.
fn greet(again: bool, other: Cap<Notification>) {
    if again {
        // If it is gone, it needs no wake.
        let _ = other.signal();
    }
}

/// The side that reads.
pub struct Incoming {
    consumer: Consumer<Mapped>,
    other: Cap<Notification>,
}

impl Incoming {
    /// The reading side of a ring; `other` wakes the writer, which happens at once if the ring had another reader before.
    pub fn new(memory: Mapped, other: Cap<Notification>) -> Incoming {
        let consumer = Consumer::new(memory);
        greet(consumer.is_taken_up(), other);
        Incoming { consumer, other }
    }

    /// Whether the writer was replaced since the last look; each time is told once.
    pub fn restarted(&mut self) -> bool {
        self.consumer.restarted()
    }

    /// Reads what there is and fits; how many bytes.
    ///
    /// # Errors
    /// Those of the ring and of signalling.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Trouble> {
        let moved = self.consumer.read(into)?;
        wake(self.other, moved)
    }

    /// Whether there is nothing to read.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn is_empty(&self) -> Result<bool, Trouble> {
        Ok(self.consumer.available()? == 0)
    }

    /// Asks to be woken for bytes. False: there are some already, do not wait.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn sleep(&mut self) -> Result<bool, Trouble> {
        Ok(self.consumer.sleep(1)?)
    }
}

/// The side that writes.
pub struct Outgoing {
    producer: Producer<Mapped>,
    other: Cap<Notification>,
}

impl Outgoing {
    /// The writing side of a ring; `other` wakes the reader, which happens at once if the ring had another writer before.
    pub fn new(memory: Mapped, other: Cap<Notification>) -> Outgoing {
        let producer = Producer::new(memory);
        greet(producer.is_taken_up(), other);
        Outgoing { producer, other }
    }

    /// Whether the reader was replaced since the last look; each time is told once.
    pub fn restarted(&mut self) -> bool {
        self.producer.restarted()
    }

    /// Bytes that fit now.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn room(&self) -> Result<usize, Trouble> {
        Ok(self.producer.room()?)
    }

    /// Writes what fits; how many bytes.
    ///
    /// # Errors
    /// Those of the ring and of signalling.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Trouble> {
        let moved = self.producer.write(bytes)?;
        wake(self.other, moved)
    }

    /// Writes all of it or nothing; whether it did.
    ///
    /// # Errors
    /// Those of the ring, of signalling, and bytes that never fit.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Result<bool, Trouble> {
        let moved = self.producer.write_whole(bytes)?;
        Ok(wake(self.other, moved)? == bytes.len())
    }

    /// Asks to be woken when `bytes` fit. False: they do already, do not wait.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn sleep(&mut self, bytes: usize) -> Result<bool, Trouble> {
        Ok(self.producer.sleep(bytes)?)
    }
}
