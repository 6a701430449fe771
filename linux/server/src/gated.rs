//! Devices that ask: an open becomes a request to the consent service, and what that grants becomes an open file.
//!
//! Nothing here waits. A request is handed to an asker, which waits for the answer in its place; the process that opens waits like any
//! other that waits for a file, and gives up like any other. Who gives up withdraws the question, and a grant that comes all the same
//! goes back.

mod device;
pub mod gift;
pub mod port;
pub mod register;
pub mod slip;
#[cfg(test)]
mod tests;
pub mod within;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use device::Device;
use sundog_linux_vfs::constants::{O_ACCMODE, O_RDONLY};
use sundog_linux_vfs::{Errno, GateAnswer, GateRequest, Gatekeeper, Queue};
use sundog_protocols::consent::{MAX_PROGRAM, Open, Opened, Refusal, Resource, label};
use sundog_protocols::{Malformed, Words};

/// The way to the consent service.
pub trait Port: Send {
    /// What a grant gives.
    type Line: Line;

    /// How many requests can be with the service at once.
    fn askers(&self) -> usize;
    /// Lets an asker that asks nothing ask. `false`: it cannot now.
    fn ask(&mut self, asker: usize, request: &Words) -> bool;
    /// What an asker was answered, once; nothing as long as it waits.
    fn answer(&mut self, asker: usize) -> Option<Answered<Self::Line>>;
    /// Tells the service something that has no answer. `false`: it does not listen now.
    fn tell(&mut self, message: &Words) -> bool;
    /// Gives up what a grant gave.
    fn give_up(&mut self, line: Self::Line);
}

/// A granted device.
pub trait Line: Send + Sync {
    /// Makes a request of at most two words to the device's server, which answers at once. Nothing if the grant was taken back or the
    /// server does not answer.
    fn call(&self, request: &Words) -> Option<Words>;
}

/// What an asker was answered.
pub struct Answered<L> {
    /// The words; nothing if the service is gone.
    pub words: Option<Words>,
    /// What came with them.
    pub line: Option<L>,
}

/// An open under way.
enum Request<L> {
    /// No asker is free.
    Waiting(Box<Words>),
    /// It is with the service.
    Asked,
    /// It was answered.
    Granted(u64, L),
    /// It was refused.
    Refused(Errno),
}

/// An open under way and the number by which it can be withdrawn.
struct Numbered<L> {
    number: u64,
    request: Request<L>,
}

/// A granted device that is open.
struct OpenDevice<L> {
    grant: u64,
    queue: Queue,
    line: Arc<L>,
}

/// Asks the consent service.
pub struct Keeper<P: Port> {
    port: P,
    /// For each asker the request that it is busy with.
    busy: Vec<Option<Queue>>,
    requests: BTreeMap<Queue, Numbered<P::Line>>,
    open: Vec<OpenDevice<P::Line>>,
    /// What the service did not take yet.
    letters: VecDeque<Words>,
    next_number: u64,
}

/// The device of a name such as `serial:1`.
pub fn named(name: &str) -> Option<(Resource, &str)> {
    let (class, instance) = name.split_once(':')?;
    Some((Resource::from_name(class)?, instance))
}

/// A node in /dev.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its major and minor number.
    pub number: (u32, u32),
}

/// The node of a device of that name, as Linux names and numbers it; nothing if it is of no class that can be opened so.
pub fn node(name: &str) -> Option<Node> {
    /// Linux's numbers of serial lines.
    const SERIAL: (u32, u32) = (4, 64);
    let (resource, instance) = named(name)?;
    let number: u8 = instance.parse().ok().filter(|number| *number < 192)?;
    let name = match resource {
        Resource::Serial => format!("ttyS{number}"),
        _ => return None,
    };
    let number = (SERIAL.0, SERIAL.1 + u32::from(number));
    Some(Node { name, number })
}

fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::Denied | Refusal::Forbidden => Errno::EACCES,
        Refusal::Absent => Errno::ENXIO,
        Refusal::Exhausted => Errno::EBUSY,
        Refusal::Malformed | Refusal::Revoked => Errno::EIO,
    }
}

/// A path as the service takes it.
fn program(path: &[u8]) -> String {
    const CUT: &str = "...";
    let mut text = String::from_utf8_lossy(path).into_owned();
    if text.len() > MAX_PROGRAM {
        text.truncate(text.floor_char_boundary(MAX_PROGRAM - CUT.len()));
        text.push_str(CUT);
    }
    text
}

fn one(label: u64, number: u64) -> Result<Words, Malformed> {
    let mut words = Words::new(label);
    words.push(number)?;
    Ok(words)
}

impl<P: Port> Keeper<P> {
    /// Nothing is asked and nothing is open.
    pub fn new(port: P) -> Keeper<P> {
        Keeper {
            busy: (0..port.askers()).map(|_| None).collect(),
            port,
            requests: BTreeMap::new(),
            open: Vec::new(),
            letters: VecDeque::new(),
            next_number: 1,
        }
    }

    fn new_request(&mut self, request: &GateRequest<'_>) -> Result<Numbered<P::Line>, Errno> {
        // The service grants recording and nothing else.
        if request.flags & O_ACCMODE != O_RDONLY {
            return Err(Errno::EACCES);
        }
        let (resource, instance) = named(request.resource).ok_or(Errno::ENXIO)?;
        let number = self.next_number;
        let open = Open {
            resource,
            number,
            instance: instance.into(),
            program_hash: request.asker.hash,
            program: program(&request.asker.path),
        };
        let words = open.encode().map_err(|Malformed| Errno::EINVAL)?;
        self.next_number += 1;
        let request = Request::Waiting(Box::new(words));
        Ok(Numbered { number, request })
    }

    /// Gives waiting requests, the oldest first, to askers that are free.
    fn start(&mut self) {
        for (asker, busy) in self.busy.iter_mut().enumerate() {
            if busy.is_some() {
                continue;
            }
            let oldest = self
                .requests
                .iter_mut()
                .filter(|(_, numbered)| matches!(numbered.request, Request::Waiting(_)))
                .min_by_key(|(_, numbered)| numbered.number);
            let Some((queue, numbered)) = oldest else {
                return;
            };
            if let Request::Waiting(words) = &numbered.request
                && self.port.ask(asker, words)
            {
                numbered.request = Request::Asked;
                *busy = Some(*queue);
            }
        }
    }

    /// Takes answers. The requests that have one.
    fn collect(&mut self) -> Vec<Queue> {
        let mut woken = Vec::new();
        for asker in 0..self.busy.len() {
            let Some(queue) = self.busy[asker] else {
                continue;
            };
            let Some(answered) = self.port.answer(asker) else {
                continue;
            };
            self.busy[asker] = None;
            let request = self.judge(answered);
            match (self.requests.get_mut(&queue), request) {
                (Some(numbered), request) => {
                    numbered.request = request;
                    woken.push(queue);
                }
                // Nobody wants it any more.
                (None, Request::Granted(grant, line)) => self.give_back(grant, line),
                (None, _) => {}
            }
        }
        woken
    }

    fn judge(&mut self, answered: Answered<P::Line>) -> Request<P::Line> {
        let opened = answered.words.map(|words| Opened::decode(&words));
        match (opened, answered.line) {
            (Some(Ok(Ok(opened))), Some(line)) => Request::Granted(opened.grant, line),
            (Some(Ok(Err(refusal))), None) => Request::Refused(errno(refusal)),
            (opened, line) => {
                if let Some(Ok(Ok(opened))) = opened {
                    self.tell(one(label::CLOSE, opened.grant));
                }
                if let Some(line) = line {
                    self.port.give_up(line);
                }
                Request::Refused(Errno::EIO)
            }
        }
    }

    fn give_back(&mut self, grant: u64, line: P::Line) {
        self.port.give_up(line);
        self.tell(one(label::CLOSE, grant));
    }

    fn tell(&mut self, message: Result<Words, Malformed>) {
        // A label and a number always fit.
        self.letters.extend(message);
        self.send();
    }

    fn send(&mut self) {
        while let Some(letter) = self.letters.front() {
            if !self.port.tell(letter) {
                return;
            }
            self.letters.pop_front();
        }
    }

    /// Gives back what no descriptor leads to any more.
    fn reap(&mut self) {
        let closed = |device: &mut OpenDevice<P::Line>| Arc::strong_count(&device.line) == 1;
        let closed: Vec<_> = self.open.extract_if(.., closed).collect();
        for OpenDevice { grant, line, .. } in closed {
            if let Some(line) = Arc::into_inner(line) {
                self.give_back(grant, line);
            }
        }
    }
}

impl<P: Port + 'static> Gatekeeper for Keeper<P> {
    fn open(&mut self, request: &GateRequest<'_>) -> GateAnswer {
        let queue = request.request;
        let Some(numbered) = self.requests.remove(&queue) else {
            return match self.new_request(request) {
                Ok(numbered) => {
                    self.requests.insert(queue, numbered);
                    self.start();
                    GateAnswer::Pending
                }
                Err(error) => GateAnswer::Denied(error),
            };
        };
        match numbered.request {
            Request::Granted(grant, line) => {
                let line = Arc::new(line);
                let device = Device::new(line.clone(), queue);
                self.open.push(OpenDevice { grant, queue, line });
                GateAnswer::Open(Box::new(device))
            }
            Request::Refused(error) => GateAnswer::Denied(error),
            Request::Waiting(_) | Request::Asked => {
                self.requests.insert(queue, numbered);
                GateAnswer::Pending
            }
        }
    }

    fn cancel(&mut self, request: Queue) {
        let Some(Numbered { number, request }) = self.requests.remove(&request) else {
            return;
        };
        match request {
            Request::Asked => self.tell(one(label::WITHDRAW, number)),
            Request::Granted(grant, line) => self.give_back(grant, line),
            Request::Waiting(_) | Request::Refused(_) => {}
        }
    }

    fn work(&mut self, notified: bool) -> Vec<Queue> {
        self.send();
        self.reap();
        let mut woken = self.collect();
        self.start();
        if notified {
            woken.extend(self.open.iter().map(|device| device.queue));
        }
        woken
    }
}
