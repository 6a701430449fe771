//! The prompt on the person's terminal as a state machine, with time handed in and without I/O.
//!
//! The host command feeds it all that comes from the terminal and draws its [`Console::lines`] over the program's screen. It alone
//! decides which bytes are the program's; nothing that a program prints comes here, so nothing it prints can answer.
//!
//! ```text
//!  Idle --ask--> Armed --visible 1 s, keys quiet 0.3 s--> Asking --word and Enter, Esc, time-out--> Done --removed--> Idle
//!  Idle --Ctrl-]--> Attention --close, Esc, Ctrl-]--> Done
//! ```
//! What the caller has to do:
//! - On [`Event::Redraw`], draw the lines (or take them away when there are none), then call [`Console::drawn`] or
//!   [`Console::removed`]. Until then a question counts as not visible.
//! - Keep the program's output back while [`Console::holds_output`].
//! - When it wakes up, hand in what can be read before it calls [`Console::tick`]: keys pressed before the end of the
//!   arming time are then thrown away, however late they are read. Only `tick` ever ends the arming.
mod attention;
mod keys;
mod render;
mod typed;

pub use render::{MIN_COLUMNS, MIN_ROWS};

use crate::{Answer, SECOND};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use attention::Taking;
use keys::{Key, Keys};
use sundog_protocols::control::{By, Grant, Prompt};

/// How long a question must have been visible before a key counts, in nanoseconds.
pub const ARM: u64 = SECOND;
/// How long no key may have been pressed before one counts: who is in the middle of typing does not mean the question.
pub const QUIET: u64 = 3 * SECOND / 10;
/// The usual time for an answer, from when the question's turn comes.
pub const TIME_OUT: u64 = 60 * SECOND;
/// The most questions that wait; the machine sends one at a time, so more is an attack and is answered with "not shown".
pub const MAX_QUEUE: usize = 16;
const MAX_TYPED: usize = 32;

/// What the prompt is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is shown; keys go to the program.
    Idle,
    /// A question is shown; keys go nowhere.
    Armed,
    /// A question is shown and can be answered.
    Asking,
    /// It is settled, but still on the screen; keys go nowhere.
    Done,
    /// The person called with Ctrl-].
    Attention,
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Hand these bytes to the program.
    Forward(Vec<u8>),
    /// What is shown has changed.
    Redraw,
    /// Send the answer.
    Answer {
        /// To this question.
        id: u64,
        /// The answer.
        answer: Answer,
        /// How it came about.
        by: By,
        /// Bytes a second that the person typed along; 0 = no limit.
        rate: u32,
    },
    /// Ask for the list of grants, for [`Console::grants`].
    ListGrants,
    /// Take a grant back.
    Revoke(u64),
    /// End the sandbox.
    Stop,
}

/// The line that is being typed.
#[derive(Debug, Default)]
struct Typed {
    text: String,
    /// Something other than plain characters was in it: it cannot be an answer any more.
    spoiled: bool,
}

/// The prompt.
#[derive(Debug)]
pub struct Console {
    state: State,
    attention: bool,
    time_out: u64,
    rows: usize,
    columns: usize,
    queue: VecDeque<Prompt>,
    /// When the first question's time is over.
    ends: u64,
    visible_since: Option<u64>,
    last_key: u64,
    keys: Keys,
    typed: Typed,
    notice: String,
    page: Vec<String>,
    listed: Vec<Grant>,
    taking: Option<Taking>,
    /// Lists that were asked for and did not come yet.
    lists_due: usize,
    events: VecDeque<Event>,
}

impl Console {
    /// A prompt for a terminal of this size. With `attention`, Ctrl-] calls it; without (standard input is no terminal) every byte
    /// outside of a question is the program's. `time_out` in nanoseconds, usually [`TIME_OUT`].
    pub fn new(rows: usize, columns: usize, attention: bool, time_out: u64) -> Console {
        Console {
            state: State::Idle,
            attention,
            time_out,
            rows,
            columns,
            queue: VecDeque::new(),
            ends: 0,
            visible_since: None,
            last_key: 0,
            keys: Keys::default(),
            typed: Typed::default(),
            notice: String::new(),
            page: Vec::new(),
            listed: Vec::new(),
            taking: None,
            lists_due: 0,
            events: VecDeque::new(),
        }
    }

    /// What the prompt is doing.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the program's output must be kept back: something is drawn over its screen, or is about to be.
    pub fn holds_output(&self) -> bool {
        self.state != State::Idle
    }

    /// What has to be done, oldest first.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// The machine asks.
    pub fn ask(&mut self, prompt: Prompt, now: u64) {
        if self.queue.len() >= MAX_QUEUE || self.queue.iter().any(|other| other.id == prompt.id) {
            self.events.push_back(Event::Answer {
                id: prompt.id,
                answer: Answer::Deny,
                by: By::NotShown,
                rate: 0,
            });
            return;
        }
        self.queue.push_back(prompt);
        match self.state {
            State::Idle => self.next(now),
            State::Attention => self.redraw(),
            _ => (),
        }
    }

    /// The machine needs no answer to this question any more.
    pub fn gone(&mut self, id: u64, _now: u64) {
        let first = self.queue.front().is_some_and(|prompt| prompt.id == id);
        self.queue.retain(|prompt| prompt.id != id);
        if first && matches!(self.state, State::Armed | State::Asking) {
            self.done();
        }
    }

    /// The whole of [`Console::lines`] is on the screen now.
    pub fn drawn(&mut self, now: u64) {
        if self.visible_since.is_none() && self.state == State::Armed && self.fits() {
            self.visible_since = Some(now);
        }
    }

    /// What was drawn has been taken away again.
    pub fn removed(&mut self, now: u64) {
        if self.state == State::Done {
            self.state = State::Idle;
            self.next(now);
        }
    }

    /// The terminal's size has changed: a question counts as visible only after it was drawn anew, and its arming starts again.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        match self.state {
            State::Armed | State::Asking => {
                self.state = State::Armed;
                self.visible_since = None;
                self.typed = Typed::default();
                self.redraw();
            }
            State::Attention => self.redraw(),
            State::Idle | State::Done => (),
        }
    }

    /// Bytes from the terminal.
    pub fn input(&mut self, bytes: &[u8], now: u64) {
        let mut forward = Vec::new();
        for byte in bytes {
            if self.state == State::Idle {
                if self.attention && *byte == keys::ATTENTION {
                    self.forward(&mut forward);
                    self.call();
                } else {
                    forward.push(*byte);
                }
                continue;
            }
            self.last_key = now;
            match self.state {
                State::Asking | State::Attention => {
                    for key in self.keys.feed(*byte, now).into_iter().flatten() {
                        self.press(key);
                    }
                }
                State::Armed if *byte == keys::ATTENTION => self.vouch(),
                _ => (),
            }
        }
        self.forward(&mut forward);
    }

    fn forward(&mut self, bytes: &mut Vec<u8>) {
        if !bytes.is_empty() {
            self.events
                .push_back(Event::Forward(core::mem::take(bytes)));
        }
    }

    /// Time has passed. Call it after all input that could be read was handed in, at the latest at [`Console::deadline`].
    pub fn tick(&mut self, now: u64) {
        if matches!(self.state, State::Asking | State::Attention)
            && let Some(key) = self.keys.tick(now)
        {
            self.press(key);
        }
        if !matches!(self.state, State::Armed | State::Asking) {
            return;
        }
        if now >= self.ends {
            let by = if self.visible_since.is_some() {
                By::TimeOut
            } else {
                By::NotShown
            };
            return self.settle(Answer::Deny, by, 0);
        }
        if self.state == State::Armed && self.armed_at().is_some_and(|at| now >= at) {
            self.state = State::Asking;
            self.keys = Keys::default();
            self.typed = Typed::default();
            self.redraw();
        }
    }

    /// When [`Console::tick`] has something to do, in nanoseconds.
    pub fn deadline(&self) -> Option<u64> {
        let question = match self.state {
            State::Armed => Some(self.armed_at().map_or(self.ends, |at| at.min(self.ends))),
            State::Asking => Some(self.ends),
            _ => None,
        };
        [question, self.keys.deadline()].into_iter().flatten().min()
    }

    fn armed_at(&self) -> Option<u64> {
        Some(
            self.visible_since?
                .saturating_add(ARM)
                .max(self.last_key.saturating_add(QUIET)),
        )
    }

    fn redraw(&mut self) {
        if self.events.back() != Some(&Event::Redraw) {
            self.events.push_back(Event::Redraw);
        }
    }

    /// Shows the next question, if any.
    fn next(&mut self, now: u64) {
        if self.queue.is_empty() {
            return;
        }
        self.state = State::Armed;
        self.visible_since = None;
        self.ends = now.saturating_add(self.time_out);
        self.notice.clear();
        self.typed = Typed::default();
        self.redraw();
    }

    fn done(&mut self) {
        self.state = State::Done;
        self.keys = Keys::default();
        self.typed = Typed::default();
        self.notice.clear();
        self.redraw();
    }

    fn settle(&mut self, answer: Answer, by: By, rate: u32) {
        if let Some(prompt) = self.queue.pop_front() {
            self.events.push_back(Event::Answer {
                id: prompt.id,
                answer,
                by,
                rate,
            });
        }
        self.done();
    }

    /// Ctrl-] at a question: it is not the program that asks.
    fn vouch(&mut self) {
        self.notice = "This question is Sundog's own.".into();
        self.redraw();
    }

    fn press(&mut self, key: Key) {
        match key {
            Key::Character(character) if self.typed.text.len() < MAX_TYPED => {
                self.typed.text.push(character)
            }
            Key::Character(_) | Key::Other => self.typed.spoiled = true,
            Key::Erase => drop(self.typed.text.pop()),
            Key::EraseLine => self.typed = Typed::default(),
            Key::Enter => {
                let typed = core::mem::take(&mut self.typed);
                match self.state {
                    State::Asking => self.answer(&typed),
                    State::Attention => self.command(&typed),
                    _ => (),
                }
            }
            Key::Attention | Key::Escape | Key::Interrupt if self.state == State::Attention => {
                return self.done();
            }
            Key::Escape | Key::Interrupt if self.state == State::Asking => {
                return self.settle(Answer::Deny, By::Escape, 0);
            }
            Key::Attention if self.state == State::Asking => {
                self.typed = Typed::default();
                self.vouch();
            }
            Key::Attention | Key::Escape | Key::Interrupt => (),
        }
        self.redraw();
    }

    fn answer(&mut self, typed: &Typed) {
        let Some(prompt) = self.queue.front() else {
            return;
        };
        match typed::answer(&typed.text).filter(|_| !typed.spoiled) {
            Some((answer, rate)) if prompt.offered.contains(answer) => {
                self.settle(answer, By::Typed, rate)
            }
            Some((answer, _)) => self.notice = format!("`{}` is not offered here.", answer.word()),
            None => self.notice = "Type one of the words, whole and alone, or press Esc.".into(),
        }
    }
}

#[cfg(test)]
mod tests;
