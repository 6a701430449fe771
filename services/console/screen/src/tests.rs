//! Tests: what sequences do, drawing over and taking away, the filter, hostile bytes.
use super::*;
use alloc::string::String;
use alloc::vec::Vec;

mod random;

fn screen(rows: usize, columns: usize, output: &str) -> Screen {
    let mut screen = Screen::new(rows, columns);
    screen.feed(output.as_bytes());
    screen
}

fn text(screen: &Screen) -> Vec<String> {
    (0..screen.size().0).map(|row| screen.text(row)).collect()
}

#[test]
fn output_lands_where_it_belongs() {
    for (output, expected) in [
        ("abc\r\ndef", ["abc", "def", ""]),
        ("abcdefgh12", ["abcdefgh", "12", ""]),
        ("abcdefgh\r12", ["12cdefgh", "", ""]),
        ("a\r\nb\r\nc\r\nd", ["b", "c", "d"]),
        ("\x1b[2;3Hx\x1b[Hy", ["y", "  x", ""]),
        ("abc\x1b[2Dx", ["axc", "", ""]),
        ("abcdef\x1b[1;3H\x1b[K", ["ab", "", ""]),
        ("abcdef\x1b[1;3H\x1b[1K", ["   def", "", ""]),
        ("abcdef\x1b[1;3H\x1b[2P", ["abef", "", ""]),
        ("abcdef\x1b[1;3H\x1b[2@", ["ab  cdef", "", ""]),
        ("abcdef\x1b[1;3H\x1b[2X", ["ab  ef", "", ""]),
        ("ab\x1b[1;1H\x1b[4hX", ["Xab", "", ""]),
        ("a\r\nb\r\nc\x1b[2;3r\x1b[2;1H\x1b[L", ["a", "", "b"]),
        ("a\r\nb\r\nc\x1b[1;2r\x1b[1;1H\x1b[M", ["b", "", "c"]),
        ("a\r\nb\r\nc\x1b[S", ["b", "c", ""]),
        ("a\r\nb\r\nc\x1b[T", ["", "a", "b"]),
        ("a\r\nb\r\nc\x1b[H\x1bM", ["", "a", "b"]),
        ("a\tb", ["a      b", "", ""]),
        ("\x1b(0qx\x1b(Bq", ["─│q", "", ""]),
        ("x\x1b[3b", ["xxxx", "", ""]),
        ("日本", ["日本", "", ""]),
        ("1234567日", ["1234567", "日", ""]),
        ("日\x08x", [" x", "", ""]),
        (
            "e\u{301}\u{301}\u{301}\u{301}!",
            ["e\u{301}\u{301}\u{301}!", "", ""],
        ),
        ("a\x1b[?1049hb\x1b[?1049lc", ["ac", "", ""]),
        ("\x1b7\x1b[3;3Ha\x1b8b", ["b", "", "  a"]),
        ("a\x1bcb", ["b", "", ""]),
        (
            "\x1b]0;title\x07a\x1bPq\x1b\\b\x1b_x\x1b\\c",
            ["abc", "", ""],
        ),
        ("\u{fffd}\u{202e}a\u{200b}b", ["\u{fffd}ab", "", ""]),
        ("a\n\x08b\x0bc", ["a", "b", " c"]),
        ("\x1b[2;3r\x1b[?6h\x1b[1;1Hx", ["", "x", ""]),
        ("\x1b[?7l123456789", ["12345679", "", ""]),
    ] {
        let screen = screen(3, 8, output);
        let expected: Vec<&str> = expected.iter().map(|line| line.trim_end()).collect();
        assert_eq!(
            text(&screen)
                .iter()
                .map(|line| line.trim_end())
                .collect::<Vec<_>>(),
            expected,
            "{output:?}"
        );
    }
}

#[test]
fn colours_are_read_in_all_spellings() {
    for (output, foreground) in [
        ("\x1b[31mx", Colour::Indexed(1)),
        ("\x1b[1;97mx", Colour::Indexed(15)),
        ("\x1b[38;5;200mx", Colour::Indexed(200)),
        ("\x1b[38:5:200mx", Colour::Indexed(200)),
        ("\x1b[38;2;1;2;3mx", Colour::Rgb(1, 2, 3)),
        ("\x1b[38:2:1:2:3mx", Colour::Rgb(1, 2, 3)),
        ("\x1b[38:2::1:2:3mx", Colour::Rgb(1, 2, 3)),
        ("\x1b[38;5;300mx", Colour::Default),
        ("\x1b[31m\x1b[mx", Colour::Default),
        ("\x1b[31;39mx", Colour::Default),
    ] {
        assert_eq!(
            screen(2, 8, output).row(0).unwrap()[0].pen.foreground,
            foreground,
            "{output:?}"
        );
    }
    let pen = screen(2, 8, "\x1b[1;3;4:3;6;7;38:9:9;41mx\x1b[22;24mx")
        .row(0)
        .unwrap()[1]
        .pen;
    assert_eq!(
        (pen.attributes, pen.background),
        (0b101_0100, Colour::Indexed(1))
    );
}

#[test]
fn chunks_make_no_difference() {
    let mut random = random::Random(1);
    for _ in 0..50 {
        let output = random.output(400);
        let mut whole = Screen::new(6, 20);
        whole.feed(&output);
        let mut parts = Screen::new(6, 20);
        let (mut filter, mut filtered) = (Filter::new(), Vec::new());
        for part in output.chunks(1 + random.below(5)) {
            parts.feed(part);
            filter.feed(part, &mut filtered);
        }
        assert!(whole == parts);
        let mut shown = Screen::new(6, 20);
        shown.feed(&filtered);
        assert!(whole == shown, "the filter leaves everything that draws");
        assert!(shown.at_rest(), "the filter leaves nothing half written");
        let mut again = Vec::new();
        Filter::new().feed(&filtered, &mut again);
        assert_eq!(again, filtered);
    }
}

#[test]
fn what_is_drawn_over_the_screen_goes_away_exactly() {
    let mut random = random::Random(2);
    for round in 0..400 {
        let (rows, columns) = (2 + random.below(9), 2 + random.below(30));
        let (mut model, mut terminal) = (Screen::new(rows, columns), Screen::new(rows, columns));
        let mut filter = Filter::new();
        for _ in 0..6 {
            let (mut shown, length) = (Vec::new(), random.below(120));
            filter.feed(&random.output(length), &mut shown);
            model.feed(&shown);
            terminal.feed(&shown);
            assert!(model == terminal);
            let top = random.below(rows);
            let lines: Vec<String> = (0..1 + random.below(6))
                .map(|_| "?".repeat(random.below(columns + 1)))
                .collect();
            terminal.feed(&draw(&model, top, &lines));
            for (row, line) in (top..rows).zip(&lines) {
                assert_eq!(terminal.text(row), *line);
            }
            terminal.feed(&draw(&model, top, &lines));
            terminal.feed(&remove(&model, top, lines.len()));
            assert_same(&model, &terminal, round);
        }
    }
}

#[test]
fn a_terminal_in_any_state_is_painted_anew() {
    let mut random = random::Random(3);
    for round in 0..400 {
        let (rows, columns) = (1 + random.below(9), 2 + random.below(30));
        let (mut model, mut terminal) = (Screen::new(rows, columns), Screen::new(rows, columns));
        model.feed(&random.output(300));
        let mut other = Vec::new();
        Filter::new().feed(&random.output(300), &mut other);
        terminal.feed(&other);
        terminal.feed(&redraw(&model));
        assert_same(&model, &terminal, round);
    }
}

fn assert_same(model: &Screen, terminal: &Screen, round: usize) {
    let (left, right) = (&model.state, &terminal.state);
    assert_eq!(text(model), text(terminal), "round {round}");
    assert_eq!(
        (left.now, left.saved, left.modes),
        (right.now, right.saved, right.modes),
        "round {round}"
    );
    assert_eq!(
        (left.top, left.bottom, &left.tabs, left.shown),
        (right.top, right.bottom, &right.tabs, right.shown)
    );
    assert!(model == terminal, "round {round}");
}

#[test]
fn the_filter_drops_what_is_dangerous() {
    for dangerous in [
        "\x05",
        "\x1b[5n",
        "\x1b[6n",
        "\x1b[?6n",
        "\x1b[c",
        "\x1b[>c",
        "\x1b[=c",
        "\x1bZ",
        "\x1b[>q",
        "\x1b[x",
        "\x1b[21t",
        "\x1b[8;9;9t",
        "\x1b]0;t\x07",
        "\x1b]2;t\x1b\\",
        "\x1b]52;c;eA==\x07",
        "\x1b]8;;http://x\x07",
        "\x1b]10;?\x07",
        "\x1b]4;1;?\x07",
        "\x1bP$qm\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1b_Gx\x1b\\",
        "\x1b^x\x1b\\",
        "\x1bXx\x1b\\",
        "\x1b[5i",
        "\x1b[?5i",
        "\x1b[>1u",
        "\x1b[=1u",
        "\x1b[?u",
        "\x1b[>4;2m",
        "\x1b[?9001h",
        "\x1b[?2h",
        "\x1b[?3h",
        "\x1b[3J",
        "\x1b[2y",
        "\x1b[?1$p",
        "\x1b%@",
        "\x1b%G",
        "\x1bn",
        "\x1bo",
        "\x1b|",
        "\x1bl",
        "\x1b(K",
        "\x1b*0",
        "\x1b[\"q",
        "\x1b[1\"q",
        "\x1b[61\"p",
        "\u{9b}6n",
        "\u{90}q\u{9c}",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\x00",
        "\x7f",
        "\x1b[1;1'z",
        "\x1b[?1001h",
        "\x1b[12h",
    ] {
        let mut out = Vec::new();
        let mut filter = Filter::new();
        filter.feed(dangerous.as_bytes(), &mut out);
        filter.feed(b"ok", &mut out);
        let shown = String::from_utf8(out).unwrap();
        assert!(
            shown.bytes().all(|byte| byte >= b' ') && shown.ends_with("ok"),
            "{dangerous:?} became {shown:?}"
        );
        assert!(filter.dropped() > 0, "{dangerous:?}");
    }
}

#[test]
fn the_filter_passes_what_draws() {
    for plain in [
        "a\r\n\t\x08\x07",
        "\x1b[1;31mx\x1b[0m",
        "\x1b[?1049h\x1b[2;3H\x1b[2J",
        "é日e\u{301}",
        "\x1b[?25l\x1b[?2004h",
        "\x1b7\x1b8\x1bM",
    ] {
        let mut out = Vec::new();
        Filter::new().feed(plain.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), plain);
    }
}

#[test]
fn questions_are_answered_by_the_model() {
    let mut screen = Screen::new(5, 10);
    screen.feed(b"ab\x1b[6n\x1b[5n\x1b[c\x1b[99n");
    assert_eq!(screen.take_replies(), b"\x1b[1;3R\x1b[0n\x1b[?6c");
    screen.feed("\x1b[6n".repeat(10_000).as_bytes());
    assert!(screen.take_replies().len() <= 256);
}

#[test]
fn hostile_bytes_neither_panic_nor_grow() {
    let mut random = random::Random(4);
    let mut screen = Screen::new(4, 7);
    let mut filter = Filter::new();
    for round in 0..3000 {
        let bytes: Vec<u8> = (0..random.below(100))
            .map(|_| random.next() as u8)
            .collect();
        let bytes = if round % 2 == 0 {
            bytes
        } else {
            random.output(100)
        };
        let mut out = Vec::new();
        screen.feed(&bytes);
        filter.feed(&bytes, &mut out);
        assert!(out.len() <= 1024 * 4 * (bytes.len() + 1));
        assert!(String::from_utf8(out).is_ok());
        if round % 7 == 0 {
            screen.resize(random.below(12), random.below(12));
        }
        let (rows, columns) = screen.size();
        assert!(screen.cursor().0 < rows && screen.cursor().1 < columns);
        assert!((0..rows).all(|row| screen.row(row).unwrap().len() == columns));
    }
    screen.feed("\x1b[".repeat(1000).as_bytes());
    screen.feed("9;".repeat(100_000).as_bytes());
    screen.feed(b"m\x1b[99999999999999;0H\x1b[99999L\x1b[99999@\x1b[99999S");
    assert_eq!(
        Screen::new(usize::MAX, usize::MAX).size(),
        (MAX_ROWS, MAX_COLUMNS)
    );
}

#[test]
fn a_resize_keeps_what_fits() {
    let mut screen = screen(3, 8, "abcdefg\r\n日本\r\nx\x1b[2;3r");
    screen.resize(2, 3);
    assert_eq!(text(&screen), ["abc", "日"]);
    screen.resize(4, 10);
    assert_eq!(text(&screen), ["abc", "日", "", ""]);
    screen.feed(b"\x1b[4;1Hy\nz");
    assert_eq!(text(&screen), ["日", "", "y", " z"]);
}
