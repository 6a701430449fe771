//! The kernel binary: links core, machine and one architecture.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
mod kernel;

/// On the host there is nothing to run: the binary exists so that the whole workspace can be checked.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the kernel runs on the bare machine: build it for x86_64-unknown-none");
}
