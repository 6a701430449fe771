//! Tests of terminals.
