//! The log: one JSON line for each decision and use; lines are only ever added.
//!
//! The first few equal events are written one by one, further ones are counted and written as one line with the count, so that a
//! program cannot drown the log. Badges are texts, since many readers of JSON lose the low bits of large numbers.
use crate::json::Object;
use crate::store::hex;
use crate::{Hash, Resource};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Equal events that are written one by one.
pub const EACH: u64 = 3;
/// Different events that are counted at the same time.
const MAX_COUNTED: usize = 1024;

/// An event, with all that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// `decision`, `use`, `close`, `revoke`.
    pub event: &'static str,
    /// The sandbox.
    pub badge: u64,
    /// The sandbox's manifest.
    pub manifest: Hash,
    /// The program's path, its own word.
    pub program: String,
    /// The program's hash.
    pub program_hash: Hash,
    /// The class of device.
    pub resource: Resource,
    /// Which one.
    pub instance: String,
    /// `allow`, `deny`, `black`.
    pub decision: &'static str,
    /// The answer's word, where one was given.
    pub scope: &'static str,
    /// Who or what decided: `user-ui`, `cli`, `FILE:LINE`, `store`, `run`, `default`, `limit`, `time-out`, `escape`, `not-shown`, ...
    pub decided_by: String,
    /// The sandboxes from init down to the one that asked.
    pub via: Vec<String>,
}

/// The changing part of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Seconds since 1970 of the decision.
    pub decided_at: u64,
    /// Seconds since 1970 from which on it counts no more.
    pub expires_at: Option<u64>,
    /// Seconds since 1970 of the last use.
    pub last_used_at: Option<u64>,
    /// Reports of use.
    pub use_count: u64,
    /// Bytes delivered.
    pub bytes: u64,
}

impl Record {
    /// The line, without a line break; `unix` is the time of writing, `count` how many equal events it stands for.
    pub fn line(&self, unix: u64, figures: &Figures, count: u64) -> String {
        Object::new()
            .text("event", self.event)
            .number("time", unix)
            .text("badge", &format!("{}", self.badge))
            .text("manifest_hash", &hex(&self.manifest))
            .text("program", &self.program)
            .text("program_hash", &hex(&self.program_hash))
            .text("resource", self.resource.name())
            .text("instance", &self.instance)
            .text("decision", self.decision)
            .text("scope", self.scope)
            .number("decided_at", figures.decided_at)
            .maybe("expires_at", figures.expires_at)
            .maybe("last_used_at", figures.last_used_at)
            .number("use_count", figures.use_count)
            .number("bytes", figures.bytes)
            .text("decided_by", &self.decided_by)
            .list("via", &self.via)
            .number("count", count)
            .finish()
    }
}

/// Writes the first events of a kind and counts the rest.
#[derive(Debug, Default)]
pub struct Log {
    counted: BTreeMap<Record, (u64, Figures)>,
}

impl Log {
    /// Takes an event and gives the lines to write now.
    pub fn add(&mut self, record: Record, unix: u64, figures: Figures) -> Vec<String> {
        let mut lines = Vec::new();
        if self.counted.len() >= MAX_COUNTED && !self.counted.contains_key(&record) {
            lines = self.flush(unix);
        }
        let line = record.line(unix, &figures, 1);
        let seen = self.counted.entry(record).or_insert((0, figures));
        *seen = (seen.0 + 1, figures);
        if seen.0 <= EACH {
            lines.push(line);
        }
        lines
    }

    /// The lines for what was counted, and starts again. Called when a sandbox or the service ends.
    pub fn flush(&mut self, unix: u64) -> Vec<String> {
        let counted = core::mem::take(&mut self.counted);
        let more = counted.into_iter().filter(|(_, (count, _))| *count > EACH);
        more.map(|(record, (count, figures))| record.line(unix, &figures, count - EACH))
            .collect()
    }

    /// The same for one sandbox.
    pub fn flush_badge(&mut self, badge: u64, unix: u64) -> Vec<String> {
        let (own, others) = core::mem::take(&mut self.counted)
            .into_iter()
            .partition(|(record, _)| record.badge == badge);
        self.counted = own;
        let lines = self.flush(unix);
        self.counted = others;
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(badge: u64) -> Record {
        Record {
            event: "decision",
            badge,
            manifest: [1; 32],
            program: "/x\",\"decision\":\"allow\n".into(),
            program_hash: [2; 32],
            resource: Resource::Camera,
            instance: "0".into(),
            decision: "deny",
            scope: "never",
            decided_by: "user-ui".into(),
            via: alloc::vec!["init".into(), "\u{1b}shell".into()],
        }
    }

    #[test]
    fn the_line_is_exact() {
        let line = record(u64::MAX).line(
            9,
            &Figures {
                decided_at: 7,
                ..Figures::default()
            },
            1,
        );
        let (ones, twos) = ("01".repeat(32), "02".repeat(32));
        let expected = format!(
            "{{\"event\":\"decision\",\"time\":9,\"badge\":\"18446744073709551615\",\"manifest_hash\":\"{ones}\",\
             \"program\":\"/x\\\",\\\"decision\\\":\\\"allow\\u000a\",\"program_hash\":\"{twos}\",\"resource\":\"camera\",\
             \"instance\":\"0\",\"decision\":\"deny\",\"scope\":\"never\",\"decided_at\":7,\"expires_at\":null,\
             \"last_used_at\":null,\"use_count\":0,\"bytes\":0,\"decided_by\":\"user-ui\",\
             \"via\":[\"init\",\"\\u001bshell\"],\"count\":1}}"
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn a_flood_becomes_a_count() {
        let mut log = Log::default();
        let mut lines: Vec<String> = (0..1000)
            .flat_map(|time| log.add(record(1), time, Figures::default()))
            .collect();
        log.add(record(2), 0, Figures::default());
        assert_eq!(lines.len() as u64, EACH);
        lines = log.flush_badge(1, 1000);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("\"count\":997}"));
        assert!(
            log.flush(0).is_empty(),
            "one event of badge 2 was written already"
        );
    }

    #[test]
    fn many_kinds_of_events_are_held_within_a_bound() {
        let mut log = Log::default();
        let lines: usize = (0..5000)
            .map(|badge| log.add(record(badge), 0, Figures::default()).len())
            .sum();
        assert_eq!(lines, 5000);
        assert!(log.counted.len() <= MAX_COUNTED);
    }
}
