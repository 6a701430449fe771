//! Prints docs/abi.md, made from the table of system calls.

use std::fmt::Write;

use sundog_abi::{ABI_VERSION, CALLS, Error, ObjectType, Rights};

/// The whole page.
pub fn text() -> String {
    let mut page = String::new();
    let out = &mut page;
    line(out, "# The contract of kernel and programs");
    line(out, "");
    line(
        out,
        &format!(
            "Version {ABI_VERSION}. Made from `abi/src/table.rs` by `cargo run -p sundog-abi --example reference`; do not edit."
        ),
    );
    line(out, "");
    line(
        out,
        "Registers of a call of kind `invoke`: rax = number, rdi = address of the capability, then the arguments in rsi, rdx, r10, r8,",
    );
    line(
        out,
        "r9; after it rax = status (0 or an error), rdx = value, r8 = second value. Calls of kind `message` use the registers of",
    );
    line(out, "`abi/src/message.rs`. rcx and r11 are always lost.");
    line(out, "");
    line(
        out,
        "Every look-up of a capability can fail with InvalidAddress, WrongType, MissingRights, Revoked or NotConfigured.",
    );
    line(out, "");
    line(out, "## Calls");
    for call in CALLS {
        let arguments: Vec<String> = call
            .arguments
            .iter()
            .map(|argument| format!("{}: {}", argument.name, argument.kind))
            .collect();
        let right = if call.right.is_empty() {
            "none".into()
        } else {
            call.right.to_lowercase()
        };
        line(out, "");
        line(out, &format!("### {} {}", call.number, call.name));
        line(out, call.text.trim());
        line(out, "");
        if !call.object.is_empty() {
            line(
                out,
                &format!("- capability: {}, right: {right}", call.object),
            );
        }
        if !arguments.is_empty() {
            line(out, &format!("- arguments: {}", arguments.join(", ")));
        }
        line(
            out,
            &format!("- kind: {}; value: {}", call.kind, call.value),
        );
        if !call.errors.is_empty() {
            line(out, &format!("- errors: {}", call.errors.join(", ")));
        }
    }
    line(out, "");
    line(out, "## Errors");
    line(out, "");
    for (error, name, text) in Error::ALL {
        line(out, &format!("- {} {name}:{text}", *error as u64));
    }
    line(out, "");
    line(out, "## Types of objects");
    line(out, "");
    for (kind, name, text) in ObjectType::ALL {
        line(out, &format!("- {} {name}:{text}", *kind as u8));
    }
    line(out, "");
    line(out, "## Rights");
    line(out, "");
    for (name, right) in Rights::NAMES {
        line(out, &format!("- bit {} {name}", right.0.trailing_zeros()));
    }
    page
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn main() {
    print!("{}", text());
}
