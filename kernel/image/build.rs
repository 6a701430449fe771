//! Tells the linker how the bare-metal image is laid out.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    // The target's default is a position-independent executable; the boot code needs real 32-bit addresses.
    let arguments = [
        "--no-pie",
        "-znorelro",
        "-zmax-page-size=4096",
        "--build-id=none",
    ];
    for argument in arguments {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rustc-link-arg-bins=-T{folder}/link.ld");
}
