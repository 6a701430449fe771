//! Makes a boot package by hand: `pack OUT MANIFEST.toml INIT NAME=PROGRAM...`.

use std::process::ExitCode;
use std::{env, fs};
use sundog_package::{File, archive, package};

fn run() -> Result<(), String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [out, manifest, init, programs @ ..] = arguments.as_slice() else {
        return Err("usage: pack OUT MANIFEST.toml INIT NAME=PROGRAM...".into());
    };
    let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
    let mut files = Vec::new();
    for program in programs {
        let (name, path) = program
            .split_once('=')
            .ok_or_else(|| format!("{program}: not NAME=PROGRAM"))?;
        files.push((name, read(path)?));
    }
    let text = String::from_utf8(read(manifest)?).map_err(|_| format!("{manifest}: not UTF-8"))?;
    let has_image = |name: &str| files.iter().any(|(known, _)| *known == name);
    let system = sundog_manifest::host::read(&text, &has_image).map_err(|faults| {
        faults
            .iter()
            .map(|fault| format!("{manifest}: {fault}\n"))
            .collect::<String>()
    })?;
    let files: Vec<File<'_>> = files
        .iter()
        .map(|(name, bytes)| File {
            name,
            mode: 0o755,
            bytes,
        })
        .collect();
    let archive = archive(&files).map_err(|error| format!("{error:?}"))?;
    let bytes = package(&read(init)?, &system.encode(), &archive)
        .map_err(|error| format!("{init}: {error:?}"))?;
    fs::write(out, bytes).map_err(|error| format!("{out}: {error}"))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
