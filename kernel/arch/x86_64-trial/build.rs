//! Tells the linker how the bare-metal image is laid out: as the kernel's.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=../../image/link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let arguments = [
        "--no-pie",
        "-znorelro",
        "-zmax-page-size=4096",
        "--build-id=none",
    ];
    for argument in arguments {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rustc-link-arg-bins=-T{folder}/../../image/link.ld");
}
