//! More threads in the same program.

use crate::mapping::Mapping;
use crate::resources::Resources;
use alloc::boxed::Box;
use core::ptr::NonNull;
use sundog_abi::memory::PAGE_SIZE;
use sundog_abi::{Error, Protection};
use sundog_cap::object::{CNode, Endpoint, SchedContext, Thread};
use sundog_cap::{Cap, Slots};
use sundog_sys::MessagePage;

/// What a thread does, given its own message page; when it returns, the whole program has ended.
type Work = Box<dyn FnOnce(MessagePage) + Send>;

/// What the first instructions of a thread find.
struct Parcel {
    work: Work,
    message: MessagePage,
}

/// What a new thread is made with.
pub struct NewThread {
    /// The capability space, usually the program's own.
    pub cspace: Cap<CNode>,
    /// Who is told of its faults.
    pub fault: Option<Cap<Endpoint>>,
    /// Its time, bound to no other thread.
    pub context: Cap<SchedContext>,
    /// Pages of its stack.
    pub stack_pages: u32,
}

/// Starts a thread in this program. Its stack (with an unmapped page below) and its message page stay mapped for good.
///
/// # Errors
/// Those of the calls that it makes. What was made before the error stays made: a program that cannot start its threads ends.
pub fn spawn_thread(
    resources: &mut Resources,
    new: NewThread,
    work: impl FnOnce(MessagePage) + Send + 'static,
) -> Result<Cap<Thread>, Error> {
    let stack_frame = resources.frame(new.stack_pages)?;
    let stack = resources.map_stack(stack_frame, new.stack_pages)?;
    let thread: Cap<Thread> = resources.pool.make(&mut resources.slots, 0)?;
    let frame = resources
        .slots
        .fill(|slot| thread.message_frame(Slots::ROOT, slot))?;
    let mapped = resources.map(frame, 0, 1, Protection::READ_WRITE)?;
    let message = message_page(&mapped).ok_or(Error::OutOfRange)?;
    let parcel = Box::new(Parcel {
        work: Box::new(work),
        message,
    });
    thread.configure(new.cspace, resources.vspace, new.fault)?;
    let argument = Box::into_raw(parcel).expose_provenance() as u64;
    let begin: extern "C" fn(u64) -> ! = begin;
    // As after a call: the return address's place is below an aligned stack.
    let top = stack.address() + u64::from(new.stack_pages) * PAGE_SIZE - 8;
    thread.start_at(begin as usize as u64, top, argument)?;
    new.context.bind(thread)?;
    thread.resume()?;
    Ok(thread)
}

/// The message page that was mapped for a thread; the mapping itself is given up to it.
fn message_page(mapped: &Mapping) -> Option<MessagePage> {
    let words = NonNull::new(core::ptr::with_exposed_provenance_mut(
        mapped.address() as usize
    ))?;
    // SAFETY: the page was mapped for this thread just now and is never unmapped; nothing else uses the mapping.
    Some(unsafe { MessagePage::at(words) })
}

/// The first Rust code of a thread.
extern "C" fn begin(argument: u64) -> ! {
    // SAFETY: `spawn_thread` made the value by `Box::into_raw` for this thread alone.
    let parcel = unsafe {
        Box::from_raw(core::ptr::with_exposed_provenance_mut::<Parcel>(
            argument as usize,
        ))
    };
    let Parcel { work, message } = *parcel;
    work(message);
    crate::exit(0)
}
