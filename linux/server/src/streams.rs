//! Standard input, output and error of a sandbox within a sandbox: streams of the process that became it.

use crate::channel::Channel;
use alloc::boxed::Box;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::{O_RDONLY, O_WRONLY};
use sundog_linux_vfs::{Context, Errno, FileObject, Queue, Ready, Vfs};
use sundog_protocols::Words;
use sundog_protocols::file::{Attr, Kind};
use sundog_protocols::host_process::{Answer, MAX_BYTES, Request};

struct Stream {
    descriptor: u32,
    channel: Channel,
    queue: Queue,
}

/// Asks the personality outside. EIO if it is gone, else what it says.
pub fn ask(channel: &mut Channel, request: &Request) -> Result<Answer, Errno> {
    let words = request.encode().map_err(|_| Errno::EIO)?;
    let answer = channel.ask(words.as_slice()).ok_or(Errno::EIO)?;
    let words = Words::from_slice(&answer).map_err(|_| Errno::EIO)?;
    match Answer::decode(&words).map_err(|_| Errno::EIO)? {
        Answer::Failed(number, _) => Err(Errno::from_number(number)),
        answer => Ok(answer),
    }
}

impl Stream {
    fn ask(&mut self, request: &Request) -> Result<Answer, Errno> {
        ask(&mut self.channel, request)
    }
}

impl FileObject for Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let length = into.len().min(MAX_BYTES);
        match self.ask(&Request::Take {
            descriptor: self.descriptor,
            length,
        })? {
            Answer::Read(bytes) if bytes.len() <= length => {
                into[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            _ => Err(Errno::EIO),
        }
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, Errno> {
        let mut done = 0;
        while done < from.len() {
            let bytes = from[done..from.len().min(done + MAX_BYTES)].to_vec();
            let descriptor = self.descriptor;
            match self.ask(&Request::Write { descriptor, bytes }) {
                Ok(Answer::Written(count)) if count > 0 => done += count.min(from.len() - done),
                Err(error) if done == 0 => return Err(error),
                _ => break,
            }
        }
        Ok(done)
    }

    fn ready(&self) -> Ready {
        // Whether input is there is known only by asking for it, so a read may still wait.
        Ready::OUT
            .when(self.descriptor != 0)
            .with(Ready::IN.when(self.descriptor == 0))
    }

    fn queue(&self) -> Queue {
        self.queue
    }

    fn attr(&self) -> Attr {
        Attr::new(Kind::Fifo, 0o600, self.queue.0)
    }

    fn name(&self) -> Vec<u8> {
        b"pipe:[outside]".to_vec()
    }
}

/// Gives the first process its lowest free descriptor, the stream `descriptor` outside; readers wait in `queue`.
///
/// # Errors
/// Those of installing an object.
pub fn open(
    vfs: &mut Vfs,
    context: &Context<'_>,
    descriptor: u32,
    channel: Channel,
    queue: Queue,
) -> Result<(), Errno> {
    let stream = Stream {
        descriptor,
        channel,
        queue,
    };
    let flags = if descriptor == 0 { O_RDONLY } else { O_WRONLY };
    vfs.install_object(context, Box::new(stream), flags)?;
    Ok(())
}
