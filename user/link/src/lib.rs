//! Link arguments of native programs: the build script of each is `fn main() { sundog_link::program() }`.

/// Prints what cargo passes to the linker: a static image at a fixed place in the low 2 GiB (lld's default, 2 MiB), with pages of
/// 4 KiB and nothing that asks for a dynamic loader. Does nothing when the program is compiled for a host.
pub fn program() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    for argument in [
        "--no-pie",
        "-znorelro",
        "-zmax-page-size=4096",
        "--build-id=none",
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
