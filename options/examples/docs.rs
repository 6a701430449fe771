//! Prints the reference page of all options, for `docs/options.md`.

fn main() {
    print!("{}", sundog_options::reference());
}
