//! The launcher: sets up the machine, builds Sundog and becomes the command `sundog`.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use sundog_launcher::progress::Progress;
use sundog_launcher::{ONLY_PRINT, build, crates, environment, needs, set_up, tree::Tree};

fn main() -> ExitCode {
    let tree = Tree::find();
    if let Some(what) = std::env::var_os(ONLY_PRINT) {
        return only_print(&what, &tree).map_or_else(
            |text| fail(&text),
            |text| {
                println!("{text}");
                ExitCode::SUCCESS
            },
        );
    }
    let command = match set_up(&tree) {
        Ok(command) => command,
        Err(text) => return fail(&text),
    };
    let mut sundog = Command::new(&command);
    sundog.args(std::env::args_os().skip(1));
    environment::clean(&mut sundog, &tree);
    let error = sundog.exec();
    fail(&format!(
        "sundog: cannot start {}: {error}",
        command.display()
    ))
}

/// What continuous integration asked for.
fn only_print(what: &OsStr, tree: &Tree) -> Result<String, String> {
    let names = |wanted: fn(&crates::Package) -> bool| -> Result<String, String> {
        let packages = crates::bare(tree)?.into_iter().filter(wanted);
        Ok(packages
            .map(|package| package.name)
            .collect::<Vec<_>>()
            .join("\n"))
    };
    match what.to_str() {
        Some("missing") => Ok(needs::list(&needs::missing(tree))),
        Some("bare") => names(|_| true),
        Some("bare-only") => names(|package| !package.on_host),
        Some("programs") => {
            let built = build::programs(tree, &mut Progress::new())?;
            let paths = built.iter().map(|path| path.display().to_string());
            Ok(paths.collect::<Vec<_>>().join("\n"))
        }
        _ => Err(format!(
            "sundog: {ONLY_PRINT} is `missing`, `bare`, `bare-only` or `programs`, not {what:?}"
        )),
    }
}

fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}
