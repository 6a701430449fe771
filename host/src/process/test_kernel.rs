//! The smallest kernels, made byte by byte, that show what QEMU does and how it ends.

/// Where the kernel is loaded.
const BASE: u32 = 0x10_0000;
/// The sizes of an ELF header and of a program header, and of a PVH note, for 32 bits.
const HEADERS: u32 = 52 + 2 * 32;
const NOTE: u32 = 20;

/// Instructions (32 bits, no paging) that write `text` to the kernel's text port.
pub fn write_text(text: &str) -> Vec<u8> {
    text.bytes()
        .flat_map(|byte| [0xb0, byte, 0xe6, 0xe9])
        .collect()
}

/// Instructions that end the machine with a value.
pub fn exit(value: u8) -> Vec<u8> {
    [&[0xb0, value, 0xe6, 0xf4], &HALT[..]].concat()
}

/// Instructions that load an empty interrupt table and cause an exception: it has no handler, nor has the next.
pub fn triple_fault() -> Vec<u8> {
    // A stack above the program; two zeros on it are the table's limit and base:
    // mov esp, BASE + 0x2000; push 0; push 0; lidt [esp]; int3.
    let stack = (BASE + 0x2000).to_le_bytes();
    [
        &[0xbc],
        &stack[..],
        &[0x6a, 0, 0x6a, 0, 0x0f, 0x01, 0x1c, 0x24, 0xcc],
    ]
    .concat()
}

/// Instructions that do nothing for ever: cli; hlt; jmp to the hlt.
pub const HALT: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfd];

/// An ELF file that QEMU starts by PVH, with these instructions.
pub fn elf(code: &[u8]) -> Vec<u8> {
    let entry = BASE + HEADERS + NOTE;
    let size = HEADERS + NOTE + u32::try_from(code.len()).unwrap();
    let halves = |halves: &[u16]| {
        halves
            .iter()
            .flat_map(|half| half.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let identification = [b"\x7fELF\x01\x01\x01".as_slice(), &[0; 9]].concat();
    // Type: executable; machine: 386. Then version, entry, program headers at 52, no section headers, no flags, and sizes.
    let header = [
        halves(&[2, 3]),
        words(&[1, entry, 52, 0, 0]),
        halves(&[52, 32, 2, 40, 0, 0]),
    ]
    .concat();
    let load = words(&[1, 0, BASE, BASE, size, size, 7, 0x1000]);
    let note_header = words(&[4, HEADERS, BASE + HEADERS, BASE + HEADERS, NOTE, NOTE, 4, 4]);
    let note = words(&[4, 4, 18, u32::from_le_bytes(*b"Xen\0"), entry]);
    [&identification, &header, &load, &note_header, &note, code].concat()
}
