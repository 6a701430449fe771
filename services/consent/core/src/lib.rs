//! Decisions, policy, prompt and log of the consent service, without I/O.
#![no_std]
#![forbid(unsafe_code)]
