//! The interface of the consent service: a program's open is one call, and the reply to it brings the capability.
//!
//! Who calls is known from the badge of the endpoint capability, which was minted when the sandbox was spawned; the program's
//! name and hash in [`Open`] are its personality's word and can only narrow within that sandbox.
//!
//! | label | request | reply when done | capabilities in the reply |
//! |---|---|---|---|
//! | [`label::OPEN`] | [`Open`] | [`Opened`] | 1: the device's endpoint, badged with the grant |
//! | [`label::WITHDRAW`] | word 1 = number of an [`Open`] of the same sandbox | nothing | |
//! | [`label::CLOSE`] | word 1 = grant | nothing | |
//! | [`label::REGISTER`] | [`Register`] | word 1 = badge | 1: an endpoint of this service with that badge |
//! | [`label::UNREGISTER`] | word 1 = badge | nothing | |
//! | [`label::NARROW`] | [`Narrow`] | nothing | |
//! | [`label::USED`] | word 1 = grant, word 2 = bytes since the last report | nothing | |
//!
//! A caller with [`CONTROL_BADGE`] (init) may register any sandbox, a sandbox only children of its own, and narrow only those. USED is
//! sent by device servers, over a capability with [`DEVICE_BADGE`]. A status other than 0 in word 0 is a [`Refusal`].
use crate::{Malformed, Words};
use alloc::string::String;

/// Labels of the requests.
pub mod label {
    /// Ask for a device and get it.
    pub const OPEN: u64 = 0x0c01;
    /// Give a grant back.
    pub const CLOSE: u64 = 0x0c02;
    /// A sandbox was spawned.
    pub const REGISTER: u64 = 0x0c03;
    /// A sandbox ended.
    pub const UNREGISTER: u64 = 0x0c04;
    /// A device server reports that a grant was used.
    pub const USED: u64 = 0x0c05;
    /// Whoever asked does not want it any more: the question is taken away, and the OPEN is refused.
    pub const WITHDRAW: u64 = 0x0c06;
    /// A sandbox, and those within it, get less than they would.
    pub const NARROW: u64 = 0x0c07;
}

/// The badge of init's capability, with which sandboxes are registered.
pub const CONTROL_BADGE: u64 = u64::MAX;
/// The badge of the device servers' capability.
pub const DEVICE_BADGE: u64 = u64::MAX - 1;
/// The most bytes of a tag.
pub const MAX_TAG: usize = 32;
/// The most bytes of an instance's name.
pub const MAX_INSTANCE: usize = 64;
/// The most bytes of a program's name in a request; longer ones are cut by the personality and end in `...`.
pub const MAX_PROGRAM: usize = 192;
/// The most bytes of a sandbox's name.
pub const MAX_SANDBOX: usize = 64;
/// The most bytes of a rule that narrows.
pub const MAX_RULE: usize = (crate::MAX_WORDS - 3) * 8;

/// The six answers. They are the same words in the prompt, in `--allow`, in the policy, in the store and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Answer {
    /// Allow one open, until it is closed.
    Once = 1,
    /// Allow until the sandbox ends.
    Run = 2,
    /// Allow now and in later sandboxes with the same manifest.
    Always = 3,
    /// Deny this time.
    Deny = 4,
    /// Deny and do not ask again.
    Never = 5,
    /// Hand out a device that yields nothing: black frames, silence, no route.
    Black = 6,
}

impl Answer {
    /// All answers, in the order in which a prompt lists them.
    pub const ALL: [Answer; 6] = [
        Answer::Once,
        Answer::Run,
        Answer::Always,
        Answer::Deny,
        Answer::Never,
        Answer::Black,
    ];

    /// The word that people write.
    pub const fn word(self) -> &'static str {
        match self {
            Answer::Once => "once",
            Answer::Run => "run",
            Answer::Always => "always",
            Answer::Deny => "deny",
            Answer::Never => "never",
            Answer::Black => "black",
        }
    }

    /// The answer for exactly this word; no abbreviation, no other case, no spaces.
    pub fn from_word(word: &str) -> Option<Answer> {
        Answer::ALL.into_iter().find(|answer| answer.word() == word)
    }

    /// The answer for a number in a message.
    pub fn from_number(number: u64) -> Option<Answer> {
        Answer::ALL
            .into_iter()
            .find(|answer| *answer as u64 == number)
    }

    /// Whether the real device is handed out.
    pub const fn allows(self) -> bool {
        matches!(self, Answer::Once | Answer::Run | Answer::Always)
    }
}

/// A set of answers, one bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers(u8);

impl Answers {
    /// Every answer.
    pub const ALL: Answers = Answers(0b0111_1110);
    /// Every answer but `always`: what an interactive shell is offered, since "this program" says nothing there.
    pub const NOT_ALWAYS: Answers = Answers(0b0111_0110);

    /// The set from its bits; bits that mean nothing are dropped, and `deny` is always in it.
    pub const fn from_bits(bits: u8) -> Answers {
        Answers(bits & Answers::ALL.0 | 1 << Answer::Deny as u8)
    }

    /// The bits: bit n stands for the answer with the number n.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the answer may be given.
    pub const fn contains(self, answer: Answer) -> bool {
        self.0 >> answer as u8 & 1 == 1
    }

    /// The set without one answer; `deny` stays.
    pub const fn without(self, answer: Answer) -> Answers {
        Answers::from_bits(self.0 & !(1 << answer as u8))
    }
}

/// What is asked for, by class; the instance says which one of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Resource {
    /// A camera.
    Camera = 1,
    /// A microphone.
    Microphone = 2,
    /// Sound output.
    Speaker = 3,
    /// The pixels of the screen or of other programs' windows.
    Screen = 4,
    /// Keys and pointer movements that go to other programs.
    Input = 5,
    /// The network; the instance is `host:port` or a range of addresses.
    Network = 6,
    /// A file or folder that the person chooses.
    File = 7,
    /// A serial line.
    Serial = 8,
    /// A USB device.
    Usb = 9,
    /// The clipboard.
    Clipboard = 10,
    /// Where the machine is.
    Location = 11,
}

impl Resource {
    /// All classes.
    pub const ALL: [Resource; 11] = [
        Resource::Camera,
        Resource::Microphone,
        Resource::Speaker,
        Resource::Screen,
        Resource::Input,
        Resource::Network,
        Resource::File,
        Resource::Serial,
        Resource::Usb,
        Resource::Clipboard,
        Resource::Location,
    ];

    /// The name in policies, options and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Camera => "camera",
            Resource::Microphone => "microphone",
            Resource::Speaker => "speaker",
            Resource::Screen => "screen",
            Resource::Input => "input",
            Resource::Network => "network",
            Resource::File => "file",
            Resource::Serial => "serial",
            Resource::Usb => "usb",
            Resource::Clipboard => "clipboard",
            Resource::Location => "location",
        }
    }

    /// The class with exactly this name.
    pub fn from_name(name: &str) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| resource.name() == name)
    }

    /// The class with this number in a message.
    pub fn from_number(number: u64) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| *resource as u64 == number)
    }
}

/// A program asks for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The class of device.
    pub resource: Resource,
    /// A number by which the asking sandbox can withdraw the request; 0 for one that it never will.
    pub number: u64,
    /// Which one: letters, digits and `. _ : / -`.
    pub instance: String,
    /// Hash of the program's image and of its script.
    pub program_hash: [u8; 32],
    /// The program's path, as its personality tells it.
    pub program: String,
}

impl Open {
    /// The request's words: resource, number, lengths (program in the high half), hash (4), instance, program.
    pub fn encode(&self) -> Result<Words, Malformed> {
        if self.instance.len() > MAX_INSTANCE || self.program.len() > MAX_PROGRAM {
            return Err(Malformed);
        }
        let mut words = Words::new(label::OPEN);
        words.push(self.resource as u64)?;
        words.push(self.number)?;
        words.push(self.instance.len() as u64 | (self.program.len() as u64) << 32)?;
        words.push_bytes(&self.program_hash)?;
        words.push_bytes(self.instance.as_bytes())?;
        words.push_bytes(self.program.as_bytes())?;
        Ok(words)
    }

    /// Reads an OPEN; anything that [`Open::encode`] would not have written is refused.
    pub fn decode(words: &Words) -> Result<Open, Malformed> {
        let mut reader = words.reader();
        let resource = Resource::from_number(reader.word()?).ok_or(Malformed)?;
        let number = reader.word()?;
        let (instance_length, program_length) = halves(reader.word()?);
        let mut program_hash = [0; 32];
        reader.bytes(&mut program_hash)?;
        let instance = reader.text(instance_length, MAX_INSTANCE)?;
        let program = reader.text(program_length, MAX_PROGRAM)?;
        reader.end()?;
        Ok(Open {
            resource,
            number,
            instance,
            program_hash,
            program,
        })
    }
}

/// The reply to an OPEN that was allowed or answered with `black`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The grant, which is also the badge of the capability in the reply.
    pub grant: u64,
    /// How: once, run, always or black.
    pub answer: Answer,
    /// Bytes in a second that the device will deliver; 0 = no limit.
    pub rate: u64,
}

impl Opened {
    /// The reply's words.
    pub fn encode(&self) -> Result<Words, Malformed> {
        let mut words = Words::new(0);
        words.push(self.grant)?;
        words.push(self.answer as u64)?;
        words.push(self.rate)?;
        Ok(words)
    }

    /// Reads the reply; the outer error is a reply that makes no sense, the inner one a refusal.
    pub fn decode(words: &Words) -> Result<Result<Opened, Refusal>, Malformed> {
        if words.label() != 0 {
            return Refusal::from_number(words.label())
                .map(Err)
                .ok_or(Malformed);
        }
        let mut reader = words.reader();
        let grant = reader.word()?;
        let answer = Answer::from_number(reader.word()?)
            .filter(|answer| answer.allows() || *answer == Answer::Black);
        let rate = reader.word()?;
        reader.end()?;
        Ok(Ok(Opened {
            grant,
            answer: answer.ok_or(Malformed)?,
            rate,
        }))
    }
}

/// Why a request was refused; the status of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// The answer was no. A program learns nothing more: neither who said it nor for how long.
    Denied = 1,
    /// There is no such device.
    Absent = 2,
    /// The request is malformed, or its label is unknown.
    Malformed = 3,
    /// The caller's badge may not do this.
    Forbidden = 4,
    /// A table is full.
    Exhausted = 5,
    /// The grant does not exist any more.
    Revoked = 6,
}

impl Refusal {
    /// All refusals.
    pub const ALL: [Refusal; 6] = [
        Refusal::Denied,
        Refusal::Absent,
        Refusal::Malformed,
        Refusal::Forbidden,
        Refusal::Exhausted,
        Refusal::Revoked,
    ];

    /// The reply's words.
    pub fn encode(self) -> Words {
        Words::new(self as u64)
    }

    /// The refusal with this status.
    pub fn from_number(number: u64) -> Option<Refusal> {
        Refusal::ALL
            .into_iter()
            .find(|refusal| *refusal as u64 == number)
    }
}

/// A spawner tells that a sandbox exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The badge that the sandbox's endpoint capability shall carry; 0 leaves the choice to the service.
    pub badge: u64,
    /// The badge of the sandbox that spawned it; 0 for one started by init, and in a sandbox's own message, which means itself.
    pub parent: u64,
    /// Hash of what it was given at the start. For a child of a sandbox that is its parent's word; the service makes the child's
    /// manifest of it and the parent's, so that no child can pass for somebody else's.
    pub manifest: [u8; 32],
    /// A person types commands in it, so `always` is never offered.
    pub interactive: bool,
    /// The name shown in the chain.
    pub name: String,
    /// What policies call `@tag:`; only init may give one. Empty for none.
    pub tag: String,
}

impl Register {
    /// The request's words: badge, parent, lengths (name, tag in bits 16-31, interactive in bit 32), manifest (4), name, tag.
    pub fn encode(&self) -> Result<Words, Malformed> {
        if self.name.len() > MAX_SANDBOX || self.tag.len() > MAX_TAG {
            return Err(Malformed);
        }
        let mut words = Words::new(label::REGISTER);
        words.push(self.badge)?;
        words.push(self.parent)?;
        let lengths = self.name.len() as u64 | (self.tag.len() as u64) << 16;
        words.push(lengths | u64::from(self.interactive) << 32)?;
        words.push_bytes(&self.manifest)?;
        words.push_bytes(self.name.as_bytes())?;
        words.push_bytes(self.tag.as_bytes())?;
        Ok(words)
    }

    /// Reads a REGISTER.
    pub fn decode(words: &Words) -> Result<Register, Malformed> {
        let mut reader = words.reader();
        let (badge, parent) = (reader.word()?, reader.word()?);
        let (lengths, flags) = halves(reader.word()?);
        if flags > 1 {
            return Err(Malformed);
        }
        let mut manifest = [0; 32];
        reader.bytes(&mut manifest)?;
        let name = reader.text(lengths & 0xffff, MAX_SANDBOX)?;
        let tag = reader.text(lengths >> 16, MAX_TAG)?;
        reader.end()?;
        Ok(Register {
            badge,
            parent,
            manifest,
            interactive: flags == 1,
            name,
            tag,
        })
    }
}

/// A rule that takes away from a child of the caller's, and from those within it: of a policy file, or an option that denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// The child.
    pub badge: u64,
    /// It comes from an option. Options and file are two lists, both of which hold; in each the first rule that matches counts.
    pub option: bool,
    /// The line of the file, or which option, counted from 1.
    pub line: u32,
    /// One line of a policy. Rules that allow are refused.
    pub rule: String,
}

impl Narrow {
    /// The request's words: badge, line (length of the rule in bits 32-47, option in bit 48), rule.
    pub fn encode(&self) -> Result<Words, Malformed> {
        if self.rule.len() > MAX_RULE {
            return Err(Malformed);
        }
        let mut words = Words::new(label::NARROW);
        words.push(self.badge)?;
        let length = (self.rule.len() as u64) << 32;
        words.push(u64::from(self.line) | length | u64::from(self.option) << 48)?;
        words.push_bytes(self.rule.as_bytes())?;
        Ok(words)
    }

    /// Reads a NARROW.
    pub fn decode(words: &Words) -> Result<Narrow, Malformed> {
        let mut reader = words.reader();
        let badge = reader.word()?;
        let (line, rest) = halves(reader.word()?);
        if rest >> 17 != 0 {
            return Err(Malformed);
        }
        let rule = reader.text(rest & 0xffff, MAX_RULE)?;
        reader.end()?;
        Ok(Narrow {
            badge,
            option: rest >> 16 == 1,
            line: line as u32,
            rule,
        })
    }
}

fn halves(word: u64) -> (usize, usize) {
    ((word & 0xffff_ffff) as usize, (word >> 32) as usize)
}

#[cfg(test)]
mod tests;
