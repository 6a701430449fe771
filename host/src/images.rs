//! Where the built kernel and programs lie, and where the source tree is.

use crate::failure::Failure;
use std::env;
use std::path::{Path, PathBuf};

/// The name of the kernel's binary.
pub const KERNEL: &str = "sundog-kernel";

/// The system that `run` starts: a manifest in `system/`, without its extension.
pub const SYSTEM: &str = "first-light";

/// The path of a system's manifest.
pub fn manifest(system: &str) -> PathBuf {
    source_root().join("system").join(format!("{system}.toml"))
}

/// The path of a built native program, by the name of its image in a manifest: the file `sundog-NAME`, or `NAME` alone.
pub fn native(image: &str) -> Result<PathBuf, Failure> {
    program(image).or_else(|_| program(&format!("sundog-{image}")))
}

/// The root of the source tree that this command was built from.
pub fn source_root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The path of a built bare program.
///
/// The launcher puts this command at `TARGET/host/TRIPLE/release/sundog` and bare programs at `TARGET/bare/TRIPLE/release/NAME`.
pub fn program(name: &str) -> Result<PathBuf, Failure> {
    built("bare/x86_64-unknown-none", name)
}

/// The path of a built program for Linux inside a sandbox: the file `sundog-NAME` or `NAME`.
pub fn linux(name: &str) -> Result<PathBuf, Failure> {
    let folder = "linux/x86_64-unknown-linux-musl";
    built(folder, &format!("sundog-{name}")).or_else(|_| built(folder, name))
}

/// The path of a script for a shell inside a sandbox, by its name in `tests/linux`, without its extension.
pub fn script(name: &str) -> PathBuf {
    let file = format!("{name}.sh");
    source_root().join("tests/linux").join(file)
}

fn built(folder: &str, name: &str) -> Result<PathBuf, Failure> {
    let own = env::current_exe()
        .map_err(|error| Failure::system("cannot find this command's own path", error))?;
    let target = own.ancestors().nth(4).unwrap_or(&own);
    let path = target.join(folder).join("release").join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::new(format!(
        "there is no {}\nbuild it: type `cargo run` in {}",
        path.display(),
        source_root().display()
    )))
}
