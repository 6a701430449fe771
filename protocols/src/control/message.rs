//! The messages of both directions and their payloads.
use super::fields::{Bad, MAX_BYTES, MAX_CHAIN, MAX_GRANTS, MAX_LINE, MAX_NAME, Reader, Writer};
use super::frame::encode_frame;
use crate::consent::{Answer, Answers, MAX_SANDBOX};
use alloc::string::String;
use alloc::vec::Vec;

/// The messages of one direction.
pub trait Message: Sized {
    /// Reads the payload of a frame of this type.
    fn decode_payload(kind: u16, reader: &mut Reader<'_>) -> Result<Self, Bad>;
    /// Writes the payload and says the type.
    fn encode_payload(&self, writer: &mut Writer) -> Result<u16, Bad>;

    /// Adds the message as a frame to `out`, or nothing if a field is longer than its bound.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Bad> {
        let mut writer = Writer::default();
        let kind = self.encode_payload(&mut writer)?;
        encode_frame(kind, &writer.payload, out)
    }
}

/// How an answer came about. Only a typed one may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum By {
    /// A person typed the word.
    Typed = 0,
    /// A person pressed Escape.
    Escape = 1,
    /// Nobody answered in time.
    TimeOut = 2,
    /// The prompt could not be shown.
    NotShown = 3,
}

/// Which configuration a piece of text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    /// A policy file.
    Policy = 0,
    /// The store of answers.
    Store = 1,
    /// One `--allow`.
    Allow = 2,
    /// One `--deny`.
    Deny = 3,
}

/// A stream of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Standard output.
    Output = 1,
    /// Standard error.
    Error = 2,
}

/// From the host command to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToMachine {
    /// The newest version that the host speaks.
    Hello {
        /// That version.
        version: u16,
    },
    /// The answer to a prompt.
    Answer {
        /// The prompt.
        id: u64,
        /// The answer.
        answer: Answer,
        /// How it came about.
        by: By,
        /// Bytes in a second that the person allows; 0 = as the policy says.
        rate: u32,
    },
    /// The terminal's size.
    Size {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// A signal for the program.
    Signal {
        /// Linux's number, 1 to 64.
        number: u8,
    },
    /// End the sandbox.
    Stop,
    /// Take a grant back.
    Revoke {
        /// The grant.
        grant: u64,
    },
    /// Send the list of grants.
    ListGrants,
    /// Input that does not come over COM1.
    Input(Vec<u8>),
    /// Standard input ended.
    EndOfInput {
        /// Bytes that the host sent over COM1 in all; the end is behind the last of them.
        after: u64,
    },
    /// Which standard streams are terminals; sent before the program starts.
    Terminals {
        /// Standard input.
        input: bool,
        /// Standard output.
        output: bool,
        /// Standard error.
        error: bool,
    },
    /// A piece of configuration; sent before the program starts.
    Configure {
        /// What it is.
        part: Part,
        /// Where it is from, for messages: a file name.
        name: String,
        /// The piece.
        text: String,
        /// Nothing more comes of this one.
        last: bool,
    },
    /// A question is about to be shown: input that no program has read yet was typed for something else, and is thrown away.
    Discard {
        /// Bytes that the host sent over COM1 in all; those behind them stay.
        after: u64,
    },
    /// The time, which the machine has no other clock for. A message that older machines do not know.
    Clock {
        /// Seconds since 1970 (UTC).
        unix: u64,
    },
}

/// A question for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Names the question in the answer.
    pub id: u64,
    /// The badge of the sandbox that asks.
    pub badge: u64,
    /// The sandboxes from init down to the one that asks.
    pub chain: Vec<String>,
    /// The program's path, as its personality tells it.
    pub program: String,
    /// The class of device.
    pub resource: String,
    /// Which one of the class.
    pub instance: String,
    /// What the program says it is for; empty if it says nothing.
    pub reason: String,
    /// The answers that may be given.
    pub offered: Answers,
}

/// A grant in the list for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names it in a revoke.
    pub id: u64,
    /// The sandbox's badge.
    pub badge: u64,
    /// Who uses it.
    pub program: String,
    /// The class of device.
    pub resource: String,
    /// Which one of the class.
    pub instance: String,
    /// How it was granted.
    pub answer: Answer,
    /// Bytes delivered.
    pub bytes: u64,
}

/// From the machine to the host command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToHost {
    /// The kernel's ABI and the version of the channel to use.
    Hello {
        /// The ABI's number.
        abi: u32,
        /// The channel's version.
        version: u16,
    },
    /// The machine reads the channel from here on. What was sent before may be lost while its driver starts, so the host sends
    /// nothing until this has come.
    Listening,
    /// Ask the person.
    Prompt(Prompt),
    /// The question needs no answer any more.
    PromptGone {
        /// The prompt.
        id: u64,
    },
    /// The program ended.
    Exit {
        /// As a shell sees it: its status, or 128 and the signal.
        status: u8,
        /// Bytes that the machine sent over COM1 in all; the host ends when it has them.
        output: u64,
    },
    /// A line for the log.
    Log(String),
    /// The grants, or a part of them.
    Grants {
        /// Some of them.
        list: Vec<Grant>,
        /// No more come.
        last: bool,
    },
    /// A line for the person who asked for a trace.
    Trace(String),
    /// A line for the person, about what was decided without a question.
    Notice(String),
    /// A line for the store. The host takes it only if it sent `always` or `never`, typed, for that prompt.
    Remember {
        /// The prompt.
        id: u64,
        /// The line.
        line: String,
    },
}

impl Message for ToMachine {
    fn decode_payload(kind: u16, reader: &mut Reader<'_>) -> Result<ToMachine, Bad> {
        Ok(match kind {
            1 => ToMachine::Hello {
                version: reader.u16()?,
            },
            2 => ToMachine::Answer {
                id: reader.u64()?,
                answer: answer(reader)?,
                by: by(reader)?,
                rate: reader.u32()?,
            },
            3 => ToMachine::Size {
                rows: reader.u16()?,
                columns: reader.u16()?,
            },
            4 => ToMachine::Signal {
                number: Some(reader.u8()?)
                    .filter(|n| (1..=64).contains(n))
                    .ok_or(Bad::Value)?,
            },
            5 => ToMachine::Stop,
            6 => ToMachine::Revoke {
                grant: reader.u64()?,
            },
            7 => ToMachine::ListGrants,
            8 => ToMachine::Input(reader.bytes(MAX_BYTES)?),
            9 => ToMachine::EndOfInput {
                after: reader.u64()?,
            },
            10 => ToMachine::Terminals {
                input: reader.flag()?,
                output: reader.flag()?,
                error: reader.flag()?,
            },
            11 => ToMachine::Configure {
                part: part(reader)?,
                name: reader.text(MAX_NAME)?,
                text: reader.text(MAX_BYTES)?,
                last: reader.flag()?,
            },
            12 => ToMachine::Clock {
                unix: reader.u64()?,
            },
            13 => ToMachine::Discard {
                after: reader.u64()?,
            },
            _ => return Err(Bad::Type),
        })
    }

    fn encode_payload(&self, writer: &mut Writer) -> Result<u16, Bad> {
        Ok(match self {
            ToMachine::Hello { version } => {
                writer.u16(*version);
                1
            }
            ToMachine::Answer {
                id,
                answer,
                by,
                rate,
            } => {
                writer.u64(*id).u8(*answer as u8).u8(*by as u8).u32(*rate);
                2
            }
            ToMachine::Size { rows, columns } => {
                writer.u16(*rows).u16(*columns);
                3
            }
            ToMachine::Signal { number } => {
                writer.u8(*number);
                4
            }
            ToMachine::Stop => 5,
            ToMachine::Revoke { grant } => {
                writer.u64(*grant);
                6
            }
            ToMachine::ListGrants => 7,
            ToMachine::Input(bytes) => {
                writer.bytes(bytes, MAX_BYTES)?;
                8
            }
            ToMachine::EndOfInput { after } => {
                writer.u64(*after);
                9
            }
            ToMachine::Terminals {
                input,
                output,
                error,
            } => {
                writer
                    .u8(u8::from(*input))
                    .u8(u8::from(*output))
                    .u8(u8::from(*error));
                10
            }
            ToMachine::Configure {
                part,
                name,
                text,
                last,
            } => {
                writer
                    .u8(*part as u8)
                    .text(name, MAX_NAME)?
                    .text(text, MAX_BYTES)?
                    .u8(u8::from(*last));
                11
            }
            ToMachine::Clock { unix } => {
                writer.u64(*unix);
                12
            }
            ToMachine::Discard { after } => {
                writer.u64(*after);
                13
            }
        })
    }
}

impl Message for ToHost {
    fn decode_payload(kind: u16, reader: &mut Reader<'_>) -> Result<ToHost, Bad> {
        Ok(match kind {
            0x101 => ToHost::Hello {
                abi: reader.u32()?,
                version: reader.u16()?,
            },
            0x102 => ToHost::Prompt(Prompt {
                id: reader.u64()?,
                badge: reader.u64()?,
                chain: reader.list(MAX_CHAIN, |reader| reader.text(MAX_SANDBOX))?,
                program: reader.text(MAX_NAME)?,
                resource: reader.text(MAX_NAME)?,
                instance: reader.text(MAX_NAME)?,
                reason: reader.text(MAX_LINE)?,
                offered: Answers::from_bits(reader.u8()?),
            }),
            0x103 => ToHost::PromptGone { id: reader.u64()? },
            0x104 => ToHost::Exit {
                status: reader.u8()?,
                output: reader.u64()?,
            },
            0x105 => ToHost::Log(reader.text(MAX_LINE)?),
            0x106 => ToHost::Grants {
                list: reader.list(MAX_GRANTS, grant)?,
                last: reader.flag()?,
            },
            0x107 => ToHost::Trace(reader.text(MAX_LINE)?),
            0x108 => ToHost::Remember {
                id: reader.u64()?,
                line: reader.text(MAX_LINE)?,
            },
            0x109 => ToHost::Listening,
            0x10a => ToHost::Notice(reader.text(MAX_LINE)?),
            _ => return Err(Bad::Type),
        })
    }

    fn encode_payload(&self, writer: &mut Writer) -> Result<u16, Bad> {
        Ok(match self {
            ToHost::Hello { abi, version } => {
                writer.u32(*abi).u16(*version);
                0x101
            }
            ToHost::Prompt(prompt) => {
                writer
                    .u64(prompt.id)
                    .u64(prompt.badge)
                    .count(prompt.chain.len(), MAX_CHAIN)?;
                for name in &prompt.chain {
                    writer.text(name, MAX_SANDBOX)?;
                }
                writer
                    .text(&prompt.program, MAX_NAME)?
                    .text(&prompt.resource, MAX_NAME)?;
                writer
                    .text(&prompt.instance, MAX_NAME)?
                    .text(&prompt.reason, MAX_LINE)?;
                writer.u8(prompt.offered.bits());
                0x102
            }
            ToHost::PromptGone { id } => {
                writer.u64(*id);
                0x103
            }
            ToHost::Exit { status, output } => {
                writer.u8(*status).u64(*output);
                0x104
            }
            ToHost::Log(line) => {
                writer.text(line, MAX_LINE)?;
                0x105
            }
            ToHost::Grants { list, last } => {
                writer.count(list.len(), MAX_GRANTS)?;
                for grant in list {
                    writer
                        .u64(grant.id)
                        .u64(grant.badge)
                        .text(&grant.program, MAX_NAME)?;
                    writer
                        .text(&grant.resource, MAX_NAME)?
                        .text(&grant.instance, MAX_NAME)?;
                    writer.u8(grant.answer as u8).u64(grant.bytes);
                }
                writer.u8(u8::from(*last));
                0x106
            }
            ToHost::Trace(line) => {
                writer.text(line, MAX_LINE)?;
                0x107
            }
            ToHost::Remember { id, line } => {
                writer.u64(*id).text(line, MAX_LINE)?;
                0x108
            }
            ToHost::Listening => 0x109,
            ToHost::Notice(line) => {
                writer.text(line, MAX_LINE)?;
                0x10a
            }
        })
    }
}

fn grant(reader: &mut Reader<'_>) -> Result<Grant, Bad> {
    Ok(Grant {
        id: reader.u64()?,
        badge: reader.u64()?,
        program: reader.text(MAX_NAME)?,
        resource: reader.text(MAX_NAME)?,
        instance: reader.text(MAX_NAME)?,
        answer: answer(reader)?,
        bytes: reader.u64()?,
    })
}

fn answer(reader: &mut Reader<'_>) -> Result<Answer, Bad> {
    Answer::from_number(u64::from(reader.u8()?)).ok_or(Bad::Value)
}

fn by(reader: &mut Reader<'_>) -> Result<By, Bad> {
    let number = reader.u8()?;
    let all = [By::Typed, By::Escape, By::TimeOut, By::NotShown];
    all.into_iter()
        .find(|by| *by as u8 == number)
        .ok_or(Bad::Value)
}

fn part(reader: &mut Reader<'_>) -> Result<Part, Bad> {
    let number = reader.u8()?;
    let all = [Part::Policy, Part::Store, Part::Allow, Part::Deny];
    all.into_iter()
        .find(|part| *part as u8 == number)
        .ok_or(Bad::Value)
}
