//! A page that both sides share: two words that each writes for the other.

use sundog_rt::cap::object::Frame;
use sundog_rt::cap::{Cap, Error, Protection};
use sundog_rt::{Environment, Mapping};

/// The page, as one side sees it.
pub struct Page {
    mapping: Mapping,
    own: usize,
    other: usize,
}

impl Page {
    /// The page, for the side whose words lie at `own`: 0 or 64.
    ///
    /// # Errors
    /// Those of mapping it.
    pub fn of(environment: &mut Environment, own: usize) -> Result<Page, Error> {
        let frame: Cap<Frame> = environment.require("page");
        let mapping = environment
            .resources
            .map(frame, 0, 1, Protection::READ_WRITE)?;
        let other = 64 - own;
        Ok(Page {
            mapping,
            own,
            other,
        })
    }

    /// Tells the other side a number.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn tell(&mut self, number: u64) -> Result<(), Error> {
        self.mapping.write(self.own, &number.to_ne_bytes())
    }

    /// What the other side told last.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn told(&self) -> Result<u64, Error> {
        self.mapping.word(self.other)
    }

    /// Tells the other side for how long the spinner had run when this side woke up.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn tell_ran(&mut self, ran: u64) -> Result<(), Error> {
        self.mapping.write(self.own + 8, &ran.to_ne_bytes())
    }

    /// What the other side told of the spinner.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn told_ran(&self) -> Result<u64, Error> {
        self.mapping.word(self.other + 8)
    }

    /// Waits, without the kernel, until the other side has told a number.
    ///
    /// # Errors
    /// None: the word lies in the page.
    pub fn await_number(&self, number: u64) -> Result<(), Error> {
        while self.told()? != number {
            core::hint::spin_loop();
        }
        Ok(())
    }
}
