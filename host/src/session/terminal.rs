//! The person's terminal in raw mode while a machine runs, and as it was before, whatever ends the run.
//!
//! Raw mode ends when [`Raw`] is dropped, and when this process panics. The signals that could end the process are read by the
//! loop, which then returns. Only SIGKILL leaves a terminal as it is; `stty sane` helps.

use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic;
use std::sync::{Arc, Mutex, Once, PoisonError};

/// What a terminal has when it says nothing of its size.
const USUAL_SIZE: (usize, usize) = (24, 80);

/// A terminal and how it stood.
#[derive(Debug)]
struct Saved {
    terminal: OwnedFd,
    before: Termios,
}

/// Those that are in raw mode.
static SAVED: Mutex<Vec<Arc<Saved>>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// A terminal in raw mode.
#[derive(Debug)]
pub struct Raw(Arc<Saved>);

impl Raw {
    /// Puts a terminal into raw mode; what is none stays as it is.
    pub fn enter(terminal: BorrowedFd<'_>) -> Result<Option<Self>, Errno> {
        if !isatty(terminal) {
            return Ok(None);
        }
        HOOK.call_once(restore_at_panic);
        let before = tcgetattr(terminal)?;
        let terminal = rustix::io::dup(terminal)?;
        let saved = Arc::new(Saved { terminal, before });
        list().push(Arc::clone(&saved));
        let raw = Self(saved);
        raw.again()?;
        Ok(Some(raw))
    }

    /// Raw mode once more, after the process was stopped and its shell had the terminal.
    pub fn again(&self) -> Result<(), Errno> {
        let mut raw = self.0.before.clone();
        raw.make_raw();
        tcsetattr(&self.0.terminal, OptionalActions::Now, &raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.0.restore();
        list().retain(|saved| !Arc::ptr_eq(saved, &self.0));
    }
}

impl Saved {
    fn restore(&self) {
        // One that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

fn list() -> std::sync::MutexGuard<'static, Vec<Arc<Saved>>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic ends the process without dropping anything.
fn restore_at_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The thread that panics may hold the lock itself.
        if let Ok(saved) = SAVED.try_lock() {
            saved.iter().for_each(|saved| saved.restore());
        }
        before(info);
    }));
}

/// A terminal's lines and columns.
pub fn size(terminal: BorrowedFd<'_>) -> (usize, usize) {
    match tcgetwinsize(terminal) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => USUAL_SIZE,
    }
}
