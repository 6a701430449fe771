//! A granted device as an open file: each read is a request to its server, so what was taken back is gone at the next one.

use super::Line;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use sundog_linux_vfs::{Errno, FileObject, Queue, Ready};
use sundog_protocols::Words;
use sundog_protocols::file::{Attr, Kind};
use sundog_protocols::serial::{Failure, Recorded, decode_number, encode_number, label};

/// Bytes of one record: so many that the answer, with its status and length, lies in registers.
const PIECE: usize = 48;

/// The file.
pub struct Device<L> {
    line: Arc<L>,
    queue: Queue,
    /// The grant is gone, or its server did not answer. It is not asked again: each time would make the whole sandbox wait.
    dead: Cell<bool>,
}

impl<L: Line> Device<L> {
    /// A file over a line; readers wait in the queue.
    pub fn new(line: Arc<L>, queue: Queue) -> Device<L> {
        Device {
            line,
            queue,
            dead: Cell::new(false),
        }
    }

    /// Asks the server.
    fn call(&self, request: &Words) -> Option<Words> {
        if self.dead.get() {
            return None;
        }
        let answer = self.line.call(request);
        let revoked = |answer: &Words| answer.label() == Failure::Revoked as u64;
        self.dead.set(answer.as_ref().is_none_or(revoked));
        answer
    }

    fn record(&self, most: usize) -> Result<Vec<u8>, Errno> {
        let request = encode_number(label::RECORD, most as u64).map_err(|_| Errno::EIO)?;
        let answer = self.call(&request).ok_or(Errno::EIO)?;
        match Recorded::decode(&answer) {
            Ok(Ok(Recorded(bytes))) if bytes.len() <= most => Ok(bytes),
            Ok(Err(Failure::Empty | Failure::Limited)) => Err(Errno::EAGAIN),
            _ => Err(Errno::EIO),
        }
    }
}

impl<L: Line> FileObject for Device<L> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        while done < into.len() {
            let most = (into.len() - done).min(PIECE);
            match self.record(most) {
                Ok(bytes) => {
                    into[done..done + bytes.len()].copy_from_slice(&bytes);
                    done += bytes.len();
                    if bytes.len() < most {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn write(&mut self, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EIO)
    }

    fn ready(&self) -> Ready {
        let answer = self.call(&Words::new(label::READY));
        match answer.filter(|answer| answer.label() == 0) {
            Some(answer) => Ready::IN.when(decode_number(&answer).is_ok_and(|bytes| bytes > 0)),
            None => Ready::IN.with(Ready::ERROR).with(Ready::HANGUP),
        }
    }

    fn queue(&self) -> Queue {
        self.queue
    }

    fn attr(&self) -> Attr {
        Attr::new(Kind::CharDevice, 0o660, self.queue.0)
    }

    fn name(&self) -> Vec<u8> {
        b"device:[granted]".to_vec()
    }
}
