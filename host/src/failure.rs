//! Why the command cannot go on, as text for a person.

use std::fmt;

/// An error that ends the command; shown as lines that begin with the command's name.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with a text that says what is wrong and, where it is known, what to do.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A failure of the operating system, with what was tried.
    pub fn system(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }

    /// The text alone.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines().enumerate() {
            let break_before = if index == 0 { "" } else { "\n" };
            write!(formatter, "{break_before}sundog: {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_the_command() {
        assert_eq!(Failure::new("a\nb").to_string(), "sundog: a\nsundog: b");
    }
}
