//! Names that change what they stand for while they are walked and opened: nothing outside is ever reached.
use crate::world::*;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use sundog_protocols::file::{FileError, FileServer, Handle, Kind};

/// How many exchanges: the environment's `RACES`.
fn exchanges() -> usize {
    let asked = std::env::var("RACES")
        .ok()
        .and_then(|text| text.parse().ok());
    asked.unwrap_or(100_000)
}

/// Exchanges two names again and again; `look` runs meanwhile, until it is over.
fn race(folder: &Folder, one: &str, two: &str, mut look: impl FnMut()) {
    let (one, two) = (folder.path(one), folder.path(two));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..exchanges() {
                renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            look();
        }
    });
}

/// Looks for a file in what a name stands for: its content, or why not.
fn through(tree: &mut Tree, root: Handle, name: &[u8]) -> (Kind, Result<Vec<u8>, FileError>) {
    let node = tree.walk(root, name).unwrap();
    let found = content(tree, node.handle, b"file");
    // A second step through what was a folder a moment ago, and to a name that only the outside has.
    let secret = tree.walk(node.handle, b"secret");
    let expected = match node.attr.kind {
        Kind::Directory => FileError::ENOENT,
        _ => FileError::ENOTDIR,
    };
    assert_eq!(secret.err(), Some(expected));
    tree.clunk(node.handle);
    (node.attr.kind, found)
}

#[test]
fn a_folder_that_becomes_a_link_leads_nowhere() {
    let (folder, outside) = (Folder::new(), Folder::new());
    std::fs::create_dir(folder.path("door")).unwrap();
    folder.put("door/file", b"inside");
    outside.put("file", b"outside");
    outside.put("secret", b"secret");
    symlink(&outside.0, folder.path("link")).unwrap();
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let (mut folders, mut links) = (0, 0);
    race(&folder, "door", "link", || {
        match through(&mut tree, root, b"door") {
            (Kind::Directory, Ok(found)) => {
                assert_eq!(found, b"inside");
                folders += 1;
            }
            (Kind::Symlink, Err(FileError::ENOTDIR)) => links += 1,
            other => panic!("{other:?}"),
        }
        // New names are made behind the door too, never outside.
        let node = tree.walk(root, b"door").unwrap();
        let made = tree.create(node.handle, b"new", WRITE, 0o600, OWNER);
        if let Ok(made) = made {
            tree.clunk(made.open);
            tree.clunk(made.node.handle);
            tree.unlink(node.handle, b"new", false).unwrap();
        }
        tree.clunk(node.handle);
    });
    assert!(folders > 10 && links > 10, "{folders} {links}");
    assert_eq!(std::fs::read_dir(&outside.0).unwrap().count(), 2);
}

#[test]
fn a_file_that_becomes_a_link_or_a_pipe_is_opened_as_what_it_was() {
    let (folder, outside) = (Folder::new(), Folder::new());
    folder.put("file", b"inside");
    outside.put("secret", b"outside");
    symlink(outside.path("secret"), folder.path("link")).unwrap();
    mknodat(CWD, folder.path("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    for other in ["link", "pipe"] {
        let (mut files, mut others) = (0, 0);
        race(&folder, "file", other, || {
            match content(&mut tree, root, b"file") {
                Ok(found) => {
                    assert_eq!(found, b"inside");
                    files += 1;
                }
                Err(error) => {
                    assert_eq!(error, FileError::EOPNOTSUPP);
                    others += 1;
                }
            }
        });
        assert!(files > 10 && others > 10, "{other}: {files} {others}");
    }
}

#[test]
fn a_folder_that_is_moved_out_takes_nothing_along() {
    let (folder, outside) = (Folder::new(), Folder::new());
    std::fs::create_dir(folder.path("sub")).unwrap();
    folder.put("sub/file", b"inside");
    outside.put("secret", b"outside");
    let (_machine, mut tree, root) = Machine::of(&folder, true);
    let sub = tree.walk(root, b"sub").unwrap().handle;
    std::fs::rename(folder.path("sub"), outside.path("sub")).unwrap();
    // The handle is of that folder still; what lies beside and above it cannot be named.
    assert!(tree.getattr(sub).is_ok());
    for name in [&b".."[..], b"../secret", b"/", b"."] {
        assert_eq!(tree.walk(sub, name).err(), Some(FileError::EINVAL));
    }
    assert_eq!(tree.walk(root, b"sub").err(), Some(FileError::ENOENT));
    // And by Landlock it is not in the bound folder any more.
    if landlock() {
        let found = content(&mut tree, sub, b"file");
        assert_eq!(found, Err(FileError::EACCES));
    }
}
