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
        "cap_copy_delete" => ("seL4 with budgets, copy 980 and delete 833", 1813),
        "map_unmap_4k" => ("seL4 with budgets, map 869 and unmap 724", 1593),
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

/// Bytes of the kernel's text and constants: what its image maps high and not writable.
///
/// # Errors
/// If the file is no ELF image of 64 bits.
pub fn kernel_text(image: &[u8]) -> Result<u64, Failure> {
    let sum = || {
        let word = |at: usize| Some(u64::from_le_bytes(image.get(at..at + 8)?.try_into().ok()?));
        let half = |at: usize| Some(u16::from_le_bytes(image.get(at..at + 2)?.try_into().ok()?));
        if !image.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let (table, size, count) = (
            usize::try_from(word(32)?).ok()?,
            usize::from(half(54)?),
            usize::from(half(56)?),
        );
        let mut bytes = 0;
        for header in 0..count {
            let at = table.checked_add(header * size)?;
            let (kind, flags) = (word(at)? as u32, (word(at)? >> 32) as u32);
            let (address, length) = (word(at + 16)?, word(at + 32)?);
            let (loaded, writable, high) = (kind == 1, flags & 2 != 0, address >> 63 == 1);
            if loaded && !writable && high {
                bytes += length;
            }
        }
        Some(bytes)
    };
    sum().ok_or_else(|| Failure::new("the kernel's file is no ELF image"))
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
    fn figures_without_a_peer_have_no_anchor() {
        assert!(of("vcpu_exit_enter").is_none());
        assert_eq!(
            of("ipc_round_trip_0w").map(|anchor| anchor.value),
            Some(548)
        );
    }
}
