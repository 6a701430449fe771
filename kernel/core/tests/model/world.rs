//! The small world: two programs with five slots each, a piece of memory each, an endpoint in common, and all that they can try.

use std::hash::{DefaultHasher, Hash, Hasher};

use sundog_abi::{Error, ObjectType, Rights};
use sundog_core::{CNode, Kernel, Retype, Slot, Stop};
use sundog_machine::{Backing, Ref, Token};

use crate::history::History;

const SLOTS: u32 = 6;
const SYSTEM: u32 = 1;
const MEMORY: u32 = 192;
const UNITS: u32 = MEMORY + 192;
const INIT_SLOTS: u32 = 12;

/// One thing that a program can try. Slots are those of its own CNode.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Copy {
        from: u32,
        to: u32,
        rights: Rights,
    },
    Mint {
        from: u32,
        to: u32,
    },
    Move {
        from: u32,
        to: u32,
    },
    /// Moves into slot 1 of the CNode in slot `cnode`.
    MoveIn {
        from: u32,
        cnode: u32,
    },
    /// Revokes slot 1 of the CNode in slot `cnode`.
    RevokeIn {
        cnode: u32,
        patience: Option<u32>,
    },
    Give {
        from: u32,
        to: u32,
    },
    Delete {
        slot: u32,
        patience: Option<u32>,
    },
    Revoke {
        slot: u32,
        patience: Option<u32>,
    },
    Retype {
        from: u32,
        kind: ObjectType,
        size: u64,
        to: u32,
    },
    Reset {
        slot: u32,
    },
}

/// A program and what it tries.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub program: usize,
    pub act: Act,
}

impl Step {
    pub fn all() -> impl Iterator<Item = Step> {
        (0..2).flat_map(|program| {
            Self::acts()
                .into_iter()
                .map(move |act| Step { program, act })
        })
    }

    fn acts() -> Vec<Act> {
        let mut acts = Vec::new();
        for from in 1..SLOTS {
            acts.push(Act::Reset { slot: from });
            for patience in [Some(0), Some(1), Some(3), None] {
                acts.push(Act::Delete {
                    slot: from,
                    patience,
                });
                acts.push(Act::Revoke {
                    slot: from,
                    patience,
                });
                acts.push(Act::RevokeIn {
                    cnode: from,
                    patience,
                });
            }
            for to in (1..SLOTS).filter(|to| *to != from) {
                acts.push(Act::Copy {
                    from,
                    to,
                    rights: Rights::ALL,
                });
                acts.push(Act::Move { from, to });
                acts.push(Act::Give { from, to });
                acts.push(Act::MoveIn { from, cnode: to });
            }
            acts.push(Act::Retype {
                from,
                kind: ObjectType::CNode,
                size: 3,
                to: SLOTS - 1,
            });
            let to = from % (SLOTS - 1) + 1;
            acts.push(Act::Copy {
                from,
                to,
                rights: Rights::SEND,
            });
            acts.push(Act::Mint { from, to });
            acts.push(Act::Retype {
                from,
                kind: ObjectType::Endpoint,
                size: 0,
                to,
            });
            acts.push(Act::Retype {
                from,
                kind: ObjectType::CNode,
                size: 3,
                to,
            });
            acts.push(Act::Retype {
                from,
                kind: ObjectType::Untyped,
                size: 6 * 64,
                to,
            });
        }
        acts
    }
}

#[derive(Clone)]
pub struct World {
    kernel: Kernel,
    init: Ref<CNode>,
    programs: [Ref<CNode>; 2],
    history: History,
    /// Whether an operation was ever interrupted (and perhaps not gone on with).
    interrupted: bool,
}

impl World {
    pub fn new() -> World {
        let mut token = Token::host(Backing::new(UNITS, 1));
        token.zero(1, MEMORY - 1);
        let mut kernel = Kernel::create(token, SYSTEM, 1);
        let init = kernel.boot_cnode(SYSTEM + Kernel::system_units(1), INIT_SLOTS);
        let slot = |index| kernel.cnode_slot(init, index).unwrap();
        let (memory, cnodes, endpoint) = (slot(2), [slot(3), slot(4)], slot(5));
        kernel.boot_untyped(memory, MEMORY, UNITS - MEMORY, false);
        let make = |kernel: &mut Kernel, kind, size, target, first| {
            let what = Retype {
                kind,
                size,
                target,
                first,
                count: 1,
            };
            assert_eq!(kernel.untyped_retype(memory, what), Ok(1));
        };
        make(&mut kernel, ObjectType::CNode, u64::from(SLOTS), init, 3);
        make(&mut kernel, ObjectType::CNode, u64::from(SLOTS), init, 4);
        make(&mut kernel, ObjectType::Endpoint, 0, init, 5);
        let programs = cnodes.map(|slot| kernel.get(slot).object.get::<CNode>().unwrap());
        for (cnode, held) in programs.into_iter().zip(cnodes) {
            make(&mut kernel, ObjectType::Untyped, 24 * 64, cnode, 1);
            for (source, index) in [(endpoint, 2), (held, 3)] {
                let target = kernel.cnode_slot(cnode, index).unwrap();
                kernel
                    .cnode_copy(source, target, Rights::ALL, None)
                    .unwrap();
            }
        }
        for cnode in programs {
            let memory = kernel.cnode_slot(cnode, 1).unwrap();
            let what = Retype {
                kind: ObjectType::CNode,
                size: 3,
                target: cnode,
                first: 4,
                count: 1,
            };
            assert_eq!(kernel.untyped_retype(memory, what), Ok(1));
        }
        let mut history = History::default();
        history.begin(&kernel, &kernel.check());
        World {
            kernel,
            init,
            programs,
            history,
            interrupted: false,
        }
    }

    fn slot(&self, program: usize, index: u32) -> Option<Ref<Slot>> {
        // A program whose CNode is gone can do nothing any more.
        let alive = self
            .kernel
            .token()
            .backing()
            .is_alive(self.programs[program].unit());
        if alive {
            self.kernel.cnode_slot(self.programs[program], index)
        } else {
            None
        }
    }

    fn usable(&self, program: usize, index: u32) -> Option<Ref<Slot>> {
        let slot = self.slot(program, index)?;
        let capability = self.kernel.get(slot);
        (!capability.is_empty()
            && !capability.has(sundog_core::flag::MARKED | sundog_core::flag::DYING))
        .then_some(slot)
    }

    fn empty(&self, program: usize, index: u32) -> Option<Ref<Slot>> {
        let slot = self.slot(program, index)?;
        self.kernel.get(slot).is_empty().then_some(slot)
    }

    /// Tries a step; tells whether the program could try it at all.
    pub fn apply(&mut self, step: Step) -> bool {
        let done = self.attempt(step);
        if done.is_some() {
            let tree = self.kernel.check();
            self.history.follow(&self.kernel, &tree, step);
            if !self.interrupted {
                let dying = |node: Ref<Slot>| {
                    self.kernel
                        .get(node)
                        .has(sundog_core::flag::DYING | sundog_core::flag::REVOKING)
                };
                assert!(
                    !tree.values().any(|(node, _)| dying(*node)),
                    "a finished operation leaves nothing half done"
                );
            }
        }
        done.is_some()
    }

    fn attempt(&mut self, Step { program, act }: Step) -> Option<()> {
        match act {
            Act::Copy { from, to, rights } => {
                self.copy(program, from, self.empty(program, to)?, rights, None)?
            }
            Act::Mint { from, to } => self.copy(
                program,
                from,
                self.empty(program, to)?,
                Rights::ALL,
                Some(7),
            )?,
            Act::Give { from, to } => self.copy(
                program,
                from,
                self.empty(1 - program, to)?,
                Rights::ALL,
                None,
            )?,
            Act::Move { from, to } => {
                let (source, target) = (self.usable(program, from)?, self.empty(program, to)?);
                self.history.moved(source, target);
                self.kernel.slot_move(source, target);
            }
            Act::Delete { slot, patience } => {
                let slot = self.slot(program, slot)?;
                if self.kernel.get(slot).is_empty() {
                    return None;
                }
                self.patience(patience);
                let end = self.kernel.delete(slot);
                self.ended(end);
            }
            Act::MoveIn { from, cnode } => {
                let (source, target) = (self.usable(program, from)?, self.inside(program, cnode)?);
                if !self.kernel.get(target).is_empty() {
                    return None;
                }
                self.history.moved(source, target);
                self.kernel.slot_move(source, target);
            }
            Act::Revoke { slot, patience } => self.revoke(self.usable(program, slot)?, patience)?,
            Act::RevokeIn { cnode, patience } => {
                let slot = self.inside(program, cnode)?;
                let capability = self.kernel.get(slot);
                if capability.is_empty()
                    || capability.has(sundog_core::flag::MARKED | sundog_core::flag::DYING)
                {
                    return None;
                }
                self.revoke(slot, patience)?;
            }
            Act::Retype {
                from,
                kind,
                size,
                to,
            } => {
                let source = self.usable(program, from)?;
                if self.kernel.get(source).kind() != Some(ObjectType::Untyped) {
                    return None;
                }
                let what = Retype {
                    kind,
                    size,
                    target: self.programs[program],
                    first: to,
                    count: 1,
                };
                if self.kernel.untyped_retype(source, what).is_ok() {
                    self.history.derived(source, self.slot(program, to)?);
                }
            }
            Act::Reset { slot } => {
                let slot = self.usable(program, slot)?;
                if self.kernel.get(slot).kind() != Some(ObjectType::Untyped) {
                    return None;
                }
                let children = self.kernel.get(slot).first_child.get().is_some();
                assert_eq!(
                    self.kernel.untyped_reset(slot),
                    if children {
                        Err(Error::HasChildren)
                    } else {
                        Ok(())
                    }
                );
            }
        }
        Some(())
    }

    fn inside(&self, program: usize, cnode: u32) -> Option<Ref<Slot>> {
        let cnode = self
            .kernel
            .get(self.usable(program, cnode)?)
            .object
            .get::<CNode>()?;
        self.kernel.cnode_slot(cnode, 1)
    }

    fn revoke(&mut self, slot: Ref<Slot>, patience: Option<u32>) -> Option<()> {
        self.kernel.get(slot).first_child.get()?;
        let capability = self.history.name(slot);
        self.patience(patience);
        let end = self.kernel.revoke(slot);
        self.ended(end);
        if end.is_ok() {
            self.history.revoked(&self.kernel.check(), capability);
        }
        Some(())
    }

    fn copy(
        &mut self,
        program: usize,
        from: u32,
        target: Ref<Slot>,
        rights: Rights,
        badge: Option<u64>,
    ) -> Option<()> {
        let source = self.usable(program, from)?;
        let before = self.kernel.get(source).flags();
        match self.kernel.cnode_copy(source, target, rights, badge) {
            Ok(()) => {
                assert!(
                    before & sundog_core::flag::REVOKING == 0,
                    "no child while it is being revoked"
                );
                self.history.derived(source, target);
            }
            Err(_) => assert!(
                self.kernel.get(target).is_empty(),
                "a failed copy changes nothing"
            ),
        }
        Some(())
    }

    /// How many steps a long operation may take before it is interrupted.
    fn patience(&mut self, steps: Option<u32>) {
        self.kernel
            .token()
            .backing()
            .hardware
            .preempt_after
            .set(steps);
        self.kernel.unfinished = None;
    }

    /// After an operation that may have been interrupted, and is not always gone on with.
    fn ended(&mut self, end: Result<(), Stop>) {
        self.kernel
            .token()
            .backing()
            .hardware
            .preempt_after
            .set(None);
        match end {
            Err(Stop::Error(error)) => assert_eq!(error, Error::Revoked),
            Err(Stop::Preempted) => self.interrupted = true,
            Ok(()) => {}
        }
    }

    /// Init revokes all: nothing is left, and the memory can be made free.
    pub fn end(&mut self) {
        let memory = self.kernel.cnode_slot(self.init, 2).unwrap();
        assert_eq!(self.kernel.revoke(memory), Ok(()));
        let tree = self.kernel.check();
        assert_eq!(tree.len(), 2, "only init's own CNode and memory are left");
        assert_eq!(self.kernel.untyped_reset(memory), Ok(()));
        assert!(
            (MEMORY..UNITS).all(|unit| !self.kernel.token().backing().is_alive(unit)),
            "all memory is free"
        );
    }

    /// A number that stands for the state.
    pub fn fingerprint(&mut self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for word in self.kernel.token_mut().backing_mut().words() {
            word.hash(&mut hasher);
        }
        hasher.finish()
    }
}
