//! What the server gives up before it serves: rights, descriptors, limits, and in the end all system calls but those it makes.
use crate::filter;
use crate::handover::Bind;
use rustix::fs::{FileType, Mode, OFlags, fstat, fstatfs, open};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, chdir, getegid, geteuid, getgid, getrlimit, getuid,
    set_dumpable_behavior, set_parent_process_death_signal, setrlimit, umask,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};
use std::fmt::{Display, Formatter};
use std::io::Error;
use std::os::fd::{AsFd, OwnedFd};
use sundog_host_sys::calls::Calls;
use sundog_host_sys::landlock::{OLDEST, Ruleset, right, version};
use sundog_host_sys::{Signals, seccomp};

/// Number of the file system `proc`, whose files are doors to processes.
pub(crate) const PROC_MAGIC: u64 = 0x9fa0;
/// The signal that a file too large sends. It is held back, so that the write fails and the server goes on.
const SIGXFSZ: u8 = 25;
/// Memory of the server, code and data together, in bytes.
const MEMORY: u64 = 512 << 20;
/// Descriptors that the server can have open at most; the client's handles are fewer by those that it needs itself.
const DESCRIPTORS: u64 = 16384;
const OWN_DESCRIPTORS: u64 = 32;

/// Why a server does not serve.
#[derive(Debug)]
pub enum Refusal {
    /// Landlock is missing or too old, and nobody said to go on without it.
    NoLandlock(Option<usize>),
    /// It holds descriptors that nobody handed over.
    Inherits(usize),
    /// It runs for another user than the one who started it.
    Borrowed,
    /// A bind is neither a folder nor a file with bytes, or a tree of processes.
    Bind(usize),
    /// A step failed.
    Failed(&'static str, Error),
}

impl Display for Refusal {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::NoLandlock(None) => write!(
                out,
                "this Linux has no Landlock, which keeps the file server in the bound folders; --no-landlock goes on without it"
            ),
            Refusal::NoLandlock(Some(version)) => write!(
                out,
                "Landlock of version {version} is too old; --no-landlock goes on without it"
            ),
            Refusal::Inherits(count) => write!(out, "{count} descriptors were inherited"),
            Refusal::Borrowed => write!(out, "real and effective user or group differ"),
            Refusal::Bind(index) => {
                write!(
                    out,
                    "bind {index} is neither a folder nor a regular file, or lies in /proc"
                )
            }
            Refusal::Failed(what, error) => write!(out, "{what}: {error}"),
        }
    }
}

/// Adds what was being done to an error.
fn step<T, E: Into<Error>>(what: &'static str, result: Result<T, E>) -> Result<T, Refusal> {
    result.map_err(|error| Refusal::Failed(what, error.into()))
}

/// What a confined server works with.
#[derive(Debug)]
pub struct Confined {
    /// The calls on files.
    pub calls: Calls,
    /// The most handles that the clients may have together.
    pub handles: usize,
    /// The signal that is held back for as long as this lives.
    pub signals: Signals,
}

/// Must be called first: makes sure that the process holds its standard streams and nothing else.
///
/// # Errors
/// `Inherits`; `Failed` without `/proc`.
pub fn check_descriptors() -> Result<(), Refusal> {
    let listed = step("/proc/self/fd", std::fs::read_dir("/proc/self/fd"))?;
    let numbers = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // One more is the list's own.
    let others = numbers.filter(|number| *number > 2).count();
    if others > 1 {
        return Err(Refusal::Inherits(others - 1));
    }
    Ok(())
}

/// Gives everything up. From here on only the listed system calls can be made, and only by this thread.
///
/// # Errors
/// A refusal; then the process is to end.
pub fn confine(binds: &[Bind], without_landlock: bool) -> Result<Confined, Refusal> {
    if getuid() != geteuid() || getgid() != getegid() {
        return Err(Refusal::Borrowed);
    }
    enough(version(), without_landlock)?;
    let calls = step("pages of descriptions", Calls::new())?;
    let (handles, null) = plain(binds.len())?;
    let signals = step("signals", Signals::hold(&[SIGXFSZ]))?;
    drop_capabilities()?;
    step("no new privileges", set_no_new_privs(true))?;
    // After the change of capabilities, which may undo both.
    step(
        "dumpable",
        set_dumpable_behavior(DumpableBehavior::NotDumpable),
    )?;
    step(
        "end with the parent",
        set_parent_process_death_signal(Some(Signal::KILL)),
    )?;
    restrict_files(binds, without_landlock)?;
    last_step(&null)?;
    Ok(Confined {
        calls,
        handles,
        signals,
    })
}

/// Whether a server starts with this version of Landlock.
fn enough(found: Option<usize>, without_landlock: bool) -> Result<(), Refusal> {
    match found {
        _ if without_landlock => Ok(()),
        Some(version) if version >= OLDEST => Ok(()),
        found => Err(Refusal::NoLandlock(found)),
    }
}

/// The filter; and standard error, which may be the person's terminal, becomes nothing as long as there is nothing to say.
fn last_step(null: &OwnedFd) -> Result<(), Refusal> {
    let kept = step(
        "standard error",
        fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3),
    )?;
    step("standard error", rustix::stdio::dup2_stderr(null))?;
    let restricted = seccomp::restrict(&filter::RULES);
    if restricted.is_err() {
        step("standard error", rustix::stdio::dup2_stderr(&kept))?;
    }
    step("filter of system calls", restricted)
}

/// Current folder, mask of modes, limits, standard input and output. Gives how many handles there can be, and `/dev/null`.
fn plain(binds: usize) -> Result<(usize, OwnedFd), Refusal> {
    step("/", chdir("/"))?;
    umask(Mode::empty());
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let descriptors = most.min(DESCRIPTORS);
    for (resource, limit) in [
        (Resource::Nofile, descriptors),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::As, MEMORY),
    ] {
        let both = Some(limit.min(getrlimit(resource).maximum.unwrap_or(u64::MAX)));
        let limit = Rlimit {
            current: both,
            maximum: both,
        };
        step("limits", setrlimit(resource, limit))?;
    }
    let null = step(
        "/dev/null",
        open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()),
    )?;
    step("standard input", rustix::stdio::dup2_stdin(&null))?;
    step("standard output", rustix::stdio::dup2_stdout(&null))?;
    let own = OWN_DESCRIPTORS + binds as u64;
    let handles = usize::try_from(descriptors.saturating_sub(own)).unwrap_or(0);
    Ok((handles, null))
}

fn drop_capabilities() -> Result<(), Refusal> {
    step("ambient capabilities", clear_ambient_capability_set())?;
    for number in 0..64 {
        // What does not exist or may not be removed is not held either, or is dropped below.
        let _ = remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number));
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    step("capabilities", set_capabilities(None, none))?;
    let left = step("capabilities", capabilities(None))?;
    if left.permitted.is_empty() && left.effective.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Borrowed)
    }
}

const LOOK: u64 = right::READ_FILE | right::READ_DIR;
const CHANGE_FILE: u64 = right::WRITE_FILE | right::TRUNCATE;
const CHANGE: u64 = CHANGE_FILE
    | right::REMOVE_DIR
    | right::REMOVE_FILE
    | right::MAKE_DIR
    | right::MAKE_REG
    | right::MAKE_SOCK
    | right::MAKE_FIFO
    | right::MAKE_SYM
    | right::REFER;

fn restrict_files(binds: &[Bind], without_landlock: bool) -> Result<(), Refusal> {
    let mut rules = Vec::new();
    for (index, bind) in binds.iter().enumerate() {
        let mode = step("bind", fstat(&bind.root))?.st_mode;
        let folder = match FileType::from_raw_mode(mode) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            _ => return Err(Refusal::Bind(index)),
        };
        if step("bind", fstatfs(&bind.root))?.f_type as u64 == PROC_MAGIC {
            return Err(Refusal::Bind(index));
        }
        let rights = match (folder, bind.writable) {
            (true, true) => LOOK | CHANGE,
            (true, false) => LOOK,
            (false, true) => right::READ_FILE | CHANGE_FILE,
            (false, false) => right::READ_FILE,
        };
        rules.push((bind.root.as_fd(), rights));
    }
    if without_landlock {
        return Ok(());
    }
    let set = step("Landlock", Ruleset::new())?;
    for (root, rights) in rules {
        step("Landlock: bind", set.allow(root, rights))?;
    }
    step("Landlock", set.restrict())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_landlock_it_refuses_unless_told() {
        for (found, without, starts) in [
            (Some(OLDEST), false, true),
            (Some(OLDEST - 1), false, false),
            (None, false, false),
            (Some(OLDEST - 1), true, true),
            (None, true, true),
        ] {
            let answer = enough(found, without);
            assert_eq!(answer.is_ok(), starts);
            if let Err(refusal) = answer {
                assert!(refusal.to_string().contains("--no-landlock"));
            }
        }
    }
}
