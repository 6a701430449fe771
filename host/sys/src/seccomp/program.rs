//! The filter's instructions: for each rule a block that allows the call or goes on to the next rule.

use super::{Must, Rule};

/// `AUDIT_ARCH_X86_64`.
const ARCHITECTURE: u32 = 0xc000_003e;
/// Offsets in what the filter sees: the number of the call, the architecture, the first argument.
const NUMBER: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS: u32 = 16;
const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;

/// Operations of the interpreter: load a word, combine it, compare it, end.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const IF_EQUAL: u16 = 0x15;
const IF_ABOVE: u16 = 0x25;
const IF_NOT_BELOW: u16 = 0x35;
const RETURN: u16 = 0x06;

/// An instruction, as Linux's `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    operation: u16,
    /// How many instructions are skipped if a comparison holds, and if not.
    yes: u8,
    no: u8,
    value: u32,
}

const fn plain(operation: u16, value: u32) -> Instruction {
    Instruction {
        operation,
        yes: 0,
        no: 0,
        value,
    }
}

/// A block under construction: what skips to its end does not know yet how far that is.
struct Block {
    code: Vec<Instruction>,
    /// Comparisons that end the block, and whether they do so when they hold.
    ends: Vec<(usize, bool)>,
}

impl Block {
    fn go_on_if(&mut self, operation: u16, value: u32) {
        self.ends.push((self.code.len(), false));
        self.code.push(plain(operation, value));
    }

    fn end_if(&mut self, operation: u16, value: u32) {
        self.ends.push((self.code.len(), true));
        self.code.push(plain(operation, value));
    }

    fn load(&mut self, offset: u32) {
        self.code.push(plain(LOAD, offset));
    }

    fn argument(&mut self, index: u8, must: Must) {
        let low = ARGUMENTS + u32::from(index) * 8;
        let high = low + 4;
        match must {
            Must::Be(value) => {
                self.load(high);
                self.go_on_if(IF_EQUAL, (value >> 32) as u32);
                self.load(low);
                self.go_on_if(IF_EQUAL, value as u32);
            }
            Must::Within(bits) => {
                for (at, bits) in [(high, (bits >> 32) as u32), (low, bits as u32)] {
                    self.load(at);
                    self.code.push(plain(AND, !bits));
                    self.go_on_if(IF_EQUAL, 0);
                }
            }
            Must::Step { first, last, step } => {
                self.load(high);
                self.go_on_if(IF_EQUAL, (first >> 32) as u32);
                self.load(low);
                self.go_on_if(IF_NOT_BELOW, first as u32);
                self.end_if(IF_ABOVE, last as u32);
                self.code.push(plain(AND, (step - 1) as u32));
                self.go_on_if(IF_EQUAL, 0);
            }
            Must::BeHigh => {
                self.load(high);
                self.end_if(IF_EQUAL, 0);
            }
        }
    }

    fn finish(mut self) -> Vec<Instruction> {
        self.code.push(plain(RETURN, ALLOW));
        let length = self.code.len();
        for (at, when) in self.ends {
            // A rule has at most six arguments with seven instructions each, so a block is far shorter than 256.
            let skip = (length - at - 1) as u8;
            let place = if when {
                &mut self.code[at].yes
            } else {
                &mut self.code[at].no
            };
            *place = skip;
        }
        self.code
    }
}

/// The instructions for these rules.
pub fn assemble(rules: &[Rule<'_>]) -> Vec<Instruction> {
    let mut code = vec![
        plain(LOAD, ARCHITECTURE_AT),
        Instruction {
            operation: IF_EQUAL,
            yes: 1,
            no: 0,
            value: ARCHITECTURE,
        },
        plain(RETURN, KILL_PROCESS),
    ];
    for rule in rules {
        let mut block = Block {
            code: Vec::new(),
            ends: Vec::new(),
        };
        block.load(NUMBER);
        block.go_on_if(IF_EQUAL, rule.call);
        for (index, must) in rule.arguments.iter().take(6) {
            block.argument(*index, *must);
        }
        code.extend(block.finish());
    }
    code.push(plain(RETURN, KILL_PROCESS));
    code
}

#[cfg(test)]
mod tests;
