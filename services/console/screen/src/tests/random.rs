//! Random output of a program that uses everything, the same in each run.
use alloc::format;
use alloc::vec::Vec;

/// The generator's state.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Pieces of output, `pieces` of them.
    pub fn output(&mut self, pieces: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..pieces {
            self.piece(&mut out);
        }
        out
    }

    fn piece(&mut self, out: &mut Vec<u8>) {
        const TEXTS: [&str; 10] = [
            "a",
            "bc",
            "hello world",
            "日",
            "本語",
            "e\u{301}",
            "\u{302}",
            "é",
            "😀",
            "qx~`",
        ];
        const ESCAPES: [&str; 13] = [
            "7", "8", "D", "E", "H", "M", "=", ">", "(0", "(B", ")0", ")B", "#8",
        ];
        const MODES: [u16; 16] = [
            1, 5, 6, 7, 12, 25, 47, 1000, 1003, 1004, 1006, 1047, 1048, 1049, 2004, 3,
        ];
        let (one, two) = (self.below(12), self.below(30));
        match self.below(24) {
            0..=7 => out.extend_from_slice(TEXTS[self.below(TEXTS.len())].as_bytes()),
            8 => out.extend_from_slice(b"\r\n"),
            9 => out.push(b"\x08\t\n\x0b\r\x0e\x0f\x07"[self.below(8)]),
            10 => out.extend_from_slice(
                format!("\x1b{}", ESCAPES[self.below(ESCAPES.len())]).as_bytes(),
            ),
            11 => out.extend_from_slice(format!("\x1b[{one};{two}H").as_bytes()),
            12..=14 => {
                let end = char::from(b"ABCDEFGIJKLMPSTXZ@`ade"[self.below(22)]);
                out.extend_from_slice(format!("\x1b[{}{end}", one % 5).as_bytes());
            }
            15 => out.extend_from_slice(format!("\x1b[{};{}r", one % 5, one).as_bytes()),
            16 | 17 => {
                let end = if self.below(2) == 0 { 'h' } else { 'l' };
                out.extend_from_slice(
                    format!(
                        "\x1b[?{};{}{end}",
                        MODES[self.below(16)],
                        MODES[self.below(16)]
                    )
                    .as_bytes(),
                );
            }
            18 => out.extend_from_slice(
                [
                    &b"\x1b[4h"[..],
                    b"\x1b[4l",
                    b"\x1b[20h",
                    b"\x1b[20l",
                    b"\x1b[!p",
                    b"\x1bc",
                ][self.below(6)],
            ),
            19 => out.extend_from_slice(
                format!("\x1b[{};{}m", self.below(110), self.below(110)).as_bytes(),
            ),
            20 => out.extend_from_slice(
                format!("\x1b[{};5;{}m", 38 + 10 * self.below(2), self.below(256)).as_bytes(),
            ),
            21 => out.extend_from_slice(
                format!("\x1b[{}g\x1b[{} q\x1b[{}b", 3 * self.below(2), one, one).as_bytes(),
            ),
            22 => out.extend_from_slice(format!("\x1b]0;{one}\x07\x1b[6n").as_bytes()),
            _ => out.push(self.next() as u8),
        }
    }
}
