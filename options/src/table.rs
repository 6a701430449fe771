//! The table of options: everything that help, reference page and parser know about an option is said here once.

/// A command that takes options of this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// `sundog run` on the host.
    Run,
    /// The program `sandbox` inside the system.
    Sandbox,
    /// The program `bwrap`, which behaves like bubblewrap 0.8.0.
    Bwrap,
}

impl Front {
    /// Every front end, in the order of the reference page.
    pub const ALL: [Front; 3] = [Front::Run, Front::Sandbox, Front::Bwrap];

    /// The command as typed; messages begin with it.
    pub const fn name(self) -> &'static str {
        match self {
            Front::Run => "sundog run",
            Front::Sandbox => "sandbox",
            Front::Bwrap => "bwrap",
        }
    }

    /// What `--version` prints, without the newline.
    pub const fn version(self) -> &'static str {
        match self {
            Front::Run => concat!("sundog ", env!("CARGO_PKG_VERSION")),
            Front::Sandbox => concat!("sandbox ", env!("CARGO_PKG_VERSION")),
            // Scripts compare this with the version whose behaviour they need.
            Front::Bwrap => "bubblewrap 0.8.0",
        }
    }
}

/// A set of front ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fronts {
    run: bool,
    sandbox: bool,
    bwrap: bool,
}

impl Fronts {
    const ALL: Fronts = Fronts::of(true, true, true);
    const OWN: Fronts = Fronts::of(true, true, false);
    const RUN: Fronts = Fronts::of(true, false, false);
    const SANDBOX: Fronts = Fronts::of(false, true, false);

    const fn of(run: bool, sandbox: bool, bwrap: bool) -> Fronts {
        Fronts {
            run,
            sandbox,
            bwrap,
        }
    }

    /// Whether `front` knows the option.
    pub const fn contains(self, front: Front) -> bool {
        match front {
            Front::Run => self.run,
            Front::Sandbox => self.sandbox,
            Front::Bwrap => self.bwrap,
        }
    }
}

/// Whether an option works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what its meaning says.
    Works,
    /// It is an error today and will work later.
    Planned,
    /// It is an error, for the reason given (a sentence without subject and full stop).
    Never(&'static str),
}

/// A heading of help and reference page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Help, version, and how the command line is read.
    General,
    /// What the program sees as its file tree.
    Files,
    /// What modifies the file operation after it.
    Modifiers,
    /// Environment and current folder.
    Environment,
    /// What is kept apart from the caller.
    Isolation,
    /// Memory, time, processes.
    Limits,
    /// Devices, network, and who decides about them.
    Consent,
    /// The process, its session and its privileges.
    Process,
    /// What the caller learns and waits for.
    Status,
    /// The machine that the sandbox runs in.
    Machine,
}

impl Section {
    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Section::General => "General",
            Section::Files => "Files",
            Section::Modifiers => "Modifiers of the next file option",
            Section::Environment => "Environment",
            Section::Isolation => "Isolation",
            Section::Limits => "Limits",
            Section::Consent => "Consent",
            Section::Process => "Process",
            Section::Status => "Status and waiting",
            Section::Machine => "Machine",
        }
    }
}

/// What the parser does with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Help,
    Version,
    Bind,
    BindReadOnly,
    BindDevice,
    Tmpfs,
    Proc,
    Dev,
    Dir,
    Symlink,
    Perms,
    Size,
    Chdir,
    Setenv,
    Unsetenv,
    Clearenv,
    Hostname,
    UnshareUser,
    UnshareIpc,
    UnsharePid,
    UnshareNet,
    UnshareUts,
    UnshareCgroup,
    UnshareAll,
    Memory,
    MemoryWithin,
    Cpus,
    Pids,
    Allow,
    Deny,
    Policy,
    Trace,
    TraceIpc,
    Serial,
    Explain,
    Accelerator,
    InstructionCount,
    Argv0,
    /// Known by name only.
    Nothing,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name with its dashes.
    pub name: &'static str,
    /// The names of its arguments, as help prints them.
    pub arguments: &'static [&'static str],
    /// One sentence on what it does, without the full stop.
    pub meaning: &'static str,
    /// Where help and reference list it.
    pub section: Section,
    /// Whether it works.
    pub status: Status,
    /// Which commands know it.
    pub fronts: Fronts,
    pub(crate) action: Action,
}

/// The option with exactly this name, if `front` knows it.
pub fn find(front: Front, name: &[u8]) -> Option<&'static Spec> {
    OPTIONS
        .iter()
        .find(|spec| spec.name.as_bytes() == name && spec.fronts.contains(front))
}

macro_rules! status {
    (works) => {
        Status::Works
    };
    (planned) => {
        Status::Planned
    };
    (never $reason:literal) => {
        Status::Never($reason)
    };
}

macro_rules! options {
    ($($section:ident { $(
        $status:ident $($reason:literal)? | $fronts:ident | $name:literal $($argument:literal)* | $action:ident | $meaning:literal;
    )* })*) => {
        /// All options, grouped by section.
        pub static OPTIONS: &[Spec] = &[$($(Spec {
            name: $name,
            arguments: &[$($argument),*],
            meaning: $meaning,
            section: Section::$section,
            status: status!($status $($reason)?),
            fronts: Fronts::$fronts,
            action: Action::$action,
        },)*)*];
    };
}

// To make a planned option work: give it an action, handle the action in parse.rs, set the status, and regenerate docs/options.md.
options! {
General {
    works | ALL | "--help" | Help | "Print this help and exit";
    works | ALL | "--version" | Version | "Print the version and exit";
    planned | ALL | "--args" "FD" | Nothing | "Read more arguments, separated by NUL bytes, from a descriptor";
    planned | ALL | "--level-prefix" | Nothing | "Begin each message with its level, as <3>";
    works | RUN | "--explain" | Explain | "Say on standard error what is set up and what is asked";
}
Files {
    works | ALL | "--bind" "SRC" "DEST" | Bind | "Show the caller's SRC at DEST, with writing";
    planned | ALL | "--bind-try" "SRC" "DEST" | Nothing | "As --bind, but nothing happens if SRC does not exist";
    works | ALL | "--ro-bind" "SRC" "DEST" | BindReadOnly | "Show the caller's SRC at DEST, without writing, with everything below it";
    planned | ALL | "--ro-bind-try" "SRC" "DEST" | Nothing | "As --ro-bind, but nothing happens if SRC does not exist";
    works | ALL | "--dev-bind" "SRC" "DEST" | BindDevice | "As --bind, and device nodes in it can be opened, after consent";
    planned | ALL | "--dev-bind-try" "SRC" "DEST" | Nothing | "As --dev-bind, but nothing happens if SRC does not exist";
    planned | ALL | "--bind-fd" "FD" "DEST" | Nothing | "Show an open folder or path descriptor at DEST, with writing";
    planned | ALL | "--ro-bind-fd" "FD" "DEST" | Nothing | "Show an open folder or path descriptor at DEST, without writing";
    planned | ALL | "--remount-ro" "DEST" | Nothing | "Forbid writing at DEST, but not in what is bound below it";
    planned | ALL | "--overlay-src" "SRC" | Nothing | "Add a lower layer, bottom first, for the overlay option that follows";
    planned | ALL | "--overlay" "RWSRC" "WORKDIR" "DEST" | Nothing | "Show the layers at DEST and keep changes in RWSRC";
    planned | ALL | "--tmp-overlay" "DEST" | Nothing | "Show the layers at DEST and forget changes at the end";
    planned | ALL | "--ro-overlay" "DEST" | Nothing | "Show two or more layers at DEST, without writing";
    works | ALL | "--proc" "DEST" | Proc | "Show the sandbox's own processes at DEST, as /proc";
    works | ALL | "--dev" "DEST" | Dev | "Make a new /dev at DEST: null, zero, full, random, urandom, tty and the standard streams";
    works | ALL | "--tmpfs" "DEST" | Tmpfs | "Make an empty folder in memory at DEST";
    planned | ALL | "--mqueue" "DEST" | Nothing | "Show the sandbox's POSIX message queues at DEST";
    works | ALL | "--dir" "DEST" | Dir | "Make a folder at DEST, if there is none";
    planned | ALL | "--file" "FD" "DEST" | Nothing | "Copy what the descriptor gives into a new file DEST";
    planned | ALL | "--bind-data" "FD" "DEST" | Nothing | "Copy what the descriptor gives into a file that is shown at DEST";
    planned | ALL | "--ro-bind-data" "FD" "DEST" | Nothing | "As --bind-data, without writing";
    works | ALL | "--symlink" "SRC" "DEST" | Symlink | "Make a symbolic link DEST that points to SRC";
    planned | ALL | "--chmod" "OCTAL" "PATH" | Nothing | "Change the mode of PATH, which must exist";
    planned | OWN | "--mask" "PATH" | Nothing | "Hide PATH: a file becomes an empty file, a folder an empty folder";
    planned | RUN | "--write-through" | Nothing | "Write to the current folder itself, not to a layer that is applied later";
}
Modifiers {
    works | ALL | "--perms" "OCTAL" | Perms | "Give the next --dir or --tmpfs this mode";
    works | ALL | "--size" "BYTES" | Size | "Limit the next --tmpfs to this many bytes";
}
Environment {
    works | ALL | "--chdir" "DIR" | Chdir | "Start the program in DIR";
    works | ALL | "--setenv" "VAR" "VALUE" | Setenv | "Set an environment variable";
    works | ALL | "--unsetenv" "VAR" | Unsetenv | "Remove an environment variable";
    works | ALL | "--clearenv" | Clearenv | "Remove all environment variables set so far";
    planned | ALL | "--argv0" "VALUE" | Argv0 | "Give the program VALUE as its own name";
}
Isolation {
    works | ALL | "--unshare-all" | UnshareAll | "All --unshare options at once; the network is cut";
    planned | ALL | "--share-net" | Nothing | "Keep the caller's network in spite of --unshare-all";
    works | ALL | "--unshare-user" | UnshareUser | "Own user and group numbers (always so: a label)";
    works | ALL | "--unshare-user-try" | UnshareUser | "As --unshare-user";
    works | ALL | "--unshare-ipc" | UnshareIpc | "Own System V and POSIX IPC (always so: a label)";
    works | ALL | "--unshare-pid" | UnsharePid | "Own process numbers (always so: a label)";
    works | ALL | "--unshare-net" | UnshareNet | "Only the loopback network";
    works | ALL | "--unshare-uts" | UnshareUts | "Own host name (always so: a label)";
    works | ALL | "--unshare-cgroup" | UnshareCgroup | "Own control groups (always so: a label)";
    works | ALL | "--unshare-cgroup-try" | UnshareCgroup | "As --unshare-cgroup";
    never "a namespace of the host's kernel cannot be entered from another kernel" | ALL | "--userns" "FD" | Nothing | "Use an existing user namespace";
    never "a namespace of the host's kernel cannot be entered from another kernel" | ALL | "--userns2" "FD" | Nothing | "Change to another user namespace after the set-up";
    never "a namespace of the host's kernel cannot be entered from another kernel" | ALL | "--pidns" "FD" | Nothing | "Use an existing process namespace";
    planned | ALL | "--disable-userns" | Nothing | "Programs inside cannot make user namespaces";
    planned | ALL | "--assert-userns-disabled" | Nothing | "Fail unless user namespaces are disabled inside";
    planned | ALL | "--uid" "UID" | Nothing | "The user number that programs see";
    planned | ALL | "--gid" "GID" | Nothing | "The group number that programs see";
    works | ALL | "--hostname" "NAME" | Hostname | "The host name that programs see";
}
Limits {
    works | OWN | "--mem" "SIZE" | Memory | "Memory of the whole sandbox in bytes; K, M and G multiply by 1024, 1024^2, 1024^3";
    works | SANDBOX | "--mem-within" "SIZE" | MemoryWithin | "Of --mem, what sandboxes within may take; two thirds of what its personality leaves if not given. Processor time is lent along for as many as there can be";
    works | OWN | "--cpus" "N" | Cpus | "Processors of the sandbox, at most; the programs of one sandbox share one";
    works | OWN | "--pids" "N" | Pids | "Processes and threads at one time";
    planned | OWN | "--io" "RATE" | Nothing | "Bytes read and written in a second";
    planned | OWN | "--time" "SECONDS" | Nothing | "End the sandbox after this time";
}
Consent {
    works | OWN | "--allow" "RES[=once|run|always]" | Allow | "Answer yes for RES without asking; without a word, for this run";
    works | OWN | "--deny" "RES" | Deny | "Answer no for RES without asking";
    works | OWN | "--policy" "FILE" | Policy | "Answer by the rules in FILE (docs/policy.md); a faulty file refuses everything";
    planned | OWN | "--blackhole" "RES" | Nothing | "Give black frames, silence or no route instead of RES";
    planned | OWN | "--net" "HOST[:PORT]" | Nothing | "Allow connections to this host only";
    planned | SANDBOX | "--handle" "NAME=FD" | Nothing | "Pass one more capability under a name";
}
Process {
    planned | ALL | "--seccomp" "FD" | Nothing | "Install the system-call filter read from a descriptor";
    planned | ALL | "--add-seccomp-fd" "FD" | Nothing | "As --seccomp, repeatable";
    never "there is no SELinux inside a sandbox" | ALL | "--exec-label" "LABEL" | Nothing | "SELinux label of the program";
    never "there is no SELinux inside a sandbox" | ALL | "--file-label" "LABEL" | Nothing | "SELinux label of new files";
    planned | ALL | "--new-session" | Nothing | "Start the program in a session of its own";
    planned | ALL | "--die-with-parent" | Nothing | "Kill the sandbox when the caller ends";
    planned | ALL | "--as-pid-1" | Nothing | "Run the program itself as process 1";
    planned | ALL | "--cap-add" "CAP" | Nothing | "Show a Linux capability as held";
    planned | ALL | "--cap-drop" "CAP" | Nothing | "Show a Linux capability as not held";
    planned | ALL | "--lock-file" "DEST" | Nothing | "Hold a read lock on DEST while the sandbox runs";
}
Status {
    works | RUN | "--trace" | Trace | "Print each Linux system call on standard error";
    works | RUN | "--trace-ipc" | TraceIpc | "Print each message between programs of the system on standard error";
    planned | ALL | "--sync-fd" "FD" | Nothing | "Keep a descriptor open while the sandbox runs";
    planned | ALL | "--block-fd" "FD" | Nothing | "Wait for data on a descriptor before the start";
    never "it waits for a user namespace of the host's kernel" | ALL | "--userns-block-fd" "FD" | Nothing | "Wait until the user namespace is ready";
    planned | ALL | "--info-fd" "FD" | Nothing | "Write facts on the running sandbox as JSON";
    planned | ALL | "--json-status-fd" "FD" | Nothing | "Write start and end of the program as lines of JSON";
    planned | OWN | "--audit-fd" "FD" | Nothing | "Write each decision and use as a line of JSON";
}
Machine {
    works | RUN | "--serial" "pty|file:F|unix:S" | Serial | "What the guarded serial line is: a new terminal, the lines of a file (one a second, once a program was let in), or a Unix socket";
    planned | RUN | "--accel" "auto|tcg|kvm" | Accelerator | "How the machine is run; auto takes KVM only where it was seen to work";
    works | RUN | "--icount" | InstructionCount | "Count instructions instead of time, so that every run is the same";
}
}
