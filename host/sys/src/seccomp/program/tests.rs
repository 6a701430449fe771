//! Tests of filters with an interpreter of their instructions.

use super::*;

/// Runs a filter on a call.
fn allows(code: &[Instruction], architecture: u32, call: u32, arguments: [u64; 6]) -> bool {
    let word = |offset: u32| match offset {
        NUMBER => call,
        ARCHITECTURE_AT => architecture,
        _ => {
            let index = ((offset - ARGUMENTS) / 8) as usize;
            (arguments[index] >> ((offset - ARGUMENTS) % 8 * 8)) as u32
        }
    };
    let (mut at, mut value) = (0, 0);
    loop {
        let now = code[at];
        let skip = |holds: bool| usize::from(if holds { now.yes } else { now.no });
        at += 1 + match now.operation {
            LOAD => {
                value = word(now.value);
                0
            }
            AND => {
                value &= now.value;
                0
            }
            IF_EQUAL => skip(value == now.value),
            IF_ABOVE => skip(value > now.value),
            IF_NOT_BELOW => skip(value >= now.value),
            RETURN => return now.value == ALLOW,
            other => panic!("{other}"),
        };
    }
}

#[test]
fn what_is_listed_is_allowed_and_nothing_else() {
    let row = Must::Step {
        first: 0x5_0000_0100,
        last: 0x5_0000_0140,
        step: 0x20,
    };
    let code = assemble(&[
        Rule {
            call: 7,
            arguments: &[(1, Must::Be(0x1_0000_0002)), (5, row)],
        },
        Rule {
            call: 8,
            arguments: &[(0, Must::Within(0x8000_0001_0000_0003))],
        },
        Rule {
            call: 8,
            arguments: &[(2, Must::BeHigh)],
        },
        Rule {
            call: 9,
            arguments: &[],
        },
    ]);
    let own = |call, arguments| allows(&code, ARCHITECTURE, call, arguments);
    assert!(own(9, [u64::MAX; 6]) && !own(10, [0; 6]) && !own(0, [0; 6]));
    assert!(
        !allows(&code, 0x4000_0003, 9, [0; 6]),
        "another kind of call"
    );
    assert!(!own(9 | 0x4000_0000, [0; 6]), "x32");
    let seven = |second, sixth| own(7, [9, second, 9, 9, 9, sixth]);
    for (sixth, fits) in [
        (0x5_0000_0100, true),
        (0x5_0000_0120, true),
        (0x5_0000_0140, true),
        (0x5_0000_0110, false),
        (0x5_0000_00e0, false),
        (0x5_0000_0160, false),
        (0x100, false),
        (0x6_0000_0100, false),
    ] {
        assert_eq!(seven(0x1_0000_0002, sixth), fits, "{sixth:x}");
        assert!(!seven(2, sixth) && !seven(0x1_0000_0003, sixth));
    }
    let eight = |first, third| own(8, [first, 0, third, 0, 0, 0]);
    for (first, third, fits) in [
        (0, 0, true),
        (0x8000_0001_0000_0003, 0, true),
        (4, 0, false),
        (0x2_0000_0000, 0, false),
        (4, 0x1_0000_0000, true),
        (4, 0xffff_ffff, false),
    ] {
        assert_eq!(eight(first, third), fits, "{first:x} {third:x}");
    }
}
