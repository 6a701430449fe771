//! Runs every test of the tree.
fn main() {}
