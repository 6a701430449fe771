//! Devices of sandboxes within: what they are given, and their places with the consent service.

use super::gift::{Gift, gifts};
use super::port::AT_ONCE;
use super::register::{self, MAX_POLICY, NativeService, Rules};
use crate::wish::Wish;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::task::TaskId;
use sundog_linux_core::texts::List;
use sundog_linux_vfs::constants::{AT_FDCWD, O_RDONLY};
use sundog_linux_vfs::{Context, Errno, Vfs};
use sundog_protocols::file::Kind;
use sundog_rt::Resources;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::MessagePage;

/// What a sandbox within gets, and what is taken from that.
pub struct Devices {
    /// Its devices.
    pub gifts: Vec<Gift>,
    rules: Rules,
    given: [u8; 32],
}

impl Devices {
    /// Whether one of them asks before it opens.
    pub fn asks(&self) -> bool {
        self.gifts.iter().any(Gift::asks)
    }

    /// Whether a file option, counted from 0, is about a device's node.
    pub fn is_node(&self, operation: usize) -> bool {
        is_node(&self.gifts, operation)
    }
}

/// Whether a file option, counted from 0, is about the node of one of these devices.
pub fn is_node(gifts: &[Gift], operation: usize) -> bool {
    gifts.iter().any(|gift| gift.operation == Some(operation))
}

/// A sandbox within, as the consent service knows it.
pub struct Registered {
    /// Its badge.
    pub badge: u64,
    /// The service's endpoint with this badge.
    pub endpoint: Cap<Endpoint>,
}

/// The sandboxes within that were given devices which ask.
pub struct Within {
    consent: Option<Cap<Endpoint>>,
    /// Names of the nodes of devices that this sandbox holds.
    held: Vec<String>,
    at_once: u64,
    /// How many were registered so far.
    registered: u64,
    /// Badges of those that have ended and that the service was not told of.
    gone: Vec<u64>,
}

impl Within {
    /// None yet. `consent` is this sandbox's own way to the service, `held` the names of its devices' nodes.
    pub fn new(
        consent: Option<Cap<Endpoint>>,
        held: Vec<String>,
        ticks_per_microsecond: u64,
    ) -> Within {
        Within {
            consent,
            held,
            at_once: AT_ONCE.saturating_mul(ticks_per_microsecond),
            registered: 0,
            gone: Vec::new(),
        }
    }

    /// Looks up what a command line gives and takes, by the caller's paths.
    ///
    /// # Errors
    /// An error number and a sentence.
    pub fn prepare(
        &self,
        kernel: &mut Kernel,
        task: TaskId,
        wish: &Wish,
        arguments: &List,
    ) -> Result<Devices, (Errno, String)> {
        let plan = &wish.plan;
        let found = kernel.with_files(task, |vfs, context| {
            let gifts = gifts(vfs, context, &plan.operations, &self.held)?;
            let text = match &plan.policy {
                Some(path) => policy_text(vfs, context, path)?,
                None => Vec::new(),
            };
            Ok((gifts, text))
        });
        let found = found.unwrap_or_else(|error| Err((error, String::new())));
        let (gifts, text) = found?;
        let no = |text: String| (Errno::EINVAL, text);
        let mut rules = register::denials(plan).map_err(no)?;
        if let Some(path) = &plan.policy {
            let name = String::from_utf8_lossy(path);
            rules.extend(register::file_rules(&name, &text).map_err(no)?);
        }
        Ok(Devices {
            gifts,
            rules,
            given: register::given(arguments.iter(), &text),
        })
    }

    /// Makes a sandbox with these devices known.
    ///
    /// # Errors
    /// An error number and a sentence; it is not known then.
    pub fn register(
        &mut self,
        page: &mut MessagePage,
        resources: &mut Resources,
        devices: &Devices,
    ) -> Result<Registered, (Errno, String)> {
        let no = |error: Errno| move |text: String| (error, text);
        let none = || String::from("there is no consent service here");
        let consent = self.consent.ok_or_else(none).map_err(no(Errno::ENXIO))?;
        let slot = resources
            .slots
            .take()
            .map_err(|error| (Errno::ENOMEM, format!("no slot: {error:?}")))?;
        self.registered += 1;
        let mut service = NativeService {
            consent,
            page,
            slot,
            resources,
            at_once: self.at_once,
        };
        let registered =
            register::register(&mut service, self.registered, devices.given, &devices.rules);
        match registered {
            Ok(badge) => Ok(Registered {
                badge,
                endpoint: Cap::root(slot),
            }),
            Err(text) => {
                // One that is not empty, against all expectation, is not used again.
                let _ = resources.slots.delete(slot);
                Err((Errno::EAGAIN, text))
            }
        }
    }

    /// A sandbox has ended.
    pub fn end(&mut self, badge: u64) {
        self.gone.push(badge);
        self.tell();
    }

    /// Tells the service of those that have ended.
    pub fn tell(&mut self) {
        if let Some(consent) = self.consent {
            let at_once = self.at_once;
            self.gone
                .retain(|badge| !register::say_gone(consent, *badge, at_once));
        }
    }
}

/// The text of a policy file, which must be a file and short.
fn policy_text(
    vfs: &mut Vfs,
    context: &Context<'_>,
    path: &[u8],
) -> Result<Vec<u8>, (Errno, String)> {
    let name = String::from_utf8_lossy(path);
    let no = |error: Errno| (error, format!("--policy: cannot read {name}: {error:?}"));
    let stat = vfs.fstatat(context, AT_FDCWD, path, 0).map_err(no)?;
    if stat.attr.kind != Kind::Regular {
        return Err((Errno::EINVAL, format!("--policy: {name} is no file")));
    }
    let file = vfs
        .open_file(context, AT_FDCWD, path, O_RDONLY, 0)
        .map_err(|_| no(Errno::EACCES))?;
    let mut text = vec![0; MAX_POLICY + 1];
    let mut length = 0;
    let read = loop {
        match vfs.file_read_at(file, length as u64, &mut text[length..]) {
            Ok(0) => break Ok(()),
            Ok(count) => length += count,
            Err(error) => break Err(no(error)),
        }
    };
    vfs.release_file(file);
    read?;
    if length > MAX_POLICY {
        let text = format!("--policy: {name} is longer than {MAX_POLICY} bytes");
        return Err((Errno::EFBIG, text));
    }
    text.truncate(length);
    Ok(text)
}
