//! Devices that a sandbox gives to one within it: what the outer personality finds behind its paths, and tells the inner one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_linux_vfs::{Context, Device, Errno, Vfs};
use sundog_options::{BindMode, Operation};

/// A device that a sandbox within gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gift {
    /// The file option, counted from 0, whose destination is the device's node. Nothing: nodes of it lie in a bound folder.
    pub operation: Option<usize>,
    /// The device.
    pub device: Device,
}

impl Gift {
    /// As an argument.
    pub fn text(&self) -> String {
        let place = self.operation.map(|number| format!("{number}"));
        let Device {
            major,
            minor,
            resource,
        } = &self.device;
        format!(
            "{}@{major}:{minor}={}",
            place.unwrap_or_default(),
            resource.as_deref().unwrap_or_default()
        )
    }

    /// Reads such an argument.
    pub fn parse(text: &str) -> Option<Gift> {
        let (place, rest) = text.split_once('@')?;
        let (numbers, resource) = rest.split_once('=')?;
        let (major, minor) = numbers.split_once(':')?;
        let operation = match place {
            "" => None,
            number => Some(number.parse().ok()?),
        };
        let resource = match resource {
            "" => None,
            resource => Some(String::from(resource)),
        };
        Some(Gift {
            operation,
            device: Device {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
                resource,
            },
        })
    }

    /// Whether it asks before it opens.
    pub fn asks(&self) -> bool {
        self.device.resource.is_some()
    }
}

/// The devices that file options give, with those of `held` (names such as `ttyS1` of devices that ask) that have nodes in folders that
/// are bound with devices.
///
/// # Errors
/// An error number and a sentence: only a device that can be opened here can be given.
pub fn gifts(
    vfs: &mut Vfs,
    context: &Context<'_>,
    operations: &[Operation],
    held: &[String],
) -> Result<Vec<Gift>, (Errno, String)> {
    let mut gifts = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        let Operation::Bind {
            source,
            mode: BindMode::Device,
            ..
        } = operation
        else {
            continue;
        };
        match vfs.device_at(context, source) {
            Ok(Some(device)) => gifts.push(Gift {
                operation: Some(number),
                device,
            }),
            Ok(None) => {
                for name in held {
                    let node = [source, &b"/"[..], name.as_bytes()].concat();
                    // What is not there, or not to be opened there, is not given.
                    if let Ok(Some(device)) = vfs.device_at(context, &node) {
                        gifts.push(Gift {
                            operation: None,
                            device,
                        });
                    }
                }
            }
            Err(error) => return Err((error, refusal(source, error))),
        }
    }
    Ok(gifts)
}

/// Why a device is not given.
fn refusal(source: &[u8], error: Errno) -> String {
    let source = String::from_utf8_lossy(source);
    let why = match error {
        Errno::ENOENT | Errno::ENOTDIR => {
            "there is no such node here; a sandbox can give only what it was given itself, with --dev-bind"
        }
        Errno::ENXIO | Errno::EACCES => {
            "this sandbox does not hold that device, so it cannot give it"
        }
        _ => return format!("--dev-bind {source}: {error:?}"),
    };
    format!("--dev-bind {source}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_was_found() {
        let serial = Device {
            major: 4,
            minor: 65,
            resource: Some(String::from("serial:1")),
        };
        let null = Device {
            major: 1,
            minor: 3,
            resource: None,
        };
        for (operation, device, text) in [
            (Some(2), serial.clone(), "2@4:65=serial:1"),
            (None, serial, "@4:65=serial:1"),
            (Some(0), null, "0@1:3="),
        ] {
            let gift = Gift { operation, device };
            assert_eq!(gift.text(), text);
            assert_eq!(gift.asks(), text.contains("serial"));
            assert_eq!(Gift::parse(text), Some(gift));
        }
        for wrong in ["", "2", "x@1:3=", "2@1=", "2@1:x=", "2@4:65"] {
            assert_eq!(Gift::parse(wrong), None, "{wrong}");
        }
    }
}
