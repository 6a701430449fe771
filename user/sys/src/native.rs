//! The `syscall` instruction.

use crate::answer::Answer;
use core::arch::asm;
use sundog_abi::Word;

/// Registers of a message before the call and after it.
pub(crate) struct Trap {
    pub(crate) number: Word,
    pub(crate) capability: Word,
    pub(crate) info: Word,
    pub(crate) deadline: Word,
    pub(crate) reply: Word,
}

/// What the kernel left beside the words.
pub(crate) struct Arrived {
    pub(crate) status: Word,
    pub(crate) badge: Word,
    pub(crate) info: Word,
}

/// A call of the kind `invoke`: status and answer.
#[inline(always)]
pub(crate) fn invoke(number: Word, capability: Word, arguments: [Word; 5]) -> (Word, Answer) {
    let (status, value, second);
    // SAFETY: the contract says that the kernel changes rax, rdx, r8, rcx and r11 only, all of which are named as outputs; the
    // argument registers are given up as well. Memory that the kernel may write (the message page) is covered by the absence
    // of `nomem`.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => status,
            inlateout("rdi") capability => _,
            inlateout("rsi") arguments[0] => _,
            inlateout("rdx") arguments[1] => value,
            inlateout("r10") arguments[2] => _,
            inlateout("r8") arguments[3] => second,
            inlateout("r9") arguments[4] => _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (status, Answer { value, second })
}

/// A message with all register words.
#[inline]
pub(crate) fn message(trap: &Trap, words: &mut [Word; 8]) -> Arrived {
    let (status, badge, info);
    // SAFETY: `words` is eight words that may be read and written, and rcx holds its address before the call and, saved on the
    // stack, after it. rbx and rbp, which the compiler reserves, are saved; every other register is named as clobbered. The
    // kernel keeps rsp.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "push rcx",
            "mov rbx, [rcx + 48]",
            "mov rbp, [rcx + 56]",
            "syscall",
            "pop rcx",
            "mov [rcx + 48], rbx",
            "mov [rcx + 56], rbp",
            "pop rbp",
            "pop rbx",
            in("rcx") words.as_mut_ptr(),
            inlateout("rax") trap.number => status,
            inlateout("rdi") trap.capability => badge,
            inlateout("rsi") trap.info => info,
            inlateout("rdx") trap.deadline => _,
            inlateout("r8") trap.reply => _,
            inout("r12") words[0],
            inout("r13") words[1],
            inout("r14") words[2],
            inout("r15") words[3],
            inout("r9") words[4],
            inout("r10") words[5],
            lateout("r11") _,
        );
    }
    Arrived {
        status,
        badge,
        info,
    }
}

/// A message with the four words that the kernel never touches: the fast path's own stub.
#[inline(always)]
pub(crate) fn message_short(trap: &Trap, words: &mut [Word; 4]) -> Arrived {
    let (status, badge, info);
    // SAFETY: rbx and rbp, which the compiler reserves, are saved; every other register is named as clobbered. The kernel keeps
    // rsp. Words beyond the fourth, and a deadline, are claimed by no info that the callers of this function make.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "syscall",
            "pop rbp",
            "pop rbx",
            inlateout("rax") trap.number => status,
            inlateout("rdi") trap.capability => badge,
            inlateout("rsi") trap.info => info,
            lateout("rdx") _,
            inlateout("r8") trap.reply => _,
            inlateout("r12") words[0],
            inlateout("r13") words[1],
            inlateout("r14") words[2],
            inlateout("r15") words[3],
            lateout("r9") _,
            lateout("r10") _,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    Arrived {
        status,
        badge,
        info,
    }
}

/// The time-stamp counter, the unit of deadlines.
#[inline(always)]
pub fn ticks() -> Word {
    // SAFETY: rdtsc reads a counter; the kernel leaves it to user mode.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// A word of the processor's own random numbers; `None` if it has none, or none now.
pub fn hardware_random() -> Option<Word> {
    const RDRAND: u32 = 1 << 30;
    if core::arch::x86_64::__cpuid(1).ecx & RDRAND == 0 {
        return None;
    }
    // The processor's maker asks for ten tries.
    (0..10).find_map(|_| {
        let (word, good): (Word, u8);
        // SAFETY: the processor has the instruction; it changes a register and the flags.
        unsafe {
            asm!("rdrand {word}", "setc {good}", word = out(reg) word, good = out(reg_byte) good, options(nomem, nostack))
        };
        (good != 0).then_some(word)
    })
}

/// Ends the calling thread by a fault (an invalid instruction), which its supervisor is told of.
pub fn stop() -> ! {
    // SAFETY: the instruction never comes back and touches no memory.
    unsafe { asm!("2: ud2", "jmp 2b", options(noreturn)) }
}
