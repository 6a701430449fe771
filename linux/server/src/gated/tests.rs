//! Devices that ask, with a consent service and a device server that are the test.

use super::*;
use std::sync::Mutex;
use sundog_linux_vfs::{Asker, Ready};
use sundog_protocols::consent::Answer;
use sundog_protocols::serial::{Failure, Recorded, encode_number, label as serial};

/// What the service and the server know.
#[derive(Default)]
struct Outside {
    asked: Vec<(usize, Open)>,
    answers: BTreeMap<usize, (Option<Words>, bool)>,
    told: Vec<Words>,
    deaf: bool,
    /// Bytes that wait; nothing once the grant was taken back.
    bytes: Option<Vec<u8>>,
    given_up: usize,
    /// Requests to the device's server.
    calls: usize,
}

#[derive(Clone)]
struct FakePort(Arc<Mutex<Outside>>, usize);

struct FakeLine(Arc<Mutex<Outside>>);

impl Port for FakePort {
    type Line = FakeLine;

    fn askers(&self) -> usize {
        self.1
    }

    fn ask(&mut self, asker: usize, request: &Words) -> bool {
        let open = Open::decode(request).unwrap();
        self.0.lock().unwrap().asked.push((asker, open));
        true
    }

    fn answer(&mut self, asker: usize) -> Option<Answered<FakeLine>> {
        let (words, came) = self.0.lock().unwrap().answers.remove(&asker)?;
        let line = came.then(|| FakeLine(self.0.clone()));
        Some(Answered { words, line })
    }

    fn tell(&mut self, message: &Words) -> bool {
        let mut outside = self.0.lock().unwrap();
        if !outside.deaf {
            outside.told.push(message.clone());
        }
        !outside.deaf
    }

    fn give_up(&mut self, _: FakeLine) {
        self.0.lock().unwrap().given_up += 1;
    }
}

impl Line for FakeLine {
    fn call(&self, request: &Words) -> Option<Words> {
        let mut outside = self.0.lock().unwrap();
        outside.calls += 1;
        let bytes = outside.bytes.as_mut()?;
        match request.as_slice() {
            [serial::READY] => encode_number(0, bytes.len() as u64).ok(),
            [serial::RECORD, _] if bytes.is_empty() => Some(Failure::Empty.encode()),
            [serial::RECORD, most] => {
                let rest = bytes.split_off(bytes.len().min(*most as usize));
                Recorded(core::mem::replace(bytes, rest)).encode().ok()
            }
            other => panic!("{other:?}"),
        }
    }
}

struct World {
    outside: Arc<Mutex<Outside>>,
    keeper: Keeper<FakePort>,
}

impl World {
    fn new(askers: usize) -> World {
        let outside = Arc::new(Mutex::new(Outside::default()));
        outside.lock().unwrap().bytes = Some(Vec::new());
        let port = FakePort(outside.clone(), askers);
        let keeper = Keeper::new(port);
        World { outside, keeper }
    }

    fn try_open(&mut self, resource: &str, flags: u32, queue: u64) -> GateAnswer {
        let asker = Asker {
            path: b"/bin/cat".to_vec(),
            hash: [9; 32],
        };
        self.keeper.open(&GateRequest {
            resource,
            pid: 5,
            asker: &asker,
            flags,
            request: Queue(queue),
        })
    }

    fn open(&mut self, queue: u64) -> GateAnswer {
        self.try_open("serial:1", O_RDONLY, queue)
    }

    fn answer(&self, asker: usize, words: Option<Words>, came: bool) {
        let mut outside = self.outside.lock().unwrap();
        outside.answers.insert(asker, (words, came));
    }

    fn allow(&self, asker: usize, grant: u64) {
        let answer = Answer::Once;
        let opened = Opened {
            grant,
            answer,
            rate: 0,
        };
        self.answer(asker, Some(opened.encode().unwrap()), true);
    }

    fn told(&self) -> Vec<Vec<u64>> {
        let told = core::mem::take(&mut self.outside.lock().unwrap().told);
        told.iter().map(|words| words.as_slice().to_vec()).collect()
    }

    fn granted(&mut self, queue: u64) -> Box<dyn sundog_linux_vfs::FileObject> {
        assert!(matches!(self.open(queue), GateAnswer::Pending));
        self.allow(0, 77);
        assert_eq!(self.keeper.work(true), [Queue(queue)]);
        match self.open(queue) {
            GateAnswer::Open(file) => file,
            _ => panic!("it was allowed"),
        }
    }
}

fn denied(answer: &GateAnswer) -> Option<Errno> {
    match answer {
        GateAnswer::Denied(errno) => Some(*errno),
        _ => None,
    }
}

#[test]
fn an_open_asks_once_and_reads_what_was_granted() {
    let mut world = World::new(1);
    let mut file = world.granted(3);
    let asked = world.outside.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 1, "asked once, although it opened twice");
    let (_, open) = &asked[0];
    assert_eq!((open.resource, &*open.instance), (Resource::Serial, "1"));
    assert_eq!((&*open.program, open.program_hash), ("/bin/cat", [9; 32]));
    assert_ne!(open.number, 0, "it can be withdrawn");
    let mut bytes = [0; 200];
    assert_eq!(file.read(&mut bytes), Err(Errno::EAGAIN));
    assert_eq!(file.ready(), Ready::NONE);
    assert_eq!(file.queue(), Queue(3));
    world.outside.lock().unwrap().bytes = Some((0..150).collect());
    assert_eq!(world.keeper.work(true), [Queue(3)], "readers look again");
    assert_eq!(world.keeper.work(false), []);
    assert_eq!(file.ready(), Ready::IN);
    assert_eq!(file.read(&mut bytes[..7]), Ok(7));
    assert_eq!(file.read(&mut bytes[7..]), Ok(143));
    assert!((0..150).eq(bytes[..150].iter().copied()));
    world.outside.lock().unwrap().bytes = None;
    assert_eq!(file.read(&mut bytes), Err(Errno::EIO));
    assert!(file.ready().any(Ready::HANGUP) && file.ready().any(Ready::IN));
    assert_eq!(world.told(), [[0; 0]; 0]);
    drop(file);
    assert_eq!(world.keeper.work(false), []);
    assert_eq!(world.told(), [[label::CLOSE, 77]]);
    assert_eq!(world.outside.lock().unwrap().given_up, 1);
}

#[test]
fn a_server_that_did_not_answer_is_not_asked_again() {
    let mut world = World::new(1);
    let mut file = world.granted(3);
    world.outside.lock().unwrap().bytes = None;
    for _ in 0..5 {
        assert_eq!(file.read(&mut [0; 8]), Err(Errno::EIO));
        assert!(file.ready().any(Ready::HANGUP));
    }
    assert_eq!(world.outside.lock().unwrap().calls, 1);
    // Not even when it would answer again: the next open asks for a new grant.
    world.outside.lock().unwrap().bytes = Some(b"x".to_vec());
    assert_eq!(file.read(&mut [0; 8]), Err(Errno::EIO));
}

#[test]
fn a_refusal_is_an_error_and_the_next_open_asks_anew() {
    let mut world = World::new(1);
    for (refusal, errno) in [
        (Some(Refusal::Denied), Errno::EACCES),
        (Some(Refusal::Absent), Errno::ENXIO),
        (Some(Refusal::Exhausted), Errno::EBUSY),
        (None, Errno::EIO),
    ] {
        assert!(matches!(world.open(4), GateAnswer::Pending));
        assert_eq!(world.keeper.work(false), [], "nothing yet");
        assert!(matches!(world.open(4), GateAnswer::Pending));
        world.answer(0, refusal.map(Refusal::encode), false);
        assert_eq!(world.keeper.work(false), [Queue(4)]);
        assert_eq!(denied(&world.open(4)), Some(errno));
    }
    assert_eq!(world.outside.lock().unwrap().asked.len(), 4);
}

#[test]
fn who_gives_up_withdraws_and_a_late_grant_goes_back() {
    let mut world = World::new(1);
    assert!(matches!(world.open(4), GateAnswer::Pending));
    assert!(matches!(world.open(5), GateAnswer::Pending), "it queues");
    let number = world.outside.lock().unwrap().asked[0].1.number;
    world.keeper.cancel(Queue(4));
    world.keeper.cancel(Queue(4));
    assert_eq!(world.told(), [[label::WITHDRAW, number]]);
    // The answer was on its way.
    world.allow(0, 33);
    assert_eq!(world.keeper.work(true), []);
    assert_eq!(world.told(), [[label::CLOSE, 33]]);
    assert_eq!(world.outside.lock().unwrap().given_up, 1);
    let asked = world.outside.lock().unwrap().asked.len();
    assert_eq!(asked, 2, "the next one is asked for then");
    world.allow(0, 34);
    assert_eq!(world.keeper.work(true), [Queue(5)]);
    world.keeper.cancel(Queue(5));
    assert_eq!(world.told(), [[label::CLOSE, 34]], "never opened");
    assert!(matches!(world.open(6), GateAnswer::Pending));
    assert!(matches!(world.open(7), GateAnswer::Pending));
    world.keeper.cancel(Queue(7));
    assert_eq!(world.told(), [[0; 0]; 0], "it was not asked for yet");
}

#[test]
fn two_askers_ask_for_two_and_what_cannot_be_told_is_told_later() {
    let mut world = World::new(2);
    for queue in [1, 2, 3] {
        assert!(matches!(world.open(queue), GateAnswer::Pending));
    }
    let askers: Vec<usize> = world
        .outside
        .lock()
        .unwrap()
        .asked
        .iter()
        .map(|(asker, _)| *asker)
        .collect();
    assert_eq!(askers, [0, 1]);
    world.outside.lock().unwrap().deaf = true;
    world.keeper.cancel(Queue(1));
    assert_eq!(world.told(), [[0; 0]; 0]);
    world.outside.lock().unwrap().deaf = false;
    world.keeper.work(false);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn an_answer_that_makes_no_sense_is_an_error_and_leaves_nothing() {
    let mut world = World::new(1);
    let opened = Opened {
        grant: 8,
        answer: Answer::Run,
        rate: 0,
    };
    let nonsense = [
        (opened.encode().ok(), false, true),
        (Some(Refusal::Denied.encode()), true, false),
        (Some(Words::new(99)), true, false),
        (None, true, false),
    ];
    for (words, came, closes) in nonsense {
        assert!(matches!(world.open(4), GateAnswer::Pending));
        world.answer(0, words, came);
        assert_eq!(world.keeper.work(false), [Queue(4)]);
        assert_eq!(denied(&world.open(4)), Some(Errno::EIO));
        let told = world.told();
        assert_eq!(told, [[label::CLOSE, 8]][..usize::from(closes)]);
        let given_up = core::mem::take(&mut world.outside.lock().unwrap().given_up);
        assert_eq!(given_up, usize::from(came));
    }
}

#[test]
fn what_cannot_be_granted_is_not_asked_for() {
    let mut world = World::new(1);
    let writing = world.try_open("serial:1", sundog_linux_vfs::constants::O_RDWR, 1);
    assert_eq!(denied(&writing), Some(Errno::EACCES));
    let nothing = world.try_open("lamp:1", O_RDONLY, 1);
    assert_eq!(denied(&nothing), Some(Errno::ENXIO));
    assert!(world.outside.lock().unwrap().asked.is_empty());
}

#[test]
fn long_paths_are_cut_and_nodes_are_linux_s() {
    let long = program("/é".repeat(MAX_PROGRAM).as_bytes());
    assert!(long.len() <= MAX_PROGRAM && long.ends_with("..."), "{long}");
    assert_eq!(program(b"/bin/cat"), "/bin/cat");
    let line = Node {
        name: String::from("ttyS1"),
        number: (4, 65),
    };
    assert_eq!(node("serial:1"), Some(line));
    for name in [
        "serial",
        "serial:",
        "serial:x",
        "serial:192",
        "camera:0",
        ":1",
    ] {
        assert_eq!(node(name), None, "{name}");
    }
}
