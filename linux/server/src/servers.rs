//! File servers that the parent named: each is mounted at its name, and answers in time or with an error.
//!
//! The personality has one worker, which stands still while it waits for a server; so it does not wait for ever.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_files::{Mount, mounts};
use sundog_linux_vfs::{Errno, MountFlags, Vfs};
use sundog_rt::Environment;

/// How long a server may take for an answer, in microseconds; what comes later is EIO.
const PATIENCE: u64 = 1_000_000;

/// The trees that are still to be mounted.
pub struct Servers(Vec<Mount>);

impl Servers {
    /// Those behind the names of the start page.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn given(environment: &mut Environment) -> Result<Servers, String> {
        let ticks = environment.start.ticks_per_microsecond.max(1);
        let patience = PATIENCE.saturating_mul(ticks);
        mounts(environment, Some(patience))
            .map(Servers)
            .map_err(|error| format!("the rings of its file servers: {error:?}"))
    }

    /// Mounts them, each on a folder that is there.
    ///
    /// # Errors
    /// The name whose mount fails, and why.
    pub fn mount(self, vfs: &mut Vfs) -> Result<(), (String, Errno)> {
        for (path, tree) in self.0 {
            let flags = MountFlags::default();
            let mounted = vfs.mount(path.as_bytes(), tree, flags, b"server", b"sundog");
            if let Err(error) = mounted {
                return Err((path, error));
            }
        }
        Ok(())
    }
}
