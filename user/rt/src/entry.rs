//! From the first instruction to a safe `main`.

use crate::boot::{BootEnvironment, BootPage, Package};
use crate::environment::{Environment, exit, fail};
use crate::heap;
use crate::start::{StartPage, TOTAL_BYTES};
use crate::{MESSAGE_ADDRESS, START_ADDRESS};
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use sundog_abi::boot as contract;
use sundog_sys::MessagePage;

/// Bytes of the first program's stack.
pub const BOOT_STACK: usize = 64 * 1024;

/// Memory of the image that only the entry code hands out, once.
#[repr(C, align(4096))]
pub struct Reserved<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: the bytes are reached only through `run_boot` and as the stack of the first thread, once each.
unsafe impl<const BYTES: usize> Sync for Reserved<BYTES> {}

impl<const BYTES: usize> Reserved<BYTES> {
    /// Zeroed memory.
    #[allow(
        clippy::new_without_default,
        reason = "only the entry macros make it, in a static"
    )]
    pub const fn new() -> Reserved<BYTES> {
        Reserved(UnsafeCell::new([0; BYTES]))
    }
}

/// `bytes` bytes at a fixed address that stay mapped and unchanged.
///
/// # Safety
/// They are mapped readable at `address`, and nobody writes them while the program runs.
unsafe fn fixed(address: u64, bytes: usize) -> &'static [u8] {
    // SAFETY: the caller vouches for the memory.
    unsafe {
        core::slice::from_raw_parts(core::ptr::with_exposed_provenance(address as usize), bytes)
    }
}

/// The first thread's message page.
///
/// # Safety
/// At most one such value is in use.
pub(crate) unsafe fn message_page() -> MessagePage {
    let pointer = core::ptr::with_exposed_provenance_mut(MESSAGE_ADDRESS as usize);
    let Some(words) = NonNull::new(pointer) else {
        sundog_sys::stop();
    };
    // SAFETY: the parent (of the first program: the kernel) maps the page there; the caller vouches that nobody else uses it.
    unsafe { MessagePage::at(words) }
}

/// Runs an ordinary program.
pub fn run(main: fn(Environment)) -> ! {
    // SAFETY: the parent maps at least one start page, read only, before the first instruction.
    let page = unsafe { fixed(START_ADDRESS, 4096) };
    let bytes = StartPage::total(page);
    // SAFETY: the parent maps as many pages as the word says; `total` cuts it to what the layout allows.
    let page = unsafe { fixed(START_ADDRESS, bytes.min(TOTAL_BYTES)) };
    let start = match StartPage::decode(page) {
        Ok(start) => start,
        Err(error) => fail(error.text()),
    };
    if !start.heap.is_empty() {
        let base = core::ptr::with_exposed_provenance_mut(start.heap.start as usize);
        let bytes = (start.heap.end - start.heap.start) as usize;
        // SAFETY: the parent mapped this range for the heap and for nothing else; this runs once.
        unsafe { heap::claim(base, bytes) };
    }
    // SAFETY: this is the one place that makes it; the panic handler does so only when nothing else runs any more.
    let message = unsafe { message_page() };
    match Environment::new(start, message) {
        Ok(environment) => main(environment),
        Err(_) => fail("the start page names slots that cannot be"),
    }
    exit(0)
}

/// Runs the first program.
pub fn run_boot<const BYTES: usize>(
    main: fn(BootEnvironment),
    reserved: &'static Reserved<BYTES>,
) -> ! {
    // SAFETY: the bytes are the heap's alone; this runs once.
    unsafe { heap::claim(reserved.0.get().cast(), BYTES) };
    // SAFETY: the kernel maps the boot page there, read only.
    let page = unsafe { fixed(contract::PAGE_ADDRESS, 4096) };
    let page = match BootPage::decode(page) {
        Ok(page) => page,
        Err(error) => fail(error.text()),
    };
    // SAFETY: the kernel maps the whole package there, read only, and the page tells its length.
    let package = unsafe { fixed(contract::PACKAGE_ADDRESS, page.package_bytes) };
    let package = match Package::decode(package) {
        Ok(package) => package,
        Err(error) => fail(error.text()),
    };
    // SAFETY: this is the one place that makes it; the panic handler does so only when nothing else runs any more.
    let message = unsafe { message_page() };
    match BootEnvironment::new(page, package, message) {
        Ok(environment) => main(environment),
        Err(_) => fail("the boot page counts more than there can be"),
    }
    exit(0)
}
