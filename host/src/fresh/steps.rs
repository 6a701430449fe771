//! The steps of a first start, and what each must show.

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The administrator, for whom packages are installed.
    Root,
    /// Somebody who may not install packages.
    Person,
}

impl User {
    /// The user's home, which holds rustup and the clone.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Root => "/root",
            Self::Person => "/home/person",
        }
    }
}

/// One command line, and how it must end.
#[derive(Debug)]
pub struct Step {
    /// The name of its log.
    pub name: &'static str,
    /// What is done, for the page.
    pub what: &'static str,
    /// Who does it.
    pub user: User,
    /// The lines of a shell.
    pub script: &'static str,
    /// The exit status that is right.
    pub status: i32,
    /// What must be said.
    pub says: &'static [&'static str],
    /// What must not be said.
    pub silent_about: &'static [&'static str],
    /// How a line begins that goes onto the page.
    pub quoted: &'static str,
}

/// What most steps have in common.
const USUAL: Step = Step {
    name: "",
    what: "",
    user: User::Root,
    script: "",
    status: 0,
    says: &[],
    silent_about: &[],
    quoted: "",
};

/// What the launcher says when it sets up or builds.
const SETTING_UP: &[&str] = &["sundog: installing", "sundog: building", "sundog: adding"];

const STEPS: &[Step] = &[
    Step {
        name: "nothing",
        what: "there is no compiler, no linker, no QEMU, no busybox",
        script: "for program in cc gcc ld qemu-system-x86_64 busybox; do ! command -v $program || exit 1; done",
        ..USUAL
    },
    Step {
        name: "person",
        what: "`cargo run` by somebody who is not root: names what is missing and the command that installs it",
        user: User::Person,
        script: "cargo run",
        status: 1,
        says: &[
            "sundog: missing: qemu-system-x86 busybox-static gcc libc6-dev",
            "sundog: type: sudo apt-get",
        ],
        quoted: "sundog: ",
        ..USUAL
    },
    Step {
        name: "first",
        what: "first `cargo run -- doctor` as root: rustup's toolchain, packages, the whole build",
        script: "cargo run -- doctor",
        says: &["sundog: installing", "QEMU: ok", "Linux programs: ok"],
        silent_about: &["PROBLEM"],
        ..USUAL
    },
    Step {
        name: "warm",
        what: "`cargo run -- help` afterwards: nothing is installed and nothing is built",
        script: "cargo run -- help",
        says: &["usage: sundog"],
        silent_about: SETTING_UP,
        ..USUAL
    },
    Step {
        name: "shell",
        what: "`cargo run` with `exit 3` piped in: a shell starts, reads that, and its status comes out",
        script: "echo 'exit 3' | cargo run",
        status: 3,
        silent_about: SETTING_UP,
        ..USUAL
    },
    Step {
        name: "machine",
        what: "`cargo run -- test boot system`: kernels and a whole system in machines",
        script: "cargo run -- test boot system",
        says: &["test result: ok."],
        quoted: "test result: ",
        ..USUAL
    },
];

const TESTS: Step = Step {
    name: "tests",
    what: "`cargo test`",
    script: "cargo test",
    says: &["total: ", ", 0 failed"],
    quoted: "total: ",
    ..USUAL
};

/// The steps, in their order.
pub fn all(tests: bool) -> impl Iterator<Item = &'static Step> {
    STEPS.iter().chain(tests.then_some(&TESTS))
}

impl Step {
    /// What was not as it must be, if anything.
    pub fn wrong(&self, status: i32, text: &str) -> Option<String> {
        if status != self.status {
            return Some(format!(
                "ended with status {status}, not {status_wanted}",
                status_wanted = self.status
            ));
        }
        if let Some(words) = self.says.iter().find(|words| !text.contains(**words)) {
            return Some(format!("did not say {words:?}"));
        }
        let said = self
            .silent_about
            .iter()
            .find(|words| text.contains(**words));
        said.map(|words| format!("said {words:?}"))
    }

    /// The lines for the page.
    pub fn quote(&self, text: &str) -> String {
        if self.quoted.is_empty() {
            return String::new();
        }
        let lines = text.lines().filter(|line| line.starts_with(self.quoted));
        lines.map(|line| format!("; `{line}`")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str) -> &'static Step {
        all(true).find(|step| step.name == name).unwrap()
    }

    #[test]
    fn the_status_and_the_words_count() {
        let first = step("first");
        let good = "sundog: installing gcc\nQEMU: ok: x\nLinux programs: ok: y\n";
        assert_eq!(first.wrong(0, good), None);
        assert!(first.wrong(1, good).unwrap().contains("status 1"));
        assert!(first.wrong(0, "QEMU: ok").unwrap().contains("installing"));
        let problem = format!("{good}terminal: PROBLEM: z\n");
        assert!(first.wrong(0, &problem).unwrap().contains("PROBLEM"));
    }

    #[test]
    fn a_warm_start_that_builds_is_wrong() {
        let warm = step("warm");
        assert_eq!(warm.wrong(0, "usage: sundog [COMMAND]"), None);
        let text = "sundog: building the command sundog\nusage: sundog [COMMAND]";
        assert!(warm.wrong(0, text).unwrap().contains("building"));
    }

    #[test]
    fn only_chosen_lines_are_quoted() {
        let text = "test a ... ok\ntotal: 3 passed, 0 failed\n";
        assert_eq!(step("tests").quote(text), "; `total: 3 passed, 0 failed`");
        assert_eq!(step("warm").quote(text), "");
    }

    #[test]
    fn the_long_step_runs_only_when_asked_for() {
        assert_eq!(all(true).count(), all(false).count() + 1);
    }
}
