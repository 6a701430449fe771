//! Tests of both halves against each other, in any chunks.
use super::*;
use crate::host::Host;
use crate::machine::Console;
use alloc::vec;
use sundog_protocols::consent::Answer;
use sundog_protocols::control::{By, Message, Part, Stream, ToHost, ToMachine};
use sundog_protocols::pieces;

/// Both halves, with what has happened at each.
struct Rig {
    host: Host,
    machine: Console,
    at_host: Vec<host::Event>,
    at_machine: Vec<machine::Event>,
    chunk: usize,
}

impl Rig {
    fn new(chunk: usize) -> Rig {
        let mut rig = Rig {
            host: Host::new(),
            machine: Console::new(3),
            at_host: vec![],
            at_machine: vec![],
            chunk,
        };
        rig.machine_sends(|machine, lines| machine.listen(lines));
        assert_eq!(rig.at_host, [host::Event::Listening]);
        rig.at_host.clear();
        rig.host_sends(|host, lines| host.hello(lines));
        assert_eq!(rig.at_host, [host::Event::Ready(3)]);
        assert_eq!(rig.machine.version(), Some(1));
        rig.at_host.clear();
        rig
    }

    /// COM3 before COM1: the order that hurts.
    fn host_sends(&mut self, what: impl FnOnce(&mut Host, &mut Lines)) {
        let (mut lines, mut replies) = (Lines::default(), Lines::default());
        what(&mut self.host, &mut lines);
        for part in lines.control.chunks(self.chunk) {
            self.at_machine
                .extend(self.machine.control(part, &mut replies));
        }
        for part in lines.console.chunks(self.chunk) {
            self.at_machine.extend(self.machine.console(part));
        }
        self.arrive(replies);
    }

    fn machine_sends(&mut self, what: impl FnOnce(&mut Console, &mut Lines)) {
        let mut lines = Lines::default();
        what(&mut self.machine, &mut lines);
        self.arrive(lines);
    }

    fn arrive(&mut self, lines: Lines) {
        for part in lines.control.chunks(self.chunk) {
            self.at_host.extend(self.host.control(part));
        }
        for part in lines.console.chunks(self.chunk) {
            assert_eq!(self.host.finished(), None, "output is missing");
            self.at_host.extend(self.host.console(part));
        }
    }

    fn output(&self, wanted: Stream) -> Vec<u8> {
        let parts = self.at_host.iter().filter_map(|event| match event {
            host::Event::Output(stream, bytes) if *stream == wanted => Some(bytes.as_slice()),
            _ => None,
        });
        parts.flatten().copied().collect()
    }
}

#[test]
fn input_its_end_and_all_bytes_arrive_in_order() {
    for chunk in [1, 3, 7, 100_000] {
        let mut rig = Rig::new(chunk);
        let bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        rig.host_sends(|host, lines| {
            host.input(&bytes, lines);
            host.end_of_input(lines);
        });
        assert_eq!(rig.at_machine.pop(), Some(machine::Event::EndOfInput));
        let input = rig.at_machine.iter().flat_map(|event| match event {
            machine::Event::Input(bytes) => bytes.clone(),
            other => panic!("{other:?}"),
        });
        assert!(input.eq(bytes.iter().copied()));
        assert!(
            rig.machine.console(b"more").is_empty(),
            "nothing comes after the end"
        );
    }
}

#[test]
fn an_exit_waits_for_the_output_before_it() {
    let mut rig = Rig::new(11);
    rig.machine_sends(|machine, lines| {
        machine.output(&[0xf5; 5000], lines);
        machine.output(b"oops", lines);
        machine.exit(143, lines);
        machine.exit(0, lines);
    });
    assert_eq!(rig.host.finished(), Some(143));
    assert_eq!(
        rig.output(Stream::Output).len(),
        5004,
        "one terminal takes both"
    );
    let mut lines = Lines::default();
    Console::new(1).exit(7, &mut lines);
    let mut cut = Host::new();
    cut.control(&lines.control);
    assert_eq!((cut.finished(), cut.exited()), (Some(7), Some(7)));
}

#[test]
fn separate_streams_stay_separate_binary_and_in_order() {
    for (output, error) in [(false, false), (true, false), (false, true)] {
        let mut rig = Rig::new(64);
        rig.host_sends(|host, lines| host.terminals(true, output, error, lines));
        let bytes: Vec<u8> = (0..=255).cycle().take(30_000).collect();
        rig.machine_sends(|machine, lines| {
            let mut line = vec![];
            pieces::put(Stream::Output, b"out", &mut line);
            pieces::put(Stream::Error, &bytes, &mut line);
            pieces::put(Stream::Output, b"put", &mut line);
            machine.output(&line, lines);
            machine.exit(0, lines);
        });
        assert_eq!(rig.output(Stream::Output), b"output");
        assert_eq!(rig.output(Stream::Error), bytes);
        let streams = rig.at_host.iter().filter_map(|event| match event {
            host::Event::Output(stream, _) => Some(*stream),
            _ => None,
        });
        let mut streams: Vec<Stream> = streams.collect();
        streams.dedup();
        assert_eq!(streams, [Stream::Output, Stream::Error, Stream::Output]);
        assert_eq!(rig.host.finished(), Some(0));
    }
}

#[test]
fn output_that_cannot_be_told_apart_is_told_once_and_the_end_comes_all_the_same() {
    let mut rig = Rig::new(64);
    rig.host_sends(|host, lines| host.terminals(false, false, false, lines));
    rig.machine_sends(|machine, lines| {
        machine.output(&[0; 1000], lines);
        machine.exit(5, lines);
    });
    assert!(matches!(&rig.at_host[..], [host::Event::Trouble(_)]));
    assert_eq!(rig.host.finished(), Some(5));
}

#[test]
fn sizes_signals_and_the_brokers_messages_come_through() {
    let mut rig = Rig::new(5);
    let answer = ToMachine::Answer {
        id: 1,
        answer: Answer::Once,
        by: By::Typed,
        rate: 0,
    };
    rig.host_sends(|host, lines| {
        host.send(
            &ToMachine::Size {
                rows: 24,
                columns: 80,
            },
            lines,
        );
        host.send(&ToMachine::Signal { number: 2 }, lines);
        host.answer(1, Answer::Once, By::Typed, 0, lines);
        host.send(&ToMachine::ListGrants, lines);
        host.send(&ToMachine::Stop, lines);
    });
    let expected = [
        machine::Event::Resize {
            rows: 24,
            columns: 80,
        },
        machine::Event::Signal(2),
        machine::Event::Broker(answer),
        machine::Event::Broker(ToMachine::ListGrants),
        machine::Event::Stop,
    ];
    assert_eq!(rig.at_machine, expected);
}

#[test]
fn a_long_configuration_comes_in_pieces() {
    let mut rig = Rig::new(1000);
    let text = "é".repeat(20_000);
    rig.host_sends(|host, lines| {
        host.configure(Part::Policy, &"n".repeat(1000), &text, lines);
        host.configure(Part::Store, "", "", lines);
    });
    let (mut whole, mut ends) = (alloc::string::String::new(), 0);
    for event in &rig.at_machine {
        let machine::Event::Broker(ToMachine::Configure { text, last, .. }) = event else {
            panic!("{event:?}")
        };
        whole.push_str(text);
        ends += usize::from(*last);
    }
    assert!(whole == text && ends == 2);
}

#[test]
fn only_answers_given_here_are_remembered() {
    let mut rig = Rig::new(50);
    let remember = |id| ToHost::Remember {
        id,
        line: "{}".into(),
    };
    rig.host_sends(|host, lines| {
        host.answer(1, Answer::Always, By::Typed, 0, lines);
        host.answer(2, Answer::Once, By::Typed, 0, lines);
        host.answer(3, Answer::Never, By::TimeOut, 0, lines);
    });
    rig.machine_sends(|_, lines| {
        [1, 1, 2, 3, 9, 0]
            .iter()
            .for_each(|id| machine::send(&remember(*id), lines))
    });
    assert_eq!(
        rig.at_host[0],
        host::Event::Remember(Answer::Always, "{}".into())
    );
    assert!(
        rig.at_host[1..5]
            .iter()
            .all(|event| matches!(event, host::Event::Trouble(_))),
        "{:?}",
        rig.at_host
    );
    assert_eq!(rig.at_host[5], host::Event::RememberOption("{}".into()));
}

#[test]
fn nothing_counts_before_hello_and_versions_must_meet() {
    let mut machine = Console::new(1);
    let (mut bytes, mut lines) = (Vec::new(), Lines::default());
    ToMachine::Stop.encode(&mut bytes).unwrap();
    assert!(matches!(
        machine.control(&bytes, &mut lines)[..],
        [machine::Event::Trouble(_)]
    ));
    bytes.clear();
    ToMachine::Hello { version: 0 }.encode(&mut bytes).unwrap();
    assert_eq!(
        machine.control(&bytes, &mut lines),
        [machine::Event::NoVersion(0)]
    );
    assert_eq!(lines, Lines::default());
    bytes.clear();
    ToHost::Hello {
        abi: 1,
        version: 99,
    }
    .encode(&mut bytes)
    .unwrap();
    assert_eq!(Host::new().control(&bytes), [host::Event::NoVersion(99)]);
}

#[test]
fn a_message_beyond_its_bounds_becomes_a_trace() {
    let mut rig = Rig::new(9);
    rig.machine_sends(|_, lines| machine::send(&ToHost::Log("x".repeat(100_000)), lines));
    assert!(matches!(&rig.at_host[..], [host::Event::Trace(line)] if line.contains("TooLong")));
}

#[test]
fn noise_is_told_and_survived() {
    let mut rig = Rig::new(4);
    let mut lines = Lines::default();
    rig.machine.control(b"noise", &mut lines);
    rig.host_sends(|host, lines| host.send(&ToMachine::Stop, lines));
    assert_eq!(rig.at_machine.last(), Some(&machine::Event::Stop));
}
