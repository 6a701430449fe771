//! The same random operations on our tree and on a folder of the host's kernel: results and errors must be the same.

use super::world::*;
use crate::constants::{AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW};
use crate::{Errno, Stop};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno as HostErrno;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % sides
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const NAMES: [&str; 16] = [
    "a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f", ".", "..", "a", "b",
];

/// A path of one to four short names, now and then with doubled or trailing slashes, empty or too long.
fn path(dice: &mut Dice) -> String {
    match dice.roll(100) {
        0 => return String::new(),
        1 => return "x".repeat(256),
        2 => return format!("a/{}", "x".repeat(255)),
        _ => {}
    }
    let mut path = String::new();
    for index in 0..=dice.pick(&[0, 0, 0, 0, 0, 1, 1, 1, 2, 3]) {
        if index > 0 {
            path.push_str(dice.pick(&["/", "/", "/", "//"]));
        }
        path.push_str(dice.pick(&NAMES));
    }
    path.push_str(dice.pick(&["", "", "", "", "", "", "", "", "", "/", "//"]));
    path
}

/// How deep the folder lies that the test works in: `..` behind links can climb out of it, and does so equally on both sides.
const DEPTH: usize = 60;

fn nest() -> String {
    "p/".repeat(DEPTH)
}

fn show<T: ToString>(result: Result<T, String>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => error,
    }
}

fn ours(error: impl Into<Stop>) -> String {
    match error.into() {
        Stop::Errno(errno) => format!("{errno:?}"),
        other => format!("{other:?}"),
    }
}

fn host(error: HostErrno) -> String {
    format!("{:?}", Errno::from_number(error.raw_os_error() as u32))
}

/// The host side: a folder, by its descriptor, so that parallel tests do not disturb each other.
struct Host {
    dir: rustix::fd::OwnedFd,
    path: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        // Left over in the temporary folder if it cannot be removed.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[derive(Debug)]
enum Step {
    Mkdir(String),
    Create(String, u32, Vec<u8>),
    Open(String, u32),
    Symlink(String, String),
    Link(String, String, bool),
    Rename(String, String, u32),
    Unlink(String),
    Rmdir(String),
    Stat(String, bool),
    Readlink(String),
    Truncate(String, i64),
    List(String),
}

fn step(dice: &mut Dice) -> Step {
    let open_flags = [
        O_RDONLY,
        O_WRONLY,
        O_RDWR,
        O_RDONLY | O_DIRECTORY,
        O_RDONLY | O_NOFOLLOW,
        O_WRONLY | O_TRUNC,
        O_PATH,
    ];
    let extra = [
        0,
        0,
        0,
        O_NOFOLLOW,
        O_DIRECTORY,
        O_TRUNC,
        O_PATH,
        O_PATH | O_NOFOLLOW,
        O_NOFOLLOW | O_DIRECTORY,
    ];
    let create = [
        0,
        0,
        O_EXCL,
        O_EXCL | O_NOFOLLOW,
        O_TRUNC,
        O_NOFOLLOW,
        O_DIRECTORY,
    ];
    match dice.roll(30) {
        0..6 => Step::Mkdir(path(dice)),
        6..9 => {
            let content = (0..dice.roll(40)).map(|byte| byte as u8).collect();
            Step::Create(path(dice), O_CREAT | O_WRONLY | dice.pick(&create), content)
        }
        9..12 => Step::Open(path(dice), dice.pick(&open_flags) | dice.pick(&extra)),
        12..14 => Step::Symlink(path(dice), path(dice)),
        14..16 => Step::Link(path(dice), path(dice), dice.roll(2) == 0),
        16..20 => Step::Rename(path(dice), path(dice), dice.pick(&[0, 0, 0, 1, 2])),
        20..22 => Step::Unlink(path(dice)),
        22..23 => Step::Rmdir(path(dice)),
        23..26 => Step::Stat(path(dice), dice.roll(2) == 0),
        26..27 => Step::Readlink(path(dice)),
        27..28 => Step::Truncate(path(dice), dice.roll(50) as i64 - 2),
        _ => Step::List(path(dice)),
    }
}

/// Kind, permission bits, links, and the size where it is not the file system's own affair.
fn summary(mode: u32, links: u64, size: u64) -> String {
    let size = if mode & 0o170000 == 0o040000 { 0 } else { size };
    format!("{mode:o} {links} {size}")
}

fn on_host(host_side: &Host, step: &Step) -> Result<String, String> {
    let dir = &host_side.dir;
    let mode = Mode::from_bits_retain(0o755);
    let ok = |()| String::from("ok");
    match step {
        Step::Mkdir(path) => rustix::fs::mkdirat(dir, path, mode).map(ok).map_err(host),
        Step::Create(path, flags, content) => {
            let fd = rustix::fs::openat(
                dir,
                path,
                OFlags::from_bits_retain(*flags),
                Mode::from_bits_retain(0o644),
            )
            .map_err(host)?;
            rustix::io::write(&fd, content)
                .map(|count| count.to_string())
                .map_err(host)
        }
        Step::Open(path, flags) => {
            let fd = rustix::fs::openat(dir, path, OFlags::from_bits_retain(*flags), Mode::empty())
                .map_err(host)?;
            let stat = rustix::fs::fstat(&fd).map_err(host)?;
            Ok(summary(stat.st_mode, stat.st_nlink, stat.st_size as u64))
        }
        Step::Symlink(text, path) => rustix::fs::symlinkat(text, dir, path).map(ok).map_err(host),
        Step::Link(from, to, follow) => {
            let flags = if *follow {
                AtFlags::SYMLINK_FOLLOW
            } else {
                AtFlags::empty()
            };
            rustix::fs::linkat(dir, from, dir, to, flags)
                .map(ok)
                .map_err(host)
        }
        Step::Rename(from, to, flags) => {
            rustix::fs::renameat_with(dir, from, dir, to, RenameFlags::from_bits_retain(*flags))
                .map(ok)
                .map_err(host)
        }
        Step::Unlink(path) => rustix::fs::unlinkat(dir, path, AtFlags::empty())
            .map(ok)
            .map_err(host),
        Step::Rmdir(path) => rustix::fs::unlinkat(dir, path, AtFlags::REMOVEDIR)
            .map(ok)
            .map_err(host),
        Step::Stat(path, follow) => {
            let flags = if *follow {
                AtFlags::empty()
            } else {
                AtFlags::SYMLINK_NOFOLLOW
            };
            let stat = rustix::fs::statat(dir, path, flags).map_err(host)?;
            Ok(summary(stat.st_mode, stat.st_nlink, stat.st_size as u64))
        }
        Step::Readlink(path) => {
            let text = rustix::fs::readlinkat(dir, path, Vec::new()).map_err(host)?;
            Ok(text.to_string_lossy().into_owned())
        }
        Step::Truncate(path, size) => {
            let fd = rustix::fs::openat(dir, path, OFlags::WRONLY, Mode::empty()).map_err(host)?;
            rustix::fs::ftruncate(&fd, *size as u64)
                .map(ok)
                .map_err(host)
        }
        Step::List(path) => {
            let fd =
                rustix::fs::openat(dir, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
                    .map_err(host)?;
            let mut names = Vec::new();
            for entry in rustix::fs::Dir::read_from(&fd).map_err(host)? {
                names.push(
                    entry
                        .map_err(host)?
                        .file_name()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
            names.sort();
            Ok(names.join(" "))
        }
    }
}

fn on_ours(world: &mut World, dirfd: i32, step: &Step) -> Result<String, String> {
    let ok = |()| String::from("ok");
    let opened = |world: &mut World, path: &String, flags, mode| {
        world
            .run(|vfs, cx| vfs.openat(cx, dirfd, path.as_bytes(), flags, mode))
            .map_err(ours)
    };
    match step {
        Step::Mkdir(path) => world
            .run(|vfs, cx| vfs.mkdirat(cx, dirfd, path.as_bytes(), 0o755))
            .map(ok)
            .map_err(ours),
        Step::Create(path, flags, content) => {
            let fd = opened(world, path, *flags, 0o644)?;
            let written = world
                .run(|vfs, cx| vfs.write(cx, fd, content))
                .map_err(ours);
            world.run(|vfs, cx| vfs.close(cx, fd)).map_err(ours)?;
            written.map(|count| count.to_string())
        }
        Step::Open(path, flags) => {
            let fd = opened(world, path, *flags, 0)?;
            let stat = world.run(|vfs, cx| vfs.fstat(cx, fd)).map_err(ours);
            world.run(|vfs, cx| vfs.close(cx, fd)).map_err(ours)?;
            stat.map(|stat| summary(stat.mode(), u64::from(stat.attr.links), stat.attr.size))
        }
        Step::Symlink(text, path) => world
            .run(|vfs, cx| vfs.symlinkat(cx, text.as_bytes(), dirfd, path.as_bytes()))
            .map(ok)
            .map_err(ours),
        Step::Link(from, to, follow) => {
            let flags = if *follow { AT_SYMLINK_FOLLOW } else { 0 };
            world
                .run(|vfs, cx| {
                    vfs.linkat(cx, (dirfd, from.as_bytes()), (dirfd, to.as_bytes()), flags)
                })
                .map(ok)
                .map_err(ours)
        }
        Step::Rename(from, to, flags) => world
            .run(|vfs, cx| {
                vfs.renameat2(cx, (dirfd, from.as_bytes()), (dirfd, to.as_bytes()), *flags)
            })
            .map(ok)
            .map_err(ours),
        Step::Unlink(path) => world
            .run(|vfs, cx| vfs.unlinkat(cx, dirfd, path.as_bytes(), 0))
            .map(ok)
            .map_err(ours),
        Step::Rmdir(path) => world
            .run(|vfs, cx| vfs.unlinkat(cx, dirfd, path.as_bytes(), AT_REMOVEDIR))
            .map(ok)
            .map_err(ours),
        Step::Stat(path, follow) => {
            let flags = if *follow { 0 } else { AT_SYMLINK_NOFOLLOW };
            let stat = world
                .run(|vfs, cx| vfs.fstatat(cx, dirfd, path.as_bytes(), flags))
                .map_err(ours)?;
            Ok(summary(
                stat.mode(),
                u64::from(stat.attr.links),
                stat.attr.size,
            ))
        }
        Step::Readlink(path) => {
            let text = world
                .run(|vfs, cx| vfs.readlinkat(cx, dirfd, path.as_bytes()))
                .map_err(ours)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Step::Truncate(path, size) => {
            let fd = opened(world, path, O_WRONLY, 0)?;
            let done = world
                .run(|vfs, cx| vfs.ftruncate(cx, fd, *size))
                .map(ok)
                .map_err(ours);
            world.run(|vfs, cx| vfs.close(cx, fd)).map_err(ours)?;
            done
        }
        Step::List(path) => {
            let fd = opened(world, path, O_RDONLY | O_DIRECTORY, 0)?;
            world.run(|vfs, cx| vfs.close(cx, fd)).map_err(ours)?;
            world
                .run(|vfs, cx| vfs.fstatat(cx, dirfd, path.as_bytes(), 0))
                .map_err(ours)?;
            let whole = format!("/{}{path}", nest());
            let mut names: Vec<String> = world
                .list(&whole, 300)
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect();
            names.sort();
            Ok(names.join(" "))
        }
    }
}

fn compare(seed: u64, steps: usize, mut world: World) {
    let path = format!("/tmp/sundog-vfs-test-{}-{seed}", std::process::id());
    std::fs::create_dir(&path).unwrap();
    let inner = format!("{path}/{}", nest());
    std::fs::create_dir_all(&inner).unwrap();
    let dir = rustix::fs::open(&*inner, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let host_side = Host { dir, path };
    rustix::process::umask(Mode::from_bits_retain(0o022));
    for depth in 1..=DEPTH {
        world.mkdir(&format!("/{}", "p/".repeat(depth))).unwrap();
    }
    let dirfd = world
        .open(&format!("/{}", nest()), O_PATH | O_DIRECTORY)
        .unwrap();
    let mut dice = Dice(seed);
    let (mut good, mut last) = (0, Vec::new());
    for index in 0..steps {
        let step = step(&mut dice);
        let (theirs, mine) = (
            show(on_host(&host_side, &step)),
            show(on_ours(&mut world, dirfd, &step)),
        );
        last.push(format!("{step:?} -> {theirs}"));
        assert_eq!(
            mine,
            theirs,
            "seed {seed} step {index}: {step:#?} after {:#?}",
            &last[last.len().saturating_sub(12)..]
        );
        good += usize::from(!theirs.starts_with('E'));
    }
    assert!(
        good * 5 > steps,
        "too few steps did anything: {good} of {steps}"
    );
}

#[test]
fn ten_thousand_random_steps_end_as_on_linux() {
    for seed in 1..=6 {
        compare(seed, 4_000, World::new());
    }
}

#[test]
fn the_same_over_the_wire() {
    for seed in 7..=8 {
        compare(seed, 4_000, World::with_root(remote_tmpfs()));
    }
}
