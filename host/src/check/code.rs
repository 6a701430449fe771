//! Tells code from comments and literals in Rust source files.

/// The source with comments and the contents of strings blanked; lines keep their numbers.
pub fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let skipped = skipped_length(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(rest[..skipped].chars().filter(|letter| *letter == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length in bytes of the comment or literal at the start of `rest`; 0 if there is none.
fn skipped_length(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    let after_name =
        before.is_some_and(|letter| letter.is_alphanumeric() && letter != 'b' && letter != 'c');
    if rest.starts_with('r') && !after_name {
        let marks = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
        if rest[1 + marks..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(marks)), marks + 2);
        }
    }
    if rest.starts_with('"') {
        return quoted_length(rest, b'"');
    }
    // A character, not a lifetime: one letter or one escape, then the closing quote.
    let mut letters = rest.chars();
    if letters.next() == Some('\'')
        && (letters.next() == Some('\\') || letters.next() == Some('\''))
    {
        return quoted_length(rest, b'\'');
    }
    0
}

/// The length of a comment that may contain others.
fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal between two equal marks, with escapes by a backslash.
fn quoted_length(rest: &str, mark: u8) -> usize {
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            byte if byte == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank() {
        assert_eq!(code_only("a // b\nc"), "a  \nc");
        assert_eq!(code_only("a /* b\n/* c */ d */ e"), "a  \n e");
        assert_eq!(code_only("f(\"b \\\" c\", r#\"d \" e\"#)"), "f( ,  )");
        assert_eq!(code_only("&'a ['\\'', '\"']"), "&'a [ ,  ]");
        assert_eq!(code_only("\"without an end"), " ");
    }
}
