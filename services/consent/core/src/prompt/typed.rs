//! The answers that a person can type: a word, or one that allows for a while and a rate.
use crate::Answer;
use crate::policy;

/// What a line says, with bytes a second (0 = no limit): `run`, `run 100B/s` or, as in a policy, `run rate=100`. Nothing if it is not
/// exactly that.
pub(super) fn answer(line: &str) -> Option<(Answer, u32)> {
    let Some((word, rate)) = line.split_once(' ') else {
        return Some((Answer::from_word(line)?, 0));
    };
    // What is remembered has no rate, so `always` takes none.
    let answer =
        Answer::from_word(word).filter(|answer| matches!(answer, Answer::Once | Answer::Run))?;
    let rate = rate
        .strip_prefix("rate=")
        .or_else(|| rate.strip_suffix("B/s"))?;
    Some((answer, u32::try_from(policy::bytes_a_second(rate)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_alone_or_one_that_allows_and_a_rate() {
        for (line, expected) in [
            ("once", (Answer::Once, 0)),
            ("never", (Answer::Never, 0)),
            ("once 100B/s", (Answer::Once, 100)),
            ("run 2kB/s", (Answer::Run, 2000)),
            ("run rate=1M", (Answer::Run, 1_000_000)),
        ] {
            assert_eq!(answer(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn nothing_else_is_an_answer() {
        for line in [
            "",
            " ",
            "run ",
            "run  100B/s",
            "run 100B/s ",
            "run 100",
            "run 0B/s",
            "run rate=0",
            "run -1B/s",
            "run +1B/s",
            "run rate=100B/s",
            "run B/s",
            "run rate=",
            "run 100b/s",
            "run 1 kB/s",
            "run rate=5G",
            "run run",
            "always 100B/s",
            "deny 100B/s",
            "never rate=100",
            "black 100B/s",
            "100B/s",
            "rate=100",
        ] {
            assert_eq!(answer(line), None, "{line:?}");
        }
    }
}
