//! Tests of the ACPI reader on tables built by hand, as QEMU's two machines lay them out.

extern crate std;
use super::*;
use crate::physical::Pieces;
use std::vec;
use std::vec::Vec;

fn fix(mut table: Vec<u8>, at: usize) -> Vec<u8> {
    table[at] = 0;
    table[at] = 0u8.wrapping_sub(table.iter().fold(0, |sum, byte| sum.wrapping_add(*byte)));
    table
}

fn table(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend(u32::try_from(36 + body.len()).unwrap().to_le_bytes());
    out.resize(36, 0);
    out.extend(body);
    fix(out, 9)
}

fn root(revision: u8, short: u32, long: u64) -> Vec<u8> {
    let mut out = b"RSD PTR \0BOCHS ".to_vec();
    out.push(revision);
    out.extend(short.to_le_bytes());
    out = fix(out, 8);
    if revision >= 2 {
        out.extend(36u32.to_le_bytes());
        out.extend(long.to_le_bytes());
        out.extend([0; 4]);
        out = fix(out, 32);
    }
    out
}

fn madt_body() -> Vec<u8> {
    let mut out = 0xfee0_0000u32.to_le_bytes().to_vec();
    out.extend([1, 0, 0, 0]);
    out.extend([0, 8, 0, 0, 1, 0, 0, 0]); // CPU 0
    out.extend([0, 8, 1, 3, 1, 0, 0, 0]); // CPU with identifier 3
    out.extend([0, 8, 2, 4, 0, 0, 0, 0]); // not usable
    out.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    out.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]); // line 0 at input 2
    out.extend([2, 10, 0, 9, 9, 0, 0, 0, 13, 0]); // line 9 level, active high
    out.extend([2, 10, 0, 5, 5, 0, 0, 0, 15, 0]); // line 5 level, active low
    out.extend([4, 6, 255, 0, 0, 1]); // NMI: skipped
    out
}

fn check(madt: &Madt) {
    assert_eq!(madt.local_apic, 0xfee0_0000);
    assert_eq!(madt.cpus(), [0, 3]);
    assert_eq!(
        madt.io_apics(),
        [IoApicEntry {
            address: 0xfec0_0000,
            first_input: 0
        }]
    );
    assert_eq!(
        madt.isa[0],
        IsaLine {
            input: 2,
            active_low: false,
            level: false
        }
    );
    assert_eq!(
        madt.isa[1],
        IsaLine {
            input: 1,
            active_low: false,
            level: false
        }
    );
    assert_eq!(
        madt.isa[9],
        IsaLine {
            input: 9,
            active_low: false,
            level: true
        }
    );
    assert_eq!(
        madt.isa[5],
        IsaLine {
            input: 5,
            active_low: true,
            level: true
        }
    );
}

#[test]
fn revision_0_leads_by_the_short_list() {
    let (root, other, madt) = (
        root(0, 0x2000, 0),
        table(b"FACP", &[1, 2]),
        table(b"APIC", &madt_body()),
    );
    let list = table(b"RSDT", &[0, 0x30, 0, 0, 0, 0x40, 0, 0]);
    let memory = Pieces(&[
        (0xf5000, &root),
        (0x2000, &list),
        (0x3000, &other),
        (0x4000, &madt),
    ]);
    check(&Madt::find(&memory, 0xf5000).unwrap());
}

#[test]
fn revision_2_leads_by_the_long_list() {
    let (root, madt) = (root(2, 0, 0x1_0000_2000), table(b"APIC", &madt_body()));
    let list = table(b"XSDT", &0x4000u64.to_le_bytes());
    let memory = Pieces(&[(0xf5000, &root), (0x1_0000_2000, &list), (0x4000, &madt)]);
    check(&Madt::find(&memory, 0xf5000).unwrap());
}

#[test]
fn bad_tables_are_errors() {
    let good = root(0, 0x2000, 0);
    let list = table(b"RSDT", &[0, 0x40, 0, 0]);
    let find = |root: &[u8], list: &[u8], madt: &[u8]| {
        Madt::find(
            &Pieces(&[(0x1000, root), (0x2000, list), (0x4000, madt)]),
            0x1000,
        )
    };
    let madt = table(b"APIC", &madt_body());
    assert!(find(&good, &list, &madt).is_ok());
    assert_eq!(find(&[0; 36], &list, &madt), Err(AcpiError::Signature));
    let mut broken = madt.clone();
    broken[50] ^= 1;
    assert_eq!(find(&good, &list, &broken), Err(AcpiError::Checksum));
    assert_eq!(find(&good, &list, &madt[..60]), Err(AcpiError::Unreadable));
    assert_eq!(
        find(&good, &list, &table(b"HPET", &[])),
        Err(AcpiError::NoMadt)
    );
    let cut = table(b"APIC", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 40]);
    assert_eq!(find(&good, &list, &cut), Err(AcpiError::Unreadable));
    let endless = table(b"APIC", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(find(&good, &list, &endless), Err(AcpiError::Unreadable));
}

#[test]
fn more_cpus_than_fit_are_counted() {
    let mut body = vec![0; 8];
    for number in 0..70 {
        body.extend([0, 8, number, number, 1, 0, 0, 0]);
    }
    body.extend([9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]); // identifier 256
    let (root, list, madt) = (
        root(0, 0x2000, 0),
        table(b"RSDT", &[0, 0x40, 0, 0]),
        table(b"APIC", &body),
    );
    let memory = Pieces(&[(0x1000, &root), (0x2000, &list), (0x4000, &madt)]);
    let madt = Madt::find(&memory, 0x1000).unwrap();
    assert_eq!((madt.cpus().len(), madt.cpus_dropped()), (MAX_CPUS, 7));
}

#[test]
fn a_machine_without_acpi_has_one_cpu() {
    assert_eq!(Madt::standard().cpus(), [0]);
    assert_eq!(Madt::standard().io_apics().len(), 1);
}
