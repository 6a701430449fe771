//! What the person's terminal shows: the program's output through a filter, and at times the prompt over it.

use sundog_screen::{Filter, Screen, draw, redraw, remove};

/// The terminal's state, as a model.
#[derive(Debug)]
pub struct Shown {
    filter: Filter,
    model: Screen,
    held: Vec<u8>,
    /// Lines of the prompt that are drawn.
    covered: usize,
    /// The terminal stands as the model says. At the start it does not: the person's earlier lines are on it.
    agrees: bool,
}

impl Shown {
    /// A terminal of this size.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self {
            filter: Filter::new(),
            model: Screen::new(rows, columns),
            held: Vec::new(),
            covered: 0,
            agrees: false,
        }
    }

    /// Bytes that are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether something covers the program's screen.
    pub fn covers(&self) -> bool {
        self.covered > 0
    }

    /// Whether the program left the cursor at the beginning of a line.
    pub fn begins_line(&self) -> bool {
        self.held.is_empty() && self.model.cursor().1 == 0
    }

    /// Lines and columns.
    pub fn size(&self) -> (usize, usize) {
        self.model.size()
    }

    /// Output of the program: shown, or held back.
    pub fn program(&mut self, bytes: &[u8], hold: bool, out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        if !hold {
            self.release(out);
        }
    }

    /// Shows what was held back.
    pub fn release(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.filter.feed(&held, out);
        self.model.feed(&held);
    }

    /// The model's answers to questions in the output.
    pub fn take_replies(&mut self) -> Vec<u8> {
        self.model.take_replies()
    }

    /// Draws lines over the screen instead of those drawn before; none takes them away.
    pub fn cover(&mut self, lines: &[String], out: &mut Vec<u8>) {
        if !lines.is_empty() && !self.agrees {
            self.agree(out);
        }
        if self.covered > 0 {
            out.extend(remove(&self.model, 0, self.covered));
        }
        self.covered = lines.len();
        if !lines.is_empty() {
            out.extend(draw(&self.model, 0, lines));
        }
    }

    /// The terminal has another size; what it made of its lines is not known.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        self.model.resize(rows, columns);
        self.agrees = false;
    }

    /// Makes the terminal stand as the model says: what was on it moves up to where it can be scrolled back to.
    fn agree(&mut self, out: &mut Vec<u8>) {
        let (rows, _) = self.model.size();
        out.extend_from_slice(format!("\x1b[r\x1b[?6l\x1b[{rows};1H").as_bytes());
        out.extend(std::iter::repeat_n(b'\n', rows));
        out.extend(redraw(&self.model));
        self.covered = 0;
        self.agrees = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal on which the person worked before.
    fn used() -> Screen {
        let mut terminal = Screen::new(10, 40);
        terminal.feed(b"$ ls\r\na b c\r\n$ sundog run sh\r\n");
        terminal
    }

    #[test]
    fn a_cover_is_gone_without_a_trace() {
        let (mut shown, mut terminal, mut out) = (Shown::new(10, 40), used(), Vec::new());
        shown.program(b"one\r\n\x1b[31mtwo", false, &mut out);
        terminal.feed(&std::mem::take(&mut out));
        assert_eq!(terminal.text(3), "one", "it goes on where the person was");
        shown.cover(&["question".into(), "> ".into()], &mut out);
        shown.program(b" three", true, &mut out);
        terminal.feed(&std::mem::take(&mut out));
        assert!(shown.covers() && shown.held() == 6);
        assert_eq!(
            (terminal.text(0), terminal.text(1)),
            ("question".into(), ">".into())
        );
        shown.cover(&[], &mut out);
        shown.release(&mut out);
        terminal.feed(&out);
        assert!(terminal == shown.model && !shown.covers());
        assert_eq!(
            (terminal.text(0), terminal.text(1)),
            ("one".into(), "two three".into())
        );
    }

    #[test]
    fn after_a_resize_everything_is_painted_anew() {
        let (mut shown, mut terminal, mut out) = (Shown::new(10, 40), used(), Vec::new());
        shown.program(b"one", false, &mut out);
        shown.cover(&["question".into()], &mut out);
        terminal.feed(&std::mem::take(&mut out));
        terminal.resize(5, 20);
        shown.resize(5, 20);
        shown.cover(&["again".into()], &mut out);
        shown.cover(&[], &mut out);
        terminal.feed(&out);
        assert!(terminal == shown.model);
    }
}
