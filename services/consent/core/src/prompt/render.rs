//! The prompt as lines of text: the layout is fixed, names are escaped and cut, and no line is wider than the terminal.
use super::{Console, State};
use crate::names;
use crate::{Answer, Answers};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sundog_protocols::control::Prompt;

/// Below this many columns nothing is asked: a prompt that cannot be read is none.
pub const MIN_COLUMNS: usize = 40;
/// The fewest lines of a terminal on which a question with all answers fits.
pub const MIN_ROWS: usize = 16;
/// Lines around the page that Ctrl-] shows.
const FRAME: usize = 5;

impl Console {
    /// The lines to draw, from the top; none when nothing is to be shown. Each takes at most the terminal's columns and holds no
    /// control character.
    pub fn lines(&self) -> Vec<String> {
        let lines = match (self.state, self.queue.front()) {
            (State::Armed | State::Asking, Some(_)) if !self.fits() => {
                alloc::vec![
                    "Sundog asks, but this window is too small. Make it larger.".to_string()
                ]
            }
            (State::Armed | State::Asking, Some(prompt)) => self.question(prompt),
            (State::Attention, _) => self.attention_page(),
            _ => Vec::new(),
        };
        let rows = lines.into_iter().take(self.rows);
        rows.map(|line| names::clip(&line, self.columns)).collect()
    }

    /// Whether the question fits on the terminal as a whole.
    pub(super) fn fits(&self) -> bool {
        let needed = self
            .queue
            .front()
            .map_or(0, |prompt| self.question(prompt).len());
        self.columns >= MIN_COLUMNS && self.rows >= needed
    }

    fn question(&self, prompt: &Prompt) -> Vec<String> {
        let room = self.columns.saturating_sub(11);
        let name = |text: &str| names::shown(text, room);
        let device = names::shown(&prompt.resource, 14).text;
        let instance = names::shown(&prompt.instance, room.saturating_sub(device.len() + 3)).text;
        let program = name(&prompt.program);
        let parts: Vec<String> = prompt
            .chain
            .iter()
            .map(|part| names::shown(part, 24).text)
            .collect();
        let badge = format!("badge {}", prompt.badge);
        let chain = names::clip(&parts.join(" > "), room.saturating_sub(badge.len() + 3));
        let reason = match prompt.reason.as_str() {
            "" => "none given".into(),
            reason => format!(
                "\"{}\" (its own words)",
                names::shown(reason, room.saturating_sub(20)).text
            ),
        };
        let mixed = program.mixed
            || names::shown(&prompt.instance, room).mixed
            || prompt.chain.iter().any(|p| name(p).mixed);
        let warning = match (mixed, program.cut) {
            (true, _) => "letters of several alphabets; it may imitate another name",
            (false, true) => "the program's name is longer than this line",
            (false, false) => "none",
        };
        let mut lines = alloc::vec![
            rule("Sundog asks", self.columns),
            format!(" Device:  {device} +{instance}"),
            format!(" Program: {}", program.text),
            format!(" Sandbox: {chain} ({badge})"),
            format!(" Reason:  {reason}"),
            format!(" Warning: {warning}"),
            String::new(),
        ];
        lines.extend(words(prompt.offered));
        lines.push(String::new());
        lines.push(match self.state {
            State::Asking => format!(
                " Type one of these words and Enter. Esc denies.{}",
                rated(prompt.offered)
            ),
            _ => " Wait a moment: keys do not count yet.".into(),
        });
        lines.push(format!(" {}", self.notice));
        lines.push(format!(" > {}", self.typed.text));
        lines
    }

    fn attention_page(&self) -> Vec<String> {
        let mut lines = alloc::vec![rule("Sundog", self.columns)];
        let room = self.rows.saturating_sub(FRAME).max(1);
        lines.extend(self.page.iter().take(room).map(|line| format!(" {line}")));
        if self.page.len() > room {
            lines.push(format!(" and {} more", self.page.len() - room));
        }
        lines.push(match self.queue.len() {
            0 => " No question is waiting: what asks on the screen below is the program.".into(),
            _ => " A question is waiting; `close` shows it.".into(),
        });
        lines.push(format!(" {}", self.notice));
        lines.push(format!(" > {}", self.typed.text));
        lines
    }
}

fn rule(title: &str, columns: usize) -> String {
    format!(
        "== {title} {}",
        "=".repeat(columns.saturating_sub(title.len() + 4))
    )
}

/// How an answer is typed with a rate, if one is offered that takes it.
fn rated(offered: Answers) -> String {
    let takes = [Answer::Run, Answer::Once];
    let word = takes.into_iter().find(|answer| offered.contains(*answer));
    word.map_or_else(String::new, |answer| {
        format!(" `{} 100B/s` limits.", answer.word())
    })
}

fn words(offered: Answers) -> impl Iterator<Item = String> {
    Answer::ALL
        .into_iter()
        .filter(move |answer| offered.contains(*answer))
        .map(|answer| {
            let meaning = match answer {
                Answer::Once => "allow one open, until it is closed",
                Answer::Run => "allow until the sandbox ends",
                Answer::Always => "allow, also in later sandboxes",
                Answer::Deny => "deny this time",
                Answer::Never => "deny and do not ask again",
                Answer::Black => "give it an empty device",
            };
            format!("   {:<7}{meaning}", answer.word())
        })
}
