//! The reference page is the one that the table makes: every change of the contract shows in it.

#[path = "../examples/reference.rs"]
#[allow(dead_code, reason = "the example's main is not called here")]
mod reference;

#[test]
fn the_page_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/abi.md");
    let text = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        text == reference::text(),
        "docs/abi.md is stale; make it again with: cargo run -p sundog-abi --example reference > docs/abi.md"
    );
}
