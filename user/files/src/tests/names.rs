//! The client's side: names, the ring, and servers that are replaced.

use super::{BOTH, RING, Server, bytes, files};
use crate::files::Files;
use crate::mount::OneLife;
use std::vec;
use std::vec::Vec;
use sundog_namespace::{Namespace, Place};
use sundog_protocols::file::{Client, FileError, FileServer, Kind, OpenFlags, Owner};

#[test]
fn what_lies_across_the_end_of_the_ring_comes_out_whole() {
    let server = Server::new();
    let mut files = files(&server, 1);
    let file = files.create("/tmp/a", BOTH, 0o644).unwrap();
    for round in 0..40 {
        let piece = bytes(1000, round);
        assert_eq!(files.write(&file, round as u64 * 1000, &piece), Ok(1000));
        let mut found = vec![0; 1000];
        assert_eq!(files.read(&file, round as u64 * 1000, &mut found), Ok(1000));
        assert_eq!(found, piece, "{round}");
    }
    let client = files.connection(16).unwrap();
    assert!(client.transport().across() >= 80 * 1000 / RING as u64 - 1);
    // More than the ring holds goes in several requests.
    let all = bytes(3 * RING, 5);
    assert_eq!(files.write(&file, 7, &all), Ok(all.len()));
    let mut found = vec![0; all.len()];
    assert_eq!(files.read(&file, 7, &mut found), Ok(all.len()));
    assert_eq!(found, all);
}

#[test]
fn paths_resolve_in_the_clients_own_table() {
    let server = Server::new();
    let mut files = files(&server, 1);
    let absent = Err(FileError::ENOENT);
    assert_eq!(files.open("/x", OpenFlags::READ), absent);
    assert_eq!(files.open("/tmp/x", OpenFlags::READ), absent);
    assert_eq!(files.open("/tmp/../tmp/x", OpenFlags::READ), absent);
    assert_eq!(files.open("x", OpenFlags::READ), Err(FileError::EINVAL));
    files.make_folder("/tmp/folder", 0o755).unwrap();
    files
        .create("/tmp/folder/a", BOTH, 0o644)
        .map(|file| files.close(file))
        .unwrap();
    assert_eq!(
        files.create("/tmp/folder/a", BOTH, 0o644),
        Err(FileError::EEXIST)
    );
    assert_eq!(files.remove("/tmp", true), Err(FileError::EBUSY));
    files.rename("/tmp/folder/a", "/tmp/b").unwrap();
    let names: Vec<_> = files
        .list("/tmp")
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names, [&b"folder"[..], b"b"]);
    // A name below another one shows in its folder, once.
    files
        .names()
        .bind("/tmp/folder", 16, Place::Replace, true)
        .unwrap();
    files
        .names()
        .bind("/tmp/other", 16, Place::Replace, true)
        .unwrap();
    let names = files.list("/tmp").unwrap();
    assert_eq!(names.len(), 3);
    assert_eq!(
        (&names[2].name[..], names[2].kind),
        (&b"other"[..], Kind::Directory)
    );
    assert_eq!(
        files.stat("/tmp/other/b").map(|attr| attr.kind),
        Ok(Kind::Regular)
    );
    // No handle was left behind by any of it but the root's.
    let client = files.connection(16).unwrap();
    assert!(
        (0..16)
            .filter(|number| {
                client
                    .getattr(sundog_protocols::file::Handle(*number))
                    .is_ok()
            })
            .count()
            == 1
    );
}

#[test]
fn a_union_is_searched_in_its_order_and_made_in_where_it_says() {
    let (first, second) = (Server::new(), Server::new());
    let mut names = Namespace::new();
    names.bind("/", 16, Place::After, false).unwrap();
    names.bind("/", 17, Place::After, true).unwrap();
    let mut files = Files::new(names);
    files.add(16, first.connect(1));
    files.add(17, second.connect(1));
    files.create("/a", BOTH, 0o600).unwrap();
    let (mut one, mut two) = (super::files(&first, 2), super::files(&second, 2));
    assert_eq!(one.stat("/tmp/a").map(|_| ()), Err(FileError::ENOENT));
    assert_eq!(two.stat("/tmp/a").map(|attr| attr.mode), Ok(0o600));
    assert_eq!(files.stat("/a").map(|attr| attr.mode), Ok(0o600));
    one.create("/tmp/a", BOTH, 0o644).unwrap();
    assert_eq!(files.stat("/a").map(|attr| attr.mode), Ok(0o644));
    files.names().unmount("/", Some(17)).unwrap();
    assert_eq!(files.create("/b", BOTH, 0o644), Err(FileError::EROFS));
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let server = Server::new();
    let mut files = files(&server, 1);
    let client = files.connection(16).unwrap();
    let root = client.attach(b"").unwrap().handle;
    let made = client.symlink(root, b"link", b"folder", Owner::default());
    client.clunk(made.unwrap().handle);
    files.make_folder("/tmp/folder", 0o755).unwrap();
    assert_eq!(files.list("/tmp/link"), Err(FileError::ELOOP));
    assert_eq!(files.stat("/tmp/link/x").map(|_| ()), Err(FileError::ELOOP));
    assert_eq!(files.list("/tmp/folder"), Ok(Vec::new()));
}

#[test]
fn a_servers_end_is_an_error_and_what_was_open_stays_gone() {
    let (server, other) = (Server::new(), Server::new());
    let mut files = files(&server, 1);
    files
        .names()
        .bind("/other", 17, Place::Replace, true)
        .unwrap();
    files.add(17, other.connect(1));
    let kept = files.create("/other/kept", BOTH, 0o644).unwrap();
    let old = files.create("/tmp/a", BOTH, 0o644).unwrap();
    server.kill();
    assert_eq!(files.write(&old, 0, b"x"), Err(FileError::EIO));
    assert_eq!(files.stat("/tmp/a").map(|_| ()), Err(FileError::EIO));
    server.start(1);
    assert_eq!(files.write(&old, 0, b"x"), Err(FileError::ESTALE));
    // The first new file gets the number that the old one had.
    let new = files.create("/tmp/b", BOTH, 0o644).unwrap();
    assert_eq!(new.handle(), old.handle());
    assert_eq!(files.write(&old, 0, b"x"), Err(FileError::ESTALE));
    assert_eq!(
        files.read(&new, 0, &mut [0; 8]),
        Ok(0),
        "nothing reached the new file"
    );
    files.close(old);
    assert_eq!(files.write(&new, 0, b"y"), Ok(1), "nor was it closed");
    assert_eq!(
        files.write(&kept, 0, b"z"),
        Ok(1),
        "the other server is as it was"
    );
}

#[test]
fn a_server_that_is_replaced_between_two_steps_of_a_path_is_noticed() {
    let server = Server::new();
    let mut files = files(&server, 1);
    files.make_folder("/tmp/a", 0o755).unwrap();
    // The root's handle is known, and means nothing to the new one.
    server.start(1);
    assert_eq!(files.stat("/tmp/a").map(|_| ()), Err(FileError::ENOENT));
    assert_eq!(files.list("/tmp"), Ok(Vec::new()));
}

#[test]
fn a_mounted_tree_has_one_life() {
    let server = Server::new();
    let mut tree = Client::new(OneLife::new(server.connect(1)));
    let root = tree.attach(b"").unwrap().handle;
    let made = tree
        .create(root, b"a", BOTH, 0o644, Owner::default())
        .unwrap();
    assert_eq!(tree.write(made.open, 0, &bytes(3000, 1)), Ok(3000));
    server.start(1);
    // The call that goes to the new server, and all after it.
    for _ in 0..2 {
        assert_eq!(tree.write(made.open, 0, b"x"), Err(FileError::EIO));
        assert_eq!(tree.attach(b"").map(|_| ()), Err(FileError::EIO));
    }
    server.start(1);
    assert_eq!(tree.getattr(root).map(|_| ()), Err(FileError::EIO));
}
