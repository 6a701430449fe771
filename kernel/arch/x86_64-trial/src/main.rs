//! A kernel that tries out the x86_64 layer alone. The word on its command line says what to try; `tests/` runs it under QEMU.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod devices;
#[cfg(target_os = "none")]
mod forbidden;
#[cfg(target_os = "none")]
mod report;
#[cfg(target_os = "none")]
mod space;
#[cfg(target_os = "none")]
mod trial;
#[cfg(target_os = "none")]
mod user;

/// On the host there is nothing to run: the binary exists so that the whole workspace can be checked.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the trial runs on the bare machine: build it for x86_64-unknown-none");
}
