//! Which standard streams were closed when this process began; Rust's library opens /dev/null in their place before `main`.

use std::sync::atomic::{AtomicU8, Ordering};

/// Bit 0 is standard input.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// What the C library calls before `main`, and so before Rust's library opens anything.
// SAFETY: the section holds pointers to functions that the C library calls once each, with the C calling convention, before `main`. This
// is such a pointer; the function needs nothing that is only there later: it makes system calls and writes to a static.
#[unsafe(link_section = ".init_array")]
#[used]
static AT_START: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: the numbers are only looked up here, and what they stand for is not used, closed or kept; one that is closed is what is
    // asked about.
    let stream = |number| unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    for number in 0..3 {
        if rustix::io::fcntl_getfd(stream(number)).is_err() {
            CLOSED.fetch_or(1 << number, Ordering::Relaxed);
        }
    }
}

/// The numbers of the standard streams, 0 to 2, that were closed when this process began. Behind another program of Rust, such as `cargo`,
/// none is: that has opened /dev/null already.
pub fn closed_streams() -> impl Iterator<Item = u8> {
    let closed = CLOSED.load(Ordering::Relaxed);
    (0..3).filter(move |number| closed >> number & 1 != 0)
}
