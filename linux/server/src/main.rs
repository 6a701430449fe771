//! The Linux personality as a program: one sandbox of Linux programs over kernel objects.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod machine;
mod objects;
mod random;

#[cfg(test)]
extern crate std;

fn main() {}
