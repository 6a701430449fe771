//! The page that parent and child mean: a variable of the image, which both run, and so at the same address in both.

use core::sync::atomic::AtomicU64;

/// Exactly one page.
#[repr(C, align(4096))]
pub struct Page {
    /// What the child looks at.
    pub word: AtomicU64,
    /// How often the child has written.
    pub written: AtomicU64,
    rest: [AtomicU64; 510],
}

/// The child's page. What lies in it when the child runs is the parent's choice; the parent itself only takes its address.
pub static PAGE: Page = Page {
    word: AtomicU64::new(0),
    written: AtomicU64::new(0),
    rest: [const { AtomicU64::new(0) }; 510],
};

/// Where the second word of a page lies, in bytes.
pub const WRITTEN: usize = 8;

/// The address of the page.
pub fn address() -> u64 {
    core::ptr::from_ref(&PAGE).addr() as u64
}
