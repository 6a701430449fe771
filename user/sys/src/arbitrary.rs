//! Any system call with any registers: what programs send that test the kernel.

use crate::trap::{self, Trap};
use sundog_abi::Word;

/// Makes the system call of any number, with any registers, and gives the status. `registers`: rdi, rsi, rdx, r8; `words`: r12 to
/// r15, r9, r10, rbx, rbp, before and after. Whatever the kernel makes of it, this program's own memory may be gone then.
pub fn arbitrary(number: Word, registers: [Word; 4], words: &mut [Word; 8]) -> Word {
    let [capability, info, deadline, reply] = registers;
    let trap = Trap {
        number,
        capability,
        info,
        deadline,
        reply,
    };
    trap::message(&trap, words).status
}
