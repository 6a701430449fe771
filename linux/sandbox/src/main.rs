//! `sandbox`, also named `bwrap`: starts a program with a part of what its caller has.
//!
//! It is a native program that is typed into a Linux shell. It reads its options, says what is wrong with them, and else asks the
//! personality that started it to make the sandbox in its place, out of no more than that personality holds itself. Given: `process`
//! (the endpoint to the personality).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_options::{Error, Front, Request as Wanted, help, parse};
use sundog_protocols::host_process::{Answer, Request};
use sundog_rt::{Environment, entry, exit};
use sundog_service::Personality;

entry!(run);

/// Standard output and error.
const OUTPUT: u32 = 1;
const ERROR: u32 = 2;

/// The command that a program was started as.
fn front(name: &[u8]) -> Front {
    if name.rsplit(|byte| *byte == b'/').next() == Some(b"bwrap") {
        Front::Bwrap
    } else {
        Front::Sandbox
    }
}

fn run(environment: Environment) {
    let endpoint = environment.require("process");
    let Environment { start, message, .. } = environment;
    let mut arguments = start.arguments();
    let front = front(arguments.next().unwrap_or_default());
    let arguments: Vec<&[u8]> = arguments.collect();
    let mut personality = Personality::new(endpoint, message);
    let parsed = parse(front, &arguments);
    for warning in parsed.warnings {
        personality.write(ERROR, format!("{warning}\n"));
    }
    match parsed.request {
        Ok(Wanted::Help) => {
            personality.write(OUTPUT, help(front));
        }
        Ok(Wanted::Version) => {
            personality.write(OUTPUT, format!("{}\n", front.version()));
        }
        Ok(Wanted::Run(_)) => {
            let why = match personality.ask(&Request::Become) {
                Some(Answer::Failed(_, text)) => text,
                _ => String::from("the personality does not answer"),
            };
            personality.write(ERROR, format!("{}: {why}\n", front.name()));
            exit(1);
        }
        Err(Error::NoProgram) => {
            personality.write(ERROR, help(front));
            exit(1);
        }
        Err(error) => {
            personality.write(ERROR, error.message(front));
            exit(1);
        }
    }
}
