//! The kernel binary: links core, machine and one architecture.
fn main() {}
