//! Devices that ask before they open: the open waits for an answer that somebody else gives.

use crate::asker::Asker;
use crate::context::Context;
use crate::errno::Errno;
use crate::file::{FileObject, Object};
use crate::mounts::Place;
use crate::outcome::{Attempt, Queue, Stop};
use crate::vfs::Vfs;
use crate::{FileId, constants};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// One request to open a gated device.
#[derive(Clone, Copy, Debug)]
pub struct GateRequest<'a> {
    /// What it is, such as `camera`.
    pub resource: &'a str,
    /// Who asks.
    pub pid: u32,
    /// The program that it runs.
    pub asker: &'a Asker,
    /// Access mode and status flags of the open.
    pub flags: u32,
    /// Number of the request: the same each time the same open is tried again. Whoever has an answer wakes this queue.
    pub request: Queue,
}

/// What a gatekeeper says.
pub enum GateAnswer {
    /// Here it is.
    Open(Box<dyn FileObject>),
    /// No.
    Denied(Errno),
    /// Ask again when the request's queue is woken.
    Pending,
}

/// Decides about opens of gated devices; usually by asking the consent service.
pub trait Gatekeeper: Send {
    /// Asked for each open, and again after each wake of the request's queue until the answer is not `Pending`.
    fn open(&mut self, request: &GateRequest<'_>) -> GateAnswer;
    /// The caller gave up (a signal, its death).
    fn cancel(&mut self, request: Queue) {
        let _ = request;
    }
    /// Does what can be done without waiting. `notified` says that somebody outside has news. The queues to wake: of requests that
    /// were answered, of open devices that may be ready for more.
    fn work(&mut self, notified: bool) -> Vec<Queue> {
        let _ = notified;
        Vec::new()
    }
}

/// Nothing is ever allowed.
pub struct Closed;

impl Gatekeeper for Closed {
    fn open(&mut self, _: &GateRequest<'_>) -> GateAnswer {
        GateAnswer::Denied(Errno::EACCES)
    }
}

/// Gated device numbers and the requests under way.
pub(crate) struct Gates {
    keeper: Box<dyn Gatekeeper>,
    resources: BTreeMap<u64, String>,
    pending: BTreeMap<(u32, u64), Question>,
}

/// A request under way.
#[derive(Clone)]
struct Question {
    request: Queue,
    asker: Asker,
}

impl Gates {
    pub fn new(keeper: Box<dyn Gatekeeper>) -> Gates {
        Gates {
            keeper,
            resources: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, device: u64, resource: &str) {
        self.resources.insert(device, resource.into());
    }

    /// What a device number asks for.
    pub fn resource(&self, device: u64) -> Option<&str> {
        self.resources.get(&device).map(String::as_str)
    }
}

impl Vfs {
    /// Opens a gated device, or says that it waits. `ENXIO` if nothing is behind the number.
    pub(crate) fn open_gated(
        &mut self,
        cx: &Context<'_>,
        place: Place,
        device: u64,
        flags: u32,
    ) -> Attempt<FileId> {
        if !self.gates.resources.contains_key(&device) {
            return Err(Errno::ENXIO.into());
        }
        let key = (cx.job.pid, device);
        let question = match self.gates.pending.get(&key) {
            Some(question) => question.clone(),
            None => Question {
                request: self.new_queue(),
                asker: self.asker(cx),
            },
        };
        let request = question.request;
        let resource = self.gates.resources.get(&device).map_or("", String::as_str);
        let answer = self.gates.keeper.open(&GateRequest {
            resource,
            pid: cx.job.pid,
            asker: &question.asker,
            flags,
            request,
        });
        if matches!(answer, GateAnswer::Pending) {
            self.gates.pending.insert(key, question);
            return Err(Stop::Block(request));
        }
        self.gates.pending.remove(&key);
        match answer {
            GateAnswer::Open(object) => {
                let kept = constants::O_ACCMODE | constants::O_NONBLOCK | constants::O_APPEND;
                Ok(self.add_file(Object::Other(object), flags & kept, Some(place))?)
            }
            GateAnswer::Denied(errno) => Err(errno.into()),
            GateAnswer::Pending => Err(Stop::Block(request)),
        }
    }

    /// Lets the gatekeeper work (see [`Gatekeeper::work`]). Whether somebody was woken.
    pub fn work_gates(&mut self, notified: bool) -> bool {
        let woken = self.gates.keeper.work(notified);
        for queue in &woken {
            self.wake(*queue);
        }
        !woken.is_empty()
    }

    /// A process stopped waiting in an open (of a gated device, of a FIFO): a signal came, or it died.
    pub fn cancel_waits(&mut self, pid: u32) {
        self.cancel_fifos(pid);
        let mine: Vec<_> = self
            .gates
            .pending
            .range((pid, 0)..=(pid, u64::MAX))
            .map(|(&key, question)| (key, question.request))
            .collect();
        for (key, request) in mine {
            self.gates.pending.remove(&key);
            self.gates.keeper.cancel(request);
        }
    }
}
