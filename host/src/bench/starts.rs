//! Times of this computer, as multiples of starting its `/bin/true` and waiting for the end.

use super::figure::{Figure, Unit};
use crate::failure::Failure;
use crate::images;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each is done; the median counts.
const RUNS: usize = 21;
/// Starts of true are short and many.
const TRUES: usize = 201;

/// Times a warm start of the launcher: it finds that all is up to date and becomes the command, which prints its help.
pub fn time() -> Result<Vec<Figure>, Failure> {
    let target = target()?;
    let launcher = target.join("x86_64-unknown-linux-musl/debug/launcher");
    let one = median(TRUES, || run(&mut Command::new("/bin/true")))?;
    let warm = median(RUNS, || {
        let mut start = Command::new(&launcher);
        start
            .arg("help")
            .env("CARGO_MANIFEST_DIR", images::source_root())
            .env("CARGO_TARGET_DIR", &target);
        run(&mut start)
    })?;
    let times = |time: Duration| (time.as_secs_f64() / one.as_secs_f64()).round() as u64;
    Ok(vec![
        Figure::instructions("warm_start", times(warm)).recorded(Unit::Trues),
    ])
}

/// The folder of built files that this command lies in.
fn target() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::system("cannot find this command's own path", error))?;
    Ok(own.ancestors().nth(4).unwrap_or(&own).to_owned())
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| Failure::system(format!("cannot start {name}"), error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{name}: {status}")))
    }
}

fn median(
    runs: usize,
    mut operation: impl FnMut() -> Result<(), Failure>,
) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let begin = Instant::now();
        operation()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(times[runs / 2])
}
