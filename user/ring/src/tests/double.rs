//! Memory that is really mapped twice in a row: a memory file on the host.
#![cfg(not(miri))]

use crate::{Consumer, HEADER_BYTES, Mapped, Memory, Producer, Word};
use core::ptr::NonNull;
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use std::sync::atomic::Ordering;
use std::vec::Vec;

const CAPACITY: usize = 8192;

fn file() -> OwnedFd {
    let file = memfd_create("ring", MemfdFlags::CLOEXEC).expect("a memory file");
    ftruncate(&file, (HEADER_BYTES + CAPACITY) as u64).expect("its length");
    file
}

/// Maps the file as a process would; the mapping lives until the test's process ends.
fn map(file: &OwnedFd) -> Mapped {
    let all = HEADER_BYTES + 2 * CAPACITY;
    // SAFETY: a fresh anonymous mapping where the system finds room touches nothing that exists.
    let base = unsafe {
        mmap_anonymous(
            core::ptr::null_mut(),
            all,
            ProtFlags::empty(),
            MapFlags::PRIVATE,
        )
    }
    .expect("room");
    let base = NonNull::new(base.cast::<u8>()).expect("not null");
    for (at, length, from) in [
        (0, HEADER_BYTES + CAPACITY, 0),
        (HEADER_BYTES + CAPACITY, CAPACITY, HEADER_BYTES),
    ] {
        // SAFETY: the address lies in the reserved range.
        let address = unsafe { base.add(at) };
        let (protection, flags) = (
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED | MapFlags::FIXED,
        );
        // SAFETY: the fixed mapping replaces a part of the range that was reserved just now and that nobody uses yet.
        unsafe {
            mmap(
                address.as_ptr().cast(),
                length,
                protection,
                flags,
                file,
                from as u64,
            )
        }
        .expect("a mapping");
    }
    // SAFETY: header and data are mapped as demanded, the data twice, and never unmapped.
    unsafe { Mapped::new(base, CAPACITY) }
}

#[test]
fn a_write_across_the_end_is_one_copy_and_comes_out_whole() {
    let file = file();
    let mut producer = Producer::new(map(&file));
    let mut consumer = Consumer::new(map(&file));
    let mut out = std::vec![0; CAPACITY];
    for start in [0, 1, 7, 8, 4095, CAPACITY - 9, CAPACITY - 1] {
        // Brings both positions to the offset `start`.
        let distance = (start + CAPACITY
            - producer
                .memory()
                .word(Word::Written)
                .load(Ordering::Relaxed) as usize
                % CAPACITY)
            % CAPACITY;
        assert_eq!(
            producer.write(&out[..distance]).map(|moved| moved.bytes),
            Ok(distance)
        );
        assert_eq!(
            consumer.skip(distance).map(|moved| moved.bytes),
            Ok(distance)
        );
        for length in [1, 7, 8, 9, 23, 4096, CAPACITY - 1, CAPACITY] {
            let bytes: Vec<u8> = (0..length)
                .map(|index| (index * 31 + start) as u8)
                .collect();
            assert_eq!(
                producer.write_whole(&bytes).map(|moved| moved.bytes),
                Ok(length)
            );
            assert_eq!(
                consumer
                    .read_whole(&mut out[..length])
                    .map(|moved| moved.bytes),
                Ok(length)
            );
            assert_eq!(out[..length], bytes[..], "{length} bytes from {start}");
        }
    }
}

#[test]
fn what_is_written_behind_the_end_appears_at_the_beginning() {
    let file = file();
    let (one, other) = (map(&file), map(&file));
    one.copy_in(CAPACITY - 3, b"abcdefgh");
    let mut start = [0; 5];
    other.copy_out(0, &mut start);
    assert_eq!(&start, b"defgh");
}
