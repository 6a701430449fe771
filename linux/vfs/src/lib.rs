//! Open files, path resolution, pipes, terminals and the synthetic trees of the Linux personality.
#![no_std]
#![forbid(unsafe_code)]
