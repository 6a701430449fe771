//! The options of sundog, sandbox and bwrap, parsed in one place.
#![no_std]
#![forbid(unsafe_code)]
