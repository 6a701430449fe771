//! Map, unmap, protect, share and look up, by the kernel and by the model.

use sundog_abi::memory::USER_END;
use sundog_abi::{Error, ObjectType, Protection};
use sundog_core::{Map, Share, VSpace};
use sundog_machine::Ref;
use sundog_machine::format::PAGE_SIZE;

use crate::caps::Cap;
use crate::machine::World;
use crate::model::Mapping;

impl World {
    pub fn map(&mut self) -> Option<()> {
        let (space, frame) = (
            self.some(ObjectType::VSpace)?,
            self.some(ObjectType::Frame)?,
        );
        let (vspace, cap) = (self.vspace(space), self.caps.slots[&frame]);
        let first = self.random.below(u64::from(cap.pages)) as u32;
        let what = Map {
            frame: self.slot(frame),
            address: self.address() + u64::from(self.random.chance(3)),
            first,
            count: if self.random.chance(95) {
                self.random.below(u64::from(cap.pages - first)) as u32 + 1
            } else {
                self.random.below(100) as u32
            },
            protection: self.protection(),
        };
        let expected = self.expect_map(vspace, &cap, &what);
        assert_eq!(self.kernel.vspace_map(vspace, what), expected, "{what:?}");
        self.note(format!("map {:?}", expected.map(|done| done == what.count)));
        for page in 0..u64::from(expected.unwrap_or(0)) {
            let mapping = Mapping {
                page: u64::from(cap.object.1 + what.first) + page,
                protection: what.protection.0,
                allowed: cap.rights as u8 & 7,
                device: cap.device,
                owner: cap.name,
            };
            self.space(vspace)
                .pages
                .insert(what.address + page * PAGE_SIZE, mapping);
        }
        Some(())
    }

    fn expect_map(&self, vspace: Ref<VSpace>, cap: &Cap, what: &Map) -> Result<u32, Error> {
        let space = &self.spaces[&vspace.unit()];
        let end = what.address + u64::from(what.count) * PAGE_SIZE;
        if !what.address.is_multiple_of(PAGE_SIZE)
            || end > USER_END
            || what.first + what.count > cap.pages
        {
            return Err(Error::OutOfRange);
        }
        expect_protection(what.protection, space.guests)?;
        if !Protection(cap.rights as u8).contains(what.protection) {
            return Err(Error::MissingRights);
        }
        let all: Vec<u64> = (0..u64::from(what.count.min(64)))
            .map(|page| what.address + page * PAGE_SIZE)
            .collect();
        let free = all
            .iter()
            .take_while(|address| !space.pages.contains_key(address))
            .count();
        if free == 0 && what.count > 0 {
            return Err(Error::AlreadyMapped);
        }
        self.expect_tables(vspace, &all[..free])?;
        Ok(free as u32)
    }

    fn expect_tables(&self, vspace: Ref<VSpace>, more: &[u64]) -> Result<(), Error> {
        let space = &self.spaces[&vspace.unit()];
        let need = space.table_pages(more) - space.table_pages(&[]);
        if need > self.kernel.get(vspace).free.get() {
            return Err(Error::NeedTables);
        }
        Ok(())
    }

    /// A range, mostly one that begins where something is mapped.
    fn range(&mut self, vspace: Ref<VSpace>) -> (u64, u64) {
        let pages = match self.random.below(12) {
            0 => 0x8_0000 + self.random.below(4),
            1 => self.random.below(80),
            _ => self.random.below(5),
        };
        let mapped: Vec<u64> = self.space(vspace).pages.keys().copied().collect();
        match self.random.pick(&mapped) {
            Some(address) if self.random.chance(70) => (address, pages),
            _ => (self.address(), pages),
        }
    }

    pub fn unmap(&mut self) -> Option<()> {
        let space = self.some(ObjectType::VSpace)?;
        let vspace = self.vspace(space);
        let (address, pages) = self.range(vspace);
        let end = address + pages * PAGE_SIZE;
        let result = self.kernel.vspace_unmap(vspace, address, pages);
        self.note(format!("unmap {:?}", result.map(|done| done == pages)));
        if end > USER_END {
            assert_eq!(result, Err(Error::OutOfRange));
            return Some(());
        }
        let looked = result.unwrap();
        assert!(
            looked <= pages && (looked > 0 || pages == 0),
            "it comes further"
        );
        let stop = address + looked * PAGE_SIZE;
        self.space(vspace)
            .pages
            .retain(|at, _| !(address..stop).contains(at));
        Some(())
    }

    pub fn protect(&mut self) -> Option<()> {
        let space = self.some(ObjectType::VSpace)?;
        let vspace = self.vspace(space);
        let ((address, pages), wanted) = (self.range(vspace), self.protection());
        let result = self.kernel.vspace_protect(vspace, address, pages, wanted);
        self.note(format!("protect {:?}", result.map(|done| done == pages)));
        let space = self.space(vspace);
        if address + pages * PAGE_SIZE > USER_END {
            assert_eq!(result, Err(Error::OutOfRange));
            return Some(());
        }
        if let Err(error) = expect_protection(wanted, space.guests) {
            assert_eq!(result, Err(error));
            return Some(());
        }
        let (met, mut end) = space.walk(address, pages);
        for at in met {
            let mapping = space.pages.get_mut(&at).unwrap();
            if !Protection(mapping.allowed).contains(wanted) {
                end = at;
                break;
            }
            mapping.protection = wanted.0;
        }
        if end == address && pages > 0 {
            assert_eq!(result, Err(Error::MissingRights));
        } else {
            assert_eq!(result, Ok((end - address) / PAGE_SIZE));
        }
        for at in [address, address + PAGE_SIZE] {
            let mapped = self.space(vspace).pages.get(&at).copied();
            let answer = mapped.map_or(0, |mapping| u64::from(mapping.protection) + 8);
            let expected = if at < USER_END {
                Ok(answer)
            } else {
                Err(Error::OutOfRange)
            };
            assert_eq!(self.kernel.vspace_look_up(vspace, at), expected);
        }
        Some(())
    }

    pub fn share(&mut self) -> Option<()> {
        let spaces = (
            self.some(ObjectType::VSpace)?,
            self.some(ObjectType::VSpace)?,
        );
        let (source, destination) = (self.vspace(spaces.0), self.vspace(spaces.1));
        let (address, pages) = self.range(source);
        let what = Share {
            address,
            pages,
            mask: self.protection(),
            drop_write: self.random.chance(50),
        };
        let (shared, expected) = self.expect_share(source, destination, &what);
        let result = self.kernel.vspace_share(source, destination, what);
        assert_eq!(result, expected, "{what:?}");
        self.note(format!(
            "share {:?} {}",
            expected.map(|done| done == pages),
            shared.is_empty()
        ));
        for at in shared {
            let from = self.space(source).pages.get_mut(&at).unwrap();
            let new = Mapping {
                protection: from.protection & what.mask.0,
                allowed: from.allowed & what.mask.0,
                ..*from
            };
            if what.drop_write {
                from.protection &= !Protection::WRITE.0;
            }
            self.space(destination).pages.insert(at, new);
        }
        Some(())
    }

    fn expect_share(
        &self,
        source: Ref<VSpace>,
        destination: Ref<VSpace>,
        what: &Share,
    ) -> (Vec<u64>, Result<u64, Error>) {
        let (from, to) = (
            &self.spaces[&source.unit()],
            &self.spaces[&destination.unit()],
        );
        if what.address + what.pages * PAGE_SIZE > USER_END {
            return (Vec::new(), Err(Error::OutOfRange));
        }
        if !what.mask.contains(Protection::READ) {
            return (Vec::new(), Err(Error::InvalidArgument));
        }
        let (met, mut end) = from.walk(what.address, what.pages);
        let mut shared = Vec::new();
        for at in met {
            let wanted = Protection(from.pages[&at].protection & what.mask.0);
            let check = if to.pages.contains_key(&at) {
                Err(Error::AlreadyMapped)
            } else {
                expect_protection(wanted, to.guests)
            };
            if let Err(error) = check {
                if at == what.address {
                    return (Vec::new(), Err(error));
                }
                end = at;
                break;
            }
            shared.push(at);
        }
        if let Err(error) = self.expect_tables(destination, &shared) {
            return (Vec::new(), Err(error));
        }
        (shared, Ok((end - what.address) / PAGE_SIZE))
    }
}

fn expect_protection(wanted: Protection, guests: bool) -> Result<(), Error> {
    if !wanted.contains(Protection::READ) {
        return Err(Error::InvalidArgument);
    }
    if wanted.contains(Protection(6)) && !guests {
        return Err(Error::NotAllowed);
    }
    Ok(())
}
