//! One file for each service's interface.
#![no_std]
#![forbid(unsafe_code)]
