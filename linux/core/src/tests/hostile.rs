//! System calls with arguments that no good program passes: errors, never a panic, and nothing lost.
use super::tiny::{Op, Sandbox, call};

#[test]
fn a_hundred_thousand_random_calls_do_no_harm() {
    // A first process that forks children again and again; all of them make random calls until they die of them.
    let mut ops = alloc::vec![
        call(57, &[]),
        Op::JumpIfZero(6),
        call(61, &[u64::MAX, 0, 1, 0]),
        call(24, &[]),
        Op::Spin(100_000),
        Op::Jump(0),
        // A time limit, since some calls wait for ever.
        call(37, &[2]),
        // Another user, who may not kill the first process.
        call(105, &[65534]),
    ];
    let loop_start = ops.len();
    ops.extend((0..64).map(|_| Op::Random));
    ops.push(Op::Jump(loop_start));
    let mut sandbox = Sandbox::new(2048, 0, ops);
    let counter = std::rc::Rc::new(std::cell::Cell::new(0_u32));
    let trace = alloc::boxed::Box::new(Counter(counter.clone()));
    sandbox.kernel.set_trace(trace);
    for _ in 0..2000 {
        if counter.get() >= 100_000 {
            break;
        }
        assert_eq!(sandbox.run(50), None);
    }
    assert!(
        counter.get() >= 100_000,
        "only {} calls were made",
        counter.get()
    );
    assert!(sandbox.kernel.world.processes.len() <= 65);
}

struct Counter(std::rc::Rc<std::cell::Cell<u32>>);

impl crate::kernel::Trace for Counter {
    fn unknown_call(&mut self, _: u64) {}
    fn call(&mut self, _: i32, _: u64, _: &[u64; 6], _: Option<i64>) {
        self.0.set(self.0.get() + 1);
    }
    fn wants_calls(&self) -> bool {
        true
    }
}
