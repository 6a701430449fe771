//! Tests of the two ends: a session and a client, each against nonsense from the other side.

use super::super::wire::{DataArea, Message, Reply, Request};
use super::super::*;
use super::{OTHER, Random, attr, hostile, requests};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A server that says yes to everything, with handles that count up, and checks that they come back.
#[derive(Default)]
struct Yes {
    handed_out: Vec<Handle>,
}

impl Yes {
    fn handle(&mut self) -> Handle {
        let handle = Handle(1000 + self.handed_out.len() as u32);
        self.handed_out.push(handle);
        handle
    }
    fn node(&mut self) -> Result<Node> {
        Ok(Node {
            handle: self.handle(),
            attr: attr(Kind::Directory),
        })
    }
    fn check(&self, handle: Handle) -> Result<()> {
        assert!(
            self.handed_out.contains(&handle),
            "a handle that was never given: {handle:?}"
        );
        Ok(())
    }
}

impl FileServer for Yes {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        assert_eq!(tree, b"mine");
        self.node()
    }
    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        self.check(dir)?;
        check_name(name)?;
        self.node()
    }
    fn open(&mut self, node: Handle, _: OpenFlags) -> Result<Handle> {
        self.check(node)?;
        Ok(self.handle())
    }
    fn create(&mut self, dir: Handle, _: &[u8], _: OpenFlags, _: u32, _: Owner) -> Result<Created> {
        self.check(dir)?;
        Ok(Created {
            node: self.node()?,
            open: self.handle(),
        })
    }
    fn read(&mut self, file: Handle, _: u64, into: &mut [u8]) -> Result<usize> {
        self.check(file)?;
        Ok(into.len())
    }
    fn write(&mut self, file: Handle, _: u64, from: &[u8]) -> Result<usize> {
        self.check(file)?;
        Ok(from.len())
    }
    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        self.check(node)?;
        Ok(attr(Kind::Regular))
    }
    fn setattr(&mut self, node: Handle, _: &SetAttr) -> Result<()> {
        self.check(node)
    }
    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        self.check(dir)?;
        let mut next = cookie;
        while next < 100 {
            next += 1;
            if !entry(DirEntry {
                id: next,
                next,
                kind: Kind::Fifo,
                name: &[b'n'; 200],
            }) {
                break;
            }
        }
        Ok(())
    }
    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        self.check(node)?;
        Ok(b"text".to_vec())
    }
    fn symlink(&mut self, dir: Handle, _: &[u8], _: &[u8], _: Owner) -> Result<Node> {
        self.check(dir)?;
        self.node()
    }
    fn mkdir(&mut self, dir: Handle, _: &[u8], _: u32, _: Owner) -> Result<Node> {
        self.check(dir)?;
        self.node()
    }
    fn mknod(&mut self, dir: Handle, _: &[u8], _: Kind, _: u32, _: u64, _: Owner) -> Result<Node> {
        self.check(dir)?;
        self.node()
    }
    fn link(&mut self, node: Handle, dir: Handle, _: &[u8]) -> Result<()> {
        self.check(node)?;
        self.check(dir)
    }
    fn unlink(&mut self, dir: Handle, _: &[u8], _: bool) -> Result<()> {
        self.check(dir)
    }
    fn rename(
        &mut self,
        from: Handle,
        _: &[u8],
        to: Handle,
        _: &[u8],
        _: RenameFlags,
    ) -> Result<()> {
        self.check(from)?;
        self.check(to)
    }
    fn fsync(&mut self, file: Handle, _: bool) -> Result<()> {
        self.check(file)
    }
    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        self.check(node)?;
        Ok(StatFs::default())
    }
    fn clunk(&mut self, handle: Handle) {
        // Numbers are not used again, so a handle that comes back twice is caught.
        assert!(self.handed_out.contains(&handle));
    }
}

#[test]
fn a_session_survives_hostile_words_and_never_leaks_a_strangers_handle() {
    let good: Vec<Message> = requests().iter().map(Request::encode).collect();
    let mut random = Random(5);
    let (mut server, mut session) = (Yes::default(), Session::new(b"mine", 20));
    let mut area: Vec<u8> = (0..8192).map(|byte| byte as u8).collect();
    let mut fine = 0;
    for _ in 0..50_000 {
        let mut words = hostile(&mut random, &good);
        if random.next().is_multiple_of(2) && !words.is_empty() {
            // Small handle and a span within the area, so that some get through.
            words[0] = words[0] & 0xffff_ffff | (random.next() % 24) << 32;
            words
                .iter_mut()
                .skip(1)
                .for_each(|word| *word &= 0x0000_00ff_0000_0fff);
        }
        let reply = session.serve(&mut server, &words, &mut area);
        fine += usize::from(!matches!(Reply::decode(reply.words()), Reply::Error(_)));
    }
    assert!(fine > 2_000, "{fine}");
    session.end(&mut server);
    let stale = Request::Getattr { node: Handle(0) }.encode();
    let reply = session.serve(&mut server, stale.words(), &mut area);
    assert_eq!(Reply::decode(reply.words()), Reply::Error(FileError::EBADF));
}

/// A transport into a session in the same process.
struct Loop {
    server: Box<dyn FileServer>,
    session: Session,
    area: Vec<u8>,
}

impl Transport for Loop {
    fn call(&mut self, request: &Message) -> Option<Message> {
        Some(
            self.session
                .serve(&mut *self.server, request.words(), &mut self.area),
        )
    }
    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }
}

#[test]
fn a_client_lists_in_batches_and_moves_data() {
    let area = alloc::vec![0; client::AREA_SIZE as usize];
    let session = Session::new(b"mine", 10);
    let mut client = Client::new(Loop {
        server: Box::new(Yes::default()),
        session,
        area,
    });
    let root = client.attach(b"").unwrap().handle;
    assert_eq!(
        client.attach(b"other").map(|_| ()),
        Err(FileError::ENOENT),
        "only the tree of its badge"
    );
    let dir = client.open(root, OpenFlags::READ).unwrap();
    let mut seen = 0;
    client
        .readdir(dir, 0, &mut |entry| {
            seen += 1;
            entry.next == seen && entry.name.len() == 200
        })
        .unwrap();
    assert_eq!(seen, 100);
    let mut buffer = alloc::vec![1; 100_000];
    assert_eq!(
        client.read(dir, 0, &mut buffer),
        Ok(65536),
        "at most what the area holds"
    );
    assert!(buffer[..65536].iter().all(|&byte| byte == 0));
    assert_eq!(client.readlink(root), Ok(b"text".to_vec()));
    assert_eq!(client.walk(root, b"..").map(|_| ()), Err(FileError::EINVAL));
    for _ in 0..8 {
        client.walk(root, b"x").unwrap();
    }
    assert_eq!(client.walk(root, b"x").map(|_| ()), Err(FileError::EMFILE));
}

/// A server process that sends nonsense.
struct Liar(Random, Vec<Message>, Vec<u8>);

impl Transport for Liar {
    fn call(&mut self, _: &Message) -> Option<Message> {
        let words = hostile(&mut self.0, &self.1);
        if self.0.next().is_multiple_of(50) {
            None
        } else {
            Some(Message::received(&words))
        }
    }
    fn area(&mut self) -> &mut dyn DataArea {
        let at = self.0.next() as usize % self.2.len();
        self.2[at] ^= self.0.next() as u8;
        &mut self.2
    }
}

#[test]
fn a_client_survives_a_lying_server() {
    let replies = [
        Reply::Done,
        Reply::Number(40),
        Reply::Handle(OTHER),
        Reply::Attr(attr(Kind::Regular)),
    ];
    let mut good: Vec<Message> = replies.iter().map(Reply::encode).collect();
    good.push(Reply::Number(u64::MAX).encode());
    let area = alloc::vec![0; client::AREA_SIZE as usize];
    let mut client = Client::new(Liar(Random(3), good, area));
    for _ in 0..20_000 {
        let mut buffer = [0; 64];
        if let Ok(count) = client.read(OTHER, 0, &mut buffer) {
            assert!(count <= 64);
        }
        let _ = (
            client.attach(b""),
            client.walk(OTHER, b"x"),
            client.readlink(OTHER),
            client.getattr(OTHER),
        );
        let mut left = 100;
        let _ = client.readdir(OTHER, 0, &mut |entry| {
            assert_eq!(check_name(entry.name), Ok(()));
            left -= 1;
            left > 0
        });
    }
}
