//! The kernel's one lock: first come, first served.

use core::sync::atomic::{AtomicU32, Ordering};

use sundog_arch_x86_64::per_cpu;

use super::mailbox;
use crate::Token;

static NEXT: AtomicU32 = AtomicU32::new(0);
static SERVED: AtomicU32 = AtomicU32::new(0);

/// Takes the lock, serving this CPU's mailbox while it waits.
///
/// Whoever asks something of this CPU holds the lock until it is done, so the mailbox is empty once the lock is taken.
#[inline(always)]
pub fn lock() -> Token {
    let ticket = NEXT.fetch_add(1, Ordering::Relaxed);
    while SERVED.load(Ordering::Acquire) != ticket {
        mailbox::serve(per_cpu::index());
        core::hint::spin_loop();
    }
    // SAFETY: tickets differ, so only one holder at a time gets here, and `unlock` takes the token away before it lets the next in.
    unsafe { Token::locked() }
}

/// Takes the lock if nobody has it or waits for it.
#[inline(always)]
pub fn try_lock() -> Option<Token> {
    let served = SERVED.load(Ordering::Acquire);
    // If this is the next ticket while it is the one being served, nobody has one that is not done with: SERVED never passes NEXT.
    NEXT.compare_exchange(
        served,
        served.wrapping_add(1),
        Ordering::Acquire,
        Ordering::Relaxed,
    )
    .ok()?;
    // SAFETY: as in `lock`.
    Some(unsafe { Token::locked() })
}

/// Lets the next one in.
#[inline(always)]
pub fn unlock(token: Token) {
    // The token ends here: what it reached belongs to the next holder.
    let Token { .. } = token;
    // Only the holder changes it.
    let served = SERVED.load(Ordering::Relaxed);
    SERVED.store(served.wrapping_add(1), Ordering::Release);
}
