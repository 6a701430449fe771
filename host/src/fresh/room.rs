//! A Debian in a folder, whose programs run in namespaces of their own: nothing stays mounted and nothing goes on when a step is over.

use super::program;
use super::report::Row;
use super::steps::{Step, User};
use crate::failure::Failure;
use crate::folder::Folder;
use crate::say;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What `debootstrap` makes; rustup's own installation asks for the certificates.
const DEBOOTSTRAP: [&str; 3] = ["--variant=minbase", "--include=ca-certificates", "bookworm"];
/// The names under which rustup stands for the toolchain's programs.
const PROXIES: [&str; 7] = [
    "cargo",
    "rustc",
    "rustdoc",
    "rustfmt",
    "cargo-fmt",
    "cargo-clippy",
    "clippy-driver",
];
/// Mounts what programs expect, in a namespace that ends with them, and enters the Debian. Arguments: its root, then the command.
const ENTER: &str = r#"set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
if [ -d /etc/ssl/certs ]; then mount -o bind,ro /etc/ssl/certs "$root/etc/ssl/certs"; fi
exec chroot "$root" "$@"
"#;
/// Variables of this computer that say how the network is reached.
const NETWORK: [&str; 7] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
];
/// The number of the user that is not root.
const PERSON: &str = "1000";
/// Lines of a step's output that are shown when it failed.
const SHOWN: usize = 40;

/// The Debian.
pub struct Room {
    root: PathBuf,
    logs: PathBuf,
}

impl Room {
    /// Makes it: Debian's smallest system, rustup for root and for a person, and a clone of the tree for each.
    pub fn new(folder: &Folder, source: &Path) -> Result<Self, Failure> {
        let room = Self {
            root: folder.file("debian"),
            logs: folder.path().to_owned(),
        };
        let mut debootstrap = apart("debootstrap");
        debootstrap.args(DEBOOTSTRAP).arg(&room.root);
        room.finish("debootstrap", debootstrap)?;
        let rustup = program("rustup")?;
        for user in [User::Root, User::Person] {
            let home = room.root.join(&user.home()[1..]);
            let bin = home.join(".cargo/bin");
            make(&bin)?;
            fs::copy(&rustup, bin.join("rustup"))
                .map_err(|error| Failure::system("cannot copy rustup", error))?;
            for proxy in PROXIES {
                symlink("rustup", bin.join(proxy))
                    .map_err(|error| Failure::system("cannot link to rustup", error))?;
            }
            let mut clone = Command::new("git");
            clone
                .args(["clone", "--quiet", "--no-hardlinks"])
                .arg(source)
                .arg(home.join("sundog"));
            room.finish("clone", clone)?;
        }
        let mut own = Command::new("chown");
        own.args(["-R", &format!("{PERSON}:{PERSON}")])
            .arg(room.root.join(&User::Person.home()[1..]));
        room.finish("chown", own)?;
        Ok(room)
    }

    /// Takes a step; the failure is one of this computer, not of the step.
    pub fn take(&self, step: &Step) -> Result<Row, Failure> {
        let begin = Instant::now();
        let (status, text) = self.run(step.name, &mut self.shell(step.user, step.script))?;
        let seconds = begin.elapsed().as_secs_f64();
        let wrong = step.wrong(status, &text);
        if let Some(wrong) = &wrong {
            say::warn(Failure::new(format!(
                "{}: {wrong}\n{}",
                step.name,
                last_lines(&text)
            )));
        }
        Ok(Row {
            what: step.what.to_owned(),
            seconds,
            found: wrong
                .clone()
                .unwrap_or_else(|| format!("status {status}{}", step.quote(&text))),
            good: wrong.is_none(),
        })
    }

    /// The versions of what the steps installed.
    pub fn versions(&self) -> Vec<String> {
        let script = "cat /etc/debian_version; rustc --version; qemu-system-x86_64 --version | head -1; busybox | head -1; cc --version | head -1";
        let shell = &mut self.shell(User::Root, script);
        // A step that failed may have left one of them out.
        self.run("versions", shell)
            .map(|(_, text)| text.lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// A shell of one of the users, in the clone, with nothing of this computer's environment but the network.
    fn shell(&self, user: User, script: &str) -> Command {
        let home = user.home();
        let mut command = apart("sh");
        command.args(["-c", ENTER, "enter"]).arg(&self.root);
        if user == User::Person {
            let (uid, gid) = (format!("--reuid={PERSON}"), format!("--regid={PERSON}"));
            command.args(["setpriv", &uid, &gid, "--clear-groups", "--"]);
        }
        command.args(["env", "-i", &format!("HOME={home}")]);
        command.arg(format!(
            "PATH={home}/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        ));
        for name in NETWORK {
            if let Ok(value) = std::env::var(name) {
                command.arg(format!("{name}={value}"));
            }
        }
        let script = format!("cd {home}/sundog || exit 99\n{script}");
        command.args(["sh", "-c", &script]);
        command
    }

    /// Runs a command to its end; its status and what it said, which is kept in a log.
    fn run(&self, name: &str, command: &mut Command) -> Result<(i32, String), Failure> {
        let log = self.logs.join(format!("{name}.log"));
        let fail = |error| Failure::system(format!("cannot run the step {name}"), error);
        let file = File::create(&log).map_err(fail)?;
        command
            .stdin(Stdio::null())
            .stderr(file.try_clone().map_err(fail)?)
            .stdout(file);
        sundog_host_sys::die_with_parent(command);
        let status = command.status().map_err(fail)?;
        let said = fs::read(&log).map_err(fail)?;
        Ok((
            status.code().unwrap_or(-1),
            String::from_utf8_lossy(&said).into_owned(),
        ))
    }

    /// Runs a command that must succeed.
    fn finish(&self, name: &str, mut command: Command) -> Result<(), Failure> {
        match self.run(name, &mut command)? {
            (0, _) => Ok(()),
            (status, text) => Err(Failure::new(format!(
                "fresh: {name} ended with {status}\n{}",
                last_lines(&text)
            ))),
        }
    }
}

/// A command whose mounts and whose children end with it.
fn apart(name: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--", name]);
    command
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::system(format!("cannot make {}", folder.display()), error))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(SHOWN)..)
        .unwrap_or_default();
    last.join("\n")
}
