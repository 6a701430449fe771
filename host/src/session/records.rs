//! What outlives a run: the store of answers and the log of decisions, in the user's folder for state.

use rustix::fs::{Access, access};
use rustix::process::geteuid;
use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use sundog_consent_core::store::{Entry, Store};
use sundog_consent_core::{Answer, names::escaped};
use sundog_protocols::control::Part;

/// The store's file, the one that replaces it, the one whose lock says who writes, and the log.
const STORE: &str = "answers";
const NEW: &str = "answers.new";
const LOCK: &str = "lock";
const LOG: &str = "log.jsonl";
/// Only the user reads and writes the files.
const MODE: u32 = 0o600;
/// Rights of others that must not be there.
const OTHERS: u32 = 0o022;

/// The store and the log.
#[derive(Debug)]
pub struct Records {
    folder: Option<PathBuf>,
    log: Option<File>,
    troubles: Vec<String>,
}

impl Records {
    /// Those in the user's folder: `$XDG_STATE_HOME/sundog`, or `~/.local/state/sundog`.
    pub fn of_user() -> Self {
        let absolute = |name: &str| {
            let path = PathBuf::from(env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        let state =
            absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        match state {
            Some(state) => Self::at(state.join("sundog")),
            None => Self {
                folder: None,
                log: None,
                troubles: vec![
                    "neither XDG_STATE_HOME nor HOME is set: no answer is remembered and nothing is logged".to_owned(),
                ],
            },
        }
    }

    /// Those in this folder, which is made when something is written.
    pub fn at(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            log: None,
            troubles: Vec::new(),
        }
    }

    /// Notes it if nothing can be written: answers for always would be forgotten.
    pub fn check(&mut self) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        // What is there already; the rest is made when it is needed.
        let there = folder.ancestors().find(|path| path.exists());
        let rights = Access::WRITE_OK | Access::EXEC_OK;
        if there.is_none_or(|path| !path.is_dir() || access(path, rights).is_err()) {
            self.trouble(
                &folder,
                "cannot be written: no answer is remembered and nothing is logged",
            );
        }
    }

    /// The store's text for the machine. A store that others could have written is not sent.
    pub fn stored(&mut self) -> Vec<(Part, String, String)> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(STORE)) else {
            return Vec::new();
        };
        match read(&path) {
            Ok(None) => Vec::new(),
            Ok(Some(text)) => {
                if Store::decode(&text).is_err() {
                    self.trouble(&path, "is damaged; what it allows does not count");
                }
                vec![(Part::Store, escaped(&path.to_string_lossy()), text)]
            }
            Err(error) => {
                self.trouble(&path, &format!("cannot be used: {error}"));
                Vec::new()
            }
        }
    }

    /// Adds a line to the log.
    pub fn log(&mut self, line: &str) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let path = folder.join(LOG);
        let written = self.log_file(&folder, &path).and_then(|file| {
            // One write for each line: lines of several runs do not mix.
            file.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())
        });
        if let Err(error) = written {
            self.trouble(&path, &format!("cannot be written: {error}"));
        }
    }

    /// Adds the machine's line to the store, if it is an entry and says what was answered.
    pub fn remember(&mut self, answer: Option<Answer>, line: &str) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let path = folder.join(STORE);
        let entry = Entry::decode(line).filter(|entry| Some(entry.answer) == answer);
        let Some(entry) = entry else {
            return self.trouble(
                &path,
                "was not changed: the machine sent something else than the answer",
            );
        };
        if let Err(error) = insert(&folder, &path, entry) {
            self.trouble(&path, &format!("was not changed: {error}"));
        }
    }

    /// What went wrong since the last call.
    pub fn take_troubles(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    fn trouble(&mut self, path: &Path, text: &str) {
        let line = format!("{} {text}", path.display());
        if !self.troubles.contains(&line) {
            self.troubles.push(line);
        }
    }

    fn log_file(&mut self, folder: &Path, path: &Path) -> Result<&mut File, Error> {
        if self.log.is_none() {
            make(folder)?;
            let mut options = OpenOptions::new();
            self.log = Some(options.append(true).create(true).mode(MODE).open(path)?);
        }
        self.log
            .as_mut()
            .ok_or_else(|| Error::from(ErrorKind::NotFound))
    }
}

fn make(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The text of a file that only this user could have written; nothing if there is none.
fn read(path: &Path) -> Result<Option<String>, Error> {
    let status = match fs::metadata(path) {
        Ok(status) => status,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if status.uid() != geteuid().as_raw() || status.mode() & OTHERS != 0 {
        return Err(Error::other("others can write it"));
    }
    let text = fs::read(path)?;
    String::from_utf8(text)
        .map(Some)
        .map_err(|_| Error::from(ErrorKind::InvalidData))
}

/// Writes the store anew with one more entry, and renames it over the old one.
fn insert(folder: &Path, path: &Path, entry: Entry) -> Result<(), Error> {
    make(folder)?;
    let mut options = OpenOptions::new();
    let lock = options
        .append(true)
        .create(true)
        .mode(MODE)
        .open(folder.join(LOCK))?;
    lock.lock()?;
    let text = read(path)?.unwrap_or_default();
    let mut store = Store::decode(&text)
        .map_err(|corrupt| Error::other(format!("it is damaged at line {}", corrupt.line)))?;
    if !store.insert(entry) {
        return Err(Error::other("it is full"));
    }
    let new = folder.join(NEW);
    // One that a killed run left is no use, and could have other rights.
    drop(fs::remove_file(&new));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&new)?;
    file.write_all(store.encode().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Whether a line of the log says that a program got a serial line.
pub fn lets_in(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| {
        line["event"] == "decision" && line["resource"] == "serial" && line["decision"] == "allow"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::os::unix::fs::PermissionsExt;
    use sundog_consent_core::Resource;
    use sundog_consent_core::store::Key;

    fn entry(number: u8, answer: Answer) -> Entry {
        let key = Key {
            manifest: [number; 32],
            program: [2; 32],
            resource: Resource::Serial,
            instance: "1".into(),
        };
        Entry {
            key,
            answer,
            path: "/bin/cat".into(),
            decided_at: 7,
            expires_at: None,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_decision_that_allows_lets_in() {
        let line = |event: &str, decision: &str| {
            format!(r#"{{"event":"{event}","resource":"serial","decision":"{decision}"}}"#)
        };
        assert!(lets_in(&line("decision", "allow")));
        for other in [
            line("decision", "deny"),
            line("decision", "black"),
            line("use", "allow"),
            line("decision", "allow").replace("serial", "camera"),
            "no JSON".into(),
        ] {
            assert!(!lets_in(&other), "{other}");
        }
    }

    #[test]
    fn answers_are_kept_and_only_for_the_user() {
        let folder = Folder::new().unwrap();
        let state = folder.file("state/sundog");
        let mut records = Records::at(state.clone());
        assert!(records.stored().is_empty());
        records.remember(Some(Answer::Always), &entry(1, Answer::Always).encode());
        records.remember(Some(Answer::Never), &entry(2, Answer::Never).encode());
        assert!(records.take_troubles().is_empty());
        assert_eq!((mode(&state), mode(&state.join(STORE))), (0o700, 0o600));
        let stored = records.stored();
        let store = Store::decode(&stored[0].2).unwrap();
        assert_eq!((stored.len(), store.entries().count()), (1, 2));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_at_the_start() {
        let folder = Folder::new().unwrap();
        let mut records = Records::at(folder.file("state/sundog"));
        records.check();
        assert!(records.take_troubles().is_empty() && !folder.file("state").exists());
        fs::write(folder.file("state"), "").unwrap();
        records.check();
        assert!(records.take_troubles()[0].contains("no answer is remembered"));
    }

    #[test]
    fn only_what_was_answered_is_kept() {
        let folder = Folder::new().unwrap();
        let mut records = Records::at(folder.file("state"));
        records.remember(Some(Answer::Never), &entry(1, Answer::Always).encode());
        records.remember(Some(Answer::Always), "{}");
        assert!(!folder.file("state").join(STORE).exists());
        assert_eq!(records.take_troubles().len(), 1);
    }

    #[test]
    fn a_store_of_others_or_a_damaged_one_is_not_built_upon() {
        let folder = Folder::new().unwrap();
        let state = folder.file("state");
        let mut records = Records::at(state.clone());
        records.remember(Some(Answer::Always), &entry(1, Answer::Always).encode());
        let path = state.join(STORE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(records.stored().is_empty());
        assert_eq!(records.take_troubles().len(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "damaged").unwrap();
        records.remember(Some(Answer::Always), &entry(2, Answer::Always).encode());
        assert_eq!(fs::read(&path).unwrap(), b"damaged");
        assert!(records.take_troubles()[0].contains("damaged at line"));
    }

    #[test]
    fn the_log_only_grows() {
        let folder = Folder::new().unwrap();
        let state = folder.file("state");
        Records::at(state.clone()).log("{\"a\":1}");
        Records::at(state.clone()).log("{\"b\":\n2}");
        assert_eq!(
            fs::read_to_string(state.join(LOG)).unwrap(),
            "{\"a\":1}\n{\"b\": 2}\n"
        );
        assert_eq!(mode(&state.join(LOG)), 0o600);
    }
}
