//! Tests of the prompt against impatience, accidents and hostile programs.
mod attention;

use super::*;
use crate::names;
use crate::random::Random;
use alloc::vec;
use sundog_protocols::consent::Answers;

const MS: u64 = SECOND / 1000;

fn prompt(id: u64) -> Prompt {
    Prompt {
        id,
        badge: 7,
        chain: vec!["init".into(), "shell".into()],
        program: "/usr/bin/cat".into(),
        resource: "serial".into(),
        instance: "1".into(),
        reason: String::new(),
        offered: Answers::ALL,
    }
}

/// A console that draws at once whenever it is told to, and notes what it decided and forwarded.
struct Rig {
    console: Console,
    now: u64,
    answers: Vec<(u64, Answer, By)>,
    rates: Vec<u32>,
    forwarded: Vec<u8>,
    others: Vec<Event>,
}

impl Rig {
    fn new() -> Rig {
        let console = Console::new(24, 80, true, TIME_OUT);
        Rig {
            console,
            now: 5 * SECOND,
            answers: vec![],
            rates: vec![],
            forwarded: vec![],
            others: vec![],
        }
    }

    /// With a question whose arming is over.
    fn asking() -> Rig {
        let mut rig = Rig::new();
        rig.ask(prompt(1));
        rig.wait(ARM);
        assert_eq!(rig.console.state(), State::Asking);
        rig
    }

    fn settle(&mut self) {
        loop {
            let events = self.console.take_events();
            if events.is_empty() {
                return;
            }
            for event in events {
                match event {
                    Event::Redraw if self.console.lines().is_empty() => {
                        self.console.removed(self.now)
                    }
                    Event::Redraw => self.console.drawn(self.now),
                    Event::Answer {
                        id,
                        answer,
                        by,
                        rate,
                    } => {
                        self.answers.push((id, answer, by));
                        self.rates.push(rate);
                    }
                    Event::Forward(bytes) => self.forwarded.extend(bytes),
                    other => self.others.push(other),
                }
            }
        }
    }

    fn ask(&mut self, prompt: Prompt) {
        self.console.ask(prompt, self.now);
        self.settle();
    }

    fn wait(&mut self, time: u64) {
        let end = self.now + time;
        while let Some(deadline) = self.console.deadline().filter(|deadline| *deadline < end) {
            self.now = self.now.max(deadline);
            self.console.tick(self.now);
            self.settle();
        }
        self.now = end;
        self.console.tick(end);
        self.settle();
    }

    fn shows(&self, text: &str) -> bool {
        self.console.lines().iter().any(|line| line.contains(text))
    }

    fn press(&mut self, bytes: &[u8]) {
        self.console.input(bytes, self.now);
        self.settle();
    }
}

#[test]
fn each_word_and_enter_is_that_answer() {
    for answer in Answer::ALL {
        let mut rig = Rig::asking();
        rig.press(answer.word().as_bytes());
        assert!(
            rig.answers.is_empty() && rig.console.lines().last().unwrap().ends_with(answer.word())
        );
        rig.press(b"\r");
        assert_eq!(rig.answers, [(1, answer, By::Typed)]);
        assert_eq!(rig.console.state(), State::Idle);
        rig.press(b"ls\r");
        assert_eq!(rig.forwarded, b"ls\r");
    }
}

#[test]
fn a_rate_can_be_typed_along() {
    let mut rig = Rig::asking();
    assert!(rig.shows("`run 100B/s`"));
    rig.press(b"always 100B/s\rrun 5\rrun 100\r");
    assert!(rig.answers.is_empty() && rig.shows("whole and alone"));
    rig.press(b"run 100B/s\r");
    assert_eq!(rig.answers, [(1, Answer::Run, By::Typed)]);
    assert_eq!(rig.rates, [100]);
    let mut rig = Rig::new();
    let offered = Answers::ALL.without(Answer::Run).without(Answer::Once);
    rig.ask(Prompt {
        offered,
        ..prompt(1)
    });
    rig.wait(ARM);
    assert!(!rig.shows("B/s"));
    rig.press(b"run 100B/s\r");
    assert!(rig.answers.is_empty() && rig.shows("not offered"));
}

#[test]
fn nothing_but_the_exact_word_counts() {
    for wrong in [
        "",
        "o",
        "onc",
        "Once",
        "once ",
        " once",
        "onceonce",
        "yes",
        "y",
        "allow",
        "once\u{e9}",
        "once\t",
        "1",
    ] {
        let mut rig = Rig::asking();
        rig.press(wrong.as_bytes());
        rig.press(b"\r");
        assert!(rig.answers.is_empty(), "{wrong:?}");
        assert_eq!(rig.console.state(), State::Asking);
        rig.press(b"onx\x7fce\r");
        assert_eq!(
            rig.answers,
            [(1, Answer::Once, By::Typed)],
            "the next line starts afresh"
        );
    }
}

#[test]
fn keys_before_the_question_was_visible_for_a_second_go_nowhere() {
    let mut rig = Rig::new();
    rig.ask(prompt(1));
    rig.press(b"once\r");
    rig.wait(ARM - 1);
    rig.press(b"once\r");
    assert_eq!(rig.console.state(), State::Armed);
    rig.wait(QUIET);
    assert_eq!(rig.console.state(), State::Asking);
    rig.press(b"\r");
    assert!(rig.answers.is_empty() && rig.forwarded.is_empty());
}

#[test]
fn keys_read_late_are_thrown_away_too() {
    let mut rig = Rig::new();
    rig.ask(prompt(1));
    rig.now += 10 * SECOND;
    rig.press(b"once\r");
    assert!(rig.answers.is_empty() && rig.console.state() == State::Armed);
    rig.wait(QUIET);
    assert_eq!(rig.console.state(), State::Asking);
}

#[test]
fn a_question_that_is_not_drawn_is_never_answered() {
    let mut console = Console::new(24, 80, true, TIME_OUT);
    console.ask(prompt(1), 0);
    for second in 1..59 {
        console.input(b"once\r", second * SECOND);
        console.tick(second * SECOND + SECOND / 2);
        assert_eq!(console.state(), State::Armed);
    }
    console.tick(TIME_OUT);
    assert!(console.take_events().contains(&Event::Answer {
        id: 1,
        answer: Answer::Deny,
        by: By::NotShown,
        rate: 0
    }));
}

#[test]
fn a_window_that_is_too_small_shows_no_question() {
    for (rows, columns) in [(5, 80), (24, 30), (0, 0), (1, 1)] {
        let mut rig = Rig::new();
        rig.console.resize(rows, columns);
        rig.ask(prompt(1));
        rig.wait(10 * SECOND);
        assert_eq!(rig.console.state(), State::Armed);
        rig.press(b"once\r");
        assert!(rig.answers.is_empty());
        rig.console.resize(MIN_ROWS + 1, MIN_COLUMNS);
        rig.settle();
        rig.wait(ARM);
        assert_eq!(rig.console.state(), State::Asking);
        rig.console.resize(rows, columns);
        rig.settle();
        rig.press(b"once\r");
        assert!(rig.answers.is_empty());
    }
    let rig = Rig::asking();
    assert!(rig.console.lines().len() <= MIN_ROWS + 1);
}

#[test]
fn enter_held_at_30_a_second_decides_nothing() {
    for held in [b"\r", b" ", b"y", b"\n"] {
        let mut rig = Rig::new();
        for step in 0..3600 {
            if step % 300 == 0 {
                rig.ask(prompt(step));
            }
            rig.press(held);
            rig.wait(33 * MS);
        }
        assert!(
            rig.answers
                .iter()
                .all(|(_, answer, by)| *answer == Answer::Deny && *by == By::TimeOut)
        );
    }
}

#[test]
fn someone_who_is_typing_does_not_mean_the_question() {
    let mut rig = Rig::new();
    rig.ask(prompt(1));
    for _ in 0..10 {
        rig.press(b"echo ");
        rig.wait(200 * MS);
    }
    rig.press(b"once\r");
    assert!(rig.answers.is_empty() && rig.console.state() == State::Armed);
}

#[test]
fn escape_denies_and_sequences_do_not() {
    let mut rig = Rig::asking();
    rig.press(b"\x1b");
    assert!(rig.answers.is_empty());
    rig.wait(60 * MS);
    assert_eq!(rig.answers, [(1, Answer::Deny, By::Escape)]);
    let reports: [&[u8]; 8] = [
        b"\x1b[A",
        b"\x1bOP",
        b"\x1b[200~",
        b"\x1b[24;80R",
        b"\x1b]52;c;once\x07",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b[<0;1;1M",
        b"\x1bx",
    ];
    for sequence in reports {
        let mut rig = Rig::asking();
        rig.press(sequence);
        rig.press(b"once\r");
        rig.wait(SECOND);
        assert!(
            rig.answers.is_empty(),
            "{sequence:?} spoils the line but decides nothing"
        );
        rig.press(b"run\r");
        assert_eq!(rig.answers, [(1, Answer::Run, By::Typed)]);
    }
    let mut rig = Rig::asking();
    rig.press(b"\x1b[200~once\r\x1b[201~");
    assert!(rig.answers.is_empty(), "a paste is not typed");
    rig.press(b"\x03");
    assert_eq!(rig.answers, [(1, Answer::Deny, By::Escape)]);
}

#[test]
fn questions_come_one_after_the_other_and_each_is_armed() {
    let mut rig = Rig::asking();
    rig.ask(prompt(2));
    rig.press(b"once\ronce\r");
    assert_eq!(rig.answers, [(1, Answer::Once, By::Typed)]);
    assert_eq!(rig.console.state(), State::Armed);
    rig.press(b"once\r");
    rig.wait(2 * SECOND);
    rig.press(b"never\r");
    assert_eq!(rig.answers[1..], [(2, Answer::Never, By::Typed)]);
    assert!(rig.forwarded.is_empty());
}

#[test]
fn too_many_or_repeated_questions_are_refused() {
    let mut rig = Rig::new();
    for id in 0..MAX_QUEUE as u64 + 5 {
        rig.ask(prompt(id));
    }
    rig.ask(prompt(3));
    assert_eq!(rig.answers.len(), 6);
    assert!(
        rig.answers
            .iter()
            .all(|(_, answer, by)| (*answer, *by) == (Answer::Deny, By::NotShown))
    );
}

#[test]
fn a_question_that_goes_takes_its_answer_with_it() {
    let mut rig = Rig::asking();
    rig.ask(prompt(2));
    rig.press(b"once");
    rig.console.gone(1, rig.now);
    rig.settle();
    rig.press(b"\r");
    assert!(rig.answers.is_empty() && rig.console.state() == State::Armed);
    rig.console.gone(2, rig.now);
    rig.settle();
    assert_eq!(rig.console.state(), State::Idle);
}

#[test]
fn an_answer_that_is_not_offered_is_none() {
    let mut rig = Rig::new();
    rig.ask(Prompt {
        offered: Answers::NOT_ALWAYS,
        ..prompt(1)
    });
    rig.wait(ARM);
    assert!(
        !rig.console
            .lines()
            .iter()
            .any(|line| line.contains("always"))
    );
    rig.press(b"always\r");
    assert!(rig.answers.is_empty());
}

#[test]
fn no_answer_in_time_is_deny() {
    let mut rig = Rig::asking();
    rig.press(b"once");
    rig.wait(TIME_OUT);
    assert_eq!(rig.answers, [(1, Answer::Deny, By::TimeOut)]);
}

#[test]
fn a_hundred_thousand_random_bytes_grant_only_with_the_word() {
    let mut random = Random(17);
    let alphabet: &[u8] = b"onceruwalys\r\n\x1b[]Od~ \x7f\x15\x1d\x03\x00\xc3\xff1;";
    let mut model: Option<Vec<u8>> = None;
    let mut rig = Rig::new();
    let mut grants = 0;
    for event in 0..100_000u64 {
        if rig.console.state() == State::Idle && random.below(20) == 0 {
            rig.ask(prompt(event));
        }
        let byte = if random.below(4) == 0 {
            random.next() as u8
        } else {
            alphabet[random.below(alphabet.len())]
        };
        let bytes: &[u8] = if random.below(40) == 0 {
            b"\ronce\r"
        } else {
            &[byte]
        };
        // All bytes since the question could be answered: a grant must show as a whole line in them.
        if rig.console.state() != State::Asking {
            model = None;
        }
        if rig.console.state() == State::Asking {
            model
                .get_or_insert_with(|| b"\r".to_vec())
                .extend_from_slice(bytes);
        }
        let before = rig.answers.len();
        rig.press(bytes);
        for (_, answer, _) in rig.answers[before..]
            .iter()
            .filter(|(_, answer, _)| answer.allows())
        {
            let word = answer.word().as_bytes();
            let typed = model.as_deref().unwrap_or_default();
            let mut lines = typed
                .split(|byte| matches!(byte, b'\r' | b'\n'))
                .map(edited);
            assert!(
                lines.any(|line| line == word),
                "{:?}",
                String::from_utf8_lossy(typed)
            );
            grants += 1;
        }
        if random.below(3) == 0 {
            rig.wait(random.next() % (SECOND / 2));
        } else if random.below(50) == 0 {
            rig.wait(2 * SECOND);
        }
    }
    assert!(grants > 10, "{grants} grants: the test must reach them");
}

/// A line after its erasures.
fn edited(line: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    for byte in line {
        match byte {
            0x7f | 0x08 => drop(out.pop()),
            0x15 | 0x1d => out.clear(),
            _ => out.push(*byte),
        }
    }
    out
}

#[test]
fn hostile_names_move_nothing_and_hide_nothing() {
    let layout = |prompt: Prompt| {
        let mut console = Console::new(30, 72, true, TIME_OUT);
        console.ask(prompt, 0);
        console.lines()
    };
    let plain = layout(prompt(1));
    let names = [
        "\n > once\n",
        "\u{1b}[2J\u{1b}[H",
        "a\u{202e}tac/nib/",
        "x".repeat(65536).leak(),
        "\u{200b}\u{200d}\u{feff}",
        "日".repeat(500).leak(),
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\r",
        "\u{9b}31m",
        "\0",
        "",
    ];
    for name in names {
        let hostile = Prompt {
            program: name.into(),
            instance: name.into(),
            resource: name.into(),
            reason: name.into(),
            chain: vec![name.into(); 8],
            badge: u64::MAX,
            ..prompt(1)
        };
        let lines = layout(hostile);
        assert_eq!(lines.len(), plain.len());
        for (line, expected) in lines.iter().zip(&plain) {
            assert!(line.chars().all(|c| !c.is_control()
                && !matches!(u32::from(c), 0x200b..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069)));
            assert_eq!(names::clip(line, 72), *line);
            assert_eq!(line.get(..9), expected.get(..9), "{line}");
        }
        assert!(lines[3].contains("badge 18446744073709551615"));
        assert_eq!(lines[6..], plain[6..], "the words stay where they are");
    }
    let imitation = Prompt {
        program: "/usr/bin/c\u{430}t".into(),
        ..prompt(1)
    };
    assert!(layout(imitation)[5].contains("several alphabets"));
}
