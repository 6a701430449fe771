//! A line of bytes in both directions, over two rings, that never makes this program wait.

use alloc::vec::Vec;
use sundog_rt::ring::{Consumer, Memory, Producer};

/// Tells the other side of a ring that there is something to do.
pub trait Wake {
    /// Tells it.
    fn wake(&self);
}

/// This program's side of a line.
pub struct Line<M, W> {
    input: Consumer<M>,
    output: Producer<M>,
    /// Whoever writes the input ring.
    writer: W,
    /// Whoever reads the output ring.
    reader: W,
    /// Bytes for which there was no room yet.
    waiting: Vec<u8>,
    /// The other side is gone, or lied: nothing comes or goes any more.
    closed: bool,
}

impl<M: Memory, W: Wake> Line<M, W> {
    /// A line; `writer` and `reader` are woken for the input and the output ring.
    pub fn new(input: Consumer<M>, output: Producer<M>, writer: W, reader: W) -> Line<M, W> {
        Line {
            input,
            output,
            writer,
            reader,
            waiting: Vec::new(),
            closed: false,
        }
    }

    /// Takes bytes that arrived; 0 if there are none now.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        if self.closed {
            return 0;
        }
        match self.input.read(into) {
            Ok(moved) => {
                if moved.wake {
                    self.writer.wake();
                }
                moved.bytes
            }
            Err(_) => {
                self.closed = true;
                0
            }
        }
    }

    /// Whether the other side is gone for good.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Sends bytes, now or later.
    pub fn write(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.waiting.extend_from_slice(bytes);
            self.flush();
        }
    }

    /// Bytes that wait for room.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Sends what waits, as far as there is room. Whether nothing waits any more.
    pub fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() && !self.closed {
            match self.output.write(&self.waiting) {
                Ok(moved) if moved.bytes == 0 => return false,
                Ok(moved) => {
                    self.waiting.drain(..moved.bytes);
                    if moved.wake {
                        self.reader.wake();
                    }
                }
                Err(_) => self.closed = true,
            }
        }
        if self.closed {
            self.waiting.clear();
        }
        true
    }

    /// Says that this side will wait for its notification, for input if `wants` it, and for room if something waits for that.
    /// `false`: there is something to do already, do not wait.
    pub fn sleep(&mut self, wants: bool) -> bool {
        let quiet = |slept: Result<bool, _>| slept != Ok(false);
        let output = self.closed || self.waiting.is_empty() || quiet(self.output.sleep(1));
        let input = self.closed || !wants || quiet(self.input.sleep(1));
        output && input
    }

    /// As [`Line::sleep`], until all that was sent has been taken out of the ring.
    pub fn sleep_until_sent(&mut self) -> bool {
        let whole = self.output.memory().capacity();
        !self.closed && self.output.sleep(whole) == Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap_ring::HeapRing;
    use core::cell::Cell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Count(Rc<Cell<usize>>);

    impl Wake for Count {
        fn wake(&self) {
            self.0.set(self.0.get() + 1);
        }
    }

    fn line() -> (
        Line<HeapRing, Count>,
        Producer<HeapRing>,
        Consumer<HeapRing>,
        Count,
        Count,
    ) {
        let (input, output) = (HeapRing::new(8), HeapRing::new(8));
        let (writer, reader) = (Count::default(), Count::default());
        let line = Line::new(
            Consumer::new(input.clone()),
            Producer::new(output.clone()),
            writer.clone(),
            reader.clone(),
        );
        (
            line,
            Producer::new(input),
            Consumer::new(output),
            writer,
            reader,
        )
    }

    #[test]
    fn output_waits_for_room_and_keeps_its_order() {
        let (mut line, _far, mut out, _, reader) = line();
        assert_eq!(out.sleep(1), Ok(true));
        line.write(b"hello, world");
        assert_eq!(reader.0.get(), 1, "the sleeper is woken once");
        assert!(!line.flush());
        assert!(line.sleep(false), "it waits for room");
        let mut bytes = [0; 12];
        assert_eq!(out.read(&mut bytes).map(|moved| moved.bytes), Ok(8));
        assert!(!line.sleep(false), "there is room now");
        assert!(line.flush());
        assert!(line.sleep_until_sent());
        assert_eq!(out.read(&mut bytes[8..]).map(|moved| moved.bytes), Ok(4));
        assert_eq!(&bytes, b"hello, world");
        assert!(!line.sleep_until_sent());
    }

    #[test]
    fn input_comes_and_a_full_ring_s_writer_is_woken() {
        let (mut line, mut far, _out, writer, _) = line();
        assert!(line.sleep(true));
        assert_eq!(far.write(b"12345678").map(|moved| moved.wake), Ok(true));
        assert!(!line.sleep(true));
        assert!(line.sleep(false), "it does not want any");
        assert_eq!(far.sleep(1), Ok(true));
        let mut bytes = [0; 3];
        assert_eq!((line.read(&mut bytes), &bytes), (3, b"123"));
        assert_eq!(writer.0.get(), 1);
    }

    #[test]
    fn a_line_that_is_closed_takes_everything_and_gives_nothing() {
        let (mut line, mut far, mut out, ..) = line();
        far.write(b"x").unwrap();
        far.close();
        out.close();
        let mut bytes = [0; 4];
        assert_eq!((line.read(&mut bytes), line.read(&mut bytes)), (1, 0));
        assert!(line.is_closed());
        line.write(b"123456789");
        assert!(line.flush() && line.sleep(true) && !line.sleep_until_sent());
    }
}
