//! The CPU and its interrupt controllers, as far as the core speaks to them.
