//! What a command line asks for: ordered file operations, settings, and the program.

use alloc::vec::Vec;

/// Text of the command line. Linux arguments and paths are bytes, not UTF-8; they never contain a NUL byte.
pub type Bytes = Vec<u8>;

/// How a bound tree may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindMode {
    /// Read and write; device nodes cannot be opened.
    ReadWrite,
    /// Read only, for everything below.
    ReadOnly,
    /// Read and write; device nodes can be opened, after consent.
    Device,
}

/// One step of building the file tree. Steps are done in order; destinations are relative to the new root, with or without
/// a leading slash, and their missing parents are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Show the caller's `source` at `dest`.
    Bind {
        /// A path of the caller.
        source: Bytes,
        /// Where it appears.
        dest: Bytes,
        /// What may be done with it.
        mode: BindMode,
    },
    /// An empty folder in memory.
    Tmpfs {
        /// Where it appears.
        dest: Bytes,
        /// The most bytes it holds; none: bounded by the sandbox's memory only.
        size: Option<u64>,
        /// Permission bits of its root, at most 0o7777.
        perms: u32,
    },
    /// The sandbox's own /proc.
    Proc {
        /// Where it appears.
        dest: Bytes,
    },
    /// A new /dev with the harmless devices.
    Dev {
        /// Where it appears.
        dest: Bytes,
    },
    /// A folder, if there is none.
    Dir {
        /// The folder.
        dest: Bytes,
        /// Permission bits if it is made, at most 0o7777.
        perms: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What the link says.
        target: Bytes,
        /// The link.
        dest: Bytes,
    },
}

/// One change of the environment; changes are applied in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvironmentChange {
    /// Set the variable to the value.
    Set(Bytes, Bytes),
    /// Remove the variable.
    Unset(Bytes),
    /// Remove every variable, those set by earlier changes too.
    Clear,
}

/// Which kinds of separation were asked for by name. All but the network are labels: a sandbox is separate anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unshare {
    /// User and group numbers.
    pub user: bool,
    /// System V and POSIX IPC.
    pub ipc: bool,
    /// Process numbers.
    pub pid: bool,
    /// The network: only loopback is left.
    pub net: bool,
    /// The host name.
    pub uts: bool,
    /// Control groups.
    pub cgroup: bool,
}

/// What is answered for a resource without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, for one open.
    Once,
    /// Yes, until the sandbox ends.
    Run,
    /// Yes, and remembered.
    Always,
    /// No.
    Deny,
}

/// An answer given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The resource, `NAME` or `NAME:INSTANCE`; not empty, printable. Who uses the rule must refuse a name that it does not
    /// know.
    pub resource: Bytes,
    /// The answer. Of two rules for one resource the later counts.
    pub decision: Decision,
}

/// What the guarded serial line is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serial {
    /// A new pseudo-terminal, whose name is told.
    Pty,
    /// A file.
    File(Bytes),
    /// A Unix socket.
    Unix(Bytes),
}

/// How the machine is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// KVM if a probe succeeded, else TCG.
    Auto,
    /// Emulation.
    Tcg,
    /// Hardware virtualisation.
    Kvm,
}

/// Everything that a command line with a program asks for. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The file tree, in order. None at all means: the ordinary view for `sundog run` and `sandbox`, an empty tree for `bwrap`.
    pub operations: Vec<Operation>,
    /// Changes of the environment, in order.
    pub environment: Vec<EnvironmentChange>,
    /// The folder to start in.
    pub chdir: Option<Bytes>,
    /// The host name; at most 64 bytes.
    pub hostname: Option<Bytes>,
    /// Separations asked for by name.
    pub unshare: Unshare,
    /// Memory of the sandbox in bytes; not zero.
    pub memory: Option<u64>,
    /// Of that, bytes for sandboxes within; not zero.
    pub memory_within: Option<u64>,
    /// Processors; 1 to 256.
    pub cpus: Option<u32>,
    /// Processes and threads; 1 to 4194304.
    pub pids: Option<u32>,
    /// Answers, in order.
    pub rules: Vec<Rule>,
    /// A policy file.
    pub policy: Option<Bytes>,
    /// Print Linux system calls.
    pub trace: bool,
    /// Print messages between programs.
    pub trace_ipc: bool,
    /// The guarded serial line.
    pub serial: Option<Serial>,
    /// Say what is set up.
    pub explain: bool,
    /// How the machine is run.
    pub accelerator: Option<Accelerator>,
    /// Count instructions instead of time.
    pub instruction_count: bool,
    /// What the program gets as its own name, if not `program`.
    pub argv0: Option<Bytes>,
    /// The program; may be empty, which no system can start.
    pub program: Bytes,
    /// Its arguments, without its own name.
    pub arguments: Vec<Bytes>,
}

impl Plan {
    /// The environment of the program, made from the caller's (or a clean one) by the changes in their order. As in C, a
    /// variable keeps its place when it is set again. `PWD` is the starter's to set.
    pub fn environment_from(&self, initial: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
        let mut variables = initial;
        for change in &self.environment {
            match change {
                EnvironmentChange::Clear => variables.clear(),
                EnvironmentChange::Unset(name) => variables.retain(|(other, _)| other != name),
                EnvironmentChange::Set(name, value) => {
                    match variables.iter_mut().find(|(other, _)| other == name) {
                        Some((_, old)) => old.clone_from(value),
                        None => variables.push((name.clone(), value.clone())),
                    }
                }
            }
        }
        variables
    }
}
