//! Tests of the archive: made by hand, by the host's tools, and hostile ones.

use crate::{Archive, ArchiveError, Problem};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::file::{
    FileError, FileServer, Handle, Kind, OpenFlags, Owner, RenameFlags, SetAttr,
};

/// An entry by hand.
fn entry(name: &str, mode: u32, inode: u32, links: u32, data: &[u8]) -> Vec<u8> {
    let numbers = [
        inode,
        mode,
        5,
        6,
        links,
        1234,
        data.len() as u32,
        8,
        1,
        1,
        3,
        name.len() as u32 + 1,
        0,
    ];
    let mut bytes = b"070701".to_vec();
    for number in numbers {
        bytes.extend_from_slice(format!("{number:08X}").as_bytes());
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend(entry("TRAILER!!!", 0, 0, 1, b""));
    bytes
}

fn sample() -> Vec<u8> {
    archive(&[
        entry(".", 0o040755, 1, 2, b""),
        entry("./bin", 0o040755, 2, 2, b""),
        entry("bin/tool", 0o100755, 3, 2, b""),
        entry("bin/alias", 0o100755, 3, 2, b"#!program"),
        entry("/etc/deep/file", 0o100600, 4, 1, b"text"),
        entry("link", 0o120777, 5, 1, b"bin/tool"),
        entry("null", 0o020666, 6, 1, b""),
    ])
}

fn walk(fs: &mut impl FileServer, path: &str) -> Result<Handle, FileError> {
    let mut at = fs.attach(b"")?.handle;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = fs.walk(at, name.as_bytes())?.handle;
    }
    Ok(at)
}

fn read(fs: &mut impl FileServer, path: &str) -> Result<Vec<u8>, FileError> {
    let node = walk(fs, path)?;
    let open = fs.open(node, OpenFlags::READ)?;
    let mut buffer = [0; 100];
    let count = fs.read(open, 0, &mut buffer)?;
    Ok(buffer[..count].to_vec())
}

fn list(fs: &mut impl FileServer, path: &str) -> Vec<String> {
    let node = walk(fs, path).unwrap();
    let open = fs.open(node, OpenFlags::READ).unwrap();
    let (mut names, mut cookie) = (Vec::new(), 0);
    loop {
        // One entry at a time, so that cookies are tested too.
        let before = names.len();
        fs.readdir(open, cookie, &mut |entry| {
            if names.len() > before {
                return false;
            }
            cookie = entry.next;
            names.push(String::from_utf8_lossy(entry.name).into_owned());
            true
        })
        .unwrap();
        if names.len() == before {
            return names;
        }
    }
}

#[test]
fn reads_names_links_and_attributes() {
    let mut fs = Archive::new(sample()).unwrap();
    assert_eq!(list(&mut fs, ""), ["bin", "etc", "link", "null"]);
    assert_eq!(list(&mut fs, "bin"), ["alias", "tool"]);
    assert_eq!(
        read(&mut fs, "bin/tool").unwrap(),
        b"#!program",
        "one name of a hard link has the data"
    );
    assert_eq!(read(&mut fs, "etc/deep/file").unwrap(), b"text");
    let node = walk(&mut fs, "bin/tool").unwrap();
    let attr = fs.getattr(node).unwrap();
    assert_eq!(
        (attr.links, attr.mode, attr.uid, attr.gid, attr.size),
        (2, 0o755, 5, 6, 9)
    );
    assert_eq!(attr.modified.seconds, 1234);
    let link = walk(&mut fs, "link").unwrap();
    assert_eq!(fs.readlink(link).unwrap(), b"bin/tool");
    let null = walk(&mut fs, "null").unwrap();
    assert_eq!(fs.getattr(null).unwrap().device, 0x103);
    let root = walk(&mut fs, "").unwrap();
    assert_eq!(fs.getattr(root).unwrap().links, 4);
    assert_eq!(walk(&mut fs, "bin/none"), Err(FileError::ENOENT));
    assert_eq!(walk(&mut fs, "null/x"), Err(FileError::ENOTDIR));
}

#[test]
fn nothing_can_be_changed() {
    let mut fs = Archive::new(sample()).unwrap();
    let root = walk(&mut fs, "").unwrap();
    let file = walk(&mut fs, "etc/deep/file").unwrap();
    let (owner, none) = (Owner::default(), RenameFlags::default());
    assert_eq!(
        fs.open(file, OpenFlags::READ.with(OpenFlags::WRITE)),
        Err(FileError::EROFS)
    );
    assert_eq!(
        fs.create(root, b"new", OpenFlags::WRITE, 0, owner)
            .map(|_| ()),
        Err(FileError::EROFS)
    );
    assert_eq!(
        fs.mkdir(root, b"bin", 0, owner).map(|_| ()),
        Err(FileError::EEXIST)
    );
    assert_eq!(fs.unlink(root, b"link", false), Err(FileError::EROFS));
    assert_eq!(
        fs.rename(root, b"link", root, b"other", none),
        Err(FileError::EROFS)
    );
    assert_eq!(fs.setattr(file, &SetAttr::default()), Err(FileError::EROFS));
    let open = fs.open(file, OpenFlags::READ).unwrap();
    assert_eq!(fs.write(open, 0, b"x"), Err(FileError::EBADF));
    fs.clunk(open);
    assert_eq!(fs.read(open, 0, &mut [0]), Err(FileError::EBADF));
}

#[test]
fn broken_archives_are_named_by_offset() {
    let good = sample();
    let error = |bytes: Vec<u8>| Archive::new(bytes).err().unwrap();
    assert_eq!(
        error(Vec::new()),
        ArchiveError {
            offset: 0,
            problem: Problem::Truncated
        }
    );
    assert_eq!(
        error(b"x".repeat(200)),
        ArchiveError {
            offset: 0,
            problem: Problem::Magic
        }
    );
    assert_eq!(
        error(good[..good.len() - 1].to_vec()).problem,
        Problem::Truncated
    );
    let climbing = archive(&[entry("a/../b", 0o100644, 1, 1, b"")]);
    assert_eq!(
        error(climbing),
        ArchiveError {
            offset: 0,
            problem: Problem::Name
        }
    );
    let through_file = archive(&[
        entry("a", 0o100644, 1, 1, b""),
        entry("a/b", 0o100644, 2, 1, b""),
    ]);
    assert_eq!(
        error(through_file),
        ArchiveError {
            offset: 112,
            problem: Problem::Name
        }
    );
    assert_eq!(
        error(archive(&[entry("a", 0o030644, 1, 1, b"")])).problem,
        Problem::Kind
    );
    let mut bad_number = good;
    bad_number[20] = b'g';
    assert_eq!(error(bad_number).problem, Problem::Number);
}

#[test]
fn hostile_bytes_never_panic() {
    let good = sample();
    let mut state = 12345u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    let mut mounted = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random() % 4 {
            let at = random() % bytes.len();
            bytes[at] = *[b'0', b'f', b'/', b'.', 0, 255]
                .get(random() % 7)
                .unwrap_or(&(random() as u8));
        }
        bytes.truncate(if random() % 3 == 0 {
            random() % bytes.len()
        } else {
            bytes.len()
        });
        let Ok(mut fs) = Archive::new(bytes) else {
            continue;
        };
        mounted += 1;
        for path in ["", "bin", "bin/tool", "etc/deep/file", "link"] {
            let Ok(node) = walk(&mut fs, path) else {
                continue;
            };
            let attr = fs.getattr(node).unwrap();
            match attr.kind {
                Kind::Directory => assert!(list(&mut fs, path).len() < 10),
                Kind::Regular => assert!(read(&mut fs, path).is_ok()),
                _ => assert!(fs.open(node, OpenFlags::READ).is_err()),
            }
        }
    }
    assert!(
        mounted > 1000,
        "only {mounted} were good enough to look into"
    );
}

#[test]
fn reads_what_busybox_writes() {
    let tool = "/bin/busybox";
    if !std::path::Path::new(tool).exists() {
        std::eprintln!("no busybox here: skipped");
        return;
    }
    let folder = format!("/tmp/sundog-archive-test-{}", std::process::id());
    std::fs::create_dir_all(format!("{folder}/d")).unwrap();
    std::fs::write(format!("{folder}/d/f"), "content").unwrap();
    std::fs::hard_link(format!("{folder}/d/f"), format!("{folder}/g")).unwrap();
    std::os::unix::fs::symlink("d/f", format!("{folder}/l")).unwrap();
    let script = format!("cd {folder} && {tool} find . | {tool} cpio -o -H newc 2>/dev/null");
    let made = std::process::Command::new(tool)
        .args(["sh", "-c", &script])
        .output()
        .unwrap()
        .stdout;
    std::fs::remove_dir_all(&folder).unwrap();
    let mut fs = Archive::new(made).unwrap();
    assert_eq!(list(&mut fs, ""), ["d", "g", "l"]);
    assert_eq!(read(&mut fs, "d/f").unwrap(), b"content");
    assert_eq!(read(&mut fs, "g").unwrap(), b"content");
    let link = walk(&mut fs, "l").unwrap();
    assert_eq!(fs.readlink(link).unwrap(), b"d/f");
}
