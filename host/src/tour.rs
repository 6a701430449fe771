//! `sundog tour`: scenes that show what the system does, each with a check that it really did.

use crate::failure::Failure;
use std::ffi::OsString;
use std::process::ExitCode;

/// A scene.
#[derive(Debug)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// What is shown, in a sentence.
    pub about: &'static str,
    /// The arguments of `sundog run`.
    pub command: &'static [&'static str],
    /// Whether the program's output and its status are what the scene promises.
    pub check: fn(&[u8], u8) -> bool,
}

/// All scenes, in their order.
const SCENES: &[Scene] = &[];

/// Plays the scenes whose names contain one of the words, or all.
pub fn main(words: &[OsString]) -> Result<ExitCode, Failure> {
    if SCENES.is_empty() {
        eprintln!("{}", Failure::new("the tour has no scene yet"));
        return Ok(ExitCode::FAILURE);
    }
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let chosen =
        |scene: &&Scene| words.is_empty() || words.iter().any(|word| scene.name.contains(&**word));
    let mut good = true;
    for scene in SCENES.iter().filter(chosen) {
        println!(
            "{}: {}\n$ sundog run {}",
            scene.name,
            scene.about,
            scene.command.join(" ")
        );
        let own = std::env::current_exe()
            .map_err(|error| Failure::system("cannot find this command's own path", error))?;
        let output = std::process::Command::new(own)
            .arg("run")
            .args(scene.command)
            .output();
        let output = output.map_err(|error| Failure::system("cannot start a run", error))?;
        let status = output
            .status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(u8::MAX);
        print!("{}", String::from_utf8_lossy(&output.stdout));
        let kept = (scene.check)(&output.stdout, status);
        println!(
            "{}: {}\n",
            scene.name,
            if kept {
                "as promised"
            } else {
                "NOT as promised"
            }
        );
        good &= kept;
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
