//! The endpoint of the native processes: receives their requests and ends, and answers when the files have answered.

use crate::natives::Natives;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::native;
use sundog_linux_vfs::Errno;
use sundog_protocols::host_process::{Answer, Request};
use sundog_rt::Resources;
use sundog_rt::cap::object::{Endpoint, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::{Deadline, MessagePage, Received};
use sundog_service::{arrived, outgoing};

/// The endpoint.
pub struct Requests {
    endpoint: Cap<Endpoint>,
    page: MessagePage,
    resources: Rc<RefCell<Resources>>,
    natives: Rc<RefCell<Natives>>,
    /// What the next call will be answered through.
    next: Cap<Reply>,
    spare: Vec<Cap<Reply>>,
    /// What each process waits for an answer through.
    waiting: BTreeMap<i32, Cap<Reply>>,
    /// Processes that have ended and are not taken apart yet.
    ended: Vec<i32>,
}

fn failed(error: Errno, text: &str) -> Answer {
    Answer::Failed(error.number().into(), String::from(text))
}

fn answer(answer: native::Answer) -> Answer {
    match answer {
        native::Answer::Read(bytes) => Answer::Read(bytes),
        native::Answer::Written(count) => Answer::Written(count),
        native::Answer::Failed(error) => failed(error, ""),
    }
}

impl Requests {
    /// Serves `endpoint`; `page` is the message page of the thread that does so.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(
        endpoint: Cap<Endpoint>,
        page: MessagePage,
        resources: Rc<RefCell<Resources>>,
        natives: Rc<RefCell<Natives>>,
    ) -> Result<Requests, Error> {
        let next = make_reply(&resources)?;
        Ok(Requests {
            endpoint,
            page,
            resources,
            natives,
            next,
            spare: Vec::new(),
            waiting: BTreeMap::new(),
            ended: Vec::new(),
        })
    }

    /// Answers what is done, and takes what is there. Whether a process may have become ready.
    pub fn work(&mut self, kernel: &mut Kernel) -> bool {
        self.send(kernel);
        let natives = self.natives.borrow();
        let gone = self.waiting.extract_if(.., |pid, _| !natives.has(*pid));
        self.spare.extend(gone.map(|(_, reply)| reply));
        drop(natives);
        if self.natives.borrow().is_empty() {
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

    /// Takes what is there, then ends the processes that said that they are done. The last look at the endpoint, which finds nothing,
    /// also gives back the time that came with the messages, so nobody runs on the time of a process that is taken apart.
    fn take_all(&mut self, kernel: &mut Kernel) -> bool {
        let mut changed = false;
        while let Ok(received) = self.endpoint.poll(Some(self.next)) {
            changed |= self.take(kernel, &received);
        }
        for pid in core::mem::take(&mut self.ended) {
            let (end, text) = self
                .natives
                .borrow()
                .ended(&mut self.resources.borrow_mut(), pid);
            if !text.is_empty() {
                sundog_rt::debug!("linux: {pid} gave up: {}", String::from_utf8_lossy(&text));
            }
            kernel.native_ended(pid, end);
            changed = true;
        }
        changed
    }

    fn send(&mut self, kernel: &mut Kernel) {
        for (pid, done) in kernel.take_native_answers() {
            self.reply(pid, &answer(done));
        }
    }

    fn reply(&mut self, pid: i32, answer: &Answer) {
        if let Some(reply) = self.waiting.remove(&pid) {
            let (info, words) = outgoing(&mut self.page, &answer.encode());
            // A process that is gone needs no answer.
            let _ = reply.reply(info, &words);
            self.spare.push(reply);
        }
    }

    /// Takes a message. Whether a process may have become ready.
    fn take(&mut self, kernel: &mut Kernel, received: &Received) -> bool {
        if received.info.has(Info::NOTIFICATION) {
            return true;
        }
        let Ok(pid) = i32::try_from(received.badge) else {
            return false;
        };
        let request = arrived(&self.page, received).and_then(|words| Request::decode(&words));
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
            self.ended.push(pid);
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
            Ok(Request::Become) => {
                let text = "sandboxes within a sandbox cannot be made by this personality yet";
                self.reply(pid, &failed(Errno::ENOSYS, text));
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

fn make_reply(resources: &RefCell<Resources>) -> Result<Cap<Reply>, Error> {
    let Resources { pool, slots, .. } = &mut *resources.borrow_mut();
    pool.make(slots, 0)
}
