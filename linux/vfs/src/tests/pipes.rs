//! Tests of pipes.
