//! eventfd: a counter that can be waited for.

use crate::constants::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::outcome::{Attempt, Queue, Ready};
use crate::vfs::Vfs;

/// Reads take one instead of all (`EFD_SEMAPHORE`).
const SEMAPHORE: u32 = 1;
/// The largest value.
const MAX: u64 = u64::MAX - 1;

/// A counter.
pub struct EventCounter {
    value: u64,
    semaphore: bool,
    pub queue: Queue,
}

impl EventCounter {
    pub fn ready(&self) -> Ready {
        Ready::IN
            .when(self.value > 0)
            .with(Ready::OUT.when(self.value < MAX))
    }
}

impl Vfs {
    /// A counter with a first value. `EINVAL` for unknown flags, `EMFILE`.
    pub fn eventfd2(&mut self, cx: &Context<'_>, value: u32, flags: u32) -> Result<i32, Errno> {
        if flags & !(SEMAPHORE | O_CLOEXEC | O_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        let counter = EventCounter {
            value: u64::from(value),
            semaphore: flags & SEMAPHORE != 0,
            queue: self.new_queue(),
        };
        let counter = self.counters.insert(counter).map_err(|_| Errno::ENFILE)?;
        let file = self.add_file(Object::Event(counter), O_RDWR | flags & O_NONBLOCK, None)?;
        self.install(cx, file, flags & O_CLOEXEC != 0, 0)
    }

    pub(crate) fn read_event(
        &mut self,
        id: FileId,
        counter: ObjectId,
        into: &mut [u8],
    ) -> Attempt<usize> {
        let counter = self.counters.get_mut(counter).ok_or(Errno::EIO)?;
        let Some(into) = into.get_mut(..8) else {
            return Err(Errno::EINVAL.into());
        };
        let queue = counter.queue;
        if counter.value == 0 {
            return self.or_wait(id, Err(Errno::EAGAIN), queue);
        }
        let taken = if counter.semaphore { 1 } else { counter.value };
        counter.value -= taken;
        into.copy_from_slice(&taken.to_le_bytes());
        self.wake(queue);
        Ok(8)
    }

    pub(crate) fn write_event(
        &mut self,
        id: FileId,
        counter: ObjectId,
        from: &[u8],
    ) -> Attempt<usize> {
        let counter = self.counters.get_mut(counter).ok_or(Errno::EIO)?;
        let bytes = from
            .get(..8)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Errno::EINVAL)?;
        let added = u64::from_le_bytes(bytes);
        let queue = counter.queue;
        if added == u64::MAX {
            return Err(Errno::EINVAL.into());
        }
        if added > MAX - counter.value {
            return self.or_wait(id, Err(Errno::EAGAIN), queue);
        }
        counter.value += added;
        self.wake(queue);
        Ok(8)
    }
}
