//! What becomes of that which is sent from one host to another.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

/// The number of a host.
pub(super) type HostId = usize;

/// How good the way from one host to another is.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) latency: RangeInclusive<Duration>,
    /// Probabilities: to be lost; of datagrams, to come twice, or late.
    pub(super) loss: f64,
    pub(super) duplication: f64,
    pub(super) reordering: f64,
    /// Bytes a second that a connection can send.
    pub(super) bandwidth: Option<u64>,
}

impl Link {
    /// Between two hosts, unless something else is said.
    fn ordinary() -> Self {
        Self { latency: Duration::from_millis(1)..=Duration::from_millis(5), ..Self::within() }
    }

    /// Within a host.
    fn within() -> Self {
        Self { latency: Duration::ZERO..=Duration::ZERO, loss: 0.0, duplication: 0.0, reordering: 0.0, bandwidth: None }
    }
}

/// All links, and chance.
pub(super) struct Links {
    rng: Rng,
    pub(super) ordinary: Link,
    within: Link,
    special: BTreeMap<(HostId, HostId), Link>,
    cut: BTreeSet<(HostId, HostId)>,
}

impl Links {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            ordinary: Link::ordinary(),
            within: Link::within(),
            special: BTreeMap::new(),
            cut: BTreeSet::new(),
        }
    }

    fn link(&self, from: HostId, to: HostId) -> &Link {
        let usual = if from == to { &self.within } else { &self.ordinary };
        self.special.get(&(from, to)).unwrap_or(usual)
    }

    /// Makes something special of both ways between two hosts.
    pub(super) fn set(&mut self, a: HostId, b: HostId, change: impl Fn(&mut Link)) {
        for (from, to) in [(a, b), (b, a)] {
            let mut link = self.link(from, to).clone();
            change(&mut link);
            self.special.insert((from, to), link);
        }
    }

    /// Nothing goes that way any more.
    pub(super) fn cut(&mut self, from: HostId, to: HostId) {
        self.cut.insert((from, to));
    }

    pub(super) fn heal(&mut self, from: HostId, to: HostId) {
        self.cut.remove(&(from, to));
    }

    pub(super) fn heal_all(&mut self) {
        self.cut.clear();
    }

    pub(super) fn is_cut(&self, from: HostId, to: HostId) -> bool {
        self.cut.contains(&(from, to))
    }

    pub(super) fn bandwidth(&self, from: HostId, to: HostId) -> Option<u64> {
        self.link(from, to).bandwidth
    }

    /// Whether it gets lost, what is sent now.
    pub(super) fn loses(&mut self, from: HostId, to: HostId) -> bool {
        self.is_cut(from, to) || self.draw(self.link(from, to).loss)
    }

    /// Whether a datagram comes twice.
    pub(super) fn doubles(&mut self, from: HostId, to: HostId) -> bool {
        self.draw(self.link(from, to).duplication)
    }

    /// By how much a datagram is late, if others may overtake it.
    pub(super) fn detour(&mut self, from: HostId, to: HostId) -> Option<Duration> {
        if !self.draw(self.link(from, to).reordering) {
            return None;
        }
        // Of the order of the way itself; and where that takes no time, of a moment.
        let most = (*self.link(from, to).latency.end() * 3).max(Duration::from_millis(3));
        Some(self.between(&(Duration::from_millis(1)..=most)))
    }

    /// How long it is underway, what is sent now.
    pub(super) fn latency(&mut self, from: HostId, to: HostId) -> Duration {
        let range = self.link(from, to).latency.clone();
        self.between(&range)
    }

    /// Where a piece of so many bytes breaks into two, if it does: who reads is not to rely on whole messages.
    pub(super) fn breaks(&mut self, from: HostId, to: HostId, len: usize) -> Option<usize> {
        (from != to && len > 1 && self.rng.u8(..4) == 0).then(|| self.rng.usize(1..len))
    }

    fn between(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let [least, most] = [range.start(), range.end()].map(|it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX));
        if least >= most { *range.start() } else { Duration::from_nanos(self.rng.u64(least..=most)) }
    }

    fn draw(&mut self, probability: f64) -> bool {
        // What cannot happen costs no number: other numbers than without it would be a surprise.
        probability > 0.0 && self.rng.f64() < probability
    }
}
