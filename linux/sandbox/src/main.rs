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
use sundog_protocols::host_process::{Answer, MAX_BYTES, Request};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::MessagePage;
use sundog_rt::{Environment, entry, exit};
use sundog_service::{arrived, outgoing};

entry!(run);

/// Standard output and error.
const OUTPUT: u32 = 1;
const ERROR: u32 = 2;

/// The personality, as this process reaches it.
struct Personality {
    endpoint: Cap<Endpoint>,
    page: MessagePage,
}

impl Personality {
    /// Asks; nothing if the personality is gone or answers nonsense.
    fn ask(&mut self, request: &Request) -> Option<Answer> {
        let words = request.encode().ok()?;
        let (info, registers) = outgoing(&mut self.page, &words);
        let received = self.endpoint.call(info, &registers, None).ok()?;
        Answer::decode(&arrived(&self.page, &received).ok()?).ok()
    }

    /// Writes all of a text, as far as somebody takes it.
    fn write(&mut self, descriptor: u32, text: impl AsRef<[u8]>) {
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let bytes = rest[..rest.len().min(MAX_BYTES)].to_vec();
            match self.ask(&Request::Write { descriptor, bytes }) {
                Some(Answer::Written(count)) if count > 0 => rest = &rest[count.min(rest.len())..],
                _ => return,
            }
        }
    }
}

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
    let mut personality = Personality {
        endpoint,
        page: message,
    };
    let parsed = parse(front, &arguments);
    for warning in parsed.warnings {
        personality.write(ERROR, format!("{warning}\n"));
    }
    match parsed.request {
        Ok(Wanted::Help) => personality.write(OUTPUT, help(front)),
        Ok(Wanted::Version) => personality.write(OUTPUT, format!("{}\n", front.version())),
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
