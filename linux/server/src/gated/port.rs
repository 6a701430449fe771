//! The way to the consent service over the kernel: an asker is a thread that waits in the call in the worker's place.

use super::slip::Slip;
use super::{Answered, Line, Port};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_rt::cap::object::{CNode, Endpoint, Notification, SchedContext};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::message::REGISTER_WORDS;
use sundog_rt::sys::abi::{Address, Info};
use sundog_rt::{Environment, NewThread, fail, spawn_thread, sys};
use sundog_service::{arrived, outgoing};

/// Grants that can be held or asked for at a time.
const MOST: u32 = 64;
/// Pages of an asker's stack.
const STACK_PAGES: u32 = 4;
/// How long a server may take for what it does at once, in microseconds. A driver that stands still stops its readers only.
pub const AT_ONCE: u64 = 200_000;

struct Asker {
    slip: Arc<Slip>,
    go: Cap<Notification>,
    /// Where the answer's capability will be.
    slot: u32,
}

/// The askers, and slots for what they get.
pub struct NativePort {
    consent: Cap<Endpoint>,
    cnode: Cap<CNode>,
    askers: Vec<Asker>,
    free: Vec<u32>,
    /// [`AT_ONCE`] in ticks.
    at_once: u64,
}

/// A granted capability.
pub struct NativeLine {
    endpoint: Cap<Endpoint>,
    at_once: u64,
}

impl NativePort {
    /// Starts an asker on each scheduling context that was given as `ask-1`, `ask-2` and so on; they wake the worker through `news`.
    ///
    /// # Errors
    /// Those of making threads; `NotEnoughMemory` if no time was given for one.
    pub fn new(environment: &mut Environment) -> Result<NativePort, Error> {
        let consent: Cap<Endpoint> = environment.require("consent");
        let news: Cap<Notification> = environment.require("news");
        let times: Vec<Cap<SchedContext>> = (1..)
            .map_while(|number| environment.capability(&format!("ask-{number}")))
            .collect();
        if times.is_empty() {
            return Err(Error::NotEnoughMemory);
        }
        let at_once = AT_ONCE.saturating_mul(environment.start.ticks_per_microsecond);
        let resources = &mut environment.resources;
        let first = resources.slots.take_run(MOST)?;
        let mut askers = Vec::new();
        for context in times {
            let go: Cap<Notification> = resources.pool.make(&mut resources.slots, 0)?;
            let slip = Arc::new(Slip::new());
            let own = slip.clone();
            let new = NewThread {
                cspace: resources.slots.cnode(),
                fault: None,
                context,
                stack_pages: STACK_PAGES,
            };
            spawn_thread(resources, new, move |page| {
                ask_for_ever(page, &own, go, consent, news)
            })?;
            askers.push(Asker { slip, go, slot: 0 });
        }
        Ok(NativePort {
            consent,
            cnode: resources.slots.cnode(),
            askers,
            free: (first..first + MOST).collect(),
            at_once,
        })
    }
}

/// What an asker does. It takes nothing of the heap, which the worker uses meanwhile.
fn ask_for_ever(
    mut page: MessagePage,
    slip: &Slip,
    go: Cap<Notification>,
    consent: Cap<Endpoint>,
    news: Cap<Notification>,
) {
    while go.wait(None).is_ok() {
        let Some((request, slot)) = slip.asked() else {
            continue;
        };
        page.set_window(Address::NULL, slot, 1);
        let (info, registers) = outgoing(&mut page, &request);
        let received = consent.call(info, &registers, None).ok();
        let came = received
            .as_ref()
            .is_some_and(|received| received.info.capabilities() == 1 && page.arrived() & 1 == 1);
        let words = received.and_then(|received| arrived(&page, &received).ok());
        slip.answer(words.as_ref(), came);
        // The worker is this program, so it is there.
        let _ = news.signal();
    }
    fail("linux: an asker cannot wait");
}

impl Port for NativePort {
    type Line = NativeLine;

    fn askers(&self) -> usize {
        self.askers.len()
    }

    fn ask(&mut self, asker: usize, request: &Words) -> bool {
        let (Some(asker), Some(slot)) = (self.askers.get_mut(asker), self.free.pop()) else {
            return false;
        };
        let asked = asker.slip.ask(request, slot) && asker.go.signal().is_ok();
        if asked {
            asker.slot = slot;
        } else {
            self.free.push(slot);
        }
        asked
    }

    fn answer(&mut self, asker: usize) -> Option<Answered<NativeLine>> {
        let asker = self.askers.get_mut(asker)?;
        let (words, came) = asker.slip.answered()?;
        let line = NativeLine {
            endpoint: Cap::root(asker.slot),
            at_once: self.at_once,
        };
        if came {
            let line = Some(line);
            return Some(Answered { words, line });
        }
        self.free.push(asker.slot);
        Some(Answered { words, line: None })
    }

    fn tell(&mut self, message: &Words) -> bool {
        let Ok(words) = registers(message) else {
            return true;
        };
        let info = Info::new(0, message.as_slice().len());
        let deadline = sys::ticks().saturating_add(self.at_once);
        match self.consent.send(info, &words, Some(deadline)) {
            Err(Error::TimedOut) => false,
            // With a service that is gone nothing is granted any more.
            _ => true,
        }
    }

    fn give_up(&mut self, line: NativeLine) {
        let slot = line.endpoint.slot();
        // One that was revoked is empty already; a slot that is neither is not used again.
        if self.cnode.delete(slot).is_ok() {
            self.free.push(slot);
        }
    }
}

impl Line for NativeLine {
    fn call(&self, request: &Words) -> Option<Words> {
        let words = registers(request).ok()?;
        let info = Info::new(0, request.as_slice().len());
        let deadline = sys::ticks().saturating_add(self.at_once);
        let received = self.endpoint.call(info, &words, Some(deadline)).ok()?;
        let answer = received.words.get(..received.info.words())?;
        Words::from_slice(answer).ok()
    }
}

/// A message that fits into registers.
fn registers(message: &Words) -> Result<[u64; REGISTER_WORDS], Error> {
    let mut registers = [0; REGISTER_WORDS];
    let words = message.as_slice();
    let place = registers.get_mut(..words.len()).ok_or(Error::OutOfRange)?;
    place.copy_from_slice(words);
    Ok(registers)
}
