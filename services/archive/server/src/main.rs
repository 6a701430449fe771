//! Serves the boot archive, read only.
//!
//! Given: `archive` (the boot package's frame, not writable) and what `sundog-files` asks for.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use sundog_archive_core::Archive;
use sundog_files::Service;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Frame;
use sundog_rt::{Environment, Package, entry, fail};

entry!(run);

/// The most handles of all clients together.
const HANDLES: usize = 4096;

fn run(environment: Environment) {
    let frame: Cap<Frame> = environment.require("archive");
    let Ok((service, mut resources)) = Service::new(environment, HANDLES) else {
        fail("archive: too little memory for the clients' rings");
    };
    let pages = resources
        .slots
        .cnode()
        .inspect(frame.slot())
        .map(|description| description.size);
    let mapped = pages.and_then(|pages| resources.map_constant(frame, pages));
    let Ok(bytes) = mapped else {
        fail("archive: the frame cannot be mapped, or it could be written");
    };
    let package = match Package::decode(bytes) {
        Ok(package) => package,
        Err(error) => fail(error.text()),
    };
    let Ok(mut archive) = Archive::new(package.archive) else {
        fail("archive: the archive of the boot package is damaged");
    };
    if service.run(&mut [&mut archive]).is_err() {
        fail("archive: the endpoint is refused");
    }
}
