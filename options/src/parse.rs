//! Reads a command line in its order into a plan.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, MAX_TMPFS, NumberFault};
use crate::number::{parse_c_size, parse_decimal, parse_mode, parse_size};
use crate::plan::{
    Accelerator, BindMode, Bytes, Decision, EnvironmentChange, Operation, Plan, Rule, Serial,
    Unshare,
};
use crate::table::{Action, Front, Spec, Status, find};

/// The most arguments of one command line, the program's included; bubblewrap's limit.
const MAX_ARGUMENTS: usize = 9000;
/// The mode of new folders.
const FOLDER: u32 = 0o755;
/// The longest host name of Linux.
const MAX_HOSTNAME: usize = 64;

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Print the help on standard output and exit with 0.
    Help,
    /// Print the version on standard output and exit with 0.
    Version,
    /// Start a program.
    Run(Box<Plan>),
}

/// The outcome of parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Lines for standard error, without the newline, printed before anything else.
    pub warnings: Vec<String>,
    /// What to do, or why not.
    pub request: Result<Request, Error>,
}

/// Parses the arguments after the command's own name (after `run`, for `sundog run`).
pub fn parse<A: AsRef<[u8]>>(front: Front, arguments: &[A]) -> Parsed {
    parse_known(front, arguments, |spec| spec.status)
}

/// As `parse`, with the status of options given, so that tests reach those that are still planned.
pub(crate) fn parse_known<A: AsRef<[u8]>>(
    front: Front,
    arguments: &[A],
    status: fn(&Spec) -> Status,
) -> Parsed {
    let mut parser = Parser {
        front,
        status,
        plan: Plan::default(),
        perms: None,
        size: None,
        warnings: Vec::new(),
    };
    let request = parser.parse(arguments);
    Parsed {
        warnings: parser.warnings,
        request,
    }
}

struct Parser {
    front: Front,
    status: fn(&Spec) -> Status,
    plan: Plan,
    perms: Option<u32>,
    size: Option<u64>,
    warnings: Vec<String>,
}

impl Parser {
    fn parse<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Request, Error> {
        if arguments.len() > MAX_ARGUMENTS {
            return Err(Error::TooManyArguments(MAX_ARGUMENTS));
        }
        if arguments
            .iter()
            .any(|argument| argument.as_ref().contains(&0))
        {
            return Err(Error::Nul);
        }
        let mut rest = arguments;
        while let Some((first, after)) = rest.split_first() {
            let name = first.as_ref();
            if name == b"--" {
                rest = after;
                break;
            }
            if name.first() != Some(&b'-') {
                break;
            }
            let spec = find(self.front, name).ok_or_else(|| Error::UnknownOption(name.to_vec()))?;
            let values = after
                .get(..spec.arguments.len())
                .ok_or_else(|| Error::missing(spec))?;
            rest = &after[values.len()..];
            match (self.status)(spec) {
                Status::Works => {}
                Status::Planned => return Err(Error::NotYet(spec.name)),
                Status::Never(reason) => return Err(Error::Never(spec.name, reason)),
            }
            let first = values.first().map_or(&[][..], AsRef::as_ref);
            let second = values.get(1).map_or(&[][..], AsRef::as_ref);
            match spec.action {
                Action::Help => return Ok(Request::Help),
                Action::Version => return Ok(Request::Version),
                Action::Perms => self.set_perms(first)?,
                Action::Size => self.set_size(first)?,
                action => {
                    self.act(spec, action, first, second)?;
                    self.check_modifiers()?;
                }
            }
        }
        let (program, arguments) = rest.split_first().ok_or(Error::NoProgram)?;
        self.finish()?;
        let mut plan = core::mem::take(&mut self.plan);
        plan.program = program.as_ref().to_vec();
        plan.arguments = arguments
            .iter()
            .map(|argument| argument.as_ref().to_vec())
            .collect();
        Ok(Request::Run(Box::new(plan)))
    }

    /// An option that did not take a modifier given before it must not pass over it.
    fn check_modifiers(&self) -> Result<(), Error> {
        match (self.perms, self.size) {
            (Some(_), _) => Err(Error::PermsDangling),
            (_, Some(_)) => Err(Error::SizeDangling),
            _ => Ok(()),
        }
    }

    fn finish(&self) -> Result<(), Error> {
        // bubblewrap lets a modifier at the end pass; only scripts written for it may rely on that.
        if self.front != Front::Bwrap {
            self.check_modifiers()?;
        }
        let Some(hostname) = &self.plan.hostname else {
            return Ok(());
        };
        if self.front == Front::Bwrap && !self.plan.unshare.uts {
            return Err(Error::HostnameNeedsUts);
        }
        if hostname.len() > MAX_HOSTNAME {
            return Err(Error::HostnameTooLong(hostname.clone()));
        }
        Ok(())
    }

    fn set_perms(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.perms.is_some() {
            return Err(Error::ModifierTwice("--perms"));
        }
        self.perms = Some(parse_mode(text).ok_or(Error::Mode("--perms"))?);
        Ok(())
    }

    fn set_size(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.size.is_some() {
            return Err(Error::ModifierTwice("--size"));
        }
        let with_suffix = || match self.front {
            Front::Bwrap => None,
            Front::Run | Front::Sandbox => parse_size(text).ok(),
        };
        match parse_c_size(text).or_else(with_suffix) {
            None | Some(0) => Err(Error::TmpfsSize),
            Some(size) if size > MAX_TMPFS => Err(Error::TmpfsSizeLimit),
            size => {
                self.size = size;
                Ok(())
            }
        }
    }

    fn act(
        &mut self,
        spec: &'static Spec,
        action: Action,
        first: &[u8],
        second: &[u8],
    ) -> Result<(), Error> {
        let option = spec.name;
        match action {
            Action::Bind => self.bind(first, second, BindMode::ReadWrite),
            Action::BindReadOnly => self.bind(first, second, BindMode::ReadOnly),
            Action::BindDevice => self.bind(first, second, BindMode::Device),
            Action::Tmpfs => {
                let tmpfs = Operation::Tmpfs {
                    dest: first.to_vec(),
                    size: self.size.take(),
                    perms: self.perms.take().unwrap_or(FOLDER),
                };
                self.plan.operations.push(tmpfs);
            }
            Action::Proc => self.operation(Operation::Proc {
                dest: first.to_vec(),
            }),
            Action::Dev => self.operation(Operation::Dev {
                dest: first.to_vec(),
            }),
            Action::Dir => {
                let perms = self.perms.take().unwrap_or(FOLDER);
                self.operation(Operation::Dir {
                    dest: first.to_vec(),
                    perms,
                });
            }
            Action::Symlink => self.operation(Operation::Symlink {
                target: first.to_vec(),
                dest: second.to_vec(),
            }),
            Action::Chdir => {
                let again = self.plan.chdir.replace(first.to_vec()).is_some();
                self.warn_if(again, option);
            }
            Action::Setenv => {
                let name = variable(option, first)?;
                self.plan
                    .environment
                    .push(EnvironmentChange::Set(name, second.to_vec()));
            }
            Action::Unsetenv => {
                let name = variable(option, first)?;
                self.plan.environment.push(EnvironmentChange::Unset(name));
            }
            Action::Clearenv => self.plan.environment.push(EnvironmentChange::Clear),
            Action::Hostname => {
                let again = self.plan.hostname.replace(first.to_vec()).is_some();
                self.warn_if(again, option);
            }
            Action::UnshareUser => self.plan.unshare.user = true,
            Action::UnshareIpc => self.plan.unshare.ipc = true,
            Action::UnsharePid => self.plan.unshare.pid = true,
            Action::UnshareNet => self.plan.unshare.net = true,
            Action::UnshareUts => self.plan.unshare.uts = true,
            Action::UnshareCgroup => self.plan.unshare.cgroup = true,
            Action::UnshareAll => {
                self.plan.unshare = Unshare {
                    user: true,
                    ipc: true,
                    pid: true,
                    net: true,
                    uts: true,
                    cgroup: true,
                };
            }
            Action::Memory => {
                let again = self.plan.memory.replace(size(option, first)?).is_some();
                self.warn_if(again, option);
            }
            Action::MemoryWithin => {
                let within = &mut self.plan.memory_within;
                let again = within.replace(size(option, first)?).is_some();
                self.warn_if(again, option);
            }
            Action::Cpus => {
                let cpus = count(option, first, 256)?;
                let again = self.plan.cpus.replace(cpus).is_some();
                self.warn_if(again, option);
            }
            Action::Pids => {
                let pids = count(option, first, 1 << 22)?;
                let again = self.plan.pids.replace(pids).is_some();
                self.warn_if(again, option);
            }
            Action::Allow => self.plan.rules.push(allow_rule(option, first)?),
            Action::Deny => self.plan.rules.push(Rule {
                resource: resource(option, first, "RES")?,
                decision: Decision::Deny,
            }),
            Action::Policy => {
                let again = self.plan.policy.replace(first.to_vec()).is_some();
                self.warn_if(again, option);
            }
            Action::Trace => self.plan.trace = true,
            Action::TraceIpc => self.plan.trace_ipc = true,
            Action::Serial => {
                let again = self.plan.serial.replace(serial(option, first)?).is_some();
                self.warn_if(again, option);
            }
            Action::Explain => self.plan.explain = true,
            Action::Accelerator => {
                let accelerator = match first {
                    b"auto" => Accelerator::Auto,
                    b"tcg" => Accelerator::Tcg,
                    b"kvm" => Accelerator::Kvm,
                    _ => return Err(Error::Value(option, first.to_vec(), "auto, tcg or kvm")),
                };
                let again = self.plan.accelerator.replace(accelerator).is_some();
                self.warn_if(again, option);
            }
            Action::InstructionCount => self.plan.instruction_count = true,
            Action::Argv0 => {
                if self.plan.argv0.replace(first.to_vec()).is_some() {
                    return Err(Error::Twice(option));
                }
            }
            // Answered before; an option without an action does not work, whatever its status says.
            Action::Help | Action::Version | Action::Perms | Action::Size | Action::Nothing => {
                return Err(Error::NotYet(option));
            }
        }
        Ok(())
    }

    fn bind(&mut self, source: &[u8], dest: &[u8], mode: BindMode) {
        self.operation(Operation::Bind {
            source: source.to_vec(),
            dest: dest.to_vec(),
            mode,
        });
    }

    fn operation(&mut self, operation: Operation) {
        self.plan.operations.push(operation);
    }

    fn warn_if(&mut self, again: bool, option: &str) {
        if again {
            self.warnings.push(format!(
                "{}: Only the last {option} option will take effect",
                self.front.name()
            ));
        }
    }
}

fn variable(option: &'static str, name: &[u8]) -> Result<Bytes, Error> {
    if name.is_empty() || name.contains(&b'=') {
        return Err(Error::VariableName(option, name.to_vec()));
    }
    Ok(name.to_vec())
}

/// An amount of memory that is not zero.
fn size(option: &'static str, text: &[u8]) -> Result<u64, Error> {
    let fault = |fault| Error::Number(option, text.to_vec(), fault);
    match parse_size(text).map_err(fault)? {
        0 => Err(fault(NumberFault::TooSmall)),
        size => Ok(size),
    }
}

fn count(option: &'static str, text: &[u8], most: u64) -> Result<u32, Error> {
    let fault = |fault| Error::Number(option, text.to_vec(), fault);
    match parse_decimal(text).map_err(fault)? {
        0 => Err(fault(NumberFault::TooSmall)),
        number if number > most => Err(fault(NumberFault::TooLarge)),
        number => u32::try_from(number).map_err(|_| fault(NumberFault::TooLarge)),
    }
}

fn allow_rule(option: &'static str, text: &[u8]) -> Result<Rule, Error> {
    let expected = "RES[=once|run|always]";
    let (name, decision) = match text.iter().position(|byte| *byte == b'=') {
        None => (text, Decision::Run),
        Some(at) => {
            let decision = match &text[at + 1..] {
                b"once" => Decision::Once,
                b"run" => Decision::Run,
                b"always" => Decision::Always,
                _ => return Err(Error::Value(option, text.to_vec(), expected)),
            };
            (&text[..at], decision)
        }
    };
    let resource = resource(option, name, expected)?;
    Ok(Rule { resource, decision })
}

/// A resource: printable, since it is shown to people, and without '=', which separates the answer.
fn resource(option: &'static str, name: &[u8], expected: &'static str) -> Result<Bytes, Error> {
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) || name.contains(&b'=') {
        return Err(Error::Value(option, name.to_vec(), expected));
    }
    Ok(name.to_vec())
}

fn serial(option: &'static str, text: &[u8]) -> Result<Serial, Error> {
    if text == b"pty" {
        return Ok(Serial::Pty);
    }
    match (text.strip_prefix(b"file:"), text.strip_prefix(b"unix:")) {
        (Some(path), _) if !path.is_empty() => Ok(Serial::File(path.to_vec())),
        (_, Some(path)) if !path.is_empty() => Ok(Serial::Unix(path.to_vec())),
        _ => Err(Error::Value(
            option,
            text.to_vec(),
            "pty, file:PATH or unix:PATH",
        )),
    }
}
