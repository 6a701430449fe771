//! Tests of the whole file side, over a tmpfs, against Linux's known behaviour.

mod askers;
mod copies;
mod differential;
mod epoll;
mod exports;
mod files;
mod loans;
mod locks;
mod mounts;
mod paths;
mod pipes;
mod proc;
mod terminals;
mod world;
