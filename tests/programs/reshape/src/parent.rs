//! The parent: starts the child and changes its memory.

use crate::page::{self, WRITTEN};
use sundog_rt::cap::object::{Endpoint, Frame, Reply};
use sundog_rt::cap::{Cap, Error, Protection, Rights};
use sundog_rt::sys::abi::{Info, fault};
use sundog_rt::{Environment, Mapping, Package, Resources, debug, fail};
use sundog_spawn::{Fault, Grant, Program, SpawnError, Time, What, spawn};

/// Maps, remaps and protects a page of the child.
///
/// # Errors
/// Those of starting a program; `Kernel` if the kernel refuses something else.
pub fn run(mut environment: Environment) -> Result<(), SpawnError> {
    let time = environment.require("time");
    let image = own_image(&mut environment)?;
    let resources = &mut environment.resources;
    let ear = Ear::new(resources)?;
    let mut program = Program::new(image, b"reshape", Time::Given(time));
    program.arguments.push(b"child");
    program.grants.push(ear.grant());
    program.fault = Some(ear.fault());
    let child = spawn(resources, &program)?;
    let (space, place) = (child.vspace()?, page::address());

    // Before its start: in the place of its own page of zeros it finds one of its parent's, which begins with 1.
    let (first, _) = page_with(resources, 1)?;
    space.unmap(place, 1)?;
    space.map(first, place, 0, 1, Protection::READ_WRITE)?;
    child.resume()?;
    ear.hear(1)?;
    debug!("reshape: a page put into the child before its start: the child finds 1");

    // While it runs, on the other CPU: another page, which begins with 2.
    let (second, mut seen) = page_with(resources, 2)?;
    space.unmap(place, 1)?;
    space.map(second, place, 0, 1, Protection::READ_WRITE)?;
    ear.hear(2)?;
    debug!("reshape: another one in its place while the child runs: the child finds 2");

    // Without the right to write: its next write is a fault, and waits for the parent's answer. Its count stands still.
    space.protect(place, 1, Protection::READ)?;
    ear.hear_fault(place)?;
    let stopped = seen.word(WRITTEN)?;
    debug!("reshape: the page may only be read now: the child's next write waits for its parent");

    // With it again, and a word that is written through the parent's own mapping: the write is made, and the child goes on.
    space.protect(place, 1, Protection::READ_WRITE)?;
    seen.write(0, &3_u64.to_ne_bytes())?;
    ear.answer()?;
    ear.hear(3)?;
    if seen.word(WRITTEN)? <= stopped {
        fail("reshape: the child saw a new word, but its write was lost");
    }
    debug!("reshape: it may be written again: the write is made, and the child finds 3");
    Ok(child.destroy(resources)?)
}

/// Where the child tells what it found, and the kernel where it faulted.
struct Ear {
    endpoint: Cap<Endpoint>,
    reply: Cap<Reply>,
}

impl Ear {
    fn new(resources: &mut Resources) -> Result<Ear, Error> {
        let (pool, slots) = (&mut resources.pool, &mut resources.slots);
        Ok(Ear {
            endpoint: pool.make(slots, 0)?,
            reply: pool.make(slots, 0)?,
        })
    }

    /// The child's capability.
    fn grant(&self) -> Grant<'static> {
        Grant {
            name: "found",
            slot: 16,
            what: What::Copy {
                source: self.endpoint.address(),
                rights: Rights::SEND,
                badge: None,
            },
        }
    }

    fn fault(&self) -> Fault {
        Fault {
            endpoint: self.endpoint,
            badge: 1,
        }
    }

    /// Lets the child go on.
    fn answer(&self) -> Result<(), Error> {
        self.reply.reply(Info::new(0, 0), &[0; 8])
    }

    /// Waits until the child tells of a word. Between an unmap and a map its page is not there: what it tried then it tries again.
    fn hear(&self, word: u64) -> Result<(), Error> {
        loop {
            let heard = self.endpoint.receive(Some(self.reply), None)?;
            let missing = heard.info.label() == fault::PAGE && heard.words[1] & fault::PRESENT == 0;
            self.answer()?;
            match (heard.info.has(Info::FAULT), heard.words[0]) {
                (false, told) if told == word => return Ok(()),
                (true, place) if missing && place & !4095 == page::address() => {}
                (_, other) => fail(&alloc::format!(
                    "reshape: {word} was to be found, not {other:#x}"
                )),
            }
        }
    }

    /// Waits until the child writes to the page at `place` without the right to, and leaves it waiting.
    fn hear_fault(&self, place: u64) -> Result<(), Error> {
        let heard = self.endpoint.receive(Some(self.reply), None)?;
        let write = fault::WRITE | fault::PRESENT;
        if heard.info.has(Info::FAULT)
            && heard.info.label() == fault::PAGE
            && heard.words[..2] == [place + WRITTEN as u64, write]
        {
            return Ok(());
        }
        fail("reshape: the child wrote to a page that it may only read");
    }
}

/// A page whose first word is `word`, and the parent's own mapping of it.
fn page_with(resources: &mut Resources, word: u64) -> Result<(Cap<Frame>, Mapping), Error> {
    let frame = resources.frame(1)?;
    let mut mapping = resources.map(frame, 0, 1, Protection::READ_WRITE)?;
    mapping.write(0, &word.to_ne_bytes())?;
    Ok((frame, mapping))
}

/// The image of this very program.
fn own_image(environment: &mut Environment) -> Result<&'static [u8], Error> {
    let frame: Cap<Frame> = environment.require("archive");
    let resources = &mut environment.resources;
    let pages = resources.slots.cnode().inspect(frame.slot())?.size;
    let package = Package::decode(resources.map_constant(frame, pages)?);
    let archive = package.map_err(|_| Error::InvalidArgument)?.archive;
    match sundog_init_core::find(archive, "reshape") {
        Ok(Some(image)) => Ok(image),
        _ => Err(Error::InvalidArgument),
    }
}
