//! Pipes between the sandbox' processes and the streams of the host that are no terminals.

use alloc::vec::Vec;
use sundog_linux_vfs::{Context, Creds, Errno, FdsId, Job, NoProcesses, Stop, Vfs};
use sundog_protocols::control::Stream;

/// The personality's own ends, in a table of descriptors of its own.
pub struct Pipes {
    fds: FdsId,
    /// Whose files these are; nothing is looked up in it.
    fs: sundog_linux_vfs::FsId,
    /// Where the output of streams is read.
    outputs: Vec<(Stream, i32)>,
}

/// What became of bytes for a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// So many were taken; the rest comes later.
    Taken(usize),
    /// Nobody reads any more.
    Broken,
}

/// The personality as a caller: its own descriptors, no process.
fn caller(pipes: &Pipes) -> Context<'static> {
    Context {
        fs: pipes.fs,
        fds: pipes.fds,
        creds: Creds::default(),
        job: Job::default(),
        max_files: 64,
        max_file_size: u64::MAX,
        timed_out: false,
        info: &NoProcesses,
    }
}

impl Pipes {
    /// No pipes yet.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(vfs: &mut Vfs, context: &Context<'_>) -> Result<Pipes, Errno> {
        Ok(Pipes {
            fds: vfs.new_fds()?,
            fs: context.fs,
            outputs: Vec::new(),
        })
    }

    /// Makes a pipe that the process of `context` reads as its lowest free descriptor; the answer is the end to write to.
    ///
    /// # Errors
    /// Those of making a pipe.
    pub fn add_input(&self, vfs: &mut Vfs, context: &Context<'_>) -> Result<i32, Errno> {
        let (reads, writes) = vfs.pipe2(&caller(self), 0)?;
        self.hand_over(vfs, context, reads)?;
        Ok(writes)
    }

    /// Makes a pipe that the process of `context` writes as its lowest free descriptor, for a stream.
    ///
    /// # Errors
    /// Those of making a pipe.
    pub fn add_output(
        &mut self,
        vfs: &mut Vfs,
        context: &Context<'_>,
        stream: Stream,
    ) -> Result<(), Errno> {
        let (reads, writes) = vfs.pipe2(&caller(self), 0)?;
        vfs.order_pipe(&caller(self), reads)?;
        self.hand_over(vfs, context, writes)?;
        self.outputs.push((stream, reads));
        Ok(())
    }

    fn hand_over(&self, vfs: &mut Vfs, context: &Context<'_>, theirs: i32) -> Result<(), Errno> {
        let file = vfs.file_of(&caller(self), theirs)?;
        vfs.install(context, file, false, 0)?;
        vfs.close(&caller(self), theirs)
    }

    /// Writes what fits.
    pub fn put(&self, vfs: &mut Vfs, descriptor: i32, bytes: &[u8]) -> Put {
        match vfs.write(&caller(self), descriptor, bytes) {
            Ok(count) => Put::Taken(count),
            Err(Stop::Errno(_)) => Put::Broken,
            Err(_) => Put::Taken(0),
        }
    }

    /// Reads the bytes that were written first, to whichever stream; none now and none ever again look the same.
    pub fn take_in_order(&self, vfs: &mut Vfs, into: &mut [u8]) -> Option<(Stream, usize)> {
        let own = caller(self);
        let first = self.outputs.iter().filter_map(|(stream, pipe)| {
            let (number, length) = vfs.first_written(&own, *pipe)?;
            Some((number, length, *stream, *pipe))
        });
        let (_, length, stream, pipe) = first.min_by_key(|(number, ..)| *number)?;
        let length = length.min(into.len());
        let count = vfs.read(&own, pipe, &mut into[..length]).ok()?;
        (count > 0).then_some((stream, count))
    }

    /// Closes an end.
    pub fn close(&self, vfs: &mut Vfs, descriptor: i32) {
        // One that is closed already is closed.
        let _ = vfs.close(&caller(self), descriptor);
    }
}
