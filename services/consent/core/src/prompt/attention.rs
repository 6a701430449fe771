//! What Ctrl-] brings: a few commands that list and take away, never grant.
use super::{Console, Event, State, Typed, keys};
use crate::names;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::control::Grant;

/// The most grants kept for the list.
const MAX_LISTED: usize = 1024;

/// What `revoke` needs.
const REVOKE: &str = "`revoke` takes a number from the list that `grants` shows.";

/// A grant that is being taken back.
#[derive(Debug)]
pub(super) struct Taking {
    number: u64,
    /// Whether the list before it had the grant.
    was_there: bool,
    /// Whether the list that comes now has it, as far as it came.
    seen: bool,
}

impl Console {
    /// The grants, in parts as the machine sends them.
    pub fn grants(&mut self, list: Vec<Grant>, last: bool) {
        if let Some(taking) = &mut self.taking {
            taking.seen |= list.iter().any(|grant| grant.id == taking.number);
        }
        let room = MAX_LISTED.saturating_sub(self.listed.len());
        self.listed.extend(list.into_iter().take(room));
        if !last {
            return;
        }
        self.whole();
        let listed = core::mem::take(&mut self.listed);
        if self.state == State::Attention {
            self.page = listed.iter().map(line).collect();
            if self.page.is_empty() {
                self.page.push("Nothing is granted.".into());
            }
            self.redraw();
        }
    }

    /// A list is whole: of those that `revoke` asked for, the last but one is of before it and the last of after it.
    fn whole(&mut self) {
        self.lists_due = self.lists_due.saturating_sub(1);
        let Some(taking) = &mut self.taking else {
            return;
        };
        let (number, seen) = (taking.number, core::mem::take(&mut taking.seen));
        if self.lists_due > 0 {
            taking.was_there = seen;
            return;
        }
        self.notice = match (taking.was_there, seen) {
            (true, false) => format!("Grant {number} is taken back."),
            (true, true) => format!("Grant {number} could not be taken back."),
            (false, _) => format!("There is no grant {number}; `grants` lists them."),
        };
        self.taking = None;
    }

    fn ask_for_list(&mut self) {
        self.lists_due += 1;
        self.events.push_back(Event::ListGrants);
    }

    pub(super) fn call(&mut self) {
        self.state = State::Attention;
        self.taking = None;
        self.typed = Typed::default();
        self.keys = keys::Keys::default();
        self.notice.clear();
        self.page = help();
        self.redraw();
    }

    pub(super) fn command(&mut self, typed: &Typed) {
        self.notice.clear();
        let words: Vec<&str> = typed
            .text
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect();
        match words[..] {
            _ if typed.spoiled => {
                self.notice = "That line was not typed plainly; type it again.".into()
            }
            [] => (),
            ["help"] => self.page = help(),
            ["grants"] => {
                self.listed.clear();
                self.ask_for_list();
            }
            ["revoke", number] => match number.parse() {
                Ok(number) => {
                    self.listed.clear();
                    self.taking = Some(Taking {
                        number,
                        was_there: false,
                        seen: false,
                    });
                    // The lists of before and after tell whether there was such a grant.
                    self.ask_for_list();
                    self.events.push_back(Event::Revoke(number));
                    self.ask_for_list();
                }
                Err(_) => self.notice = REVOKE.into(),
            },
            ["revoke"] => self.notice = REVOKE.into(),
            ["stop"] => {
                self.events.push_back(Event::Stop);
                self.done();
            }
            ["send"] => {
                self.events
                    .push_back(Event::Forward(alloc::vec![keys::ATTENTION]));
                self.done();
            }
            ["close"] => self.done(),
            _ => self.notice = "There is no such command; `help` lists them.".into(),
        }
    }
}

fn help() -> Vec<String> {
    let lines = [
        "grants      what the programs in this sandbox may use now",
        "revoke N    take grant N back, at once",
        "stop        end the sandbox",
        "send        pass Ctrl-] on to the program",
        "close       go back to the program (so do Esc and Ctrl-])",
    ];
    lines.map(String::from).into()
}

fn line(grant: &Grant) -> String {
    let name = |text: &str, columns| names::shown(text, columns).text;
    let device = format!(
        "{} +{}",
        name(&grant.resource, 12),
        name(&grant.instance, 24)
    );
    let Grant {
        id, answer, bytes, ..
    } = grant;
    format!(
        "{id}  {device}  {}  {}  {bytes} bytes",
        answer.word(),
        name(&grant.program, 40)
    )
}
