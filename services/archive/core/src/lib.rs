//! The boot archive, read only, as a library.
#![no_std]
#![forbid(unsafe_code)]
