//! Tests of who asks for a device: names and hashes of programs.

use super::world::{AT, Processes, World};
use crate::asker::Asker;
use crate::constants::O_RDONLY;
use crate::*;
use alloc::vec::Vec;
use hmac_sha256::Hash;

/// The process list, with a command line.
struct Called<'a>(&'a Processes, &'a [u8]);

impl ProcInfo for Called<'_> {
    fn pids(&self) -> Vec<u32> {
        self.0.pids()
    }
    fn tasks(&self, pid: u32) -> Vec<u32> {
        self.0.tasks(pid)
    }
    fn process(&self, pid: u32) -> Option<ProcessView> {
        self.0.process(pid)
    }
    fn is_orphaned(&self, pid: u32) -> bool {
        self.0.is_orphaned(pid)
    }
    fn group_session(&self, group: u32) -> Option<u32> {
        self.0.group_session(group)
    }
    fn process_text(&self, _: u32, file: ProcessFile) -> Option<Vec<u8>> {
        (file == ProcessFile::Cmdline).then(|| self.1.to_vec())
    }
    fn system_text(&self, file: SystemFile) -> Vec<u8> {
        self.0.system_text(file)
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Hash::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize()
}

/// Who asks when process 10 runs `exe` and was called so.
fn asker(world: &mut World, exe: Option<&str>, called: &[u8]) -> Asker {
    let exe = exe.map(|path| {
        let fd = world.open(path, O_RDONLY).unwrap();
        world.run(|vfs, cx| vfs.descriptor(cx, fd)).unwrap()
    });
    world.processes.0[0].1.exe = exe;
    let World { vfs, processes } = world;
    let info = Called(processes, called);
    let view = processes.process(10).unwrap();
    let cx = Context {
        fs: view.fs.unwrap(),
        fds: view.fds.unwrap(),
        creds: Creds::default(),
        job: Job {
            pid: 10,
            ..Job::default()
        },
        max_files: 256,
        max_file_size: u64::MAX,
        timed_out: false,
        info: &info,
    };
    vfs.asker(&cx)
}

#[test]
fn a_program_is_named_by_what_it_was_called_only_if_that_is_the_same_file() {
    let mut world = World::new();
    world.mkdir("/bin").unwrap();
    let image = "busybox".repeat(5000);
    world.write_file("/bin/busybox", &image);
    world.write_file("/bin/login", "another");
    world.symlink("busybox", "/bin/cat").unwrap();
    world
        .run(|vfs, cx| vfs.linkat(cx, (AT, b"/bin/busybox"), (AT, b"/bin/head"), 0))
        .unwrap();
    let own = hash(&[image.as_bytes()]);
    for (called, name) in [
        (&b"cat\0/dev/ttyS1\0"[..], &b"/bin/cat"[..]),
        (b"head\0", b"/bin/head"),
        (b"/bin/cat\0", b"/bin/cat"),
    ] {
        let asker = asker(&mut world, Some("/bin/busybox"), called);
        assert_eq!(asker.path, name);
        assert_eq!(asker.hash, hash(&[&own, name]), "apart from its siblings");
    }
    for called in [
        &b"busybox\0"[..],
        b"login\0",
        b"nothing\0",
        b"bin/cat\0",
        b"/bin/login\0",
        b"",
    ] {
        let asker = asker(&mut world, Some("/bin/busybox"), called);
        assert_eq!((&*asker.path, asker.hash), (&b"/bin/busybox"[..], own));
    }
    assert_eq!(asker(&mut world, None, b"cat\0"), Asker::default());
}
