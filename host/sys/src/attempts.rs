//! Calls that a confined file server has no business to make: what foreign code in its place would try. Each is harmless to the memory of
//! the process that makes it, or replaces it altogether.

use crate::calls::{BENEATH_FIRST, EMPTY, OPEN_FIRST, STRIDE};
use crate::ptrace::system_call;
use std::arch::asm;
use std::ffi::CStr;
use std::io::Error;

mod table;

pub use table::{Attempt, all};

/// What the calls aim at.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// A file that lies outside of what the process was given, but would be the caller's to change.
    pub file: &'a CStr,
    /// A name beside that file which does not exist.
    pub new: &'a CStr,
    /// A file in what the process was given, as a path.
    pub own: &'a CStr,
    /// Another process of the same user.
    pub process: u32,
    /// A descriptor of a folder that the process was given.
    pub folder: i32,
}

/// Memory that arguments point to.
struct Memory {
    zeros: [u64; 64],
    /// A description of `openat2` that follows everything: its flags and mode are zero, which is reading.
    how: [u64; 3],
    up: &'static CStr,
    program: &'static CStr,
    top: &'static CStr,
    within: &'static CStr,
}

/// Makes one of the calls. What it gives is what the call answered, if the process is still there.
///
/// # Errors
/// Those of the call.
pub fn make(attempt: &Attempt, target: &Target<'_>) -> Result<usize, Error> {
    let memory = Memory {
        zeros: [0; 64],
        how: [0; 3],
        up: c"../../../../../../../../etc/hostname",
        program: c"/bin/true",
        top: c"/",
        within: c"within",
    };
    let arguments = attempt.arguments.map(|word| word.value(target, &memory));
    if attempt.old_gate {
        return old_gate(attempt.call);
    }
    // SAFETY: each word that is an address is that of a text, of zeros that are as long as any structure of these calls and alive, or of a
    // page that belongs to the description of calls. The calls of the table read there; those that write do so to `zeros`, which nobody
    // reads, or to the pages of descriptions, of which no reference exists. New mappings are made where the kernel has room.
    unsafe { system_call(attempt.call, arguments) }
}

/// Makes a call by the gate of 32-bit programs, which has numbers of its own.
fn old_gate(call: usize) -> Result<usize, Error> {
    let result: i32;
    // SAFETY: the only call made here is `getpid`, which touches no memory; the gate keeps all other registers but the flags and, on
    // old systems, r8 to r11.
    unsafe {
        asm!("int 0x80", inlateout("eax") call as i32 => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _)
    };
    if result < 0 {
        Err(Error::from_raw_os_error(-result))
    } else {
        Ok(result as usize)
    }
}

/// A word of a call.
#[derive(Clone, Copy, Debug)]
enum Word {
    /// A number.
    N(usize),
    /// The file outside, as a path.
    File,
    /// The name beside it.
    New,
    /// The file inside, as a path.
    Own,
    /// Another process.
    Process,
    /// The folder that was given.
    Folder,
    /// A path that climbs.
    Up,
    /// A program.
    Program,
    /// The folder that all others lie in.
    Top,
    /// A name in the folder that was given which does not exist.
    Within,
    /// Zeros.
    Zeros,
    /// A description of `openat2` of the caller's own making.
    How,
    /// The first description that follows a path without bounds, read only.
    Open,
    /// The same for writing and cutting.
    OpenCut,
    /// The description for nodes.
    Node,
    /// The description that makes new files.
    Create,
    /// The page of descriptions.
    Page,
}

impl Word {
    fn value(self, target: &Target<'_>, memory: &Memory) -> usize {
        match self {
            Word::N(number) => number,
            Word::File => target.file.as_ptr().expose_provenance(),
            Word::New => target.new.as_ptr().expose_provenance(),
            Word::Own => target.own.as_ptr().expose_provenance(),
            Word::Process => target.process as usize,
            Word::Folder => target.folder as usize,
            Word::Up => memory.up.as_ptr().expose_provenance(),
            Word::Program => memory.program.as_ptr().expose_provenance(),
            Word::Top => memory.top.as_ptr().expose_provenance(),
            Word::Within => memory.within.as_ptr().expose_provenance(),
            Word::Zeros => memory.zeros.as_ptr().expose_provenance(),
            Word::How => memory.how.as_ptr().expose_provenance(),
            Word::Open => OPEN_FIRST,
            Word::OpenCut => OPEN_FIRST + 6 * STRIDE,
            Word::Node => BENEATH_FIRST,
            Word::Create => BENEATH_FIRST + STRIDE,
            Word::Page => EMPTY,
        }
    }
}
