//! A parent that changes the memory of its child, before the child starts and while it runs, through the child's VSpace capability.
//!
//! Given: `archive` (the boot package, where its own image lies, which is its child's too), and `time` (the child's, on the other CPU).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod child;
mod page;
mod parent;

use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    if environment.start.arguments().nth(1) == Some(b"child") {
        child::run(environment);
    } else if let Err(error) = parent::run(environment) {
        fail(&alloc::format!("reshape: {error:?}"));
    }
}
