//! Numbers on the command line: sizes with suffixes, and the C library's rules where bubblewrap uses them.

use crate::error::NumberFault;

/// Reads a size: decimal digits and one of the suffixes K, M, G (powers of 1024, either case).
///
/// # Errors
/// `Empty` without digits, `NotANumber` for anything else than digits and one suffix, `TooLarge` from 2^64 bytes on.
pub fn parse_size(text: &[u8]) -> Result<u64, NumberFault> {
    let (digits, shift) = match text.split_last() {
        Some((b'K' | b'k', rest)) => (rest, 10),
        Some((b'M' | b'm', rest)) => (rest, 20),
        Some((b'G' | b'g', rest)) => (rest, 30),
        _ => (text, 0),
    };
    parse_decimal(digits)?
        .checked_mul(1 << shift)
        .ok_or(NumberFault::TooLarge)
}

/// Reads decimal digits and nothing else.
pub(crate) fn parse_decimal(digits: &[u8]) -> Result<u64, NumberFault> {
    if digits.is_empty() {
        return Err(NumberFault::Empty);
    }
    digits.iter().try_fold(0u64, |value, byte| {
        if !byte.is_ascii_digit() {
            return Err(NumberFault::NotANumber);
        }
        value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(byte - b'0')))
            .ok_or(NumberFault::TooLarge)
    })
}

/// The mode of `--perms`: octal, at most 07777. Like C's strtoul it takes leading white space and a sign.
pub(crate) fn parse_mode(text: &[u8]) -> Option<u32> {
    let start = text
        .iter()
        .position(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b)?;
    let (digits, negative) = match text[start..].split_first() {
        Some((b'-', rest)) => (rest, true),
        Some((b'+', rest)) => (rest, false),
        _ => (&text[start..], false),
    };
    let value = parse_radix(digits, 8)?;
    let value = if negative {
        value.wrapping_neg()
    } else {
        value
    };
    u32::try_from(value).ok().filter(|mode| *mode <= 0o7777)
}

/// The size of `--size`: as C's strtoull with base 0, but the first byte must be a digit.
pub(crate) fn parse_c_size(text: &[u8]) -> Option<u64> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => parse_radix(digits, 16),
        [b'0', _, ..] => parse_radix(text, 8),
        _ => parse_radix(text, 10),
    }
}

fn parse_radix(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value
            .checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))
    })
}
