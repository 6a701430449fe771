//! Tests of the calls on files: one run, since a process has the pages once.

use super::*;
use rustix::fs::{CWD, openat};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn number(result: Result<OwnedFd, Error>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

#[test]
fn files_are_named_beneath_a_descriptor_only() {
    let folder = Folder(std::env::temp_dir().join(format!("sundog-calls-{}", std::process::id())));
    let path = &folder.0;
    fs::create_dir_all(path.join("in/side")).unwrap();
    fs::write(path.join("in/file"), b"text").unwrap();
    fs::write(path.join("out"), b"outside").unwrap();
    symlink("file", path.join("in/link")).unwrap();
    symlink("..", path.join("in/up")).unwrap();
    let inside = openat(
        CWD,
        path.join("in"),
        OFlags::PATH | OFlags::DIRECTORY,
        Mode::empty(),
    );
    let inside = inside.unwrap();
    let inside = inside.as_fd();

    let calls = Calls::new().unwrap();
    assert!(Calls::new().is_err(), "the pages are there once");
    let (exdev, eloop) = (Some(18), Some(40));
    assert_eq!(number(calls.node(inside, c"../out")), exdev);
    assert_eq!(number(calls.node(inside, c"/etc")), exdev);
    assert_eq!(number(calls.node(inside, c"up/out")), eloop);
    assert_eq!(number(calls.create(inside, c"../new", 0o600)), exdev);
    assert_eq!(number(calls.create(inside, c"up/new", 0o600)), eloop);
    assert_eq!(number(calls.create(inside, c"file", 0o600)), Some(17));

    let file = calls.node(inside, c"file").unwrap();
    let read = Access {
        read: true,
        write: false,
        truncate: false,
        append: false,
    };
    let open = calls.open(file.as_fd(), read).unwrap();
    let mut text = [0; 9];
    assert_eq!(rustix::io::read(&open, &mut text).unwrap(), 4);
    assert!(rustix::io::write(&open, b"x").is_err());
    let write = Access {
        write: true,
        truncate: true,
        append: true,
        ..read
    };
    let open = calls.open(file.as_fd(), write).unwrap();
    rustix::io::write(&open, b"ab").unwrap();
    rustix::io::pwrite(&open, b"c", 0).unwrap();
    assert_eq!(fs::read(path.join("in/file")).unwrap(), b"abc");

    let link = calls.node(inside, c"link").unwrap();
    assert_eq!(calls.readlink(link.as_fd(), &mut text).unwrap(), 4);
    assert!(calls.readlink(file.as_fd(), &mut text).is_err());
    let at = Moment {
        seconds: -5,
        nanos: 7,
    };
    for node in [&file, &link] {
        calls
            .times(node.as_fd(), SetMoment::Keep, SetMoment::At(at))
            .unwrap();
        assert_eq!(calls.status(node.as_fd()).unwrap().modified, at);
    }
    calls.chmod(file.as_fd(), 0o604).unwrap();
    calls.chmod_open(file.as_fd(), 0o640).unwrap();
    let found = fs::metadata(path.join("in/file")).unwrap();
    assert_eq!(found.permissions().mode(), 0o100_640);
    calls.link(file.as_fd(), inside, c"again").unwrap();
    let status = calls.status(file.as_fd()).unwrap();
    assert_eq!((status.links, status.mode), (2, 0o100_640));
    assert_eq!((status.number, status.size), (found.ino(), 3));
    assert_eq!((status.user, status.group), (found.uid(), found.gid()));
    let changed = (status.changed.seconds, i64::from(status.changed.nanos));
    let again = fs::metadata(path.join("in/again")).unwrap();
    assert_eq!(changed, (again.ctime(), again.ctime_nsec()));
    calls.chown(file.as_fd(), u32::MAX, u32::MAX).unwrap();
    assert!(calls.open(inside, read).is_ok() && calls.open(inside, write).is_err());
}
