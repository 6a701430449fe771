//! A hostile program, the filter, the model, the prompt and a terminal together, as the host command connects them.
use sundog_consent_core::prompt::{ARM, Console, Event, State, TIME_OUT};
use sundog_consent_core::{Answer, Answers, names};
use sundog_protocols::control::{By, Prompt};
use sundog_screen::{Filter, Screen, draw, remove};

const ROWS: usize = 24;
const COLUMNS: usize = 80;

/// The host's terminal side: what the host command does with its parts.
struct Host {
    filter: Filter,
    model: Screen,
    terminal: Screen,
    console: Console,
    held: Vec<u8>,
    shown: usize,
    answers: Vec<(Answer, By)>,
    now: u64,
}

impl Host {
    fn new() -> Host {
        Host {
            filter: Filter::new(),
            model: Screen::new(ROWS, COLUMNS),
            terminal: Screen::new(ROWS, COLUMNS),
            console: Console::new(ROWS, COLUMNS, true, TIME_OUT),
            held: Vec::new(),
            shown: 0,
            answers: Vec::new(),
            now: 1_000_000_000,
        }
    }

    fn program(&mut self, output: &[u8]) {
        self.held.extend_from_slice(output);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let events = self.console.take_events();
            for event in &events {
                match event {
                    Event::Redraw => self.redraw(),
                    Event::Answer { answer, by, .. } => self.answers.push((*answer, *by)),
                    _ => (),
                }
            }
            if events.is_empty() {
                break;
            }
        }
        if !self.console.holds_output() {
            let mut out = Vec::new();
            self.filter.feed(&std::mem::take(&mut self.held), &mut out);
            self.model.feed(&out);
            self.terminal.feed(&out);
        }
    }

    fn redraw(&mut self) {
        let lines = self.console.lines();
        self.terminal.feed(&remove(&self.model, 0, self.shown));
        assert!(
            self.terminal == self.model,
            "what was drawn is gone without a trace"
        );
        self.shown = lines.len();
        if lines.is_empty() {
            self.console.removed(self.now);
        } else {
            self.terminal.feed(&draw(&self.model, 0, &lines));
            self.console.drawn(self.now);
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.console.input(keys, self.now);
        self.settle();
    }

    fn wait(&mut self, time: u64) {
        self.now += time;
        self.console.tick(self.now);
        self.settle();
    }
}

fn prompt(program: &str) -> Prompt {
    Prompt {
        id: 1,
        badge: 7,
        chain: vec!["shell".into()],
        program: program.into(),
        resource: "serial".into(),
        instance: "1".into(),
        reason: String::new(),
        offered: Answers::ALL,
    }
}

#[test]
fn a_hostile_program_neither_answers_nor_covers_the_prompt() {
    let attacks: [&[u8]; 9] = [
        b"once\n",
        b"\x1b[2J\x1b[H == Sundog asks ==\r\n > once\r\n",
        b"\x1b]52;c;b25jZQo=\x07\x1b[6n\x05\x1b[c\x1b[21t",
        b"\x1b[?25l\x1b[8m\x1b[30;40m\x1b(0\x0e\x1b[4h\x1b[?6h\x1b[5;6r",
        b"\x1b[?1049h\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[>1u\x1b[?9001h",
        b"\x1b]0;unfinished",
        b"\x1b[38;2;1",
        b"\xe6\x97",
        b"\x1b[?7l\x1b[20h\x1b[24;80Hx",
    ];
    for attack in attacks {
        let mut host = Host::new();
        host.program(b"$ run\r\n");
        host.program(attack);
        let before = host.model.clone();
        host.console
            .ask(prompt("/bin/\x1b[2J\u{202e}evil"), host.now);
        host.settle();
        for _ in 0..20 {
            host.program(attack);
            host.wait(ARM / 10);
        }
        assert_eq!(host.console.state(), State::Asking, "{attack:?}");
        assert!(host.answers.is_empty() && host.model == before, "held");
        for (row, line) in host.console.lines().iter().enumerate() {
            assert_eq!(host.terminal.text(row), line.trim_end(), "{attack:?}");
        }
        assert!(
            host.terminal
                .row(0)
                .unwrap()
                .iter()
                .all(|cell| cell.pen == sundog_screen::Pen::default())
        );
        host.press(b"deny\r");
        assert_eq!(host.answers, [(Answer::Deny, By::Typed)]);
        assert_eq!(host.console.state(), State::Idle);
        assert!(
            host.terminal == host.model,
            "held output came through afterwards"
        );
    }
}

#[test]
fn prompts_names_take_the_columns_that_the_screen_gives_them() {
    for character in (' '..='\u{2ffff}').filter(|character| !character.is_control()) {
        let name = format!("a{character}");
        let shown = names::shown(&name, 60);
        let mut screen = Screen::new(2, COLUMNS);
        screen.feed(shown.text.as_bytes());
        assert_eq!(
            screen.cursor(),
            (0, shown.columns),
            "U+{:04X}",
            u32::from(character)
        );
    }
}
