//! The launcher: sets up the machine, builds Sundog and becomes the command `sundog`.
fn main() {}
