//! The kernel's one lock: first come, first served.

use core::sync::atomic::{AtomicU32, Ordering};

use sundog_arch_x86_64::per_cpu;

use super::mailbox;
use crate::Token;

static NEXT: AtomicU32 = AtomicU32::new(0);
static SERVED: AtomicU32 = AtomicU32::new(0);

/// Takes the lock, serving this CPU's mailbox while it waits.
#[inline(always)]
pub fn lock() -> Token {
    let ticket = NEXT.fetch_add(1, Ordering::Relaxed);
    let cpu = per_cpu::index();
    while SERVED.load(Ordering::Acquire) != ticket {
        mailbox::serve(cpu);
        core::hint::spin_loop();
    }
    mailbox::serve(cpu);
    // SAFETY: tickets differ, so only one holder at a time gets here, and `unlock` takes the token away before it lets the next in.
    unsafe { Token::locked() }
}

/// Lets the next one in.
#[inline(always)]
pub fn unlock(token: Token) {
    // The token ends here: what it reached belongs to the next holder.
    let Token { .. } = token;
    SERVED.fetch_add(1, Ordering::Release);
}
