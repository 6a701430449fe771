//! The table of names.

use crate::path::{PathError, clean};
use alloc::string::String;
use alloc::vec::Vec;

/// Most names of a table.
pub const MAX_BINDINGS: usize = 256;
/// Most directories that one name unites.
pub const MAX_MEMBERS: usize = 16;

/// One directory behind a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// The slot of the directory capability in the process' own capability space.
    pub slot: u32,
    /// Whether files that do not exist are created here, when the name unites several directories.
    pub create: bool,
}

/// A name and the directories behind it, the first to be searched first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    prefix: String,
    members: Vec<Member>,
}

impl Binding {
    /// The name, a clean path.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The directories in the order in which they are searched; never empty.
    pub fn members(&self) -> &[Member] {
        &self.members
    }
}

/// Where a bind puts the new directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In front of what the name has: searched first.
    Before,
    /// Behind what the name has: searched last.
    After,
    /// Instead of what the name has.
    Replace,
}

/// Why the table did not do something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The text is not a path.
    Path(PathError),
    /// The parent has forbidden changes.
    Sealed,
    /// No name covers the path, or nothing is bound exactly there.
    NotBound,
    /// The table, or this name's union, is full.
    Full,
    /// Slot 0 is always empty and cannot be bound.
    NoCapability,
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Error {
        Error::Path(error)
    }
}

/// What a path resolved to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved<'a> {
    /// The name that covers the path.
    pub binding: &'a Binding,
    /// What the server of that subtree walks, component by component; without a slash in front; empty for the name itself.
    pub rest: String,
}

/// The names of one process. A clone is what a copying spawn hands to the child; [`Namespace::new`] is the clean start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Namespace {
    /// Sorted by prefix, so that equal tables are equal and searches can stop.
    bindings: Vec<Binding>,
    sealed: bool,
}

impl Namespace {
    /// A table without names: nothing resolves, not even `/`.
    pub fn new() -> Namespace {
        Namespace::default()
    }

    /// The table of rows as a start page lists them: prefix, slot, whether files are created there; rows with the same prefix unite in
    /// their order. With `sealed` it cannot be changed any more.
    ///
    /// # Errors
    /// As [`Namespace::bind`].
    pub fn filled<'a>(
        rows: impl IntoIterator<Item = (&'a str, u32, bool)>,
        sealed: bool,
    ) -> Result<Namespace, Error> {
        let mut table = Namespace::new();
        for (prefix, slot, create) in rows {
            table.bind(prefix, slot, Place::After, create)?;
        }
        table.sealed = sealed;
        Ok(table)
    }

    /// Binds the directory capability in `slot` to the name `path`. With `create`, files that do not exist are created in it.
    ///
    /// # Errors
    /// `Path`, `Sealed`, `Full`, `NoCapability`; the table is as it was.
    pub fn bind(&mut self, path: &str, slot: u32, place: Place, create: bool) -> Result<(), Error> {
        if slot == 0 {
            return Err(Error::NoCapability);
        }
        self.insert(path, &[Member { slot, create }], place)
    }

    /// Binds what is bound at `from` also to `onto`: the names then unite the same directories.
    ///
    /// # Errors
    /// As [`Namespace::bind`]; `NotBound` if nothing is bound exactly at `from`. (What lies below a name is bound by walking there
    /// and binding the capability that the walk gives.)
    pub fn bind_name(&mut self, from: &str, onto: &str, place: Place) -> Result<(), Error> {
        let from = clean(from)?;
        let index = self.position(&from).map_err(|_| Error::NotBound)?;
        let members = self.bindings[index].members.clone();
        self.insert(onto, &members, place)
    }

    fn insert(&mut self, path: &str, added: &[Member], place: Place) -> Result<(), Error> {
        if self.sealed {
            return Err(Error::Sealed);
        }
        let prefix = clean(path)?;
        let index = match self.position(&prefix) {
            Ok(index) => index,
            Err(_) if self.bindings.len() >= MAX_BINDINGS => return Err(Error::Full),
            Err(index) => {
                self.bindings.insert(
                    index,
                    Binding {
                        prefix,
                        members: added.to_vec(),
                    },
                );
                return Ok(());
            }
        };
        let members = &mut self.bindings[index].members;
        if place != Place::Replace && members.len() + added.len() > MAX_MEMBERS {
            return Err(Error::Full);
        }
        match place {
            Place::Before => {
                members.splice(0..0, added.iter().copied());
            }
            Place::After => members.extend_from_slice(added),
            Place::Replace => *members = added.to_vec(),
        }
        Ok(())
    }

    /// Takes the directory of `slot` from the name `path`, or with `None` the whole name.
    ///
    /// # Errors
    /// `Path`, `Sealed`, `NotBound`; the table is as it was.
    pub fn unmount(&mut self, path: &str, slot: Option<u32>) -> Result<(), Error> {
        if self.sealed {
            return Err(Error::Sealed);
        }
        let prefix = clean(path)?;
        let index = self.position(&prefix).map_err(|_| Error::NotBound)?;
        if let Some(slot) = slot {
            let members = &mut self.bindings[index].members;
            let member = members
                .iter()
                .position(|member| member.slot == slot)
                .ok_or(Error::NotBound)?;
            members.remove(member);
            if !members.is_empty() {
                return Ok(());
            }
        }
        self.bindings.remove(index);
        Ok(())
    }

    /// The longest name that covers `path`, and what is left of the path below it.
    ///
    /// # Errors
    /// `Path`; `NotBound` if no name covers it.
    pub fn resolve(&self, path: &str) -> Result<Resolved<'_>, Error> {
        let whole = clean(path)?;
        let mut prefix = whole.as_str();
        loop {
            if let Ok(index) = self.position(prefix) {
                let rest = whole[prefix.len()..].trim_start_matches('/').into();
                return Ok(Resolved {
                    binding: &self.bindings[index],
                    rest,
                });
            }
            prefix = match prefix.rfind('/') {
                _ if prefix == "/" => return Err(Error::NotBound),
                Some(0) | None => "/",
                Some(end) => &prefix[..end],
            };
        }
    }

    /// Forbids every further change, for good; copies are sealed too.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Whether changes are forbidden.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The names in alphabetical order.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The names that lie directly or deeper below the folder `path`, so that a listing of a folder can show them.
    ///
    /// # Errors
    /// `Path`.
    pub fn below(&self, path: &str) -> Result<impl Iterator<Item = &Binding>, Error> {
        let mut folder = clean(path)?;
        if folder != "/" {
            folder.push('/');
        }
        Ok(self.bindings.iter().filter(move |binding| {
            binding.prefix.len() > folder.len() && binding.prefix.starts_with(&folder)
        }))
    }

    fn position(&self, prefix: &str) -> Result<usize, usize> {
        self.bindings
            .binary_search_by(|binding| binding.prefix.as_str().cmp(prefix))
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
