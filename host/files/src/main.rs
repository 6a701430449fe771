//! The program: receives its binds, confines itself, serves until the connection ends.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use sundog_host_files::confine::{Refusal, check_descriptors, confine};
use sundog_host_files::handover::{Given, NO_LANDLOCK};
use sundog_host_files::serve::Server;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let without_landlock = match arguments.as_slice() {
        [] => false,
        [word] if word == NO_LANDLOCK => true,
        _ => {
            eprintln!(
                "hostfiles: takes {NO_LANDLOCK} or nothing, and its binds from standard input"
            );
            return ExitCode::from(2);
        }
    };
    match serve(without_landlock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("hostfiles: {refusal}");
            ExitCode::FAILURE
        }
    }
}

fn serve(without_landlock: bool) -> Result<(), Refusal> {
    check_descriptors()?;
    let given = Given::receive().map_err(|error| Refusal::Failed("handover", error))?;
    let confined = confine(&given.binds, without_landlock)?;
    let (binds, connection) = given
        .ready()
        .map_err(|error| Refusal::Failed("handover", error))?;
    Server::new(confined, binds).run(connection);
    Ok(())
}
