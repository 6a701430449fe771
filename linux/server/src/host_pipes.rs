//! Pipes between the sandbox' processes and the streams of the host that are no terminals.

use sundog_linux_vfs::{Context, Creds, Errno, FdsId, Job, NoProcesses, Stop, Vfs};

/// The personality's own ends, in a table of descriptors of its own.
pub struct Pipes {
    fds: FdsId,
    /// Whose files these are; nothing is looked up in it.
    fs: sundog_linux_vfs::FsId,
}

/// Which end the processes get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The end that is read.
    Reads,
    /// The end that is written.
    Writes,
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
        })
    }

    /// Makes a pipe. The process of `context` gets one end as its lowest free descriptor; the answer is the personality's.
    ///
    /// # Errors
    /// Those of making a pipe.
    pub fn add(&self, vfs: &mut Vfs, context: &Context<'_>, end: End) -> Result<i32, Errno> {
        let own = caller(self);
        let (reads, writes) = vfs.pipe2(&own, 0)?;
        let (theirs, ours) = match end {
            End::Reads => (reads, writes),
            End::Writes => (writes, reads),
        };
        let file = vfs.file_of(&own, theirs)?;
        vfs.install(context, file, false, 0)?;
        vfs.close(&own, theirs)?;
        Ok(ours)
    }

    /// Writes what fits.
    pub fn put(&self, vfs: &mut Vfs, descriptor: i32, bytes: &[u8]) -> Put {
        match vfs.write(&caller(self), descriptor, bytes) {
            Ok(count) => Put::Taken(count),
            Err(Stop::Errno(_)) => Put::Broken,
            Err(_) => Put::Taken(0),
        }
    }

    /// Reads what is there; nothing now and nothing ever again look the same.
    pub fn take(&self, vfs: &mut Vfs, descriptor: i32, into: &mut [u8]) -> usize {
        vfs.read(&caller(self), descriptor, into).unwrap_or(0)
    }

    /// Closes an end.
    pub fn close(&self, vfs: &mut Vfs, descriptor: i32) {
        // One that is closed already is closed.
        let _ = vfs.close(&caller(self), descriptor);
    }
}
