//! What must hold of threads, their waits, scheduling contexts and timers in every state that a program can see.

use std::collections::BTreeMap;
use std::vec::Vec;

use sundog_abi::{ObjectType, Rights};
use sundog_machine::{Object, Ref, hardware};

use crate::check::Tree;
use crate::context::SchedContext;
use crate::endpoint::Endpoint;
use crate::kernel::Kernel;
use crate::notification::Notification;
use crate::reply::Reply;
use crate::slot::Slot;
use crate::thread::{State, Thread};
use crate::vcpu::VCpu;

/// Objects by unit.
type Objects<T> = BTreeMap<u32, Ref<T>>;

impl Kernel {
    /// Makes a control capability in an empty slot, for tests that start without a boot package.
    pub fn test_control(&self, slot: Ref<Slot>, kind: ObjectType) {
        self.fill(slot, kind, 0, 0, Rights::USE);
        self.tree_insert(self.root(), slot);
    }

    fn check_objects<T: Object>(&self, tree: &Tree) -> Objects<T> {
        let named = |(node, _): &(Ref<Slot>, Ref<Slot>)| self.get(*node).object.get::<T>();
        tree.values()
            .filter_map(named)
            .map(|object| (object.unit(), object))
            .collect()
    }

    pub(crate) fn check_threads(&self, tree: &Tree) {
        let threads = self.check_objects::<Thread>(tree);
        let mut waiting = BTreeMap::new();
        for endpoint in self.check_objects::<Endpoint>(tree).into_values() {
            self.check_endpoint(endpoint, &mut waiting);
        }
        for notification in self.check_objects::<Notification>(tree).into_values() {
            self.check_notification(notification, &mut waiting);
        }
        for thread in threads.values() {
            self.check_thread(*thread, &mut waiting);
        }
        assert!(waiting.is_empty(), "only threads with a capability wait");
        let mut chained = 0;
        let contexts = self.check_objects::<SchedContext>(tree);
        for context in contexts.values() {
            chained += self.check_chain(*context);
        }
        let mut queued = 0;
        for cpu in 0..self.get(self.system).cpus.get() as usize {
            queued += self.check_queues(cpu);
            self.check_cpu(cpu);
        }
        for context in contexts.values() {
            self.check_context(*context);
            queued -= usize::from(self.get(*context).queued.get());
        }
        assert_eq!(queued, 0, "what is in a run queue knows it");
        for reply in self.check_objects::<Reply>(tree).into_values() {
            self.check_reply(reply);
            chained -= usize::from(!self.get(reply).context.is_none());
        }
        assert_eq!(chained, 0, "a Reply in a chain is in one");
        for vcpu in self.check_objects::<VCpu>(tree).into_values() {
            if let Some(thread) = self.get(vcpu).runner.get() {
                assert_eq!(
                    self.get(thread).vcpu.get(),
                    Some(vcpu),
                    "a VCpu's runner is in it"
                );
            }
        }
        self.check_wheels(&threads, &contexts);
    }

    fn check_queue(&self, ends: [Option<Ref<Thread>>; 2], mut each: impl FnMut(Ref<Thread>)) {
        let (mut previous, mut here) = (None, ends[0]);
        while let Some(thread) = here {
            assert_eq!(
                self.get(thread).previous.get(),
                previous,
                "a queue's links agree"
            );
            each(thread);
            (previous, here) = (here, self.get(thread).next.get());
        }
        assert_eq!(ends[1], previous, "a queue ends with its last");
    }

    /// Rule: an endpoint's queue holds senders or receivers, each of which knows where it is.
    fn check_endpoint(&self, endpoint: Ref<Endpoint>, waiting: &mut BTreeMap<u32, u32>) {
        let object = self.get(endpoint);
        let mut states = Vec::new();
        self.check_queue([object.first.get(), object.last.get()], |thread| {
            states.push(self.get(thread).state());
            assert_eq!(
                self.get(thread).endpoint.get(),
                Some(endpoint),
                "a thread knows the endpoint that it waits at"
            );
            assert!(
                waiting.insert(thread.unit(), endpoint.unit()).is_none(),
                "a thread waits in one place"
            );
        });
        assert!(
            states.iter().all(|state| *state == State::Sending)
                || states.iter().all(|state| *state == State::Receiving),
            "a queue holds senders or receivers"
        );
    }

    /// Rule: who waits for signals is in the queue, and a word that somebody waits for is 0.
    fn check_notification(
        &self,
        notification: Ref<Notification>,
        waiting: &mut BTreeMap<u32, u32>,
    ) {
        let object = self.get(notification);
        let mut any = false;
        self.check_queue([object.first.get(), object.last.get()], |thread| {
            any = true;
            let waiter = self.get(thread);
            assert_eq!(waiter.state(), State::Waiting, "a waiter waits");
            assert_eq!(
                waiter.notification.get(),
                Some(notification),
                "a thread knows what it waits for"
            );
            assert!(
                waiting.insert(thread.unit(), notification.unit()).is_none(),
                "a thread waits in one place"
            );
        });
        if let Some(bound) = object.bound.get() {
            let bound = self.get(bound);
            assert_eq!(
                bound.bound.get(),
                Some(notification),
                "a bound notification knows its thread"
            );
            any |= bound.state() == State::Receiving || !bound.vcpu.is_none();
        }
        assert!(!any || object.word.get() == 0, "no signal is overlooked");
        let signals = |line: &u32| {
            self.line(*line)
                .is_some_and(|line| self.get(line).notification.get() == Some(notification))
        };
        let lines = (0..hardware::LINES as u32).filter(signals).count();
        assert_eq!(
            object.lines.get() as usize,
            lines,
            "a notification counts its lines"
        );
    }

    /// Rule: a thread is where its state says, and nowhere else.
    fn check_thread(&self, thread: Ref<Thread>, waiting: &mut BTreeMap<u32, u32>) {
        let object = self.get(thread);
        let state = object.state();
        let place = waiting.remove(&thread.unit());
        let queues = [State::Sending, State::Receiving, State::Waiting].contains(&state);
        assert_eq!(
            place.is_some(),
            queues,
            "a thread that is {state:?} is where it belongs"
        );
        let at_endpoint = matches!(state, State::Sending | State::Receiving);
        assert_eq!(
            !object.endpoint.is_none(),
            at_endpoint,
            "{state:?}: at an endpoint"
        );
        assert_eq!(
            !object.notification.is_none(),
            state == State::Waiting,
            "{state:?}: at a notification"
        );
        if place.is_none() {
            assert!(
                object.next.is_none() && object.previous.is_none(),
                "{state:?}: in no queue"
            );
        }
        match (state, object.reply.get()) {
            (State::Calling, None) => panic!("a caller's call is at a Reply"),
            (State::Calling, Some(reply)) => assert_eq!(
                self.get(reply).caller.get(),
                Some(thread),
                "a Reply names its caller"
            ),
            (State::Receiving, Some(reply)) => assert_eq!(
                self.get(reply).receiver.get(),
                Some(thread),
                "a Reply names its receiver"
            ),
            (State::Receiving, None) => {}
            (_, reply) => assert!(reply.is_none(), "{state:?}: has no Reply"),
        }
        assert!(
            object.fault.get() == 0 || matches!(state, State::Sending | State::Calling),
            "{state:?}: a fault waits for its answer"
        );
        if let Some(notification) = object.bound.get() {
            assert_eq!(
                self.get(notification).bound.get(),
                Some(thread),
                "a binding is known to both"
            );
        }
        if let Some(vcpu) = object.vcpu.get() {
            assert_eq!(state, State::Ready, "who is in a guest runs, or could");
            assert_eq!(
                self.get(vcpu).runner.get(),
                Some(thread),
                "a VCpu knows who is in it"
            );
        }
        let armed = self.get(self.thread_timer(thread)).place.get() != 0;
        let waits = !matches!(state, State::Stopped | State::Ready);
        assert!(
            !armed || waits || !object.vcpu.is_none(),
            "{state:?}: only a wait has a deadline"
        );
        if let Some(context) = object.context.get() {
            assert_eq!(
                self.get(context).runner.get(),
                Some(thread),
                "a thread's context knows its runner"
            );
        } else if state == State::Ready
            && let Some(own) = object.own_context.get()
        {
            assert!(
                !self.get(own).runner.is_none(),
                "a ready thread has its own time back unless it is lent"
            );
        }
        if let Some(own) = object.own_context.get() {
            assert_eq!(
                self.get(own).owner.get(),
                Some(thread),
                "a context knows its owner"
            );
        }
        if let Some(cnode) = object.deleting.get() {
            assert_eq!(
                self.get(cnode).deleter.get(),
                Some(thread),
                "a CNode knows who goes on with it"
            );
        }
    }

    /// Rule: a context's chain is a list whose links agree, of Replies whose callers wait. Gives its length.
    fn check_chain(&self, context: Ref<SchedContext>) -> usize {
        let (mut above, mut here, mut length) = (None, self.get(context).top.get(), 0);
        while let Some(reply) = here {
            let object = self.get(reply);
            assert_eq!(object.above.get(), above, "a chain's links agree");
            assert_eq!(
                object.context.get(),
                Some(context),
                "a Reply knows what was lent along it"
            );
            let caller = object
                .caller
                .get()
                .expect("a Reply in a chain has a caller");
            assert_eq!(
                self.get(caller).state(),
                State::Calling,
                "who lent its context waits"
            );
            length += 1;
            (above, here) = (here, object.below.get());
        }
        length
    }

    /// Rule: a context has its runner and owner, and if the runner could run, it is in its queue, has its CPU or waits for its time.
    fn check_context(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        let on_cpu = self.is_on_cpu(context);
        let armed = self.get(self.context_timer(context)).place.get() != 0;
        assert!(
            object.left.get() <= object.budget.get(),
            "no more time than the budget"
        );
        if let Some(owner) = object.owner.get() {
            assert_eq!(
                self.get(owner).own_context.get(),
                Some(context),
                "an owner knows its context"
            );
        }
        let ready = object.runner.get().is_some_and(|runner| {
            assert_eq!(
                self.get(runner).context.get(),
                Some(context),
                "a runner knows its context"
            );
            self.get(runner).state() == State::Ready
        });
        if object.queued.get() {
            assert!(
                ready && object.left.get() > 0 && !on_cpu,
                "what is in a run queue could run"
            );
        }
        assert!(
            object.left.get() > 0 || object.budget.get() == 0 || armed || on_cpu,
            "a context without time waits for more"
        );
        if ready && object.left.get() > 0 {
            assert!(object.queued.get() || on_cpu, "no wake-up is lost");
        }
    }

    /// Rule: run queues are lists, and the bits say which are not empty. Gives how many contexts are in them.
    fn check_queues(&self, cpu: usize) -> usize {
        let state = self.get(self.cpu_state(cpu));
        let mut count = 0;
        for priority in 0..64 {
            let (mut previous, mut here) = (None, state.first[priority].get());
            assert_eq!(
                here.is_some(),
                state.waiting.get() >> priority & 1 != 0,
                "a bit for each priority that waits"
            );
            while let Some(context) = here {
                let object = self.get(context);
                assert_eq!(object.previous.get(), previous, "a run queue's links agree");
                assert_eq!(
                    object.cpu.get() as usize,
                    cpu,
                    "a context waits for its CPU"
                );
                assert_eq!(
                    usize::from(object.priority.get()),
                    priority,
                    "a context waits at its priority"
                );
                assert!(object.queued.get(), "what is in a run queue knows it");
                count += 1;
                (previous, here) = (here, object.next.get());
            }
            assert_eq!(
                state.last[priority].get(),
                previous,
                "a run queue ends with its last"
            );
        }
        count
    }

    /// Rule: what runs on a CPU is the ready runner of the context that has it.
    fn check_cpu(&self, cpu: usize) {
        let state = self.get(self.cpu_state(cpu));
        let Some(context) = state.context.get() else {
            assert!(state.current.is_none(), "nobody runs without a context");
            return;
        };
        assert_eq!(
            self.get(context).cpu.get() as usize,
            cpu,
            "a context has its own CPU only"
        );
        let current = state.current.get().expect("a context that has a CPU runs");
        assert_eq!(
            self.get(context).runner.get(),
            Some(current),
            "a CPU runs its context's runner"
        );
        assert_eq!(
            self.get(current).state(),
            State::Ready,
            "only who is ready runs"
        );
    }

    fn check_reply(&self, reply: Ref<Reply>) {
        let object = self.get(reply);
        if object.context.is_none() {
            assert!(
                object.above.is_none() && object.below.is_none(),
                "a Reply in no chain has no neighbours"
            );
        }
        assert!(
            object.caller.is_none() || object.receiver.is_none(),
            "a Reply waits for a call or for an answer"
        );
        if let Some(caller) = object.caller.get() {
            assert_eq!(
                self.get(caller).state(),
                State::Calling,
                "a Reply's caller waits"
            );
            assert_eq!(
                self.get(caller).reply.get(),
                Some(reply),
                "a caller knows its Reply"
            );
        }
        if let Some(receiver) = object.receiver.get() {
            assert_eq!(
                self.get(receiver).state(),
                State::Receiving,
                "a Reply's receiver waits"
            );
            assert_eq!(
                self.get(receiver).reply.get(),
                Some(reply),
                "a receiver knows its Reply"
            );
        }
    }

    /// Rule: what is armed is in a wheel, once.
    fn check_wheels(&self, threads: &Objects<Thread>, contexts: &Objects<SchedContext>) {
        let timers = threads
            .values()
            .map(|thread| self.thread_timer(*thread))
            .chain(
                contexts
                    .values()
                    .map(|context| self.context_timer(*context)),
            );
        let armed = timers
            .filter(|timer| self.get(*timer).place.get() != 0)
            .count();
        let found: usize = (0..self.get(self.system).cpus.get() as usize)
            .map(|cpu| self.check_wheel(cpu))
            .sum();
        assert_eq!(armed, found, "what is armed is in a wheel");
        for context in contexts.values() {
            assert!(
                self.get(self.context_timer(*context)).place.get() == 0
                    || self.get(*context).left.get() == 0,
                "only a context without time waits for more"
            );
        }
    }

    /// Rule: a wheel's slots are lists, its bits say which are not empty, and each timer is where its place says. Gives how many.
    pub(crate) fn check_wheel(&self, cpu: usize) -> usize {
        let wheel = self.get(self.cpu_wheel(cpu));
        let mut count = 0;
        for (index, first) in wheel.slots.iter().enumerate() {
            let (level, slot) = (index / 64, index % 64);
            assert_eq!(
                first.is_none(),
                wheel.used[level].get() >> slot & 1 == 0,
                "a bit for each slot that is used"
            );
            let (mut previous, mut here) = (None, first.get());
            let stands = (wheel.granule.get() >> (6 * level)) as usize % 64;
            if here.is_some() {
                assert!(
                    slot > stands || slot == stands && (level == 0 || wheel.moving.get()),
                    "a slot that is used lies ahead, or moves down now"
                );
            }
            while let Some(timer) = here {
                let object = self.get(timer);
                assert_eq!(
                    object.place.get() as usize,
                    index + 1,
                    "a timer knows its place"
                );
                assert_eq!(object.cpu.get() as usize, cpu, "a timer knows its wheel");
                assert_eq!(object.previous.get(), previous, "a slot's links agree");
                count += 1;
                (previous, here) = (here, object.next.get());
            }
        }
        count
    }
}
