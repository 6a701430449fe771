//! Tests of proc.
