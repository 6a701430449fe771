//! I/O ports that no program may have, whatever its manifest says.

/// First port, how many, and what lies there.
const FORBIDDEN: &[(u32, u32, &str)] = &[
    (
        0x00,
        0x10,
        "the ISA DMA controller, which writes any memory",
    ),
    (0x20, 2, "the interrupt controller"),
    (0x40, 4, "the interval timer"),
    (0x61, 1, "the timer's gate and NMI status"),
    (0x70, 2, "the NMI mask and the clock"),
    (0x81, 0x0f, "the ISA DMA controller's pages"),
    (0x92, 1, "fast reset"),
    (0xa0, 2, "the second interrupt controller"),
    (0xb2, 2, "system management interrupts"),
    (0xc0, 0x20, "the second ISA DMA controller"),
    (0xf4, 4, "the machine's exit"),
    (0x4d0, 2, "the interrupt controllers' trigger modes"),
    (0xcf8, 8, "PCI configuration space and reset"),
];

/// What lies in the range that no program may have.
pub(super) fn forbidden(first: u32, count: u32) -> Option<&'static str> {
    FORBIDDEN
        .iter()
        .find(|(start, length, _)| overlap((first, count), (*start, *length)))
        .map(|(_, _, what)| *what)
}

/// Whether two ranges (first, count) have a port in common.
pub(super) fn overlap(one: (u32, u32), other: (u32, u32)) -> bool {
    one.0 < other.0.saturating_add(other.1) && other.0 < one.0.saturating_add(one.1)
}
