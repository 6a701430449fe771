//! Time: the time-stamp counter, and how fast it runs.

use crate::cpuid;
use crate::lapic;
use crate::port;
use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering};

/// Ticks of the counter in a millisecond.
static TICKS_PER_MS: AtomicU64 = AtomicU64::new(0);

/// Hertz of the old timer chip.
const PIT_FREQUENCY: u64 = 1_193_182;
/// Ticks of the old timer chip in one of [`WINDOWS`] windows; all of them last half a millisecond.
const PIT_WINDOW: u64 = 200;
/// Windows to measure over. Where the machine is a program that others can stop for a while, one of them may be wrong by any factor; the
/// one in the middle is right as long as most are.
const WINDOWS: usize = 3;
/// Reads after which a chip whose count stands still counts as absent; one tick is about 40 reads of the fastest machine.
const PATIENCE: u32 = 200;

/// The counter now.
#[inline]
#[must_use]
pub fn now() -> u64 {
    // SAFETY: the kernel may always read the counter.
    unsafe { _rdtsc() }
}

/// Ticks of the counter in a microsecond, rounded.
#[must_use]
pub fn ticks_per_us() -> u64 {
    (ticks_per_ms() + 500) / 1000
}

/// Ticks of the counter in a millisecond.
#[must_use]
pub fn ticks_per_ms() -> u64 {
    TICKS_PER_MS.load(Ordering::Relaxed)
}

/// How two timers ran in the same while.
struct Measured {
    ticks_per_ms: u64,
    lapic_per_ms: u64,
}

/// Finds out how fast the counter and the local APIC's timer run, within 2 ms. The local APIC must be on.
pub(crate) fn calibrate() {
    lapic::start_timer_for_measuring();
    let measured = measure_by_pit()
        .or_else(measure_by_emulation)
        .unwrap_or(Measured {
            ticks_per_ms: 1_000_000,
            lapic_per_ms: 1_000_000,
        });
    lapic::set_rate(measured.lapic_per_ms, measured.ticks_per_ms);
    TICKS_PER_MS.store(measured.ticks_per_ms, Ordering::Relaxed);
}

/// Measures against the old timer chip's channel 2, which only drives the loudspeaker.
fn measure_by_pit() -> Option<Measured> {
    let gate = port::in_u8(0x61);
    write(0x61, gate & !2 | 1);
    write(0x43, 0xb0);
    write(0x42, 0xff);
    write(0x42, 0xff);
    let mut last = edge(0)?;
    let mut measured = [(0, 0); WINDOWS];
    for one in &mut measured {
        let next = edge(PIT_WINDOW + u64::from(0xffff - last.count))?;
        let passed = u64::from(last.count.wrapping_sub(next.count).max(1));
        let per_ms = |ticks: u64| ticks * PIT_FREQUENCY / passed / 1000;
        let lapic = per_ms(last.lapic.wrapping_sub(next.lapic).into());
        *one = (per_ms(next.ticks - last.ticks), lapic);
        last = next;
    }
    write(0x61, gate);
    Some(Measured {
        ticks_per_ms: middle(measured.map(|(ticks, _)| ticks)),
        lapic_per_ms: middle(measured.map(|(_, lapic)| lapic)),
    })
}

/// The one in the middle by size.
fn middle(mut all: [u64; WINDOWS]) -> u64 {
    all.sort_unstable();
    all[WINDOWS / 2]
}

/// All three timers at a moment when the chip's count has just changed.
struct Edge {
    count: u16,
    ticks: u64,
    lapic: u32,
}

/// Waits until the chip counted `after` ticks since it was started, then for the next tick. Nothing if it cannot count so far, or stands
/// still.
fn edge(after: u64) -> Option<Edge> {
    if after > 0xffff {
        return None;
    }
    let (mut still, mut last) = (0, count());
    while still < PATIENCE {
        let (lapic, ticks, count) = (lapic::timer_count(), now(), count());
        if count == last {
            still += 1;
        } else if u64::from(0xffff - count) >= after {
            return Some(Edge {
                count,
                ticks,
                lapic,
            });
        } else {
            still = 0;
        }
        last = count;
    }
    None
}

/// The chip's count, latched.
fn count() -> u16 {
    write(0x43, 0x80);
    let low = port::in_u8(0x42);
    u16::from_le_bytes([low, port::in_u8(0x42)])
}

fn write(port: u16, value: u8) {
    // SAFETY: used with the ports of the timer chip and of its gate only; they cannot change memory.
    unsafe { port::out_u8(port, value) };
}

/// On QEMU's emulation the local APIC's timer counts nanoseconds, so it can stand in for a machine without the old chip.
fn measure_by_emulation() -> Option<Measured> {
    const WINDOW: u32 = 500_000;
    if !cpuid::is_qemu_emulation() {
        return None;
    }
    let (start, ticks) = (lapic::timer_count(), now());
    for _ in 0..10_000_000 {
        let passed = start.wrapping_sub(lapic::timer_count());
        if passed >= WINDOW {
            let ticks_per_ms = (now() - ticks) * 1_000_000 / u64::from(passed);
            return Some(Measured {
                ticks_per_ms,
                lapic_per_ms: 1_000_000,
            });
        }
        core::hint::spin_loop();
    }
    None
}
