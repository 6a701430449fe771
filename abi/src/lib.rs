//! The contract of kernel and user programs: types and the table of system calls.
#![no_std]
