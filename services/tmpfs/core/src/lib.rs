//! A file system in memory, as a library.
#![no_std]
#![forbid(unsafe_code)]
