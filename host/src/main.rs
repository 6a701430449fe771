//! The command sundog.
fn main() {}
