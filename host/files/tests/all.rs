//! Tests of the file server: the real program, confined, over a socket pair, with folders of the host.
#![forbid(unsafe_code)]

#[path = "all/confinement.rs"]
mod confinement;
#[path = "all/differential.rs"]
mod differential;
#[path = "all/hostile.rs"]
mod hostile;
#[path = "all/locks.rs"]
mod locks;
#[path = "all/operations.rs"]
mod operations;
#[path = "all/races.rs"]
mod races;
#[path = "all/world.rs"]
mod world;
