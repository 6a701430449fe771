//! The shape of the TOML text.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;
use serde::de::{Error, Visitor};
use toml::Spanned;

use super::Fault;
use sundog_abi::memory::PAGE_SIZE;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManifestText {
    pub machine: MachineText,
    #[serde(default)]
    pub ring: Vec<RingText>,
    #[serde(default)]
    pub program: Vec<ProgramText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MachineText {
    pub memory: Spanned<Pages>,
    /// What the kernel, the boot package and init itself take.
    pub reserve: Spanned<Pages>,
    pub cpus: Spanned<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RingText {
    pub name: Spanned<String>,
    pub pages: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramText {
    pub name: Spanned<String>,
    pub image: Spanned<String>,
    #[serde(default)]
    pub driver: bool,
    pub time: Option<Spanned<TimeText>>,
    pub memory: Spanned<Pages>,
    pub slots: Spanned<u32>,
    #[serde(default)]
    pub restart: RestartText,
    #[serde(default)]
    pub arguments: Vec<Spanned<String>>,
    #[serde(default)]
    pub trusts: Vec<Spanned<String>>,
    #[serde(default)]
    pub tells: Vec<TellText>,
    #[serde(default)]
    pub names: Vec<NameText>,
    #[serde(default)]
    pub capabilities: Vec<Spanned<CapabilityText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeText {
    pub priority: u8,
    #[serde(default)]
    pub cpu: u16,
    pub budget: u32,
    pub period: u32,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
pub(super) enum RestartText {
    #[default]
    Never,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TellText {
    pub notification: Spanned<String>,
    pub badge: Badge,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameText {
    pub path: Spanned<String>,
    pub endpoint: Spanned<String>,
}

/// A capability: name, slot, rights, and exactly one of the keys that say what it names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CapabilityText {
    pub name: String,
    pub slot: u32,
    pub rights: Option<Vec<String>>,
    pub badge: Option<Badge>,
    pub serves: Option<String>,
    pub mints: Option<String>,
    pub calls: Option<String>,
    pub ports: Option<[u32; 2]>,
    pub irq: Option<u8>,
    pub notification: Option<String>,
    pub ring: Option<String>,
    pub untyped: Option<Pages>,
    pub time: Option<TimeText>,
    pub vcpus: Option<u32>,
    pub archive: Option<bool>,
    pub object: Option<String>,
    pub of: Option<String>,
}

/// An amount of memory: a number of pages, or a text of bytes with a suffix K, M or G.
#[derive(Clone, Copy)]
pub(super) struct Pages(pub u32);

impl<'de> Deserialize<'de> for Pages {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PagesVisitor)
    }
}

struct PagesVisitor;

impl Visitor<'_> for PagesVisitor {
    type Value = Pages;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("a number of pages, or bytes such as \"64K\", \"16M\" or \"1G\"")
    }

    fn visit_i64<E: Error>(self, pages: i64) -> Result<Pages, E> {
        u32::try_from(pages)
            .map(Pages)
            .map_err(|_| E::custom("more pages than 32 bits can count, or less than none"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pages, E> {
        let (digits, shift) = match text.chars().last() {
            Some('K') => (&text[..text.len() - 1], 10),
            Some('M') => (&text[..text.len() - 1], 20),
            Some('G') => (&text[..text.len() - 1], 30),
            _ => return Err(E::custom("bytes need a suffix K, M or G")),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(E::custom("bytes are digits and a suffix K, M or G"));
        }
        let bytes: u64 = digits
            .parse()
            .map_err(|_| E::custom("a number is missing, or too large"))?;
        let bytes = bytes
            .checked_mul(1 << shift)
            .ok_or_else(|| E::custom("more bytes than 64 bits can count"))?;
        if bytes % PAGE_SIZE != 0 {
            return Err(E::custom("not a multiple of 4K, the size of a page"));
        }
        u32::try_from(bytes / PAGE_SIZE)
            .map(Pages)
            .map_err(|_| E::custom("more pages than 32 bits can count"))
    }
}

/// A badge: a number, or a text "0x..." for what is above 2^63.
#[derive(Clone, Copy)]
pub(super) struct Badge(pub u64);

impl<'de> Deserialize<'de> for Badge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BadgeVisitor)
    }
}

struct BadgeVisitor;

impl Visitor<'_> for BadgeVisitor {
    type Value = Badge;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("a badge: a positive number or a text such as \"0xffff\"")
    }

    fn visit_i64<E: Error>(self, badge: i64) -> Result<Badge, E> {
        u64::try_from(badge)
            .map(Badge)
            .map_err(|_| E::custom("a badge is not negative; write large ones as \"0x...\""))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Badge, E> {
        text.strip_prefix("0x")
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Badge)
            .ok_or_else(|| E::custom("a badge in a text is 0x and up to 16 hexadecimal digits"))
    }
}

/// Where lines begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Lines {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Lines(std::iter::once(0).chain(ends).collect())
    }

    /// The line, from 1, of a byte of the text.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

pub(super) fn parse(text: &str, lines: &Lines) -> Result<ManifestText, Fault> {
    toml::from_str(text).map_err(|error| Fault {
        line: lines.line(error.span().map_or(0, |span| span.start)),
        message: error.message().to_string(),
    })
}
