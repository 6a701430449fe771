//! Tests of the tree.

use crate::{HeapPages, Limits, StoppedClock, Tmpfs};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use sundog_protocols::file::{
    Allocate, FileError, FileServer, Handle, Kind, OpenFlags, Owner, RenameFlags, SetAttr, Time,
};

const RW: OpenFlags = OpenFlags::READ.with(OpenFlags::WRITE);
const OWNER: Owner = Owner { uid: 1, gid: 2 };

fn tree_with(limits: Limits) -> (Tmpfs<HeapPages>, Handle) {
    let clock = Box::new(StoppedClock(Time {
        seconds: 5,
        nanos: 7,
    }));
    let mut fs = Tmpfs::new(HeapPages::new(1 << 20), clock, limits, 0o755, OWNER);
    let root = fs.attach(b"").unwrap().handle;
    (fs, root)
}

fn tree() -> (Tmpfs<HeapPages>, Handle) {
    tree_with(Limits::default())
}

fn file(fs: &mut Tmpfs<HeapPages>, dir: Handle, name: &str) -> Handle {
    let made = fs.create(dir, name.as_bytes(), RW, 0o644, OWNER).unwrap();
    fs.clunk(made.node.handle);
    made.open
}

fn names(fs: &mut Tmpfs<HeapPages>, dir: Handle) -> Vec<Vec<u8>> {
    let open = fs.open(dir, OpenFlags::READ).unwrap();
    let mut found = Vec::new();
    fs.readdir(open, 0, &mut |entry| {
        found.push(entry.name.to_vec());
        true
    })
    .unwrap();
    fs.clunk(open);
    found
}

#[test]
fn sparse_files_read_zeros_and_count_only_their_blocks() {
    let (mut fs, root) = tree();
    let open = file(&mut fs, root, "f");
    assert_eq!(fs.write(open, 1 << 40, b"end"), Ok(3));
    assert_eq!(fs.write(open, 4090, b"0123456789"), Ok(10));
    let attr = fs.getattr(open).unwrap();
    assert_eq!((attr.size, attr.blocks), ((1 << 40) + 3, 24));
    let mut buffer = [1; 20];
    assert_eq!(fs.read(open, 4085, &mut buffer), Ok(20));
    assert_eq!(&buffer, b"\0\0\0\0\x000123456789\0\0\0\0\0");
    assert_eq!(fs.seek(open, 0, false), Ok(0));
    assert_eq!(fs.seek(open, 0, true), Ok(8192));
    assert_eq!(fs.seek(open, 8192, false), Ok(1 << 40));
    assert_eq!(fs.seek(open, 1 << 40, true), Ok((1 << 40) + 3));
    assert_eq!(fs.seek(open, (1 << 40) + 3, true), Err(FileError::ENXIO));
    assert_eq!(fs.write(open, i64::MAX as u64, b"x"), Err(FileError::EFBIG));
}

#[test]
fn truncating_and_growing_again_shows_zeros() {
    let (mut fs, root) = tree();
    let open = file(&mut fs, root, "f");
    fs.write(open, 0, &[7; 9000]).unwrap();
    let size = |size| SetAttr {
        size: Some(size),
        ..SetAttr::default()
    };
    fs.setattr(open, &size(5000)).unwrap();
    assert_eq!(fs.pages().used(), 2);
    fs.setattr(open, &size(9000)).unwrap();
    let mut buffer = vec![1; 9000];
    assert_eq!(fs.read(open, 0, &mut buffer), Ok(9000));
    assert!(
        buffer[..5000].iter().all(|&byte| byte == 7)
            && buffer[5000..].iter().all(|&byte| byte == 0)
    );
}

#[test]
fn punching_zeroes_the_edges_and_frees_the_middle() {
    let (mut fs, root) = tree();
    let open = file(&mut fs, root, "f");
    for (offset, length, used) in [
        (100, 50, 5),
        (100, 8100, 4),
        (4096, 4096, 4),
        (0, 20480, 0),
        (8191, 2, 5),
    ] {
        fs.write(open, 0, &[9; 20480]).unwrap();
        fs.allocate(open, Allocate::PunchHole, offset, length)
            .unwrap();
        assert_eq!(fs.pages().used(), used, "{offset} {length}");
        let mut buffer = vec![1; 20480];
        fs.read(open, 0, &mut buffer).unwrap();
        for (at, &byte) in buffer.iter().enumerate() {
            let inside = (offset..offset + length).contains(&(at as u64));
            assert_eq!(byte, if inside { 0 } else { 9 }, "{offset} {length} {at}");
        }
    }
}

#[test]
fn limits_of_space_and_nodes_hold_and_are_given_back() {
    let (mut fs, root) = tree_with(Limits {
        pages: 3,
        nodes: 4,
        handles: 10,
        ..Limits::default()
    });
    let open = file(&mut fs, root, "a");
    assert_eq!(fs.write(open, 0, &[1; 5 * 4096]), Ok(3 * 4096));
    assert_eq!(fs.write(open, 3 * 4096, b"x"), Err(FileError::ENOSPC));
    assert_eq!(
        fs.allocate(open, Allocate::Extend, 0, 4 * 4096),
        Err(FileError::ENOSPC)
    );
    assert_eq!(fs.statfs(root).unwrap().free, 0);
    let node = fs.walk(root, b"a").unwrap().handle;
    fs.link(node, root, b"b").unwrap();
    let made = fs.mkdir(root, b"c", 0o755, OWNER).unwrap();
    assert_eq!(fs.link(node, root, b"d"), Err(FileError::ENOSPC));
    assert_eq!(fs.mkdir(root, b"d", 0o755, OWNER), Err(FileError::ENOSPC));
    fs.unlink(root, b"b", false).unwrap();
    fs.unlink(root, b"a", false).unwrap();
    assert_eq!(fs.pages().used(), 3, "open files live on without a name");
    for handle in [open, node, Handle(0)] {
        fs.clunk(handle);
    }
    assert_eq!(fs.pages().used(), 0);
    fs.clunk(made.handle);
    let root = fs.attach(b"").unwrap().handle;
    assert_eq!(fs.statfs(root).unwrap().free_nodes, 2);
    let many: Vec<_> = (0..20).map_while(|_| fs.walk(root, b"c").ok()).collect();
    assert_eq!(fs.walk(root, b"c").map(|_| ()), Err(FileError::EMFILE));
    assert_eq!(
        fs.mkdir(root, b"x", 0, OWNER).map(|_| ()),
        Err(FileError::EMFILE)
    );
    fs.clunk(many[0].handle);
    assert!(fs.walk(root, b"x").is_err() && fs.walk(root, b"c").is_ok());
}

#[test]
fn without_memory_for_records_nothing_is_half_made_and_what_goes_makes_room_again() {
    static LEFT: AtomicBool = AtomicBool::new(true);
    let (mut fs, root) = tree_with(Limits {
        room: || LEFT.load(Ordering::Relaxed),
        ..Limits::default()
    });
    let open = file(&mut fs, root, "a");
    assert_eq!(fs.write(open, 0, b"x"), Ok(1));
    let node = fs.walk(root, b"a").unwrap().handle;
    let free = fs.statfs(root).unwrap().free_nodes;
    LEFT.store(false, Ordering::Relaxed);
    let full = Err(FileError::ENOSPC);
    let none = RenameFlags::default();
    assert_eq!(
        fs.create(root, b"b", RW, 0o644, OWNER).map(|_| ()),
        full.clone()
    );
    assert_eq!(fs.mkdir(root, b"b", 0o755, OWNER).map(|_| ()), full.clone());
    assert_eq!(
        fs.symlink(root, b"b", b"to", OWNER).map(|_| ()),
        full.clone()
    );
    let fifo = fs.mknod(root, b"b", Kind::Fifo, 0o644, 0, OWNER);
    assert_eq!(fifo.map(|_| ()), full.clone());
    assert_eq!(fs.link(node, root, b"b"), full.clone());
    assert_eq!(fs.rename(root, b"a", root, b"longer", none), full.clone());
    assert_eq!(fs.write(open, 4096, b"x").map(|_| ()), full);
    assert_eq!(
        names(&mut fs, root),
        [b"a".to_vec()],
        "nothing is half made"
    );
    assert_eq!(fs.statfs(root).unwrap().free_nodes, free);
    assert_eq!(fs.getattr(node).unwrap().links, 1);
    assert_eq!(fs.write(open, 0, b"y"), Ok(1), "a block that is there");
    assert_eq!(fs.rename(root, b"a", root, b"c", none), Ok(()));
    assert_eq!(fs.unlink(root, b"c", false), Ok(()));
    fs.clunk(open);
    fs.clunk(node);
    assert_eq!(fs.statfs(root).unwrap().free_nodes, free + 1);
    LEFT.store(true, Ordering::Relaxed);
    file(&mut fs, root, "b");
}

#[test]
fn rename_replaces_exchanges_and_makes_no_circles() {
    let (mut fs, root) = tree();
    let none = RenameFlags::default();
    let a = fs.mkdir(root, b"a", 0o755, OWNER).unwrap().handle;
    let b = fs.mkdir(a, b"b", 0o755, OWNER).unwrap().handle;
    file(&mut fs, root, "f");
    assert_eq!(fs.rename(root, b"a", b, b"c", none), Err(FileError::EINVAL));
    assert_eq!(fs.rename(root, b"a", a, b"c", none), Err(FileError::EINVAL));
    assert_eq!(
        fs.rename(a, b"b", root, b"a", none),
        Err(FileError::ENOTEMPTY)
    );
    assert_eq!(
        fs.rename(root, b"f", root, b"a", none),
        Err(FileError::EISDIR)
    );
    assert_eq!(
        fs.rename(root, b"a", root, b"f", none),
        Err(FileError::ENOTDIR)
    );
    assert_eq!(
        fs.rename(root, b"x", root, b"f", none),
        Err(FileError::ENOENT)
    );
    assert_eq!(
        fs.rename(root, b"f", root, b"a", RenameFlags::NO_REPLACE),
        Err(FileError::EEXIST)
    );
    assert_eq!(
        fs.rename(root, b"f", root, b"x", RenameFlags::EXCHANGE),
        Err(FileError::ENOENT)
    );
    fs.rename(root, b"f", a, b"b", RenameFlags::EXCHANGE)
        .unwrap();
    assert_eq!(
        (
            fs.walk(root, b"f").unwrap().attr.kind,
            fs.walk(a, b"b").unwrap().attr.kind
        ),
        (Kind::Directory, Kind::Regular)
    );
    assert_eq!(
        (
            fs.getattr(root).unwrap().links,
            fs.getattr(a).unwrap().links
        ),
        (4, 2)
    );
    let e = fs.mkdir(a, b"e", 0o755, OWNER).unwrap();
    fs.rename(root, b"f", a, b"e", none).unwrap();
    assert_eq!(
        (
            fs.getattr(e.handle).unwrap().links,
            fs.getattr(root).unwrap().links
        ),
        (0, 3)
    );
    assert_eq!(
        fs.create(e.handle, b"x", RW, 0, OWNER).map(|_| ()),
        Err(FileError::ENOENT)
    );
    fs.unlink(a, b"e", true).unwrap();
    assert_eq!(
        fs.rename(root, b"a", b, b"x", none),
        Err(FileError::ENOENT),
        "a removed folder takes no names"
    );
}

#[test]
fn hard_links_share_data_and_count() {
    let (mut fs, root) = tree();
    let open = file(&mut fs, root, "f");
    let node = fs.walk(root, b"f").unwrap().handle;
    fs.link(node, root, b"g").unwrap();
    fs.write(open, 0, b"x").unwrap();
    let g = fs.walk(root, b"g").unwrap();
    assert_eq!(
        (g.attr.links, g.attr.size, g.attr.id),
        (2, 1, fs.getattr(open).unwrap().id)
    );
    assert_eq!(
        fs.rename(root, b"f", root, b"g", RenameFlags::default()),
        Ok(())
    );
    assert_eq!(
        names(&mut fs, root),
        [b"f", b"g"],
        "two names of one node stay"
    );
    fs.unlink(root, b"f", false).unwrap();
    fs.unlink(root, b"g", false).unwrap();
    assert_eq!(fs.link(node, root, b"h"), Err(FileError::ENOENT));
    let dir = fs.mkdir(root, b"d", 0o755, OWNER).unwrap().handle;
    assert_eq!(fs.link(dir, root, b"e"), Err(FileError::EPERM));
}

#[test]
fn names_are_single_components() {
    let (mut fs, root) = tree();
    for bad in [&b""[..], b".", b"..", b"a/b", b"a\0"] {
        assert_eq!(fs.walk(root, bad).map(|_| ()), Err(FileError::EINVAL));
        assert_eq!(
            fs.mkdir(root, bad, 0o755, OWNER).map(|_| ()),
            Err(FileError::EINVAL)
        );
        assert_eq!(fs.unlink(root, bad, true), Err(FileError::EINVAL));
    }
    assert_eq!(
        fs.walk(root, &[b'x'; 256]).map(|_| ()),
        Err(FileError::ENAMETOOLONG)
    );
    let f = fs.create(root, b"f", RW, 0, OWNER).unwrap().node.handle;
    assert_eq!(fs.walk(f, b"x").map(|_| ()), Err(FileError::ENOTDIR));
    assert_eq!(fs.walk(Handle(99), b"x").map(|_| ()), Err(FileError::EBADF));
    assert_eq!(
        fs.read(f, 0, &mut [0]),
        Err(FileError::EBADF),
        "a node handle is not open"
    );
}

#[test]
fn listing_goes_on_behind_its_cookie_while_names_change() {
    let (mut fs, root) = tree();
    for index in 0..100 {
        file(&mut fs, root, &format!("f{index}"));
    }
    let open = fs.open(root, OpenFlags::READ).unwrap();
    let (mut seen, mut cookie) = (Vec::new(), 0);
    loop {
        let mut got = 0;
        fs.readdir(open, cookie, &mut |entry| {
            if got == 7 {
                return false;
            }
            got += 1;
            cookie = entry.next;
            seen.push(entry.name.to_vec());
            true
        })
        .unwrap();
        if got == 0 {
            break;
        }
        let last = seen.last().unwrap().clone();
        fs.unlink(root, &last, false).unwrap();
    }
    assert_eq!(seen.len(), 100);
}

#[test]
fn a_hundred_thousand_entries_stay_fast() {
    let (mut fs, root) = tree();
    let start = std::time::Instant::now();
    for index in 0..100_000 {
        let made = fs
            .create(root, format!("file-{index}").as_bytes(), RW, 0o644, OWNER)
            .unwrap();
        fs.clunk(made.open);
        fs.clunk(made.node.handle);
    }
    assert_eq!(names(&mut fs, root).len(), 100_000);
    for index in (0..100_000).rev() {
        let node = fs.walk(root, format!("file-{index}").as_bytes()).unwrap();
        fs.clunk(node.handle);
        fs.unlink(root, format!("file-{index}").as_bytes(), false)
            .unwrap();
    }
    assert!(names(&mut fs, root).is_empty());
    assert!(
        start.elapsed().as_secs() < 20,
        "quadratic: {:?}",
        start.elapsed()
    );
}

#[test]
fn a_page_is_the_very_frame_of_the_file() {
    let (mut fs, root) = tree();
    let open = file(&mut fs, root, "f");
    let size = SetAttr {
        size: Some(8192),
        ..SetAttr::default()
    };
    fs.setattr(open, &size).unwrap();
    assert!(
        fs.page(open, 0, false).unwrap().is_some(),
        "a hole that is mapped gets its block"
    );
    let frame = fs.page(open, 1, true).unwrap();
    assert_eq!(fs.page(open, 1, false), Ok(frame));
    assert_eq!(fs.page(open, 2, true), Err(FileError::ENXIO));
    let reader = fs.walk(root, b"f").unwrap().handle;
    let reader = fs.open(reader, OpenFlags::READ).unwrap();
    assert_eq!(fs.page(reader, 0, true), Err(FileError::EBADF));
}

#[test]
fn set_gid_folders_hand_their_group_down() {
    let (mut fs, root) = tree();
    let dir = fs
        .mkdir(root, b"d", 0o2755, Owner { uid: 1, gid: 50 })
        .unwrap()
        .handle;
    let inner = fs.mkdir(dir, b"e", 0o755, OWNER).unwrap().attr;
    assert_eq!((inner.gid, inner.mode), (50, 0o2755));
    assert_eq!(
        fs.symlink(root, b"l", b"", OWNER).map(|_| ()),
        Err(FileError::ENOENT)
    );
    let link = fs.symlink(root, b"l", b"d/e", OWNER).unwrap();
    assert_eq!(
        (link.attr.size, fs.readlink(link.handle).unwrap()),
        (3, b"d/e".to_vec())
    );
    assert_eq!(fs.readlink(dir), Err(FileError::EINVAL));
    assert_eq!(
        fs.open(link.handle, OpenFlags::READ),
        Err(FileError::EOPNOTSUPP)
    );
}
