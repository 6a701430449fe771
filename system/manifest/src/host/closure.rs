//! Who can get capabilities of whom, and whether those concerned said that they trust each other.
//!
//! Capabilities go from one program to another in three ways: a client with the right `grant` sends them in a call; a server with
//! the right `grant` puts them into the reply to a client with `grant-reply`; a program that holds the CNode, Thread, VSpace or a
//! Frame of another takes them. What a server hands out of its own endpoint with `grant` opens the first way too. The ways add up: what a server got, it can give on. A ring is no way, since it is made for both
//! sides, is never executable, and holds bytes only. Init made everything and is trusted by everybody.

use std::collections::VecDeque;
use std::format;
use std::string::String;
use std::vec::Vec;

use sundog_abi::Rights;

use super::check::Faults;
use super::system::{Grant, System};
use crate::capability::{Kind, Object};

/// A way of capabilities from one program to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The number of the program whose capabilities they are.
    pub from: usize,
    /// The number of the program that can get them.
    pub to: usize,
    /// The programs in between, by number; empty if there is a direct way.
    pub through: Vec<usize>,
    /// The last step in words.
    pub reason: String,
}

/// A direct way.
struct Edge {
    from: usize,
    to: usize,
    reason: String,
}

/// Every pair of programs with a way, the shortest one, in the order of the programs.
pub fn flows(system: &System) -> Vec<Flow> {
    let mut edges = edges(system);
    loop {
        let flows = shortest(system, &edges);
        let before = edges.len();
        for flow in &flows {
            for (endpoint, server) in minted_with_grant(system).filter(|(_, s)| *s == flow.from) {
                let known = |edge: &Edge| edge.from == flow.to && edge.to == server;
                if !edges.iter().any(known) {
                    edges.push(Edge {
                        from: flow.to,
                        to: server,
                        reason: format!("it may have been given \"{endpoint}\" with grant"),
                    });
                }
            }
        }
        if edges.len() == before {
            return flows;
        }
    }
}

/// Endpoints of which their server makes capabilities with `grant`, with the server. Whoever can get a capability of that server
/// can have got such a one, and send it capabilities.
fn minted_with_grant(system: &System) -> impl Iterator<Item = (&str, usize)> {
    let programs = system.programs.iter().enumerate();
    programs.flat_map(move |(server, program)| {
        let mints = move |grant: &Grant| match grant.kind {
            Kind::Mints { endpoint } if grant.rights.contains(Rights::GRANT) => Some((
                system.endpoints[usize::try_from(endpoint).ok()?]
                    .endpoint
                    .as_str(),
                server,
            )),
            _ => None,
        };
        program.capabilities.iter().filter_map(mints)
    })
}

fn shortest(system: &System, edges: &[Edge]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for from in 0..system.programs.len() {
        // Breadth first, so that the first way found is a shortest one.
        let mut found: Vec<Option<(usize, &Edge)>> = system.programs.iter().map(|_| None).collect();
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for edge in edges.iter().filter(|edge| edge.from == at) {
                if edge.to != from && found[edge.to].is_none() {
                    found[edge.to] = Some((at, edge));
                    queue.push_back(edge.to);
                }
            }
        }
        for (to, step) in found.iter().enumerate() {
            let Some((mut before, edge)) = *step else {
                continue;
            };
            let mut through = Vec::new();
            while before != from {
                through.insert(0, before);
                let Some((earlier, _)) = found[before] else {
                    break;
                };
                before = earlier;
            }
            let reason = edge.reason.clone();
            flows.push(Flow {
                from,
                to,
                through,
                reason,
            });
        }
    }
    flows
}

fn edges(system: &System) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (holder, program) in system.programs.iter().enumerate() {
        for grant in &program.capabilities {
            match grant.kind {
                Kind::Calls { endpoint, .. } => {
                    let Some(server) = server(system, endpoint) else {
                        continue;
                    };
                    let endpoint_name = &system.endpoints[server.0].endpoint;
                    if grant.rights.contains(Rights::GRANT) {
                        edges.push(Edge {
                            from: holder,
                            to: server.1,
                            reason: format!(
                                "its calls of \"{endpoint_name}\" can carry capabilities"
                            ),
                        });
                    }
                    let answers = grant.rights.contains(Rights::GRANT_REPLY);
                    if answers && serves_with_grant(system, server) {
                        edges.push(Edge {
                            from: server.1,
                            to: holder,
                            reason: format!(
                                "replies on \"{endpoint_name}\" can carry capabilities"
                            ),
                        });
                    }
                }
                Kind::Foreign {
                    program: owner,
                    object,
                } => edges.push(Edge {
                    from: usize::try_from(owner).unwrap_or(usize::MAX),
                    to: holder,
                    reason: format!("{} holds its {}", program.name, object_name(object)),
                }),
                _ => {}
            }
        }
    }
    edges
}

/// The number of the endpoint and of its server.
fn server(system: &System, endpoint: u32) -> Option<(usize, usize)> {
    let index = usize::try_from(endpoint).ok()?;
    Some((index, system.endpoints.get(index)?.program))
}

fn serves_with_grant(system: &System, (endpoint, server): (usize, usize)) -> bool {
    system.programs[server].capabilities.iter().any(|grant| {
        matches!(grant.kind, Kind::Serves { endpoint: served } if usize::try_from(served) == Ok(endpoint))
            && grant.rights.contains(Rights::GRANT)
    })
}

fn object_name(object: Object) -> &'static str {
    let mut names = Object::NAMES.iter();
    names
        .find(|(_, other)| *other == object)
        .map_or("", |(name, _)| name)
}

impl System {
    /// The closure as text, one line for each pair, for people and golden files.
    pub fn closure(&self) -> String {
        let name = |program: usize| self.programs[program].name.as_str();
        let mut text = String::new();
        for flow in flows(self) {
            let through: Vec<&str> = flow.through.iter().map(|program| name(*program)).collect();
            let way = if through.is_empty() {
                flow.reason
            } else {
                format!("through {}", through.join(", "))
            };
            let server = self.relation(flow.from, flow.to).is_some();
            let trusted = self.programs[flow.from].trusts.contains(&flow.to);
            let mark = match (server, trusted) {
                (true, true) => " [its server, trusted]",
                (true, false) => " [its server, NOT TRUSTED]",
                (false, true) => " [trusted]",
                (false, false) => "",
            };
            text.push_str(&format!(
                "{} -> {}: {way}{mark}\n",
                name(flow.from),
                name(flow.to)
            ));
        }
        text
    }

    /// The capability by which `to` serves `from` or holds an object of it.
    fn relation(&self, from: usize, to: usize) -> Option<&Grant> {
        let calls = self.programs[from]
            .capabilities
            .iter()
            .find(|grant| match grant.kind {
                Kind::Calls { endpoint, .. } => {
                    server(self, endpoint).is_some_and(|(_, s)| s == to)
                }
                _ => false,
            });
        let holds = self.programs[to]
            .capabilities
            .iter()
            .find(|grant| match grant.kind {
                Kind::Foreign { program, .. } => usize::try_from(program) == Ok(from),
                _ => false,
            });
        calls.or(holds)
    }
}

pub(super) fn check(system: &System, faults: &mut Faults) {
    for flow in flows(system) {
        let Some(relation) = system.relation(flow.from, flow.to) else {
            continue;
        };
        if system.programs[flow.from].trusts.contains(&flow.to) {
            continue;
        }
        let name = |program: usize| system.programs[program].name.as_str();
        let (client, server) = (name(flow.from), name(flow.to));
        let through: Vec<&str> = flow.through.iter().map(|program| name(*program)).collect();
        let way = if through.is_empty() {
            flow.reason.clone()
        } else {
            format!("through {}; {}", through.join(", "), flow.reason)
        };
        faults.add_line(
            relation.line,
            format!(
                "{server} could get capabilities of {client} ({way}), and {client} does not trust it: add trusts = [\"{server}\"] to {client}, or take the right away"
            ),
        );
    }
    check_time(system, faults);
}

/// A server without time of its own stands still when the time of one client ends, which the others would feel.
fn check_time(system: &System, faults: &mut Faults) {
    for (index, program) in system.programs.iter().enumerate() {
        if program.time.is_some() {
            continue;
        }
        let is_client = |client: &usize| {
            system.programs[*client]
                .capabilities
                .iter()
                .any(|grant| match grant.kind {
                    Kind::Calls { endpoint, .. } => {
                        server(system, endpoint).is_some_and(|(_, s)| s == index)
                    }
                    _ => false,
                })
        };
        let clients: Vec<usize> = (0..system.programs.len()).filter(is_client).collect();
        let trusts = |one: usize, other: usize| system.programs[one].trusts.contains(&other);
        let strangers = clients.iter().enumerate().find_map(|(at, one)| {
            let other = clients[at + 1..]
                .iter()
                .find(|other| !(trusts(*one, **other) && trusts(**other, *one)))?;
            Some((*one, *other))
        });
        let serves = program
            .capabilities
            .iter()
            .find(|g| matches!(g.kind, Kind::Serves { .. }));
        if let (Some((one, other)), Some(serves)) = (strangers, serves) {
            faults.add_line(
                serves.line,
                format!(
                    "{} has no time of its own, but its clients {} and {} do not trust each other: give it time = {{ ... }}",
                    program.name, system.programs[one].name, system.programs[other].name
                ),
            );
        }
    }
}
