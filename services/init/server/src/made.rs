//! What init makes once and keeps, so that a program that is started again gets the same.

use alloc::vec::Vec;
use sundog_manifest::{Kind, Manifest};
use sundog_rt::BootEnvironment;
use sundog_rt::cap::object::{Endpoint, Frame, IoPorts, Notification};
use sundog_rt::cap::{Cap, Error, Rights, Slots};

/// The objects that the manifest's capabilities name, in the manifest's order.
pub struct Made {
    /// The endpoints; `None`: its server is gone for good.
    pub endpoints: Vec<Option<Cap<Endpoint>>>,
    /// The notifications.
    pub notifications: Vec<Cap<Notification>>,
    /// The rings.
    pub rings: Vec<Cap<Frame>>,
    /// Ranges of ports that were asked for: first, count.
    ports: Vec<((u16, u16), Cap<IoPorts>)>,
}

impl Made {
    /// Makes endpoints, notifications and rings. `debug`: the port that init itself writes to, which programs may share.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(
        environment: &mut BootEnvironment,
        manifest: &Manifest<'_>,
        debug: Option<Cap<IoPorts>>,
    ) -> Result<Made, Error> {
        let resources = &mut environment.resources;
        let (pool, slots) = (&mut resources.pool, &mut resources.slots);
        let endpoints = manifest
            .endpoints()
            .map(|_| pool.make(slots, 0).map(Some))
            .collect::<Result<_, _>>()?;
        let notifications = manifest
            .notifications()
            .map(|_| pool.make(slots, 0))
            .collect::<Result<_, _>>()?;
        let rings = manifest
            .rings()
            .map(|ring| pool.make(slots, ring.pages.into()))
            .collect::<Result<_, _>>()?;
        Ok(Made {
            endpoints,
            notifications,
            rings,
            ports: debug
                .map(|ports| ((crate::DEBUG_PORT, 1), ports))
                .into_iter()
                .collect(),
        })
    }

    /// The capability of a range of ports, which the kernel gives once.
    ///
    /// # Errors
    /// Those of `io_port_control_get`.
    pub fn ports(
        &mut self,
        environment: &mut BootEnvironment,
        first: u16,
        count: u16,
    ) -> Result<Cap<IoPorts>, Error> {
        if let Some((_, ports)) = self
            .ports
            .iter()
            .find(|(known, _)| *known == (first, count))
        {
            return Ok(*ports);
        }
        let control = environment.io_port_control();
        let ports = environment
            .resources
            .slots
            .fill(|slot| control.get(first, count.into(), Slots::ROOT, slot))?;
        self.ports.push(((first, count), ports));
        Ok(ports)
    }

    /// Signals those who are to know that a program ended.
    ///
    /// # Errors
    /// Those of `cnode_mint`; the others are not told then.
    pub fn tell(
        &self,
        environment: &mut BootEnvironment,
        program: &sundog_manifest::Program<'_>,
    ) -> Result<(), Error> {
        let slots = &mut environment.resources.slots;
        for tell in program.tells() {
            let Some(all) = self.notifications.get(tell.notification as usize) else {
                continue;
            };
            let cnode = slots.cnode();
            let badged: Cap<Notification> =
                slots.fill(|slot| cnode.mint(slot, all.address(), Rights::SEND, tell.badge))?;
            badged.signal()?;
            slots.delete(badged.slot())?;
        }
        Ok(())
    }

    /// Gives up the endpoints that a program served, so that calls to them fail instead of waiting for ever.
    ///
    /// # Errors
    /// Those of `cnode_delete`.
    pub fn abandon(
        &mut self,
        environment: &mut BootEnvironment,
        program: &sundog_manifest::Program<'_>,
    ) -> Result<(), Error> {
        for capability in program.capabilities() {
            if let Kind::Serves { endpoint } = capability.kind
                && let Some(endpoint) = self
                    .endpoints
                    .get_mut(endpoint as usize)
                    .and_then(Option::take)
            {
                environment.resources.slots.delete(endpoint.slot())?;
            }
        }
        Ok(())
    }
}
