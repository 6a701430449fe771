//! The machine layer against small kernels that end in every way there is.

use super::test_kernel::{HALT, elf, exit, triple_fault, write_text};
use super::*;
use crate::qemu::Board;
use std::fs;

/// Runs a kernel of these instructions to its end; also gives the kernel's text.
fn run_on(board: Board, code: &[u8], limit: Duration) -> (Outcome, String) {
    let folder = Folder::new().unwrap();
    let kernel = folder.file("kernel, with a comma");
    fs::write(&kernel, elf(code)).unwrap();
    let process = Process::start(&Machine::new(board, kernel), &folder).unwrap();
    let outcome = process.wait(Some(limit)).unwrap();
    (outcome, Outcome::text(&Port::KernelText.log(&folder)))
}

fn run(code: &[u8]) -> (Outcome, String) {
    run_on(Board::Microvm, code, Duration::from_secs(30))
}

#[test]
fn a_good_end_on_both_boards() {
    for board in [Board::Microvm, Board::Q35] {
        let code = [write_text("hello\n"), exit(0x10)].concat();
        let (outcome, text) = run_on(board, &code, Duration::from_secs(30));
        assert_eq!((outcome, text.as_str()), (Outcome::Passed, "hello\n"));
    }
}

#[test]
fn a_panic_is_quoted() {
    let (outcome, _) = run(&[write_text("a: panic: b.rs:1: c\n"), exit(0x11)].concat());
    assert_eq!(outcome, Outcome::Panicked(Some("b.rs:1: c".into())));
}

#[test]
fn another_value_is_no_good_end() {
    assert_eq!(run(&exit(0x12)).0, Outcome::Ended);
}

#[test]
fn a_triple_fault_is_no_good_end() {
    assert_eq!(run(&triple_fault()).0, Outcome::Reset);
}

#[test]
fn a_machine_that_hangs_is_ended() {
    let limit = Duration::from_millis(300);
    let begin = Instant::now();
    assert_eq!(
        run_on(Board::Microvm, &HALT, limit).0,
        Outcome::TimedOut(limit)
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_qemu_says_is_told() {
    let folder = Folder::new().unwrap();
    let machine = Machine::new(Board::Microvm, folder.file("nothing"));
    let outcome = Process::start(&machine, &folder)
        .unwrap()
        .wait(None)
        .unwrap();
    assert!(
        matches!(&outcome, Outcome::Failed(said) if said.contains("nothing")),
        "{outcome}"
    );
}
