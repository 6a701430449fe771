//! A program for tests, in the place of a personality: echoes a line of its terminal, asks the consent service for the serial line
//! 1, records what comes there until the grant is revoked, and says on its terminal how each step went.
//!
//! Given: `console` and `consent` (endpoints), `events` (its notification), `input` and `output` (the terminal's rings) with
//! `wake-console`; perhaps `friends` (an endpoint that it serves): then it shares the line with the program that calls there; perhaps
//! `kill` (the notification of a program that kills drivers): then it has the terminal's, the control line's and the guarded line's
//! driver killed, each while it works with it, and goes on with the next one.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod friend;
mod killer;
mod terminal;

use alloc::format;
use friend::{Friend, names};
use killer::Killer;
use sundog_protocols::consent::{Open, Opened, Resource};
use sundog_protocols::serial::{Failure, Recorded, encode_number, label};
use sundog_protocols::{Malformed, Words};
use sundog_rt::cap::object::Endpoint;
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Address;
use sundog_rt::{Environment, entry, fail};
use sundog_service::{Trouble, arrived, outgoing};
use terminal::Terminal;

entry!(run);

/// The most bytes of one record.
const MOST: u64 = 64;

fn run(environment: Environment) {
    if let Err(trouble) = conversation(environment) {
        fail(&format!("asker: {trouble:?}"));
    }
}

fn conversation(mut environment: Environment) -> Result<(), Trouble> {
    let consent: Cap<Endpoint> = environment.require("consent");
    let slot = environment.resources.slots.take()?;
    let mut terminal = Terminal::new(&mut environment)?;
    let friend = Friend::new(&mut environment)?;
    let killer = Killer::new(&environment);
    let cnode = environment.resources.slots.cnode();
    let page = &mut environment.message;
    terminal.wait_for_start(page)?;
    terminal.say("asker: ready")?;
    echo(&mut terminal)?;
    if let Some(killer) = &killer {
        killer.strike(&mut terminal)?;
        echo(&mut terminal)?;
        killer.strike(&mut terminal)?;
    }
    let device = Cap::root(slot);
    let mut status = ask(page, consent, slot, &mut terminal)?;
    if status == 0 {
        status = match (friend, &killer) {
            (None, None) => record(page, device, &mut terminal, None)?,
            (Some(friend), _) => {
                let rights = names(cnode.inspect(slot)?.rights);
                terminal.say(&format!("asker: holds {rights}"))?;
                share(page, device, &friend, &mut terminal)?
            }
            (None, Some(killer)) => {
                record(page, device, &mut terminal, Some(killer))?;
                cnode.delete(slot)?;
                match ask(page, consent, slot, &mut terminal)? {
                    0 => record(page, device, &mut terminal, None)?,
                    refused => refused,
                }
            }
        }
    }
    terminal.exit(page, status)
}

/// Reads a line and says it.
fn echo(terminal: &mut Terminal) -> Result<(), Trouble> {
    let line = terminal.read_line()?;
    terminal.say(&format!("asker: you typed {line}"))
}

/// Asks for the device; with the status 0 its capability is in the slot, which was empty.
fn ask(
    page: &mut MessagePage,
    consent: Cap<Endpoint>,
    slot: u32,
    terminal: &mut Terminal,
) -> Result<u8, Trouble> {
    page.set_window(Address::NULL, slot, 1);
    let answer = call(page, consent, open())?;
    Ok(match Opened::decode(&answer) {
        Ok(Ok(opened)) if page.arrived() & 1 == 1 => {
            terminal.say(&format!("asker: opened, {}", opened.answer.word()))?;
            0
        }
        Ok(Ok(_)) => {
            terminal.say("asker: opened, but no capability came")?;
            2
        }
        Ok(Err(refusal)) => {
            terminal.say(&format!("asker: refused, {refusal:?}"))?;
            3
        }
        Err(Malformed) => 4,
    })
}

fn open() -> Result<Words, Malformed> {
    let open = Open {
        resource: Resource::Serial,
        instance: "1".into(),
        number: 0,
        program_hash: [1; 32],
        program: "/bin/asker".into(),
    };
    open.encode()
}

/// Records until the device says that the grant is gone; the exit status. With a killer, the driver dies after each record.
fn record(
    page: &mut MessagePage,
    device: Cap<Endpoint>,
    terminal: &mut Terminal,
    killer: Option<&Killer>,
) -> Result<u8, Trouble> {
    let (mut count, mut pieces, begin) = (0, 0, terminal.milliseconds());
    let mut last = begin;
    loop {
        let answer = match call(page, device, encode_number(label::RECORD, MOST)) {
            // The device drops the grant at once; a moment later the kernel has taken the capability away.
            Err(Trouble::Kernel(Error::InvalidAddress)) => Failure::Revoked.encode(),
            answer => answer?,
        };
        match Recorded::decode(&answer) {
            Ok(Ok(Recorded(bytes))) => {
                let text = alloc::string::String::from_utf8_lossy(&bytes);
                terminal.say(&format!("asker: recorded {text}"))?;
                (count, pieces, last) = (count + bytes.len(), pieces + 1, terminal.milliseconds());
                if let Some(killer) = killer {
                    killer.strike(terminal)?;
                }
            }
            Ok(Err(Failure::Empty | Failure::Limited)) => terminal.pause()?,
            Ok(Err(Failure::Revoked)) => {
                if pieces > 1 {
                    let taken = last - begin;
                    terminal.say(&format!("asker: {count} bytes in {taken} ms"))?;
                }
                terminal.say("asker: revoked")?;
                return Ok(0);
            }
            Ok(Err(failure)) => {
                terminal.say(&format!("asker: {failure:?}"))?;
                return Ok(5);
            }
            Err(Malformed) => return Ok(6),
        }
    }
}

/// Hands a narrower copy to the friend, tells what it recorded, and after the end of the grant how its next call failed; the exit status.
fn share(
    page: &mut MessagePage,
    device: Cap<Endpoint>,
    friend: &Friend,
    terminal: &mut Terminal,
) -> Result<u8, Trouble> {
    friend.give(page, device)?;
    let recorded = friend.recorded(page)?;
    terminal.say(&format!("friend: recorded {recorded}"))?;
    let status = record(page, device, terminal, None)?;
    match friend.failed(page)? {
        Some(error) => terminal.say(&format!("friend: {error:?}"))?,
        None => terminal.say("friend: it still works")?,
    }
    Ok(status)
}

/// Calls a server; what makes no sense becomes a message that no protocol knows.
fn call(
    page: &mut MessagePage,
    server: Cap<Endpoint>,
    request: Result<Words, Malformed>,
) -> Result<Words, Trouble> {
    let Ok(request) = request else {
        return Ok(Words::new(u64::MAX));
    };
    let (info, registers) = outgoing(page, &request);
    let received = server.call(info, &registers, None)?;
    Ok(arrived(page, &received).unwrap_or_else(|Malformed| Words::new(u64::MAX)))
}
