//! Panics: the text goes to the debug port and into the message page, then the thread faults.

use crate::entry::message_page;
use crate::environment::fail;
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};
use sundog_sys::Ending;

/// Set by the first end of the program, so that an end within the end is a plain fault.
static ENDED: AtomicBool = AtomicBool::new(false);

/// A text of a fixed size; what does not fit is cut off.
struct Text {
    bytes: [u8; 1024],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..];
        let count = room.len().min(text.len());
        room[..count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut text = Text {
        bytes: [0; 1024],
        length: 0,
    };
    let _ = write!(text, "{info}");
    // A cut can fall into a character; the text up to there is still a text.
    let bytes = text.bytes.get(..text.length).unwrap_or_default();
    match core::str::from_utf8(bytes) {
        Ok(text) => fail(text),
        Err(error) => fail(core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("panic")),
    }
}

/// Leaves the record for the supervisor and stops.
pub(crate) fn end(ending: Ending<'_>) -> ! {
    if !ENDED.swap(true, Ordering::Relaxed) {
        // SAFETY: no code of the program runs after this, and the flag keeps a second thread out.
        unsafe { message_page() }.set_ending(ending);
    }
    sundog_sys::stop()
}
