//! Foreign code in the file server's place: it is handed the same things and confined in the same way, and then makes one call that the
//! server has no business to make, instead of serving. For the tests of the confinement.
//!
//! Arguments: `confined`, `no-landlock` or `free`; the name of the call, or `nothing`; a file outside, a name
//! beside it, a file inside, a process. It writes the answer into the connection, `ok` or `error NUMBER`.
#![forbid(unsafe_code)]

use rustix::io::write;
use std::ffi::CString;
use std::os::fd::AsRawFd;
use sundog_host_files::confine::{check_descriptors, confine};
use sundog_host_files::handover::Given;
use sundog_host_sys::attempts::{Target, all, make};
use sundog_host_sys::calls::Calls;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, how, what, file, new, own, process] = arguments.as_slice() else {
        panic!("six arguments");
    };
    let attempt = all().find(|attempt| attempt.name == what);
    let [file, new, own] = [file, new, own].map(|text| CString::new(text.as_str()).unwrap());
    check_descriptors().unwrap();
    let given = Given::receive().unwrap();
    // What it does afterwards needs no memory that is not there yet, whatever the call did to the heap.
    let _kept = match how.as_str() {
        "free" => Err(Calls::new().unwrap()),
        how => Ok(confine(&given.binds, how == "no-landlock").unwrap()),
    };
    let (binds, connection) = given.ready().unwrap();
    let target = Target {
        file: &file,
        new: &new,
        own: &own,
        process: process.parse().unwrap(),
        folder: binds[0].root.as_raw_fd(),
    };
    let answer = match attempt {
        None => "nothing to do".to_owned(),
        Some(attempt) => match make(attempt, &target) {
            Ok(_) => "ok".to_owned(),
            Err(error) => format!("error {}", error.raw_os_error().unwrap_or(0)),
        },
    };
    write(&connection, answer.as_bytes()).unwrap();
    std::process::exit(0);
}
