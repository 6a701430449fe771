//! Tests of the state machine against the device of [`crate::fake`].

use super::*;
use crate::fake::Fake;
use std::vec;
use std::vec::Vec;

fn started() -> Uart<Fake> {
    Uart::start(Fake::default(), Settings::default()).expect("a device")
}

#[test]
fn the_start_sets_the_rate_and_lets_bytes_interrupt() {
    let mut uart = Uart::start(Fake::default(), Settings { rate: 300 }).expect("a device");
    assert_eq!(u16::from_le_bytes(uart.ports().divisor), 384);
    assert_eq!(uart.ports().enabled, enable::RECEIVED | enable::LINE);
    assert!(uart.ports().received.is_empty() && uart.ports().sent.is_empty());
}

#[test]
fn a_device_that_is_not_there_is_noticed() {
    let mut absent = Fake::default();
    absent.absent = true;
    assert_eq!(
        Uart::start(absent, Settings::default()).err(),
        Some(InitError::NotThere)
    );
    for rate in [0, 7, 115_201, 1] {
        assert_eq!(
            Uart::start(Fake::default(), Settings { rate }).err(),
            Some(InitError::Rate),
            "{rate}"
        );
    }
}

#[test]
fn bytes_from_before_the_start_are_kept() {
    for fifos in [false, true] {
        let mut fake = Fake::default();
        fake.fifos = fifos;
        fake.received.extend(b"early");
        let mut uart = Uart::start(fake, Settings::default()).expect("a device");
        if uart.ports().interrupting() {
            uart.interrupt().expect("ports");
        }
        let mut out = [0; 8];
        assert_eq!(uart.read(&mut out), Ok(5), "FIFOs on: {fifos}");
        assert_eq!(&out[..5], b"early");
    }
}

#[test]
fn bytes_go_out_in_order_a_fifo_at_a_time() {
    let mut uart = started();
    let bytes: Vec<u8> = (0..40).collect();
    assert_eq!(uart.write(&bytes), Ok(40));
    assert_eq!(uart.ports().sent.len(), 16);
    let mut interrupts = 0;
    while uart.ports().sent.len() < 40 {
        assert!(
            !uart.ports().interrupting(),
            "nothing to do while the transmitter is busy"
        );
        uart.ports().drained();
        assert!(uart.ports().interrupting());
        uart.interrupt().expect("ports");
        interrupts += 1;
    }
    assert_eq!((uart.ports().sent.clone(), interrupts), (bytes, 2));
    uart.ports().drained();
    assert!(
        !uart.ports().interrupting(),
        "an idle line does not interrupt"
    );
    assert_eq!(uart.write(b"!"), Ok(1));
    assert_eq!(uart.ports().sent.last(), Some(&b'!'));
}

#[test]
fn a_transmitter_that_is_empty_at_once_needs_no_interrupts() {
    let mut uart = started();
    uart.ports().instant = true;
    let bytes: Vec<u8> = (0..400).map(|index| index as u8).collect();
    assert_eq!(uart.write(&bytes), Ok(400));
    assert_eq!(uart.ports().sent, bytes);
    assert!(!uart.ports().interrupting());
}

#[test]
fn a_full_queue_accepts_a_part() {
    let mut uart = started();
    uart.ports().busy = true;
    assert_eq!(uart.write(&vec![1; QUEUE + 5]), Ok(QUEUE));
    assert_eq!((uart.write(b"x"), uart.room()), (Ok(0), 0));
}

#[test]
fn bytes_come_in_in_order() {
    let mut uart = started();
    uart.ports().received.extend(b"hello");
    assert!(uart.ports().interrupting());
    uart.interrupt().expect("ports");
    assert!(!uart.ports().interrupting());
    let mut out = [0; 8];
    assert_eq!(uart.read(&mut out), Ok(5));
    assert_eq!(&out[..5], b"hello");
    assert_eq!(uart.read(&mut out), Ok(0));
}

#[test]
fn bytes_of_a_stream_are_handed_on_by_many_and_the_last_ones_at_its_end() {
    let mut uart = started();
    uart.ports().received.extend([7; TRIGGER]);
    let before = uart.ports().accesses;
    uart.interrupt().expect("ports");
    // The last one stays until the device's time-out, which the fake has at once.
    assert!(uart.ports().received.is_empty() && uart.is_due());
    assert!(uart.ports().accesses - before < TRIGGER + 8);
    assert_eq!(uart.read(&mut [0; 100]), Ok(TRIGGER));
    assert!(!uart.is_due(), "nothing is there");

    uart.ports().patient = true;
    let mut sent = 0;
    while !uart.is_due() {
        uart.ports().received.extend([7; TRIGGER]);
        sent += TRIGGER;
        uart.interrupt().expect("ports");
        assert!(!uart.ports().received.is_empty(), "one is kept there");
    }
    assert!(uart.available() >= MANY);
    let mut out = [0; 2 * MANY];
    let taken = uart.read(&mut out).expect("ports");
    uart.ports().patient = false;
    uart.interrupt().expect("ports");
    assert!(uart.is_due());
    assert_eq!(taken + uart.available(), sent);
}

#[test]
fn without_fifos_a_byte_is_a_byte() {
    let mut uart = started();
    uart.ports().fifos = false;
    uart.ports().received.extend([7; TRIGGER]);
    uart.interrupt().expect("ports");
    assert_eq!((uart.available(), uart.is_due()), (TRIGGER, true));
}

#[test]
fn what_does_not_fit_stays_in_the_device_and_comes_later() {
    let mut uart = started();
    let total = QUEUE + 100;
    uart.ports()
        .received
        .extend((0..total).map(|index| index as u8));
    while uart.ports().interrupting() {
        uart.interrupt().expect("ports");
    }
    assert_eq!(
        (uart.available(), uart.ports().received.len()),
        (QUEUE, 100),
        "and the interrupt is off"
    );
    let mut all = Vec::new();
    let mut out = [0; 1000];
    loop {
        let count = uart.read(&mut out).expect("ports");
        if count == 0 {
            break;
        }
        all.extend_from_slice(&out[..count]);
        if uart.ports().interrupting() {
            uart.interrupt().expect("ports");
        }
    }
    assert_eq!(all.len(), total);
    assert!(
        all.iter()
            .enumerate()
            .all(|(index, byte)| *byte == index as u8)
    );
}

#[test]
fn line_errors_are_counted() {
    let mut uart = started();
    uart.ports().line_errors = line::OVERRUN;
    uart.interrupt().expect("ports");
    uart.ports().line_errors = 8;
    uart.interrupt().expect("ports");
    assert_eq!(
        uart.counters(),
        Counters {
            overruns: 1,
            damaged: 1
        }
    );
}

#[test]
fn a_device_that_never_stops_does_not_keep_the_driver() {
    let mut uart = started();
    uart.ports().stuck = true;
    let before = uart.ports().accesses;
    uart.interrupt().expect("ports");
    assert!(uart.ports().accesses - before < 1000);
}
