//! `memfd_create` and seals.

use crate::constants::O_RDWR;
use crate::context::{Context, FileId};
use crate::dentry::ServerId;
use crate::errno::Errno;
use crate::file::Object;
use crate::outcome::FileIdentity;
use crate::vfs::{ANONYMOUS, Vfs, server_device};
use linux_raw_sys::general as linux;
use sundog_protocols::file::{Attr, Handle};

/// What may no longer be done with a memory file.
pub struct Seals {
    bits: u32,
    /// Open descriptions.
    refs: u32,
}

const KNOWN: u32 = linux::F_SEAL_SEAL
    | linux::F_SEAL_SHRINK
    | linux::F_SEAL_GROW
    | linux::F_SEAL_WRITE
    | linux::F_SEAL_FUTURE_WRITE
    | linux::F_SEAL_EXEC;

impl Vfs {
    /// A file without a name in any tree. `EINVAL` for unknown flags (huge pages are not had) and names above 249 bytes.
    pub fn memfd_create(
        &mut self,
        cx: &Context<'_>,
        name: &[u8],
        flags: u32,
    ) -> Result<i32, Errno> {
        const FLAGS: u32 = linux::MFD_CLOEXEC
            | linux::MFD_ALLOW_SEALING
            | linux::MFD_NOEXEC_SEAL
            | linux::MFD_EXEC;
        let both = linux::MFD_NOEXEC_SEAL | linux::MFD_EXEC;
        if flags & !FLAGS != 0 || flags & both == both || name.len() > 249 {
            return Err(Errno::EINVAL);
        }
        self.room_for_descriptor(cx)?;
        let no_exec = flags & linux::MFD_NOEXEC_SEAL != 0;
        let (server, handle) = self.new_anonymous(if no_exec { 0o666 } else { 0o777 })?;
        let inode = self.server(server)?.getattr(handle)?.id;
        let bits = match (no_exec, flags & linux::MFD_ALLOW_SEALING != 0) {
            (true, _) => linux::F_SEAL_EXEC,
            (false, true) => 0,
            (false, false) => linux::F_SEAL_SEAL,
        };
        self.seals.insert(identity(inode), Seals { bits, refs: 1 });
        let file = self.add_file(Object::File { server, handle }, O_RDWR, None)?;
        self.file_mut(file)?.label = [b"/memfd:", name, b" (deleted)"].concat();
        self.install(cx, file, flags & linux::MFD_CLOEXEC != 0, 0)
    }

    fn memory_file(&mut self, id: FileId) -> Result<FileIdentity, Errno> {
        match self.file(id)?.object {
            Object::File {
                server: ANONYMOUS,
                handle,
            } => Ok(identity(self.server(ANONYMOUS)?.getattr(handle)?.id)),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn memfd_opened(&mut self, id: FileId) {
        if let Ok(identity) = self.memory_file(id)
            && let Some(seals) = self.seals.get_mut(&identity)
        {
            seals.refs += 1;
        }
    }

    pub(crate) fn memfd_closed(&mut self, handle: Handle) {
        let Ok(attr) = self
            .server(ANONYMOUS)
            .and_then(|server| Ok(server.getattr(handle)?))
        else {
            return;
        };
        if let Some(seals) = self.seals.get_mut(&identity(attr.id)) {
            seals.refs -= 1;
            if seals.refs == 0 {
                self.seals.remove(&identity(attr.id));
            }
        }
    }

    /// Adds seals. `EPERM` if sealing is sealed or the file is not open for writing. A `WRITE` seal does not look for writable
    /// shared mappings: the core refuses it (`EBUSY`) while it has any.
    pub(crate) fn add_seals(&mut self, id: FileId, bits: u32) -> Result<u64, Errno> {
        let identity = self.memory_file(id)?;
        if bits & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        let writes = self.file(id)?.can_write();
        let seals = self.seals.get_mut(&identity).ok_or(Errno::EINVAL)?;
        if !writes || seals.bits & linux::F_SEAL_SEAL != 0 {
            return Err(Errno::EPERM);
        }
        seals.bits |= bits;
        Ok(0)
    }

    /// The seals of a memory file. `EINVAL` for other files.
    pub fn get_seals(&mut self, id: FileId) -> Result<u32, Errno> {
        let identity = self.memory_file(id)?;
        self.seals
            .get(&identity)
            .map(|seals| seals.bits)
            .ok_or(Errno::EINVAL)
    }

    fn seals_of(&self, server: ServerId, attr: &Attr) -> u32 {
        match server {
            ANONYMOUS => self
                .seals
                .get(&identity(attr.id))
                .map_or(0, |seals| seals.bits),
            _ => 0,
        }
    }

    /// `EPERM` if seals forbid a write that ends at `end`.
    pub(crate) fn seals_allow_write(
        &mut self,
        server: ServerId,
        handle: Handle,
        end: u64,
    ) -> Result<(), Errno> {
        if server != ANONYMOUS || self.seals.is_empty() {
            return Ok(());
        }
        let attr = self.server(server)?.getattr(handle)?;
        let bits = self.seals_of(server, &attr);
        let written = bits & (linux::F_SEAL_WRITE | linux::F_SEAL_FUTURE_WRITE) != 0;
        if written || end > attr.size && bits & linux::F_SEAL_GROW != 0 {
            Err(Errno::EPERM)
        } else {
            Ok(())
        }
    }

    /// `EPERM` if seals forbid the new size.
    pub(crate) fn seals_allow_resize(
        &mut self,
        server: ServerId,
        attr: &Attr,
        size: u64,
    ) -> Result<(), Errno> {
        let bits = self.seals_of(server, attr);
        let shrinks = size < attr.size && bits & linux::F_SEAL_SHRINK != 0;
        let grows = size > attr.size && bits & linux::F_SEAL_GROW != 0;
        if shrinks || grows {
            Err(Errno::EPERM)
        } else {
            Ok(())
        }
    }
}

fn identity(inode: u64) -> FileIdentity {
    FileIdentity {
        device: server_device(ANONYMOUS),
        inode,
    }
}
