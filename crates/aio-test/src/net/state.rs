//! All of a network, under one lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::{Duration, Instant};

use aio_net::simulation::Direction;

use super::doors::Doors;
use super::hosts::HostState;
use super::links::Links;
use super::tcp::{Connection, TcpEvent, TcpListening};
use super::udp::{UdpEvent, UdpState};

/// What names a thing of a network: they are numbered as they are made.
pub(super) type Id = u64;

/// In a test, all that can run does so before any time passes.
const A_MOMENT: Duration = Duration::from_millis(1);

/// An event that was planned, so that it can be called off.
pub(super) type Plan = (Instant, u64);

/// What happens at a moment.
pub(super) enum Event {
    Tcp(Id, TcpEvent),
    Udp(UdpEvent),
    /// Those there look again.
    Wake(Vec<(Arc<Doors>, Direction)>),
}

pub(super) struct State {
    /// The moment at which something happens: that of an event, or of who does something.
    pub(super) now: Instant,
    begin: Instant,
    /// What is underway, in the order in which it happens.
    events: BTreeMap<Plan, Event>,
    /// How many were planned, and things made.
    n_made: u64,
    /// Of what chance decides.
    pub(super) links: Links,
    pub(super) hosts: Vec<HostState>,
    pub(super) capacity: usize,
    pub(super) backlog: usize,
    pub(super) connections: BTreeMap<Id, Connection>,
    pub(super) listeners: BTreeMap<Id, TcpListening>,
    pub(super) datagrams: BTreeMap<Id, UdpState>,
    /// Who is to look again.
    to_wake: Vec<(Arc<Doors>, Direction)>,
    log: Option<Vec<String>>,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        let now = aio_core::now();
        Self {
            now,
            begin: now,
            events: BTreeMap::new(),
            n_made: 0,
            links: Links::new(seed),
            hosts: vec![HostState::localhost()],
            capacity: 64 * 1024,
            backlog: 1024,
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            to_wake: Vec::new(),
            log: None,
        }
    }

    /// A number that nothing else has.
    pub(super) fn new_id(&mut self) -> Id {
        self.n_made += 1;
        self.n_made
    }

    /// Has it happen after `delay`.
    pub(super) fn plan(&mut self, delay: Duration, event: Event) -> Plan {
        self.plan_at(self.now + delay, event)
    }

    pub(super) fn plan_at(&mut self, at: Instant, event: Event) -> Plan {
        // Of what happens at one moment, what was planned first is first.
        let plan = (at, self.new_id());
        self.events.insert(plan, event);
        plan
    }

    /// It is not to happen any more.
    pub(super) fn call_off(&mut self, plan: Option<Plan>) {
        if let Some(plan) = plan {
            self.events.remove(&plan);
        }
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Has everything happen that is due at `now`.
    pub(super) fn catch_up(&mut self, now: Instant) {
        while let Some(event) = self.events.first_entry().filter(|event| event.key().0 <= now) {
            let ((at, _), event) = event.remove_entry();
            self.now = at;
            match event {
                Event::Tcp(connection, event) => self.on_tcp(connection, event),
                Event::Udp(event) => self.on_udp(event),
                Event::Wake(woken) => self.to_wake.extend(woken),
            }
        }
        self.now = now;
    }

    /// Who waits there is to look again.
    pub(super) fn wake(&mut self, doors: &Arc<Doors>, direction: Direction) {
        self.to_wake.push((doors.clone(), direction));
    }

    pub(super) fn wake_both(&mut self, doors: &Arc<Doors>) {
        self.wake(doors, Direction::Read);
        self.wake(doors, Direction::Write);
    }

    /// Those whom `act` would wake are woken a moment later.
    pub(super) fn wake_later(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.take_woken();
        act(self);
        let woken = std::mem::replace(&mut self.to_wake, before);
        self.plan(A_MOMENT, Event::Wake(woken));
    }

    pub(super) fn take_woken(&mut self) -> Vec<(Arc<Doors>, Direction)> {
        std::mem::take(&mut self.to_wake)
    }

    /// Notes what has happened, if that is wanted.
    pub(super) fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = format!("{} {}", Since(self.now.saturating_duration_since(self.begin)), what(self));
            self.log.get_or_insert_default().push(line);
        }
    }

    pub(super) fn keep_log(&mut self) {
        self.log.get_or_insert_default();
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.clone().unwrap_or_default()
    }
}

/// Seconds since the beginning.
struct Since(Duration);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}
