//! The consent program's arguments: the sandboxes that exist from the start, and which capability leads to which device.
//!
//! - `sandbox=BADGE:NAME`, or `sandbox=BADGE:NAME:MANIFEST` with the hash of what it is given in 64 hexadecimal digits, or the same with
//!   `:interactive` behind it if a person types commands in it;
//! - `device=CLASS:INSTANCE:CAPABILITY`: the device server behind the capability of that name, with an unguarded right to order;
//! - `trace`: each message of a request is told to the host as a line.
use crate::policy::is_instance;
use crate::{Hash, Register, Resource};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A device and the name of the capability that leads to its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The class.
    pub resource: Resource,
    /// Which one of the class.
    pub instance: String,
    /// The capability's name in the start page.
    pub capability: String,
}

/// What the arguments say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The sandboxes that init starts.
    pub sandboxes: Vec<Register>,
    /// The devices.
    pub devices: Vec<Device>,
    /// Whether messages are told to the host.
    pub trace: bool,
}

impl Given {
    /// Reads the arguments without the program's name.
    ///
    /// # Errors
    /// A text that names the argument that makes no sense.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Result<Given, String> {
        let mut given = Given::default();
        for argument in arguments {
            let text = core::str::from_utf8(argument).unwrap_or_default();
            let known = match text.split_once('=') {
                Some(("sandbox", rest)) => sandbox(rest).map(|one| given.sandboxes.push(one)),
                Some(("device", rest)) => device(rest).map(|one| given.devices.push(one)),
                None if text == "trace" => {
                    given.trace = true;
                    Some(())
                }
                _ => None,
            };
            if known.is_none() {
                let shown = crate::names::from_bytes(argument, 80);
                return Err(format!("consent: the argument {shown} makes no sense"));
            }
        }
        Ok(given)
    }

    /// The place of a device in the list.
    pub fn device(&self, resource: Resource, instance: &str) -> Option<usize> {
        self.devices
            .iter()
            .position(|device| device.resource == resource && device.instance == instance)
    }
}

fn sandbox(text: &str) -> Option<Register> {
    let mut parts = text.splitn(4, ':');
    let badge = parts.next()?.parse().ok().filter(|badge| *badge != 0)?;
    let name = parts.next().filter(|name| !name.is_empty())?;
    let manifest = match parts.next() {
        Some(digits) => Some(hash(digits)?),
        None => None,
    };
    let interactive = match parts.next() {
        None => false,
        Some("interactive") => true,
        Some(_) => return None,
    };
    Some(Register {
        badge,
        parent: 0,
        manifest: manifest.unwrap_or_default(),
        // Without its manifest's hash it cannot be told from others, so nothing may be remembered for it.
        interactive: interactive || manifest.is_none(),
        name: name.into(),
        tag: String::new(),
    })
}

fn hash(digits: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

fn device(text: &str) -> Option<Device> {
    let (class, rest) = text.split_once(':')?;
    // An instance may have colons in it (a host and its port), a capability's name has none.
    let (instance, capability) = rest.rsplit_once(':')?;
    let usable = is_instance(instance) && !capability.is_empty();
    usable.then_some(Device {
        resource: Resource::from_name(class)?,
        instance: instance.into(),
        capability: capability.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Given, String> {
        Given::parse(arguments.iter().map(|argument| argument.as_bytes()))
    }

    #[test]
    fn arguments_are_read() {
        let digits = "0a".repeat(32);
        assert!(parse(&[&format!("sandbox=1:x:{digits}:shell")]).is_err());
        let given = parse(&[
            "sandbox=1:linux",
            &format!("sandbox=2:other:{digits}"),
            &format!("sandbox=3:shell:{digits}:interactive"),
            "device=serial:1:serial",
            "device=network:host:443:net",
            "trace",
        ])
        .unwrap();
        assert_eq!(
            (given.sandboxes[0].badge, given.sandboxes[0].interactive),
            (1, true)
        );
        assert_eq!(
            (given.sandboxes[1].manifest, given.sandboxes[1].interactive),
            ([10; 32], false)
        );
        assert_eq!(
            (given.sandboxes[2].manifest, given.sandboxes[2].interactive),
            ([10; 32], true)
        );
        assert_eq!(given.device(Resource::Serial, "1"), Some(0));
        assert_eq!(given.device(Resource::Network, "host:443"), Some(1));
        assert_eq!(given.device(Resource::Camera, "1"), None);
        assert!(given.trace);
        assert_eq!(parse(&[]), Ok(Given::default()));
    }

    #[test]
    fn nonsense_is_named() {
        for wrong in [
            "sandbox=0:x",
            "sandbox=1",
            "sandbox=1:",
            "sandbox=1:x:12",
            "sandbox=1:x:interactive",
            "device=serial:1",
            "device=lamp:1:x",
            "device=serial::x",
            "device=serial:1:",
            "traces",
            "",
        ] {
            let text = parse(&["trace", wrong]).unwrap_err();
            assert!(text.contains(wrong), "{text}");
        }
    }
}
