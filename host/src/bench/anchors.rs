//! What the figures are compared with: other systems, counted in the same emulator in the same way (docs/performance.md).

use crate::failure::Failure;

/// Another system's figure.
pub struct Anchor {
    /// The system and the operation.
    pub what: &'static str,
    /// The count.
    pub value: u64,
}

/// The anchor of a figure; `None` if there is none.
pub fn of(name: &str) -> Option<Anchor> {
    let (what, value) = match name {
        "ipc_round_trip_0w" => ("seL4 with budgets, call and reply, 0 words", 548),
        "ipc_round_trip_1w" => ("seL4 with budgets, call and reply, 1 word", 560),
        "ipc_round_trip_4w" => ("seL4 with budgets, call and reply, 4 words", 590),
        "ipc_round_trip_20w" => ("seL4 with budgets, call and reply, 20 words", 2587),
        "ipc_round_trip_cap" => ("seL4 with budgets, a capability in the call", 1824),
        "signal_wait" => (
            "seL4 with budgets, signal until the waiting thread runs",
            705,
        ),
        "irq_wait" => (
            "seL4 with budgets, interrupt until the waiting thread runs",
            509,
        ),
        "fault_round_trip" => ("seL4 with budgets, page fault, handler, resumed", 1893),
        "cap_copy" => ("seL4 with budgets", 980),
        "cap_delete" => ("seL4 with budgets, a copy", 833),
        "revoke_0" => ("seL4 with budgets", 726),
        "revoke_1" => ("seL4 with budgets", 986),
        "revoke_100" => ("seL4 with budgets", 26_791),
        "retype_4k" => ("seL4 with budgets, memory known to be zero", 1074),
        "retype_4k_reused" => ("seL4 with budgets, memory to be zeroed", 3475),
        "map_4k" => ("seL4 with budgets, tables present", 869),
        "unmap_4k" => ("seL4 with budgets", 724),
        "thread_cycle" => ("seL4 with budgets, its scheduling context made too", 15_061),
        "process_create" => ("seL4 with budgets, 18 KiB zeroed", 34_695),
        "process_destroy" => ("seL4 with budgets", 14_563),
        // Linux 6.1 tuned for the emulation, 512 MiB: docs/performance.md.
        "boot_init" => (
            "Linux, the kernel proper to the first instruction of init",
            1_491_100_000,
        ),
        "boot_shell" => ("Linux, as boot_init: its shell comes later", 1_491_100_000),
        "getppid" => ("Linux", 328),
        "pipe_round_trip" => ("Linux, a byte between two processes and back", 9843),
        "guest_fault" => ("Linux, a 64th of MADV_DONTNEED and 64 faults", 3550),
        "fork_exec_wait" => ("Linux, with 300 resident pages", 648_698),
        "memory_idle" => (
            "Linux, not available of 512 MiB when it is idle",
            75_916_902,
        ),
        "memory_sandbox" => ("gVisor, what an idle sandbox takes", 19_293_798),
        "kernel_text" => ("seL4 with budgets, text and rodata", 95_594),
        _ => return None,
    };
    Some(Anchor { what, value })
}

/// Bytes of the kernel's code and constants: what its image maps high and not writable, without the code that runs only until the
/// first thread does, which `kernel/image/link.ld` puts into the section `.init`.
///
/// # Errors
/// If the file is no ELF image of 64 bits.
pub fn kernel_text(image: &[u8]) -> Result<u64, Failure> {
    mapped(image)
        .zip(section(image, b".init"))
        .and_then(|(mapped, starts)| mapped.checked_sub(starts))
        .ok_or_else(|| Failure::new("the kernel's file is no ELF image"))
}

/// A number of so many bytes in a file.
fn number(image: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..bytes].copy_from_slice(image.get(at..at.checked_add(bytes)?)?);
    Some(u64::from_le_bytes(word))
}

/// Bytes of the segments that are loaded high and not writable.
fn mapped(image: &[u8]) -> Option<u64> {
    if !image.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(number(image, 32, 8)?).ok()?;
    let (size, count) = (number(image, 54, 2)? as usize, number(image, 56, 2)?);
    let mut bytes = 0;
    for header in 0..count as usize {
        let at = table.checked_add(header * size)?;
        let (kind, flags) = (number(image, at, 4)?, number(image, at + 4, 4)?);
        let high = number(image, at + 16, 8)? >> 63 == 1;
        if kind == 1 && flags & 2 == 0 && high {
            bytes += number(image, at + 40, 8)?;
        }
    }
    Some(bytes)
}

/// Bytes of the section of a name; 0 if there is none.
fn section(image: &[u8], name: &[u8]) -> Option<u64> {
    let table = usize::try_from(number(image, 40, 8)?).ok()?;
    let (count, names) = (
        number(image, 60, 2)? as usize,
        number(image, 62, 2)? as usize,
    );
    let header = |section: usize| table.checked_add(section * 64);
    let names = usize::try_from(number(image, header(names)? + 24, 8)?).ok()?;
    for at in (0..count).map(header) {
        let start = names.checked_add(number(image, at?, 4)? as usize)?;
        let rest = image.get(start..)?.strip_prefix(name);
        if rest.is_some_and(|rest| rest.first() == Some(&0)) {
            return number(image, at? + 32, 8);
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(kernel_text(b"").is_err());
        assert!(kernel_text(b"\x7fELF\x02\x01").is_err());
    }

    #[test]
    fn code_that_only_starts_the_kernel_is_not_counted() {
        let mut image = vec![0; 64 + 3 * 56];
        image[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (image[32], image[54], image[56]) = (64, 56, 3);
        for (segment, flags, address, bytes) in
            [(0, 5, 1u64 << 63, 110u64), (1, 6, 1 << 63, 9), (2, 5, 0, 9)]
        {
            let at = 64 + 56 * segment;
            (image[at], image[at + 4]) = (1, flags);
            image[at + 16..at + 24].copy_from_slice(&address.to_le_bytes());
            image[at + 40..at + 48].copy_from_slice(&bytes.to_le_bytes());
        }
        let table = image.len();
        (image[40], image[60]) = (table as u8, 2);
        image.resize(table + 2 * 64, 0);
        image[table + 24..table + 26].copy_from_slice(&(table as u16 + 128).to_le_bytes());
        (image[table + 64], image[table + 64 + 32]) = (1, 10);
        image.extend(b"\0.init\0");
        assert_eq!(kernel_text(&image).ok(), Some(100));
        image[table + 128 + 2] = b'x';
        assert_eq!(kernel_text(&image).ok(), Some(110));
    }

    #[test]
    fn figures_without_a_peer_have_no_anchor() {
        assert!(of("vcpu_exit_enter").is_none());
        assert_eq!(
            of("ipc_round_trip_0w").map(|anchor| anchor.value),
            Some(548)
        );
    }
}
