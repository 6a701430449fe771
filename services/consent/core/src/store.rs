//! The stored answers: `always` and `never`, as a text of one JSON object a line that the host keeps.
//!
//! The host writes the text of [`Store::encode`] to a new file and renames it over the old one, so it is never half written. The last
//! line holds the number of entries and a check over all before it; a text that lost a line, or was changed by anything but this
//! module, is corrupt as a whole, and then no `always` in it counts.
use crate::json::{self, Object, Value};
use crate::{Answer, Hash, Resource, policy};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The most entries.
pub const MAX_ENTRIES: usize = 4096;
/// The most bytes of a store's text.
pub const MAX_TEXT: usize = 4 << 20;
const FORMAT: u64 = 1;

/// What an answer was given for. It holds for this program in a sandbox that was given exactly these things, and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The sandbox's manifest.
    pub manifest: Hash,
    /// The program.
    pub program: Hash,
    /// The class of device.
    pub resource: Resource,
    /// Which one.
    pub instance: String,
}

/// A stored answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it was given for.
    pub key: Key,
    /// `always` or `never`.
    pub answer: Answer,
    /// The program's path when it was given; for people, never compared.
    pub path: String,
    /// Seconds since 1970.
    pub decided_at: u64,
    /// Seconds since 1970 from which on it counts no more.
    pub expires_at: Option<u64>,
}

/// The text is not one that this module wrote; the line (from 1) at which that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// The line.
    pub line: usize,
}

/// All stored answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    entries: BTreeMap<Key, Entry>,
}

impl Entry {
    /// The entry as one line without a line break.
    pub fn encode(&self) -> String {
        Object::new()
            .text("manifest_hash", &hex(&self.key.manifest))
            .text("program_hash", &hex(&self.key.program))
            .text("resource", self.key.resource.name())
            .text("instance", &self.key.instance)
            .text("answer", self.answer.word())
            .text("program", &self.path)
            .number("decided_at", self.decided_at)
            .maybe("expires_at", self.expires_at)
            .finish()
    }

    /// Reads such a line; none if it is anything else.
    pub fn decode(line: &str) -> Option<Entry> {
        let mut fields = json::read(line)?.into_iter();
        let mut field = |name: &str| {
            fields
                .next()
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        let entry = Entry {
            key: Key {
                manifest: unhex(&text(field("manifest_hash")?)?)?,
                program: unhex(&text(field("program_hash")?)?)?,
                resource: Resource::from_name(&text(field("resource")?)?)?,
                instance: text(field("instance")?).filter(|name| policy::is_instance(name))?,
            },
            answer: Answer::from_word(&text(field("answer")?)?)
                .filter(|a| matches!(a, Answer::Always | Answer::Never))?,
            path: text(field("program")?)?,
            decided_at: number(field("decided_at")?)?,
            expires_at: match field("expires_at")? {
                Value::Null => None,
                value => Some(number(value)?),
            },
        };
        fields.next().is_none().then_some(entry)
    }
}

impl Store {
    /// The stored answer, unless it has expired; `unix` in seconds since 1970.
    pub fn find(&self, key: &Key, unix: u64) -> Option<&Entry> {
        self.entries
            .get(key)
            .filter(|entry| entry.expires_at.is_none_or(|expires| unix < expires))
    }

    /// Adds an entry; of two for the same key the later one stays. False: the store is full.
    pub fn insert(&mut self, entry: Entry) -> bool {
        let old = self.entries.get(&entry.key);
        if old.is_some_and(|old| old.decided_at > entry.decided_at) {
            return true;
        }
        if old.is_none() && self.entries.len() >= MAX_ENTRIES {
            return false;
        }
        self.entries.insert(entry.key.clone(), entry);
        true
    }

    /// Takes an entry out; false if there was none.
    pub fn remove(&mut self, key: &Key) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Adds all entries of another store. False: not all fitted.
    pub fn merge(&mut self, other: Store) -> bool {
        other
            .entries
            .into_values()
            .filter(|entry| !self.insert(entry.clone()))
            .count()
            == 0
    }

    /// The entries, ordered by manifest, program, resource, instance.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The store's text.
    pub fn encode(&self) -> String {
        let mut text = Object::new().number("sundog_store", FORMAT).finish();
        text.push('\n');
        for entry in self.entries() {
            text.push_str(&entry.encode());
            text.push('\n');
        }
        let last = last_line(self.entries.len(), &text);
        text.push_str(&last);
        text.push('\n');
        text
    }

    /// Reads a store's text. An empty one is an empty store: the file does not exist yet.
    pub fn decode(text: &str) -> Result<Store, Corrupt> {
        if text.is_empty() {
            return Ok(Store::default());
        }
        let lines: Vec<&str> = text.split_inclusive('\n').take(MAX_ENTRIES + 3).collect();
        let at = |index: usize| Corrupt { line: index + 1 };
        let first = Object::new().number("sundog_store", FORMAT).finish();
        if text.len() > MAX_TEXT
            || lines.len() > MAX_ENTRIES + 2
            || lines[0] != format!("{first}\n")
        {
            return Err(at(0));
        }
        let mut store = Store::default();
        for (index, line) in lines.iter().enumerate().take(lines.len() - 1).skip(1) {
            let entry = line
                .strip_suffix('\n')
                .and_then(Entry::decode)
                .ok_or(at(index))?;
            if store.entries.insert(entry.key.clone(), entry).is_some() {
                return Err(at(index));
            }
        }
        let last = lines[lines.len() - 1];
        let before = &text[..text.len() - last.len()];
        if lines.len() < 2 || last != format!("{}\n", last_line(lines.len() - 2, before)) {
            return Err(at(lines.len() - 1));
        }
        Ok(store)
    }
}

fn last_line(entries: usize, before: &str) -> String {
    let check = before.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    Object::new()
        .number("entries", entries as u64)
        .text("check", &format!("{check:016x}"))
        .finish()
}

/// A hash in hexadecimal.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64
        || !text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn text(value: Value) -> Option<String> {
    if let Value::Text(text) = value {
        Some(text)
    } else {
        None
    }
}

fn number(value: Value) -> Option<u64> {
    if let Value::Number(number) = value {
        Some(number)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn entry(number: u8, answer: Answer, decided_at: u64) -> Entry {
        let key = Key {
            manifest: [number; 32],
            program: [0xfe; 32],
            resource: Resource::Serial,
            instance: "1".into(),
        };
        Entry {
            key,
            answer,
            path: "/bin/\u{1b}[2J\n\"x".into(),
            decided_at,
            expires_at: Some(decided_at + 10),
        }
    }

    fn store() -> Store {
        let mut store = Store::default();
        for number in 0..5 {
            assert!(store.insert(entry(
                number,
                [Answer::Always, Answer::Never][usize::from(number) % 2],
                100
            )));
        }
        store
    }

    #[test]
    fn it_comes_back() {
        assert_eq!(Store::decode(&store().encode()), Ok(store()));
        assert_eq!(
            Store::decode(&Store::default().encode()),
            Ok(Store::default())
        );
        assert_eq!(Store::decode(""), Ok(Store::default()));
        assert_eq!(
            Entry::decode(&entry(1, Answer::Always, 5).encode()),
            Some(entry(1, Answer::Always, 5))
        );
    }

    #[test]
    fn any_damage_is_noticed() {
        let text = store().encode();
        for cut in 1..text.len() {
            assert!(Store::decode(&text[..cut]).is_err(), "cut at {cut}");
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for gone in 0..lines.len() {
            let rest: String = lines
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != gone)
                .map(|(_, line)| *line)
                .collect();
            assert!(Store::decode(&rest).is_err(), "line {gone} gone");
        }
        let mut random = Random(13);
        for _ in 0..5000 {
            let mut bytes = text.clone().into_bytes();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(7);
            assert!(Store::decode(&String::from_utf8(bytes).unwrap()).is_err());
        }
    }

    #[test]
    fn the_later_answer_stays_and_old_ones_expire() {
        let mut store = store();
        assert!(store.insert(entry(0, Answer::Never, 99)));
        assert_eq!(
            store
                .find(&entry(0, Answer::Never, 0).key, 105)
                .unwrap()
                .answer,
            Answer::Always
        );
        let mut other = Store::default();
        other.insert(entry(0, Answer::Never, 101));
        assert!(store.merge(other));
        assert_eq!(
            store
                .find(&entry(0, Answer::Never, 0).key, 110)
                .unwrap()
                .answer,
            Answer::Never
        );
        assert!(store.find(&entry(0, Answer::Never, 0).key, 111).is_none());
        assert!(store.remove(&entry(0, Answer::Never, 0).key) && store.entries().count() == 4);
    }

    #[test]
    fn only_always_and_never_are_stored() {
        for answer in [Answer::Once, Answer::Run, Answer::Deny, Answer::Black] {
            assert_eq!(Entry::decode(&entry(0, answer, 1).encode()), None);
        }
    }
}
