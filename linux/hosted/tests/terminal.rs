//! Job control at a terminal: an interactive shell of busybox behind a pseudo-terminal, driven key by key.
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

struct Shell {
    terminal: OwnedFd,
    child: Child,
}

impl Shell {
    fn start() -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let slave = rustix::fs::open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY,
            Mode::empty(),
        )
        .unwrap();
        let stdio = || slave.try_clone().unwrap();
        let child = Command::new("/usr/bin/timeout")
            .args([
                "60",
                env!("CARGO_BIN_EXE_hosted"),
                "--env",
                "PS1=ready> ",
                "sh",
            ])
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        let mut shell = Self { terminal, child };
        shell.until("ready> ");
        shell
    }

    /// Reads until a text appears; returns all that was read.
    fn until(&mut self, text: &str) -> String {
        let start = Instant::now();
        let mut seen = Vec::new();
        while start.elapsed() < Duration::from_secs(30) {
            let mut fds = [PollFd::from_borrowed_fd(
                self.terminal.as_fd(),
                PollFlags::IN,
            )];
            let time = Timespec {
                tv_sec: 0,
                tv_nsec: 100_000_000,
            };
            if rustix::event::poll(&mut fds, Some(&time)).unwrap() > 0 {
                let mut bytes = [0; 1024];
                match rustix::io::read(&self.terminal, &mut bytes) {
                    Ok(count) => seen.extend(&bytes[..count]),
                    Err(_) => break,
                }
            }
            if String::from_utf8_lossy(&seen).contains(text) {
                break;
            }
        }
        let seen = String::from_utf8_lossy(&seen).into_owned();
        assert!(seen.contains(text), "no {text:?} in {seen:?}");
        seen
    }

    fn keys(&mut self, keys: &str) {
        rustix::io::write(&self.terminal, keys.as_bytes()).unwrap();
    }

    /// Types a line and reads to the next prompt.
    fn line(&mut self, line: &str) -> String {
        self.keys(line);
        self.keys("\n");
        self.until("ready> ")
    }
}

#[test]
fn keys_stop_interrupt_and_continue_jobs() {
    let mut shell = Shell::start();
    assert!(shell.line("tty").contains("/dev/console"));
    shell.keys("sleep 1000\n");
    shell.until("sleep 1000");
    std::thread::sleep(Duration::from_millis(300));
    shell.keys("\x1a");
    assert!(shell.until("ready> ").contains("Stopped"));
    assert!(shell.line("bg; jobs").contains("Running"));
    shell.keys("fg\n");
    shell.until("sleep 1000");
    std::thread::sleep(Duration::from_millis(300));
    shell.keys("\x03");
    shell.until("ready> ");
    assert!(shell.line("echo status $?").contains("status 130"));
    // A job in the background that reads from the terminal stops.
    shell.line("cat &");
    std::thread::sleep(Duration::from_millis(300));
    assert!(shell.line("jobs").contains("Stopped (tty input)"));
    shell.line("kill -9 %1; wait");
    // The end-of-file key.
    shell.keys("cat\n");
    shell.until("cat");
    std::thread::sleep(Duration::from_millis(300));
    shell.keys("abc\n\x04");
    assert!(shell.until("ready> ").matches("abc").count() == 2);
    shell.keys("exit 3\n");
    assert_eq!(shell.child.wait().unwrap().code(), Some(3));
}
