//! A Linux program that maps a memory file twice in a row: what is written across the end of the first comes out whole at its front.
#![forbid(unsafe_code)]

use std::io::Error;
use std::process::ExitCode;
use sundog_host_sys::Twice;

/// Bytes of the file: more than one page, so that pages in their order count.
const BYTES: usize = 5 * 4096;
/// What is written.
const RECORD: &[u8] = b"a record that lies across the end";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("memfd-ring: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let ring = Twice::new(BYTES).map_err(|error| format!("cannot map: {error}"))?;
    let split = RECORD.len() / 3;
    let at = BYTES - split;
    write(&ring, at, RECORD)?;
    // Whole at the place of the write, and its rest at the front of both mappings and of the file itself.
    is(&ring, at, RECORD)?;
    is(&ring, 0, &RECORD[split..])?;
    is(&ring, BYTES, &RECORD[split..])?;
    is(&ring, BYTES + at, &RECORD[..split])?;
    let mut front = vec![0; RECORD.len() - split];
    let said = ring.read_file(0, &mut front);
    said.map_err(|error: Error| format!("cannot read the file: {error}"))?;
    if front != RECORD[split..] {
        return Err(format!("the file begins with {front:?}"));
    }
    // The other way: what is written to the front is read across the end.
    write(&ring, 0, b"front")?;
    let mut whole = RECORD[..split].to_vec();
    whole.extend_from_slice(b"front");
    is(&ring, at, &whole)
}

fn write(ring: &Twice, at: usize, bytes: &[u8]) -> Result<(), String> {
    if ring.write(at, bytes) {
        Ok(())
    } else {
        Err(format!("{at} is outside of the mappings"))
    }
}

fn is(ring: &Twice, at: usize, expected: &[u8]) -> Result<(), String> {
    let mut found = vec![0; expected.len()];
    if ring.read(at, &mut found) && found == expected {
        return Ok(());
    }
    Err(format!("at {at} is {found:?}, not {expected:?}"))
}
