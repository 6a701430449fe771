//! Tells the linker how a native program is laid out.

fn main() {
    sundog_link::program();
}
