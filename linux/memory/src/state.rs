//! A virtual processor's state page: its guest's registers, read and written in place, and its floating-point state.
use alloc::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use core::fmt;
use core::mem::{offset_of, size_of};
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use sundog_rt::Mapping;
use sundog_rt::sys::abi::vcpu::page;

/// Bytes of the page.
const SIZE: usize = 4096;
/// Words of the page.
const WORDS: usize = SIZE / 8;
const HEAP: Layout = Layout::new::<Page>();

#[repr(C, align(4096))]
struct Page([Word; WORDS]);

/// A word that whoever runs the guest may write at the same time. Each is read and written whole; nothing is said about the order
/// of several.
#[repr(transparent)]
pub struct Word(AtomicU64);

impl Word {
    /// What it holds.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Makes it hold `value`.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.get())
    }
}

/// The integer registers of a guest thread and its segment bases: as values, or as the words of a state page.
///
/// After a `syscall` instruction `rax` holds the number and `rip` the address behind the instruction. `rcx` and `r11`
/// are lost to a system call, as on Linux.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuestRegisters<T = u64> {
    /// Number of the call, then its result.
    pub rax: T,
    /// Kept by calls.
    pub rbx: T,
    /// Lost to calls.
    pub rcx: T,
    /// Third argument.
    pub rdx: T,
    /// Second argument.
    pub rsi: T,
    /// First argument.
    pub rdi: T,
    /// Kept by calls.
    pub rbp: T,
    /// The stack pointer.
    pub rsp: T,
    /// Fifth argument.
    pub r8: T,
    /// Sixth argument.
    pub r9: T,
    /// Fourth argument.
    pub r10: T,
    /// Lost to calls.
    pub r11: T,
    /// Kept by calls.
    pub r12: T,
    /// Kept by calls.
    pub r13: T,
    /// Kept by calls.
    pub r14: T,
    /// Kept by calls.
    pub r15: T,
    /// The next instruction's address.
    pub rip: T,
    /// The flags; the machine masks what a guest may not set.
    pub rflags: T,
    /// Base of FS: the thread's local storage.
    pub fs_base: T,
    /// Base of GS.
    pub gs_base: T,
}

const COUNT: usize = size_of::<GuestRegisters>() / 8;

// The registers lie where the kernel expects them.
const _: () = {
    assert!(page::REGISTERS == 0);
    assert!(offset_of!(GuestRegisters, rip) == page::RIP * 8);
    assert!(offset_of!(GuestRegisters, rflags) == page::RFLAGS * 8);
    assert!(offset_of!(GuestRegisters, fs_base) == page::FS_BASE * 8);
    assert!(offset_of!(GuestRegisters, gs_base) == page::GS_BASE * 8);
    assert!(size_of::<GuestRegisters<Word>>() == COUNT * 8);
};

impl<T> GuestRegisters<T> {
    /// All in order.
    fn all(&self) -> [&T; COUNT] {
        let r = self;
        [
            &r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.rsp, &r.r8, &r.r9, &r.r10,
            &r.r11, &r.r12, &r.r13, &r.r14, &r.r15, &r.rip, &r.rflags, &r.fs_base, &r.gs_base,
        ]
    }
}

impl GuestRegisters<Word> {
    /// The six arguments of a system call, in order.
    #[inline]
    #[must_use]
    pub fn arguments(&self) -> [u64; 6] {
        [
            &self.rdi, &self.rsi, &self.rdx, &self.r10, &self.r8, &self.r9,
        ]
        .map(Word::get)
    }

    /// The values of all.
    #[must_use]
    pub fn load(&self) -> GuestRegisters {
        let [
            rax,
            rbx,
            rcx,
            rdx,
            rsi,
            rdi,
            rbp,
            rsp,
            r8,
            r9,
            r10,
            r11,
            r12,
            r13,
            r14,
            r15,
            rip,
            rflags,
            fs_base,
            gs_base,
        ] = self.all().map(Word::get);
        GuestRegisters {
            rax,
            rbx,
            rcx,
            rdx,
            rsi,
            rdi,
            rbp,
            rsp,
            r8,
            r9,
            r10,
            r11,
            r12,
            r13,
            r14,
            r15,
            rip,
            rflags,
            fs_base,
            gs_base,
        }
    }

    /// Sets all.
    pub fn store(&self, values: &GuestRegisters) {
        for (register, value) in self.all().into_iter().zip(values.all()) {
            register.set(*value);
        }
    }
}

/// A state page in the layout of `abi::vcpu::page`. It is used as the registers at its start.
pub struct StatePage {
    page: NonNull<Page>,
    /// What is mapped there; nothing if the page is on the heap.
    mapping: Option<Mapping>,
}

impl StatePage {
    /// A page that this program has mapped for itself, and can write; `None` for any other mapping.
    #[must_use]
    pub fn of(mut mapping: Mapping) -> Option<StatePage> {
        if mapping.bytes() < SIZE {
            return None;
        }
        mapping.write(0, &[]).ok()?;
        let page = core::ptr::with_exposed_provenance_mut(mapping.address() as usize);
        let page = NonNull::new(page)?;
        let mapping = Some(mapping);
        Some(StatePage { page, mapping })
    }

    /// A page of zeros that no kernel knows, for machines that keep registers elsewhere.
    #[must_use]
    pub fn on_heap() -> StatePage {
        // SAFETY: the layout's size is not zero.
        let page = unsafe { alloc_zeroed(HEAP) };
        let Some(page) = NonNull::new(page.cast()) else {
            handle_alloc_error(HEAP)
        };
        let mapping = None;
        StatePage { page, mapping }
    }

    /// The mapping that it was made of, so that it can be unmapped.
    #[must_use]
    pub fn into_mapping(mut self) -> Option<Mapping> {
        let mapping = self.mapping.take()?;
        // Nothing is left to give back.
        core::mem::forget(self);
        Some(mapping)
    }

    /// All words of the page.
    #[must_use]
    pub fn words(&self) -> &[Word; WORDS] {
        // SAFETY: the page is mapped, or on the heap, as long as the value is there, since the mapping is in it; it is aligned to a
        // page; any bytes are atomic words, and nobody reaches them in another way: the kernel is outside of this program.
        let page = unsafe { self.page.as_ref() };
        &page.0
    }
}

impl Deref for StatePage {
    type Target = GuestRegisters<Word>;

    #[inline]
    fn deref(&self) -> &GuestRegisters<Word> {
        let registers = self.page.cast::<GuestRegisters<Word>>();
        // SAFETY: as for the words, of which the registers are the first, as asserted above.
        unsafe { registers.as_ref() }
    }
}

impl Drop for StatePage {
    fn drop(&mut self) {
        if self.mapping.is_none() {
            // SAFETY: it came from the allocator with this layout, and no reference into it outlives it.
            unsafe { dealloc(self.page.as_ptr().cast(), HEAP) };
        }
    }
}

impl fmt::Debug for StatePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_the_first_words() {
        let state = StatePage::on_heap();
        assert!(state.words().iter().all(|word| word.get() == 0));
        for (index, word) in state.words().iter().enumerate() {
            word.set(index as u64 + 1);
        }
        let values = state.load();
        assert_eq!((values.rax, values.rsp, values.r15), (1, 8, 16));
        assert_eq!((values.rip, values.rflags), (17, 18));
        assert_eq!((values.fs_base, values.gs_base), (19, 20));
        assert_eq!(state.arguments(), [6, 5, 4, 11, 9, 10]);
        state.rax.set(99);
        assert_eq!(state.words()[0].get(), 99);
    }

    #[test]
    fn all_registers_are_stored() {
        let (one, two) = (StatePage::on_heap(), StatePage::on_heap());
        for (index, word) in one.words()[..COUNT].iter().enumerate() {
            word.set(index as u64 + 1);
        }
        two.store(&one.load());
        assert_eq!(two.load(), one.load());
        assert_eq!(two.words()[COUNT].get(), 0);
    }
}
