//! Runs the trial kernel under QEMU's emulation, on both machines, with and without counted instructions.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, thread};

const MACHINES: [&str; 2] = ["microvm,pcie=on,isa-serial=off", "q35,sata=off,smbus=off"];
const LIMIT: Duration = Duration::from_secs(60);
const PASS: i32 = 33;
const PANIC: i32 = 35;

/// The trial kernel, built once for the bare machine.
fn kernel() -> &'static PathBuf {
    static KERNEL: OnceLock<PathBuf> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bare");
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--release",
                "-p",
                env!("CARGO_PKG_NAME"),
            ])
            .args(["--target", "x86_64-unknown-none", "--target-dir"])
            .arg(&folder)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo starts");
        assert!(status.success(), "the trial kernel does not build");
        folder
            .join("x86_64-unknown-none/release")
            .join(env!("CARGO_PKG_NAME"))
    })
}

/// A machine to run on.
#[derive(Clone, Copy, Debug)]
struct Machine {
    kind: &'static str,
    cpu: &'static str,
    cpus: u32,
    memory: &'static str,
    counted: bool,
}

impl Machine {
    const fn plain(kind: &'static str, counted: bool) -> Machine {
        Machine {
            kind,
            cpu: "max",
            cpus: 2,
            memory: "256M",
            counted,
        }
    }

    /// Runs the trial `name`; what it wrote and QEMU's status.
    fn run(self, name: &str) -> (String, Option<i32>) {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args([
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-accel",
                "tcg",
            ])
            .args([
                "-M",
                self.kind,
                "-cpu",
                self.cpu,
                "-smp",
                &self.cpus.to_string(),
                "-m",
                self.memory,
            ])
            .args([
                "-debugcon",
                "stdio",
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=0x04",
            ])
            .args([
                "-device",
                "isa-serial,chardev=none",
                "-chardev",
                "null,id=none",
            ])
            .args(["-append", name, "-kernel"])
            .arg(kernel());
        if self.counted {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("qemu-system-x86_64 starts");
        let end = Instant::now() + LIMIT;
        while child.try_wait().expect("QEMU can be waited for").is_none() {
            if Instant::now() > end {
                child.kill().expect("QEMU can be ended");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("QEMU's output can be read");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            output.status.code(),
        )
    }

    fn passes(self, name: &str, line: &str) {
        let (text, status) = self.run(name);
        assert_eq!(status, Some(PASS), "{name} on {self:?}:\n{text}");
        assert!(
            text.lines().any(|found| found == line),
            "{name} on {self:?}:\n{text}"
        );
    }
}

fn plain_machines() -> impl Iterator<Item = Machine> {
    MACHINES
        .into_iter()
        .flat_map(|kind| [true, false].map(|counted| Machine::plain(kind, counted)))
}

#[test]
fn a_user_program_enters_in_every_way_on_two_cpus() {
    for machine in plain_machines() {
        machine.passes("user", "trial: CPU 1 is done");
        Machine {
            cpu: "qemu64",
            ..machine
        }
        .passes("user", "trial: CPU 1 is done");
    }
}

#[test]
fn eight_cpus_and_memory_above_4_gib() {
    for kind in MACHINES {
        let machine = Machine {
            cpus: 8,
            memory: "5G",
            ..Machine::plain(kind, false)
        };
        machine.passes("user", "trial: CPU 7 is done");
        Machine {
            cpu: "qemu64",
            counted: true,
            ..machine
        }
        .passes("user", "trial: CPU 7 is done");
    }
}

#[test]
fn an_idle_cpu_takes_interrupts() {
    for machine in plain_machines() {
        machine.passes("devices", "trial: device, timer and call came");
    }
}

#[test]
fn a_machine_without_the_old_chips_keeps_time() {
    let kind = "microvm,pcie=on,isa-serial=off,pic=off,pit=off,rtc=off";
    for counted in [true, false] {
        Machine::plain(kind, counted).passes("devices", "trial: device, timer and call came");
    }
}

#[test]
fn booting_takes_few_instructions() {
    for (kind, limit) in MACHINES.into_iter().zip([700_000, 800_000]) {
        let (text, _) = Machine::plain(kind, true).run("user");
        let ticks = text
            .split("CPUs, ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .unwrap_or(&text);
        let ticks: u64 = ticks
            .parse()
            .unwrap_or_else(|_| panic!("no number:\n{text}"));
        assert!(ticks < limit, "{ticks} instructions on {kind}");
        assert!(text.contains("1000 in a microsecond"), "{text}");
    }
}

#[test]
fn what_is_forbidden_is_an_exception() {
    let page_fault = |error| format!("exception 14 in the kernel, address {error}");
    let trials = [
        ("write-constant", page_fault("ffffffff8"), ", error 3,"),
        ("write-code", page_fault("ffffffff8"), ", error 3,"),
        (
            "write-code-by-direct-map",
            page_fault("ffff8"),
            ", error 3,",
        ),
        ("execute-constant", page_fault("ffffffff8"), ", error 11,"),
        ("execute-direct-map", page_fault("ffff8"), ", error 11,"),
        ("read-null", page_fault("0,"), ", error 0,"),
        (
            "read-below-stack",
            page_fault("ffffffffc0000000,"),
            ", error 0,",
        ),
        ("read-user", page_fault("500000,"), ", error 1,"),
        ("execute-user", page_fault("500000,"), ", error 11,"),
        (
            "overflow",
            "exception 8 in the kernel, address ffffffffc0000".into(),
            ", error 0,",
        ),
        (
            "breakpoint",
            "exception 3 in the kernel".into(),
            ", error 0,",
        ),
    ];
    for (name, text, error) in &trials {
        for kind in MACHINES {
            let (output, status) = Machine::plain(kind, true).run(name);
            assert_eq!(status, Some(PANIC), "{name} on {kind}:\n{output}");
            let panic = output
                .lines()
                .find(|line| line.starts_with("trial: panic: "))
                .unwrap_or_default();
            assert!(
                panic.contains(text) && panic.contains(error),
                "{name} on {kind}:\n{output}"
            );
        }
    }
}
