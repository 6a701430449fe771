//! Names made by strangers, made fit to be shown: escaped, cut, and flagged where their letters come from several alphabets.
use alloc::format;
use alloc::string::String;

/// The most combining marks shown on one letter.
const MARKS: usize = 3;

/// A name as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The text, of at most the wanted number of columns.
    pub text: String,
    /// Its width in columns.
    pub columns: usize,
    /// Letters of several alphabets occur, so it may be made to look like another name.
    pub mixed: bool,
    /// Something was cut off; the text then ends in `...`.
    pub cut: bool,
}

/// Makes a name fit to be shown in at most `columns` columns (at least 4).
///
/// What is not a visible character of plain left-to-right text is written as `\u{...}`, and `\` itself as `\\`, so that no two names
/// look the same by tricks of control, bidirectional or zero-width characters.
pub fn shown(name: &str, columns: usize) -> Shown {
    let columns = columns.max(4);
    let mut out = Shown {
        text: String::new(),
        columns: 0,
        mixed: mixed(name),
        cut: false,
    };
    let mut fits = (0, 0);
    let mut marks = 0;
    for character in name.chars() {
        marks = if is_mark(character) { marks + 1 } else { 0 };
        let stacked = marks > 0 && marks <= MARKS && !out.text.is_empty();
        let before = out.text.len();
        let width = if stacked {
            out.text.push(character);
            0
        } else {
            push_escaped(character, &mut out.text)
        };
        if out.columns + width > columns {
            out.text.truncate(if out.columns + 3 <= columns {
                before
            } else {
                fits.0
            });
            out.columns = if out.columns + 3 <= columns {
                out.columns
            } else {
                fits.1
            };
            out.text.push_str("...");
            out.columns += 3;
            out.cut = true;
            return out;
        }
        out.columns += width;
        if out.columns + 3 <= columns {
            fits = (out.text.len(), out.columns);
        }
    }
    out
}

/// The whole name, escaped in the same way.
pub fn escaped(name: &str) -> String {
    shown(name, usize::MAX).text
}

/// Text that is fit to be shown already, cut to `columns` columns without a mark.
pub fn clip(text: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += if is_mark(*character) {
            0
        } else {
            width(*character)
        };
        used <= columns
    };
    text.chars().take_while(fits).collect()
}

/// A name from bytes that may not be text: each byte that is none stands as `\xNN`, and no more than `most` bytes are kept.
pub fn from_bytes(bytes: &[u8], most: usize) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if out.len() + character.len_utf8() > most {
                return out;
            }
            out.push(character);
        }
        for byte in chunk.invalid() {
            if out.len() + 4 > most {
                return out;
            }
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

fn push_escaped(character: char, out: &mut String) -> usize {
    if character == '\\' {
        out.push_str("\\\\");
        return 2;
    }
    if is_plain(character) {
        out.push(character);
        return width(character);
    }
    let escape = format!("\\u{{{:x}}}", u32::from(character));
    out.push_str(&escape);
    escape.len()
}

/// Columns that a visible character takes.
fn width(character: char) -> usize {
    let wide = matches!(u32::from(character),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x20000..=0x3fffd);
    if wide { 2 } else { 1 }
}

fn is_mark(character: char) -> bool {
    matches!(u32::from(character), 0x300..=0x34e | 0x350..=0x36f | 0x483..=0x487 | 0x1ab0..=0x1abd | 0x1dc0..=0x1dff)
}

/// Visible, of one fixed place, width and direction. Emoji are escaped, since terminals disagree about their width. Alphabets written from right to left are escaped too: a prompt lays out no
/// bidirectional text, and an escaped name cannot move its neighbours.
fn is_plain(character: char) -> bool {
    matches!(u32::from(character),
        0x20..=0x7e | 0xa1..=0xac | 0xae..=0x2ff | 0x370..=0x482 | 0x48a..=0x52f | 0x531..=0x58a | 0x904..=0x939
        | 0xe01..=0xe30 | 0xe40..=0xe46 | 0x10a0..=0x10ff | 0x1e00..=0x1fff | 0x2010..=0x2027 | 0x2030..=0x205e | 0x20a0..=0x20bf
        | 0x2100..=0x22ff | 0x2500..=0x25fc | 0x2e80..=0x2fdf | 0x3001..=0x3029 | 0x3041..=0x3096 | 0x30a1..=0x30ff
        | 0x3105..=0x312f | 0x3400..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0x20000..=0x2fa1d)
}

/// Whether letters of several alphabets occur. Han, kana and bopomofo are written together, and with Latin letters, everywhere.
fn mixed(name: &str) -> bool {
    let mut seen = 0u32;
    for character in name.chars() {
        let alphabet = match u32::from(character) {
            0x41..=0x5a
            | 0x61..=0x7a
            | 0xaa
            | 0xba
            | 0xc0..=0xd6
            | 0xd8..=0xf6
            | 0xf8..=0x24f
            | 0x1e00..=0x1eff => 0,
            0x250..=0x2af
            | 0x1d00..=0x1dbf
            | 0x2100..=0x214f
            | 0xff21..=0xff5a
            | 0x1d400..=0x1d7ff => 1,
            0x370..=0x3ff | 0x1f00..=0x1fff => 2,
            0x400..=0x52f => 3,
            0x531..=0x58f => 4,
            0x590..=0x5ff => 5,
            0x600..=0x6ff => 6,
            0x900..=0x97f => 7,
            0xe00..=0xe7f => 8,
            0x10a0..=0x10ff => 9,
            0x13a0..=0x13ff | 0xab70..=0xabbf => 10,
            _ => continue,
        };
        seen |= 1 << alphabet;
    }
    // The look-alikes of Latin letters are suspect by themselves.
    seen.count_ones() > 1 || seen & 0b10 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_written_out() {
        assert_eq!(
            shown("inno\u{202e}gpj.tixe", 80).text,
            "inno\\u{202e}gpj.tixe"
        );
        assert_eq!(
            shown("a\u{1b}[2Jb\r\nc", 80).text,
            "a\\u{1b}[2Jb\\u{d}\\u{a}c"
        );
        assert_eq!(
            shown("a\u{200b}b\u{ad}\u{feff}\u{9b}", 80).text,
            "a\\u{200b}b\\u{ad}\\u{feff}\\u{9b}"
        );
        assert_eq!(shown("\\u{202e}", 80).text, "\\\\u{202e}");
        assert_eq!(shown("müde/日本", 80).text, "müde/日本");
        assert_eq!(shown("日本", 80).columns, 4);
    }

    #[test]
    fn it_never_takes_more_columns() {
        for name in [
            "x".repeat(100),
            "日".repeat(50),
            "\u{1b}".repeat(50),
            "a\u{301}".repeat(99),
            "e\u{301}\u{301}\u{301}\u{301}\u{301}".into(),
        ] {
            for columns in 4..40 {
                let shown = shown(&name, columns);
                assert!(shown.columns <= columns, "{shown:?} in {columns}");
                assert_eq!(shown.cut, shown.text.ends_with("..."));
            }
        }
        assert_eq!(shown("abcdefgh", 6).text, "abc...");
        assert_eq!(shown("abcdef", 6).text, "abcdef");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let name = alloc::format!("a{}", "\u{301}".repeat(10));
        assert_eq!(shown(&name, 200).text.matches("\\u{301}").count(), 7);
        assert!(
            shown("\u{301}a", 20).text.starts_with("\\u{301}"),
            "a mark needs a letter"
        );
    }

    #[test]
    fn other_alphabets_look_alike() {
        assert!(shown("/usr/bin/pаypal", 40).mixed, "Cyrillic a");
        assert!(shown("ＡＢ", 40).mixed, "full-width letters");
        assert!(!shown("/usr/bin/paypal-日本", 40).mixed);
        assert!(!shown("привет", 40).mixed);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_visible() {
        assert_eq!(from_bytes(b"a\xff\xc3(", 100), "a\\xff\\xc3(");
        assert_eq!(from_bytes("é".as_bytes(), 1), "");
        assert!(from_bytes(&[0xff; 100], 30).len() <= 30);
    }
}
