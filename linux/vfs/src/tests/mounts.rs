//! Tests of mounts.
