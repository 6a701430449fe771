//! A figure: what was counted, in which unit, and whether it is held against the baseline.

use super::anchors;
use serde_json::{Value, json};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Guest instructions.
    Instructions,
    /// Bytes.
    Bytes,
    /// How many times as long as starting `/bin/true` on this computer and waiting for its end.
    Trues,
}

impl Unit {
    /// The word for it in the files that `--json` writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Bytes => "bytes",
            Self::Trues => "times spawn and wait of true",
        }
    }
}

/// A figure that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
    /// The count.
    pub value: u64,
    /// Whether a worse one fails. Times of this computer and the emulator's own firmware are only written down.
    pub gated: bool,
}

impl Figure {
    /// Guest instructions, which are the same in every run.
    pub fn instructions(name: &str, value: u64) -> Self {
        Self {
            name: name.to_owned(),
            unit: Unit::Instructions,
            value,
            gated: true,
        }
    }

    /// Bytes.
    pub fn bytes(name: &str, value: u64) -> Self {
        Self {
            unit: Unit::Bytes,
            ..Self::instructions(name, value)
        }
    }

    /// The figure, written down only.
    pub fn recorded(self, unit: Unit) -> Self {
        Self {
            unit,
            gated: false,
            ..self
        }
    }

    /// The line for a person.
    pub fn line(&self) -> String {
        let Self { name, value, .. } = self;
        let unit = match self.unit {
            Unit::Instructions => "",
            Unit::Bytes => "B",
            Unit::Trues => "x",
        };
        match anchors::of(name) {
            Some(anchor) => {
                let ratio = *value as f64 / anchor.value as f64;
                format!(
                    "{name:<20} {value:>10} {unit:<1} {:>11} {ratio:>8.4}  {}",
                    anchor.value, anchor.what
                )
            }
            None => format!("{name:<20} {value:>10} {unit}")
                .trim_end()
                .to_owned(),
        }
    }
}

/// The head over the lines.
pub fn head() -> String {
    format!(
        "{:<20} {:>10}   {:>11} {:>8}  anchor",
        "figure", "value", "anchor", "ratio"
    )
}

/// The figures in the kernel's text: lines that begin with `begin`, then a name and a number.
pub fn read(text: &str, begin: &str) -> Vec<Figure> {
    let figure = |line: &str| {
        let (name, value) = line.strip_prefix(begin)?.split_once(' ')?;
        Some(Figure::instructions(name, value.trim_end().parse().ok()?))
    };
    text.lines().filter_map(figure).collect()
}

/// The figures as the file that `--json` writes.
pub fn to_json(figures: &[Figure]) -> Value {
    figures
        .iter()
        .map(|figure| {
            let anchor = anchors::of(&figure.name);
            json!({
                "name": figure.name,
                "unit": figure.unit.name(),
                "value": figure.value,
                "anchor": anchor.as_ref().map(|anchor| anchor.what),
                "anchor_value": anchor.as_ref().map(|anchor| anchor.value),
                "ratio": anchor.as_ref().map(|anchor| figure.value as f64 / anchor.value as f64),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_nothing_else() {
        let text =
            "sundog: 2 CPUs\nbench: null_syscall 403\nbench: end\nbench: no guest: x\ninit: done\n";
        assert_eq!(
            read(text, "bench: "),
            [Figure::instructions("null_syscall", 403)]
        );
    }

    #[test]
    fn a_figure_without_a_peer_has_no_ratio() {
        let figures = [
            Figure::bytes("kernel_text", 95_594),
            Figure::instructions("null_syscall", 7),
        ];
        let json = to_json(&figures);
        assert_eq!(
            (&json[0]["unit"], &json[0]["ratio"]),
            (&"bytes".into(), &1.0.into())
        );
        assert!(json[1]["anchor"].is_null() && json[1]["ratio"].is_null());
        assert!(figures[0].line().contains(" 1.0000 "));
        assert!(figures[1].line().ends_with(" 7"));
    }
}
