//! The message page: long messages, capabilities to send and the window for those that arrive.

use crate::ending::{self, Ending};
use core::ptr::NonNull;
use sundog_abi::message::{MAX_CAPABILITIES, MAX_WORDS, page};
use sundog_abi::{Address, Word};

/// Words of a page.
const PAGE_WORDS: usize = 512;
/// The calling thread's message page. The kernel reads and writes it during calls of that thread only.
pub struct MessagePage {
    words: NonNull<Word>,
}

impl MessagePage {
    /// The message page that is mapped at `address`.
    ///
    /// # Safety
    /// A page that can be read and written is mapped at `address`, aligned to a page, for as long as the value lives, and
    /// nothing but this value and the kernel touches it. For another thread's page (a supervisor reads a panic's text), that
    /// thread is stopped.
    pub const unsafe fn at(address: NonNull<Word>) -> MessagePage {
        MessagePage { words: address }
    }

    fn get(&self, index: usize) -> Word {
        assert!(index < PAGE_WORDS, "an index inside the page");
        // SAFETY: the index lies in the page.
        let word = unsafe { self.words.add(index) };
        // SAFETY: `at` demands a readable page; volatile because the kernel writes it.
        unsafe { word.read_volatile() }
    }

    fn set(&mut self, index: usize, value: Word) {
        assert!(index < PAGE_WORDS, "an index inside the page");
        // SAFETY: the index lies in the page.
        let word = unsafe { self.words.add(index) };
        // SAFETY: `at` demands a writable page; volatile because the kernel reads it.
        unsafe { word.write_volatile(value) }
    }

    /// Puts the words of a long message; what is beyond [`MAX_WORDS`] is left out. Returns how many were put.
    pub fn set_words(&mut self, words: &[Word]) -> usize {
        let count = words.len().min(MAX_WORDS);
        for (index, word) in words[..count].iter().enumerate() {
            self.set(page::WORDS + index, *word);
        }
        count
    }

    /// Copies the words of a message that arrived; returns how many.
    pub fn words(&self, into: &mut [Word]) -> usize {
        let count = into.len().min(MAX_WORDS);
        for (index, word) in into[..count].iter_mut().enumerate() {
            *word = self.get(page::WORDS + index);
        }
        count
    }

    /// Names the capabilities that the next message carries, at most [`MAX_CAPABILITIES`]. Returns how many.
    pub fn set_capabilities(&mut self, capabilities: &[Address]) -> usize {
        let count = capabilities.len().min(MAX_CAPABILITIES);
        for (index, address) in capabilities[..count].iter().enumerate() {
            self.set(page::SEND + index, address.0);
        }
        count
    }

    /// Says where capabilities that arrive go: `count` slots from `first` on, of the CNode at `cnode` ([`Address::NULL`]: the root).
    pub fn set_window(&mut self, cnode: Address, first: u32, count: u32) {
        self.set(page::RECEIVE_CNODE, cnode.0);
        self.set(page::RECEIVE_SLOT, Word::from(first));
        self.set(
            page::RECEIVE_COUNT,
            Word::from(count.min(MAX_CAPABILITIES as u32)),
        );
    }

    /// Which slots of the window were filled by the last message, a bit for each.
    pub fn arrived(&self) -> Word {
        self.get(page::ARRIVED)
    }

    /// A register of another thread after `thread_read_registers`; the order is that call's.
    pub fn register(&self, index: usize) -> Option<Word> {
        (index < 19).then(|| self.get(page::REGISTERS + index))
    }

    /// Leaves a record of how the program ended, for the supervisor; a text that does not fit is cut off.
    pub fn set_ending(&mut self, ending: Ending<'_>) {
        let (kind, number, text) = ending.parts();
        for (index, piece) in text.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.set(
                ending::FIRST + ending::HEADER + index,
                Word::from_le_bytes(word),
            );
        }
        self.set(ending::FIRST + 1, number);
        self.set(ending::FIRST, kind);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn with_page(test: impl FnOnce(MessagePage)) {
        let mut memory = std::boxed::Box::new([0; PAGE_WORDS]);
        let start = NonNull::new(memory.as_mut_ptr()).expect("a box is not null");
        // SAFETY: the box outlives the page, and nothing else touches it meanwhile.
        test(unsafe { MessagePage::at(start) });
    }

    #[test]
    fn words_come_back_and_never_more_than_fit() {
        with_page(|mut page| {
            assert_eq!(page.set_words(&[9; 100]), MAX_WORDS);
            let mut back = [0; 100];
            assert_eq!(page.words(&mut back), MAX_WORDS);
            assert_eq!(back[MAX_WORDS - 1], 9);
            assert_eq!(back[MAX_WORDS], 0);
        });
    }

    #[test]
    fn an_ending_is_read_back_from_the_bytes_of_the_page() {
        let mut memory = std::boxed::Box::new([0_u64; PAGE_WORDS]);
        let start = NonNull::new(memory.as_mut_ptr()).expect("a box is not null");
        // SAFETY: the box outlives the page, and nothing else touches it meanwhile.
        let mut page = unsafe { MessagePage::at(start) };
        page.set_ending(Ending::Panic(b"why it stopped"));
        let bytes: std::vec::Vec<u8> = memory.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(
            Ending::decode(&bytes),
            Some(Ending::Panic(b"why it stopped"))
        );
    }
}
