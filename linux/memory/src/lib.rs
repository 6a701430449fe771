//! The personality's view of its sandbox's memory: checked copies in and out of the pool.
