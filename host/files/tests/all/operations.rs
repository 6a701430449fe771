//! What the file protocol promises, on folders of the host.
use crate::world::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use sundog_host_files::handover::Bind;
use sundog_protocols::file::{
    Allocate, FileError, FileServer, Handle, Kind, OpenFlags, RenameFlags, SetAttr, SetTime, Time,
};

#[test]
fn what_is_written_is_on_the_host_at_once_and_the_other_way_round() {
    let folder = Folder::new();
    let (machine, mut tree, root) = Machine::of(&folder, true);
    assert_eq!(machine.terms.binds, 1);
    let made = tree.create(root, b"new", BOTH, 0o640, OWNER).unwrap();
    let data: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut written = 0;
    while written < data.len() {
        let more = tree.write(made.open, written as u64, &data[written..]);
        written += more.unwrap();
    }
    assert_eq!(std::fs::read(folder.path("new")).unwrap(), data);
    let host = std::fs::metadata(folder.path("new")).unwrap();
    let attr = tree.getattr(made.node.handle).unwrap();
    assert_eq!((attr.mode, attr.kind), (0o640, Kind::Regular));
    assert_eq!((attr.size, attr.links), (100_000, 1));
    assert_eq!((attr.id, attr.blocks), (host.ino(), host.blocks()));
    assert_eq!((attr.uid, attr.gid), (host.uid(), host.gid()));
    let modified = (attr.modified.seconds, i64::from(attr.modified.nanos));
    assert_eq!(modified, (host.mtime(), host.mtime_nsec()));
    let changed = (attr.changed.seconds, i64::from(attr.changed.nanos));
    assert_eq!(changed, (host.ctime(), host.ctime_nsec()));
    assert!(attr.created.seconds > 0);

    folder.put("new", b"changed on the host");
    let mut found = [0; 64];
    assert_eq!(tree.read(made.open, 0, &mut found).unwrap(), 19);
    assert_eq!(&found[..19], b"changed on the host");
    assert_eq!(tree.read(made.open, 19, &mut found).unwrap(), 0);
    let after = tree.getattr(made.open).unwrap();
    assert_ne!((after.size, after.changed), (attr.size, attr.changed));
    tree.fsync(made.open, false).unwrap();
    tree.fsync(made.open, true).unwrap();
    assert!(tree.statfs(root).unwrap().blocks > 0);
    // The node's own handle does not keep the file open for writing.
    let target = std::fs::read_link(format!("/proc/{}/fd", machine.child.id()));
    assert!(target.is_err(), "a process that nobody looks into");
}

#[test]
fn every_attribute_can_be_set() {
    let folder = Folder::new();
    folder.put("file", b"0123456789");
    symlink("file", folder.path("link")).unwrap();
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let file = tree.walk(root, b"file").unwrap().handle;
    let link = tree.walk(root, b"link").unwrap().handle;
    let set = SetAttr {
        size: Some(4),
        mode: Some(0o000),
        accessed: Some(SetTime::At(Time {
            seconds: 1,
            nanos: 2,
        })),
        modified: Some(SetTime::At(Time {
            seconds: -3,
            nanos: 999_999_999,
        })),
        ..SetAttr::default()
    };
    tree.setattr(file, &set).unwrap();
    let host = std::fs::metadata(folder.path("file")).unwrap();
    assert_eq!((host.mode(), host.size()), (0o100_000, 4));
    assert_eq!((host.atime(), host.atime_nsec()), (1, 2));
    assert_eq!((host.mtime(), host.mtime_nsec()), (-3, 999_999_999));
    // A file that nobody may read gets its rights back, and cannot be read before.
    assert_eq!(tree.open(file, READ), Err(FileError::EACCES));
    let mode = SetAttr {
        mode: Some(0o4755),
        modified: Some(SetTime::Now),
        ..SetAttr::default()
    };
    tree.setattr(file, &mode).unwrap();
    let host = std::fs::metadata(folder.path("file")).unwrap();
    assert_eq!(host.permissions().mode(), 0o104_755);
    assert!(host.mtime() > 1_000_000_000);
    let times = SetAttr {
        modified: set.modified,
        ..SetAttr::default()
    };
    tree.setattr(link, &times).unwrap();
    assert_eq!(
        std::fs::symlink_metadata(folder.path("link"))
            .unwrap()
            .mtime(),
        -3
    );
    let own = SetAttr {
        uid: Some(host.uid()),
        gid: Some(host.gid()),
        ..SetAttr::default()
    };
    tree.setattr(file, &own).unwrap();
    let other = SetAttr {
        uid: Some(host.uid() + 1),
        ..SetAttr::default()
    };
    assert_eq!(tree.setattr(file, &other), Err(FileError::EPERM));
    let size = SetAttr {
        size: Some(0),
        ..SetAttr::default()
    };
    assert_eq!(tree.setattr(root, &size), Err(FileError::EISDIR));
    assert_eq!(tree.setattr(link, &size), Err(FileError::EINVAL));
}

#[test]
fn names_are_made_moved_and_removed() {
    let folder = Folder::new();
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let odd = b"\xff\xfe \n\x01";
    let made = tree.create(root, odd, WRITE, 0o600, OWNER).unwrap();
    assert!(folder.0.join(OsStr::from_bytes(odd)).exists());
    let sub = tree.mkdir(root, b"sub", 0o700, OWNER).unwrap();
    tree.link(made.node.handle, sub.handle, b"hard").unwrap();
    assert_eq!(tree.getattr(made.open).unwrap().links, 2);
    for folder in [root, sub.handle] {
        let linked = tree.link(folder, root, b"no link to a folder");
        assert_eq!(linked, Err(FileError::EPERM));
    }
    let text = vec![b'x'; 3000];
    let link = tree.symlink(sub.handle, b"soft", &text, OWNER).unwrap();
    assert_eq!(tree.readlink(link.handle).unwrap(), text);
    assert_eq!(tree.readlink(sub.handle), Err(FileError::EINVAL));
    let pipe = tree.mknod(sub.handle, b"pipe", Kind::Fifo, 0o600, 0, OWNER);
    assert_eq!(pipe.unwrap().attr.kind, Kind::Fifo);
    let socket = tree.mknod(sub.handle, b"socket", Kind::Socket, 0o600, 0, OWNER);
    assert_eq!(socket.unwrap().attr.kind, Kind::Socket);
    for kind in [Kind::CharDevice, Kind::BlockDevice] {
        let device = tree.mknod(sub.handle, b"device", kind, 0o600, 0x103, OWNER);
        assert_eq!(device, Err(FileError::EPERM));
    }
    let all: [&[u8]; 4] = [b"hard", b"pipe", b"socket", b"soft"];
    let mut sorted = all.map(<[u8]>::to_vec);
    sorted.sort();
    assert_eq!(names(&mut tree, sub.handle).unwrap(), sorted);

    let plain = RenameFlags::default();
    tree.rename(sub.handle, b"hard", root, b"moved", plain)
        .unwrap();
    let refused = tree.rename(root, b"moved", root, odd, RenameFlags::NO_REPLACE);
    assert_eq!(refused, Err(FileError::EEXIST));
    tree.rename(root, b"moved", sub.handle, b"soft", RenameFlags::EXCHANGE)
        .unwrap();
    assert_eq!(tree.walk(root, b"moved").unwrap().attr.kind, Kind::Symlink);
    assert_eq!(tree.unlink(root, b"sub", false), Err(FileError::EISDIR));
    assert_eq!(tree.unlink(root, b"sub", true), Err(FileError::ENOTEMPTY));
    assert_eq!(tree.unlink(root, b"moved", true), Err(FileError::ENOTDIR));
    for (name, there) in [
        (&b"soft"[..], true),
        (b"pipe", true),
        (b"socket", true),
        (b"soft", false),
    ] {
        let gone = tree.unlink(sub.handle, name, false);
        assert_eq!(gone, there.then_some(()).ok_or(FileError::ENOENT));
    }
    tree.unlink(root, b"sub", true).unwrap();
    // What was removed lives on behind its handles.
    tree.unlink(root, odd, false).unwrap();
    assert_eq!(tree.getattr(made.open).unwrap().links, 0);
    assert_eq!(tree.write(made.open, 0, b"still").unwrap(), 5);
    let again = tree.open(made.node.handle, READ).unwrap();
    let mut text = [0; 9];
    assert_eq!(tree.read(again, 0, &mut text).unwrap(), 5);
}

#[test]
fn holes_appends_and_cuts_are_the_hosts() {
    let folder = Folder::beneath(std::path::Path::new("/dev/shm"));
    folder.put("file", b"begin");
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let node = tree.walk(root, b"file").unwrap().handle;
    let open = tree.open(node, BOTH.with(OpenFlags::APPEND)).unwrap();
    tree.write(open, 0, b" end").unwrap();
    assert_eq!(std::fs::read(folder.path("file")).unwrap(), b"begin end");
    let made = tree
        .create(root, b"log", WRITE.with(OpenFlags::APPEND), 0o600, OWNER)
        .unwrap();
    for text in [b"a", b"b"] {
        tree.write(made.open, 0, text).unwrap();
    }
    assert_eq!(std::fs::read(folder.path("log")).unwrap(), b"ab");
    assert_eq!(tree.read(made.open, 0, &mut [0; 4]), Err(FileError::EBADF));
    let open = tree.open(node, BOTH.with(OpenFlags::TRUNCATE)).unwrap();
    assert_eq!(tree.getattr(open).unwrap().size, 0);
    tree.write(open, 1 << 20, b"x").unwrap();
    assert_eq!(tree.seek(open, 0, false), Ok(1 << 20));
    assert_eq!(tree.seek(open, 0, true), Ok(0));
    assert_eq!(tree.seek(open, 1 << 21, true), Err(FileError::ENXIO));
    assert_eq!(tree.seek(open, u64::MAX, false), Err(FileError::ENXIO));
    tree.allocate(open, Allocate::PunchHole, 1 << 20, 4096)
        .unwrap();
    let mut byte = [9];
    assert_eq!(tree.read(open, 1 << 20, &mut byte).unwrap(), 1);
    assert_eq!(byte, [0]);
    tree.allocate(open, Allocate::Extend, 0, 3 << 20).unwrap();
    assert_eq!(tree.getattr(node).unwrap().size, 3 << 20);
}

#[test]
fn a_read_only_bind_is_looked_at_and_not_changed() {
    let folder = Folder::new();
    folder.put("file", b"text");
    std::fs::create_dir(folder.path("sub")).unwrap();
    symlink("file", folder.path("link")).unwrap();
    let (_machine, mut tree, root) = Machine::of(&folder, false);
    assert_eq!(content(&mut tree, root, b"file").unwrap(), b"text");
    assert_eq!(names(&mut tree, root).unwrap().len(), 3);
    let node = tree.walk(root, b"file").unwrap().handle;
    let rofs = FileError::EROFS;
    assert_eq!(tree.open(node, WRITE), Err(rofs));
    let cut = BOTH.with(OpenFlags::TRUNCATE);
    assert_eq!(tree.open(node, cut), Err(rofs));
    assert_eq!(
        tree.create(root, b"new", READ, 0o600, OWNER).err(),
        Some(rofs)
    );
    let there = tree.create(root, b"file", READ, 0o600, OWNER);
    assert_eq!(there.err(), Some(FileError::EEXIST));
    assert_eq!(tree.mkdir(root, b"new", 0o700, OWNER).err(), Some(rofs));
    assert_eq!(tree.symlink(root, b"new", b"x", OWNER).err(), Some(rofs));
    let pipe = tree.mknod(root, b"new", Kind::Fifo, 0o600, 0, OWNER);
    assert_eq!(pipe.err(), Some(rofs));
    assert_eq!(tree.link(node, root, b"new"), Err(rofs));
    assert_eq!(tree.unlink(root, b"file", false), Err(rofs));
    assert_eq!(tree.unlink(root, b"none", false), Err(FileError::ENOENT));
    let plain = RenameFlags::default();
    assert_eq!(tree.rename(root, b"file", root, b"new", plain), Err(rofs));
    for set in [
        SetAttr {
            mode: Some(0),
            ..SetAttr::default()
        },
        SetAttr {
            size: Some(0),
            ..SetAttr::default()
        },
        SetAttr {
            modified: Some(SetTime::Now),
            ..SetAttr::default()
        },
    ] {
        assert_eq!(tree.setattr(node, &set), Err(rofs));
    }
    assert_eq!(std::fs::read(folder.path("file")).unwrap(), b"text");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 3);
}

#[test]
fn a_file_alone_can_be_bound() {
    let folder = Folder::new();
    let (one, two) = (folder.put("one", b"1"), folder.put("two", b"2"));
    let machine = Machine::new(&[bind(&one, true), bind(&two, false), bind(&folder.0, false)]);
    assert_eq!(machine.terms.binds, 3);
    let (mut first, mut second) = (machine.tree(0), machine.tree(1));
    let file = first.attach(b"").unwrap();
    assert_eq!(file.attr.kind, Kind::Regular);
    assert_eq!(
        first.walk(file.handle, b"two").err(),
        Some(FileError::ENOTDIR)
    );
    let open = first.open(file.handle, BOTH).unwrap();
    first.write(open, 0, b"changed").unwrap();
    assert_eq!(std::fs::read(&one).unwrap(), b"changed");
    // The handles of one bind mean nothing in another one.
    assert_eq!(second.getattr(open), Err(FileError::EBADF));
    let other = second.attach(b"").unwrap().handle;
    assert_eq!(second.open(other, WRITE), Err(FileError::EROFS));
    assert_eq!(second.attach(b"x").err(), Some(FileError::ENOENT));
    let mut none = machine.tree(3);
    assert_eq!(none.attach(b"").err(), Some(FileError::ENODEV));
}

#[test]
fn what_is_no_file_is_never_opened() {
    let folder = Folder::new();
    mknodat(CWD, folder.path("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
    symlink("/etc/passwd", folder.path("link")).unwrap();
    let mut present = vec![&b"pipe"[..], b"socket", b"link"];
    // Only the superuser can make one; /dev/null's number.
    let device = mknodat(
        CWD,
        folder.path("device"),
        FileType::CharacterDevice,
        Mode::RWXU,
        0x103,
    );
    if device.is_ok() {
        present.push(b"device");
    }
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    for name in present {
        let node = tree.walk(root, name).unwrap().handle;
        for flags in [READ, WRITE, BOTH] {
            assert_eq!(tree.open(node, flags), Err(FileError::EOPNOTSUPP));
        }
        assert!(tree.getattr(node).is_ok());
    }
}

#[test]
fn a_hundred_thousand_names_appear_once_each_and_from_any_place() {
    const COUNT: usize = 100_000;
    // One file system with large marks of places and one with small ones.
    for parent in [std::env::temp_dir(), "/dev/shm".into()] {
        let folder = Folder::beneath(&parent);
        let first = folder.put("0", b"");
        std::fs::create_dir(folder.path("sub")).unwrap();
        // Names of one file cost less than files.
        let (mut source, mut names) = (first, vec![false; COUNT]);
        for number in 1..COUNT {
            if number % 30_000 == 0 {
                source = folder.put(&number.to_string(), b"");
            } else {
                std::fs::hard_link(&source, folder.path(&number.to_string())).unwrap();
            }
        }
        std::fs::remove_dir(folder.path("sub")).unwrap();
        let (_machine, mut tree, root) = Machine::of(&folder, false);
        let open = tree.open(root, READ).unwrap();
        let mut places = Vec::new();
        tree.readdir(open, 0, &mut |entry| {
            let number: usize = std::str::from_utf8(entry.name).unwrap().parse().unwrap();
            assert!(!names[number] && entry.kind == Kind::Regular);
            assert!(entry.next > 0 && entry.next < 1 << 61);
            names[number] = true;
            places.push((entry.next, entry.name.to_vec()));
            true
        })
        .unwrap();
        assert!(names.iter().all(|found| *found));
        for index in [0, 1, 777, 31_415, 99_997] {
            let mut next = None;
            tree.readdir(open, places[index].0, &mut |entry| {
                next = Some((entry.next, entry.name.to_vec()));
                false
            })
            .unwrap();
            assert_eq!(next.as_ref(), Some(&places[index + 1]));
        }
        let end = tree.readdir(open, places[COUNT - 1].0, &mut |_| panic!("behind the end"));
        assert_eq!(end, Ok(()));
    }
}

/// A file system of 256 KiB; `None` where only the superuser can make one.
fn small_disk() -> Option<Bind> {
    let made = (|| {
        let disk = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&disk, "size", "256k")?;
        fsconfig_create(&disk)?;
        fsmount(
            &disk,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )
    })();
    match made {
        Ok(root) => Some(Bind {
            root,
            writable: true,
        }),
        Err(error) => {
            eprintln!("NO SMALL DISK HERE ({error}): what a full one does is not tested");
            None
        }
    }
}

#[test]
fn a_full_disk_is_told() {
    let Some(disk) = small_disk() else {
        return;
    };
    let machine = Machine::new(&[disk]);
    let mut tree = machine.tree(0);
    let root = tree.attach(b"").unwrap().handle;
    let made = tree.create(root, b"large", BOTH, 0o600, OWNER).unwrap();
    let full = tree.allocate(made.open, Allocate::Extend, 0, 1 << 20);
    assert_eq!(full, Err(FileError::ENOSPC));
    let (data, mut written) = (vec![1; 1 << 16], 0);
    let full = loop {
        match tree.write(made.open, written, &data) {
            Ok(count) => written += count as u64,
            Err(error) => break error,
        }
    };
    assert_eq!((full, written), (FileError::ENOSPC, 256 << 10));
    assert_eq!(tree.getattr(made.open).unwrap().size, written);
    let size = SetAttr {
        size: Some(0),
        ..SetAttr::default()
    };
    tree.setattr(made.node.handle, &size).unwrap();
    assert_eq!(tree.write(made.open, 0, b"goes on").unwrap(), 7);
    let beyond = tree.write(made.open, u64::MAX, b"x");
    assert_eq!(beyond, Err(FileError::EINVAL));
}

#[test]
fn a_file_that_is_cut_while_it_is_read_ends_there() {
    let folder = Folder::new();
    let path = folder.put("file", &vec![1; 1 << 20]);
    let (_machine, mut tree, root) = Machine::of(&folder, false);
    let node = tree.walk(root, b"file").unwrap().handle;
    let open = tree.open(node, READ).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let mut bytes = vec![9; 1 << 16];
    for (size, count) in [(1 << 20, 65_536), (70_000, 4_464), (1000, 0)] {
        file.set_len(size).unwrap();
        assert_eq!(tree.read(open, 65_536, &mut bytes).unwrap(), count);
        assert!(bytes[..count].iter().all(|byte| *byte == 1));
    }
    assert_eq!(tree.getattr(open).unwrap().size, 1000);
}

#[test]
fn what_the_host_removes_is_gone_for_names_and_not_for_handles() {
    let folder = Folder::new();
    folder.put("file", b"text");
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let node = tree.walk(root, b"file").unwrap().handle;
    std::fs::remove_file(folder.path("file")).unwrap();
    assert_eq!(tree.walk(root, b"file").err(), Some(FileError::ENOENT));
    let open: Handle = tree.open(node, READ).unwrap();
    let mut text = [0; 8];
    assert_eq!(tree.read(open, 0, &mut text).unwrap(), 4);
}
