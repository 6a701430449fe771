//! What a test's machine showed, line by line: what a failed test prints and a scene of the tour picks from.

use sundog_consent_core::names::escaped;

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The kernel's text, in which init speaks too.
    Kernel,
    /// The program's terminal: COM1.
    Terminal,
    /// What the test typed there.
    Typed,
    /// What arrived at the guarded device: COM2.
    Device,
    /// A message between programs.
    Message,
    /// The person's part: an answer, a revoke.
    Person,
    /// A line of the log of decisions.
    Log,
}

impl Source {
    /// Its name for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Terminal => "terminal",
            Self::Typed => "typed",
            Self::Device => "device",
            Self::Message => "message",
            Self::Person => "person",
            Self::Log => "log",
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from.
    pub source: Source,
    /// Its text, fit to be shown.
    pub text: String,
}

impl Line {
    /// A line out of bytes that a machine may have chosen.
    pub fn new(source: Source, text: &str) -> Self {
        let text = escaped(without_sequences(text).trim_end());
        Self { source, text }
    }
}

/// The text without what moves a terminal's cursor and the like: ESC, `[`, parameters, a letter.
fn without_sequences(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !matches!(c, ' '..='?'));
        let length = end.and_then(|end| Some(end + piece[end..].chars().next()?.len_utf8()));
        out.push_str(&piece[length.unwrap_or(piece.len())..]);
    }
    out
}

/// The lines of a text.
pub fn lines(source: Source, text: &str) -> impl Iterator<Item = Line> {
    text.lines().map(move |line| Line::new(source, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_cannot_speak_to_the_terminal() {
        for text in [
            "a\x1b[2Jb\r\n",
            "\x1b[1;31mab\x1b[6n",
            "\x1b[\x1b[?25la\x1b[0 qb\x1b[",
        ] {
            assert_eq!(Line::new(Source::Terminal, text).text, "ab", "{text:?}");
        }
        let line = Line::new(Source::Terminal, "a\x1b]0;title\x07\x1bcb");
        assert!(!line.text.contains(['\x1b', '\x07']), "{line:?}");
    }
}
