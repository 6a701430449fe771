//! The help text of each front end, made from the table.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::table::{Front, OPTIONS, Spec, Status};

/// The help text: usage, the options that work by section, and the names of those that are known but do not.
pub fn help(front: Front) -> String {
    let mut text = format!(
        "usage: {} [OPTIONS...] [--] COMMAND [ARGS...]\n",
        front.name()
    );
    let mut section = None;
    for spec in working(front) {
        if section != Some(spec.section) {
            section = Some(spec.section);
            text.push_str(&format!("\n{}:\n", spec.section.title()));
        }
        let left = usage(spec);
        text.push_str(&format!("    {left:<28} {}\n", spec.meaning));
    }
    let missing: Vec<&str> = OPTIONS
        .iter()
        .filter(|spec| spec.fronts.contains(front) && spec.status != Status::Works)
        .map(|spec| spec.name)
        .collect();
    text.push_str("\nKnown, but an error today:\n");
    wrap(&mut text, &missing);
    text
}

fn working(front: Front) -> impl Iterator<Item = &'static Spec> {
    OPTIONS
        .iter()
        .filter(move |spec| spec.fronts.contains(front) && spec.status == Status::Works)
}

/// The option with the names of its arguments.
pub(crate) fn usage(spec: &Spec) -> String {
    let mut text = String::from(spec.name);
    for argument in spec.arguments {
        text.push(' ');
        text.push_str(argument);
    }
    text
}

/// Appends the words in lines of at most 80 columns.
fn wrap(text: &mut String, words: &[&str]) {
    let mut column = 0;
    for word in words {
        if column > 0 && column + 1 + word.len() > 80 {
            text.push('\n');
            column = 0;
        }
        let gap = if column == 0 { "    " } else { " " };
        text.push_str(gap);
        text.push_str(word);
        column += gap.len() + word.len();
    }
    text.push('\n');
}
