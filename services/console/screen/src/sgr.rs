//! Select graphic rendition: the parameters of `CSI m`, read and written.
use crate::cell::{Colour, Pen};
use alloc::format;
use alloc::string::String;

/// The parameters that are understood, in one form: colours with semicolons, kinds of underlining and of blinking as one. Empty if
/// there are none.
pub(crate) fn normal(body: &[u8]) -> String {
    let mut out = String::new();
    let mut add = |text: &str| {
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(text);
    };
    let mut parameters = body.split(|byte| *byte == b';').take(32);
    while let Some(parameter) = parameters.next() {
        let mut parts = parameter.split(|byte| *byte == b':').map(number);
        let code = parts.next().unwrap_or(0);
        match code {
            38 | 48 => {
                let colour = if parameter.contains(&b':') {
                    colons(parts)
                } else {
                    colour(&mut parameters.by_ref().map(number))
                };
                match colour {
                    Some(Colour::Indexed(index)) => add(&format!("{code};5;{index}")),
                    Some(Colour::Rgb(red, green, blue)) => {
                        add(&format!("{code};2;{red};{green};{blue}"))
                    }
                    Some(Colour::Default) | None => (),
                }
            }
            4 if parts.next() == Some(0) => add("24"),
            6 => add("5"),
            21 => add("4"),
            0..=9 | 22..=25 | 27..=37 | 39..=47 | 49 | 90..=97 | 100..=107 => {
                add(&format!("{code}"))
            }
            _ => (),
        }
    }
    out
}

/// Applies parameters in normal form to a pen.
pub(crate) fn apply(normal: &str, pen: &mut Pen) {
    let mut parameters = normal
        .split(';')
        .map(|parameter| number(parameter.as_bytes()));
    while let Some(code) = parameters.next() {
        match code {
            38 => pen.foreground = colour(&mut parameters).unwrap_or_default(),
            48 => pen.background = colour(&mut parameters).unwrap_or_default(),
            _ => simple(code, pen),
        }
    }
}

fn simple(code: u16, pen: &mut Pen) {
    match code {
        0 => *pen = Pen::default(),
        1..=9 => pen.attributes |= 1 << (code - 1),
        22 => pen.attributes &= !0b11,
        23..=25 | 27..=29 => pen.attributes &= !(1 << (code - 21)),
        30..=37 => pen.foreground = Colour::Indexed((code - 30) as u8),
        39 => pen.foreground = Colour::Default,
        40..=47 => pen.background = Colour::Indexed((code - 40) as u8),
        49 => pen.background = Colour::Default,
        90..=97 => pen.foreground = Colour::Indexed((code - 82) as u8),
        100..=107 => pen.background = Colour::Indexed((code - 92) as u8),
        _ => (),
    }
}

fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0u16, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u16::from(digit.wrapping_sub(b'0') % 10))
    })
}

/// `5;N` or `2;R;G;B`, taken from the parameters that follow.
fn colour(parameters: &mut impl Iterator<Item = u16>) -> Option<Colour> {
    let byte = |parameters: &mut dyn Iterator<Item = u16>| u8::try_from(parameters.next()?).ok();
    match parameters.next()? {
        5 => byte(parameters).map(Colour::Indexed),
        2 => Some(Colour::Rgb(
            byte(parameters)?,
            byte(parameters)?,
            byte(parameters)?,
        )),
        _ => None,
    }
}

/// The same with colons, where a colour space may stand before red.
fn colons(parts: impl Iterator<Item = u16>) -> Option<Colour> {
    let mut list = [0; 6];
    let mut count = 0;
    for part in parts {
        *list.get_mut(count)? = part;
        count += 1;
    }
    match (list[0], count) {
        (2, 5) => colour(&mut [2, list[2], list[3], list[4]].into_iter()),
        (2, 4) | (5, 2) => colour(&mut list.into_iter()),
        _ => None,
    }
}

/// The sequence that sets a pen, whatever was set before.
pub(crate) fn write(pen: Pen) -> String {
    let mut out = String::from("\x1b[0");
    for code in (1..=9).filter(|code| pen.attributes >> (code - 1) & 1 == 1) {
        out.push_str(&format!(";{code}"));
    }
    for (colour, base) in [(pen.foreground, 30), (pen.background, 40)] {
        match colour {
            Colour::Default => (),
            Colour::Indexed(index @ 0..=7) => {
                out.push_str(&format!(";{}", base + u16::from(index)))
            }
            Colour::Indexed(index @ 8..=15) => {
                out.push_str(&format!(";{}", base + 52 + u16::from(index)))
            }
            Colour::Indexed(index) => out.push_str(&format!(";{};5;{index}", base + 8)),
            Colour::Rgb(red, green, blue) => {
                out.push_str(&format!(";{};2;{red};{green};{blue}", base + 8))
            }
        }
    }
    out.push('m');
    out
}
