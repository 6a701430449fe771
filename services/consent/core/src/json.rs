//! JSON objects on one line: a writer for the log, and a strict reader for what it wrote.
//!
//! The writer's lines are plain ASCII: a name with control characters, bidirectional marks or anything else that a terminal might
//! act on stays harmless when the log is shown, and a line never holds a line break.
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// An object that is being written.
#[derive(Debug)]
pub struct Object {
    line: String,
}

impl Default for Object {
    fn default() -> Self {
        Object::new()
    }
}

impl Object {
    /// An empty object.
    pub fn new() -> Object {
        Object {
            line: "{".to_string(),
        }
    }

    fn key(&mut self, key: &str) {
        if self.line.len() > 1 {
            self.line.push(',');
        }
        quote(key, &mut self.line);
        self.line.push(':');
    }

    /// Adds a text.
    pub fn text(mut self, key: &str, value: &str) -> Object {
        self.key(key);
        quote(value, &mut self.line);
        self
    }

    /// Adds a number.
    pub fn number(mut self, key: &str, value: u64) -> Object {
        self.key(key);
        self.line.push_str(&value.to_string());
        self
    }

    /// Adds a number, or `null` if there is none.
    pub fn maybe(mut self, key: &str, value: Option<u64>) -> Object {
        self.key(key);
        match value {
            Some(value) => self.line.push_str(&value.to_string()),
            None => self.line.push_str("null"),
        }
        self
    }

    /// Adds a list of texts.
    pub fn list(mut self, key: &str, values: &[String]) -> Object {
        self.key(key);
        self.line.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.line.push(',');
            }
            quote(value, &mut self.line);
        }
        self.line.push(']');
        self
    }

    /// The object, without a line break.
    pub fn finish(mut self) -> String {
        self.line.push('}');
        self.line
    }
}

fn quote(text: &str, line: &mut String) {
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            ' '..='~' => line.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
        }
    }
    line.push('"');
}

/// A value in an object that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// `null`.
    Null,
}

/// Reads a flat object of texts, whole numbers and nulls as the writer writes it; each key once, no spaces. Anything else is none.
pub fn read(line: &str) -> Option<Vec<(String, Value)>> {
    let mut rest = line.strip_prefix('{')?;
    let mut fields: Vec<(String, Value)> = Vec::new();
    if rest == "}" {
        return Some(fields);
    }
    loop {
        let (key, after) = read_text(rest)?;
        let (value, after) = read_value(after.strip_prefix(':')?)?;
        if fields.iter().any(|(other, _)| *other == key) {
            return None;
        }
        fields.push((key, value));
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return (after == "}").then_some(fields),
        }
    }
}

fn read_value(text: &str) -> Option<(Value, &str)> {
    if let Some(rest) = text.strip_prefix("null") {
        return Some((Value::Null, rest));
    }
    if text.starts_with('"') {
        return read_text(text).map(|(text, rest)| (Value::Text(text), rest));
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((Value::Number(digits.parse().ok()?), rest))
}

fn read_text(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut out = String::new();
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => return Some((out, rest)),
            '\\' => {
                let (character, after) = read_escape(rest)?;
                out.push(character);
                rest = after;
            }
            ' '..='~' => out.push(character),
            _ => return None,
        }
    }
}

fn read_escape(text: &str) -> Option<(char, &str)> {
    if let Some(character) = text.chars().next().filter(|c| matches!(c, '"' | '\\')) {
        return Some((character, &text[1..]));
    }
    let (first, rest) = read_unit(text.strip_prefix('u')?)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(u32::from(first)).map(|character| (character, rest));
    }
    let (second, rest) = read_unit(rest.strip_prefix("\\u")?)?;
    char::decode_utf16([first, second])
        .next()?
        .ok()
        .map(|character| (character, rest))
}

fn read_unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16)
        .ok()
        .map(|unit| (unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn hostile_names_come_back_and_are_plain() {
        for name in [
            "\"},{\"decision\":\"allow",
            "\n{}",
            "\u{1b}]52;c;x\u{7}",
            "a\u{202e}b",
            "\u{e0041}",
            "\\u0022",
            "\0",
        ] {
            let line = Object::new()
                .text("name", name)
                .number("n", u64::MAX)
                .maybe("x", None)
                .finish();
            assert!(
                line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{line}"
            );
            let fields = read(&line).unwrap();
            assert_eq!(fields[0].1, Value::Text(name.into()));
            assert_eq!(fields[1].1, Value::Number(u64::MAX));
            assert_eq!(fields[2].1, Value::Null);
        }
    }

    #[test]
    fn random_names_come_back() {
        let mut random = Random(3);
        for _ in 0..2000 {
            let name: String = (0..random.below(20))
                .filter_map(|_| char::from_u32(random.next() as u32 & 0x1f_ffff))
                .collect();
            let line = Object::new().text(&name, &name).finish();
            assert_eq!(
                read(&line),
                Some(alloc::vec![(name.clone(), Value::Text(name))])
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "{",
            "{}x",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":01}",
            "{\"a\":-1}",
            "{\"a\":99999999999999999999}",
            "{\"a\":\"x}",
            "{\"a\":\"\\q\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":\"é\"}",
            "{\"a\": 1}",
            "{\"a\":{}}",
            "{\"a\":\"\\u+041\"}",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
