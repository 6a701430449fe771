//! The endpoint of the native processes: receives their requests and ends, and answers when the files have answered.

use crate::inner::{Inner, Input, TREE_SHIFT};
use crate::natives::Natives;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use sundog_init_core::FaultText;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::native;
use sundog_linux_vfs::Errno;
use sundog_protocols::host_process::{Answer, MAX_BYTES, Request, Screen, Subject};
use sundog_protocols::{Malformed, Words};
use sundog_rt::cap::object::{Endpoint, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::start::StartPage;
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::{Deadline, MessagePage, Received};
use sundog_rt::{Resources, holdings};
use sundog_service::{arrived, outgoing};

/// Messages that are taken before the programs of the own sandbox have their turn again.
const AT_ONCE: usize = 32;

/// The endpoint.
pub struct Requests {
    endpoint: Cap<Endpoint>,
    page: MessagePage,
    start: StartPage<'static>,
    resources: Rc<RefCell<Resources>>,
    natives: Rc<RefCell<Natives>>,
    /// What the next call will be answered through.
    next: Cap<Reply>,
    spare: Vec<Cap<Reply>>,
    /// What each process waits for an answer through.
    waiting: BTreeMap<i32, Cap<Reply>>,
    /// Processes that have ended and are not taken apart yet, with what the kernel said of them.
    ended: Vec<(i32, FaultText)>,
    /// The notification was signalled: for the streams.
    pub notified: bool,
    /// The last message has no answer yet, so this program may run on its sender's time.
    borrows: bool,
    /// The same, for devices.
    pub news: bool,
}

fn failed(error: Errno, text: &str) -> Answer {
    Answer::Failed(error.number().into(), String::from(text))
}

fn answer(answer: native::Answer) -> Answer {
    match answer {
        native::Answer::Read(bytes) => Answer::Read(bytes),
        native::Answer::Written(count) => Answer::Written(count),
        native::Answer::Keys(Ok(bytes)) => Answer::Read(bytes),
        native::Answer::Keys(Err(error)) => failed(error, ""),
        native::Answer::ReadFailed(error) | native::Answer::WriteFailed(error) => failed(error, ""),
    }
}

impl Requests {
    /// Serves `endpoint`; `page` is the message page of the thread that does so, `start` what this program was given.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(
        endpoint: Cap<Endpoint>,
        page: MessagePage,
        start: StartPage<'static>,
        resources: Rc<RefCell<Resources>>,
        natives: Rc<RefCell<Natives>>,
    ) -> Result<Requests, Error> {
        let next = make_reply(&resources)?;
        Ok(Requests {
            endpoint,
            page,
            start,
            resources,
            natives,
            next,
            spare: Vec::new(),
            waiting: BTreeMap::new(),
            ended: Vec::new(),
            notified: false,
            borrows: false,
            news: false,
        })
    }

    /// Answers what is done, and takes what is there. Whether a process may have become ready.
    pub fn work(&mut self, kernel: &mut Kernel) -> bool {
        self.send(kernel);
        let natives = self.natives.borrow();
        let gone = self.waiting.extract_if(.., |pid, _| !natives.has(*pid));
        self.spare.extend(gone.map(|(_, reply)| reply));
        drop(natives);
        // Nobody else has the endpoint. A signal of the notification brings a guest back, or ends the wait.
        if kernel.natives.is_empty() && !self.borrows {
            return false;
        }
        self.take_all(kernel)
    }

    /// Waits for a request, a signal of the notification, or the deadline.
    pub fn wait(&mut self, kernel: &mut Kernel, deadline: Deadline) {
        // The end of the wait by its deadline is as good as by a signal.
        if let Ok(received) = self.endpoint.receive(Some(self.next), deadline) {
            self.take(kernel, &received);
            self.take_all(kernel);
        }
    }

    /// Wakes the sandboxes within that have devices.
    pub fn pass_on_news(&self) {
        self.natives.borrow().pass_on_news();
    }

    /// Asks another program, and waits for its answer; nothing if it is gone.
    pub fn ask(&mut self, program: Cap<Endpoint>, request: &Words) -> Option<Words> {
        let (info, words) = outgoing(&mut self.page, request);
        let answer = program.call(info, &words, None).ok()?;
        arrived(&self.page, &answer).ok()
    }

    /// Takes what is there, but no more than what leaves the own programs their turn, then ends the processes that said that they are
    /// done. The time that came with the last message is given back by its answer, or by a look at the endpoint that finds nothing,
    /// so nobody runs on the time of a process that is taken apart.
    fn take_all(&mut self, kernel: &mut Kernel) -> bool {
        let mut changed = false;
        let mut taken = 0;
        while taken < AT_ONCE || self.borrows {
            let Ok(received) = self.endpoint.poll(Some(self.next)) else {
                break;
            };
            changed |= self.take(kernel, &received);
            taken += 1;
        }
        for (pid, fault) in core::mem::take(&mut self.ended) {
            let (end, why) =
                self.natives
                    .borrow()
                    .ended(&mut self.resources.borrow_mut(), pid, fault);
            if let Some(why) = why {
                sundog_rt::debug!("linux: {pid}: {why}");
                kernel.native_last_words(pid, format!("{why}\n").into_bytes());
            }
            kernel.native_ended(pid, end);
            changed = true;
        }
        changed
    }

    fn send(&mut self, kernel: &mut Kernel) {
        for (pid, done) in kernel.take_native_answers() {
            if !self.arrive(pid, &done) {
                self.reply(pid, &answer(done));
            }
        }
        for pid in kernel.take_natives_told() {
            if let Some(inner) = self.natives.borrow_mut().inner(pid) {
                // One that is gone needs no signal.
                let _ = inner.shared.events.signal();
            }
        }
        for tree in self.natives.borrow_mut().take_gone() {
            tree.end(&mut kernel.vfs);
        }
    }

    /// Input that a sandbox within asked for; whether it was that.
    fn arrive(&mut self, pid: i32, done: &native::Answer) -> bool {
        let mut natives = self.natives.borrow_mut();
        let Some(inner) = natives.inner(pid) else {
            return false;
        };
        match done {
            native::Answer::Read(bytes) => inner.input = Input::Here(Ok(bytes.clone())),
            native::Answer::ReadFailed(error) => inner.input = Input::Here(Err(*error)),
            native::Answer::Keys(keys) => inner.keys = Input::Here(keys.clone()),
            _ => return false,
        }
        // One that is gone needs no signal.
        let _ = inner.shared.events.signal();
        true
    }

    fn reply(&mut self, pid: i32, answer: &Answer) {
        if let Some(reply) = self.waiting.remove(&pid) {
            let message = answer.encode();
            let (info, words) = match self.natives.borrow_mut().inner(pid) {
                Some(inner) => shared(inner, message.as_slice()),
                None => outgoing(&mut self.page, &message),
            };
            // A process that is gone needs no answer.
            let _ = reply.reply(info, &words);
            self.spare.push(reply);
        }
    }

    /// A file request of a sandbox within; it is answered at once.
    fn serve_tree(&mut self, kernel: &mut Kernel, pid: i32, tree: usize, received: &Received) {
        let mut natives = self.natives.borrow_mut();
        let (info, words) = match natives.inner(pid) {
            Some(inner) => {
                let request = inner.shared.area.take(received.words[0]);
                let request = request.unwrap_or_default();
                let answer = inner.serve(&mut kernel.vfs, tree, &request);
                shared(inner, answer.words())
            }
            None => (Info::new(0, 1), [0; 8]),
        };
        // A sandbox that is gone needs no answer.
        let _ = self.next.reply(info, &words);
    }

    /// A part of a text about the sandbox.
    fn tell(&self, kernel: &mut Kernel, pid: i32, subject: Subject, from: usize) -> Answer {
        let text = match subject {
            Subject::Capabilities => {
                let cnode = self.resources.borrow().slots.cnode();
                Ok(holdings(&self.start, cnode).into_bytes())
            }
            Subject::Names => kernel.native_names(pid),
        };
        match text {
            Ok(text) => {
                let rest = text.get(from..).unwrap_or_default();
                Answer::Read(rest[..rest.len().min(MAX_BYTES)].to_vec())
            }
            Err(error) => failed(error, ""),
        }
    }

    /// Input or keys for a sandbox within: what is here, or nothing yet.
    fn take_input(
        &mut self,
        kernel: &mut Kernel,
        pid: i32,
        request: native::Request,
        length: usize,
    ) -> Answer {
        let mut natives = self.natives.borrow_mut();
        let Some(inner) = natives.inner(pid) else {
            return failed(Errno::EINVAL, "");
        };
        let input = match request {
            native::Request::Keys { .. } => &mut inner.keys,
            _ => &mut inner.input,
        };
        match core::mem::take(input) {
            Input::Here(Ok(mut bytes)) => {
                let rest = bytes.split_off(length.min(bytes.len()));
                if !rest.is_empty() {
                    *input = Input::Here(Ok(rest));
                }
                return Answer::Read(bytes);
            }
            Input::Here(Err(error)) => return failed(error, ""),
            Input::Asked => {}
            Input::Idle => {
                if let Err(error) = kernel.native_request(pid, request) {
                    return failed(error, "");
                }
            }
        }
        *input = Input::Asked;
        failed(Errno::EAGAIN, "")
    }

    /// The terminal of a native process, and signals for its programs.
    fn screen(kernel: &mut Kernel, pid: i32) -> Answer {
        match kernel.native_screen(pid) {
            Ok((screen, signals)) => {
                let (streams, rows, columns) = screen.map_or((0, 0, 0), |found| {
                    (found.streams, found.rows, found.columns)
                });
                Answer::Screen(Screen {
                    streams,
                    rows,
                    columns,
                    signals: signals.0 as u32,
                })
            }
            Err(error) => failed(error, ""),
        }
    }

    /// Takes a message. Whether a process may have become ready.
    fn take(&mut self, kernel: &mut Kernel, received: &Received) -> bool {
        let changed = self.handle(kernel, received);
        let (tree, pid) = parts(received.badge);
        self.borrows = !received.info.has(Info::NOTIFICATION)
            && tree == 0
            && pid.is_some_and(|pid| self.waiting.contains_key(&pid));
        changed
    }

    fn handle(&mut self, kernel: &mut Kernel, received: &Received) -> bool {
        if received.info.has(Info::NOTIFICATION) {
            self.notified = true;
            self.news = true;
            return true;
        }
        let (tree, Some(pid)) = parts(received.badge) else {
            return false;
        };
        if tree != 0 {
            self.serve_tree(kernel, pid, tree, received);
            return false;
        }
        let words = match self.natives.borrow_mut().inner(pid) {
            Some(inner) => inner
                .shared
                .area
                .take(received.words[0])
                .ok_or(Malformed)
                .and_then(|words| Words::from_slice(&words)),
            None => arrived(&self.page, received),
        };
        let request = words.and_then(|words| Request::decode(&words));
        // The caller waits from here on, with a reply of its own.
        let fresh = match self.spare.pop() {
            Some(spare) => Ok(spare),
            None => make_reply(&self.resources),
        };
        let Ok(fresh) = fresh else {
            let (info, words) = outgoing(&mut self.page, &failed(Errno::ENOMEM, "").encode());
            let _ = self.next.reply(info, &words);
            return false;
        };
        let taken = core::mem::replace(&mut self.next, fresh);
        if let Some(old) = self.waiting.insert(pid, taken) {
            self.spare.push(old);
        }
        if received.info.has(Info::FAULT) {
            let [first, second, third, ..] = received.words;
            let words = [first, second, third];
            let kind = received.info.label();
            self.ended.push((pid, FaultText { kind, words }));
            return true;
        }
        let error = match request {
            Ok(Request::Read { descriptor, length }) => {
                let descriptor = descriptor as i32;
                kernel.native_request(pid, native::Request::Read { descriptor, length })
            }
            Ok(Request::Write { descriptor, bytes }) => {
                let descriptor = descriptor as i32;
                kernel.native_request(pid, native::Request::Write { descriptor, bytes })
            }
            Ok(Request::Show { bytes }) => {
                kernel.native_request(pid, native::Request::Show { bytes })
            }
            Ok(Request::Take { descriptor, length }) => {
                let descriptor = descriptor as i32;
                let request = native::Request::Read { descriptor, length };
                let taken = self.take_input(kernel, pid, request, length);
                self.reply(pid, &taken);
                return true;
            }
            Ok(Request::Keys { length }) => {
                let request = native::Request::Keys { length };
                let taken = self.take_input(kernel, pid, request, length);
                self.reply(pid, &taken);
                return true;
            }
            Ok(Request::Screen) => {
                let screen = Self::screen(kernel, pid);
                self.reply(pid, &screen);
                return false;
            }
            Ok(Request::Suspend) => {
                let suspended = match kernel.native_suspend(pid) {
                    Ok(()) => Answer::Written(0),
                    Err(error) => failed(error, ""),
                };
                self.reply(pid, &suspended);
                return true;
            }
            Ok(Request::Become) => {
                let made = self.natives.borrow_mut().become_sandbox(
                    &mut self.resources.borrow_mut(),
                    &mut self.page,
                    kernel,
                    pid,
                );
                if let Err((error, text)) = made {
                    self.reply(pid, &failed(error, &text));
                }
                return false;
            }
            Ok(Request::Tell { subject, from }) => {
                let told = self.tell(kernel, pid, subject, from);
                self.reply(pid, &told);
                return false;
            }
            Err(_) => Err(Errno::EINVAL),
        };
        match error {
            Ok(()) => true,
            Err(error) => {
                self.reply(pid, &failed(error, ""));
                false
            }
        }
    }
}

/// The tree, 0 for none, and the process that a badge names.
fn parts(badge: u64) -> (usize, Option<i32>) {
    let pid = badge & ((1 << TREE_SHIFT) - 1);
    ((badge >> TREE_SHIFT) as usize, i32::try_from(pid).ok())
}

/// Puts a message into the pages that a sandbox within shares.
fn shared(inner: &mut Inner, message: &[u64]) -> (Info, [u64; 8]) {
    let length = inner.shared.area.put(message);
    (Info::new(0, 1), [length, 0, 0, 0, 0, 0, 0, 0])
}

fn make_reply(resources: &RefCell<Resources>) -> Result<Cap<Reply>, Error> {
    let Resources { pool, slots, .. } = &mut *resources.borrow_mut();
    pool.make(slots, 0)
}
