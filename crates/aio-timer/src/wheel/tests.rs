use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const MS: u64 = TICK;
const SECOND: u64 = 1000 * MS;

/// A wheel and what it should be, each timer with a number.
struct Pair {
    wheel: Wheel,
    now: u64,
    #[expect(clippy::vec_box, reason = "a linked node must not move")]
    nodes: Vec<Box<Node>>,
    /// By tick, then deadline, then order of registration.
    model: BTreeMap<(u64, u64, usize), usize>,
    keys: Vec<Option<(u64, u64, usize)>>,
    /// Those that have not begun, and how long they will last.
    fresh: Vec<(usize, u64)>,
    n_registered: usize,
}

impl Pair {
    fn new() -> Self {
        Self {
            wheel: Wheel::new(),
            now: 0,
            nodes: Vec::new(),
            model: BTreeMap::new(),
            keys: Vec::new(),
            fresh: Vec::new(),
            n_registered: 0,
        }
    }

    fn register_at(&mut self, deadline: u64) -> usize {
        let id = self.add();
        self.link(id, deadline);
        id
    }

    fn add(&mut self) -> usize {
        self.nodes.push(Box::new(Node::new(0)));
        self.keys.push(None);
        self.nodes.len() - 1
    }

    fn link_fresh(&mut self, id: usize, left: u64) {
        self.fresh.push((id, left));
        // SAFETY: as in `link`.
        if unsafe { self.wheel.insert_fresh(NonNull::from(&mut *self.nodes[id]), left) } {
            assert_eq!(self.fresh.len(), MAX_FRESH);
            self.begin_fresh();
        }
    }

    fn begin_fresh(&mut self) {
        self.wheel.begin_fresh(self.now);
        for (id, left) in std::mem::take(&mut self.fresh) {
            self.expect(id, (self.now + left).min(LAST));
        }
    }

    fn link(&mut self, id: usize, deadline: u64) {
        self.begin_fresh();
        // SAFETY: a node that is not linked (new, or unlinked by the caller), in a box that outlives the wheel's use.
        unsafe { self.wheel.insert(NonNull::from(&mut *self.nodes[id]), deadline, self.now) };
        self.expect(id, deadline);
    }

    fn expect(&mut self, id: usize, deadline: u64) {
        // What has passed is due at the next tick.
        let deadline = deadline.max((self.now / TICK * TICK).saturating_add(1));
        let key = (tick_of(deadline), deadline, self.n_registered);
        self.n_registered += 1;
        self.model.insert(key, id);
        self.keys[id] = Some(key);
    }

    fn cancel(&mut self, id: usize) -> bool {
        match (self.keys[id].take(), self.fresh.iter().position(|&(fresh, _)| fresh == id)) {
            (Some(key), _) => _ = self.model.remove(&key),
            (None, Some(position)) => _ = self.fresh.remove(position),
            (None, None) => return false,
        }
        // SAFETY: the model says that it is linked.
        unsafe { self.wheel.remove(NonNull::from(&mut *self.nodes[id])) };
        true
    }

    /// Goes on to `now`, checks order and completeness of what fires, and returns it.
    fn advance(&mut self, now: u64) -> Vec<usize> {
        self.now = self.now.max(now).min(LAST);
        let now = self.now;
        self.begin_fresh();
        let mut fired = Vec::new();
        while let Some(node) = self.wheel.pop_due(now) {
            let ((tick, deadline, _), id) = self.model.pop_first().expect("something fired that should not exist");
            assert_eq!(node.as_ptr().cast_const(), &raw const *self.nodes[id], "out of order");
            assert!(tick * TICK <= now && deadline <= now, "{deadline} fired at {now}");
            self.keys[id] = None;
            fired.push(id);
        }
        if let Some((&(tick, ..), _)) = self.model.first_key_value() {
            assert!(tick > now / TICK, "tick {tick} did not fire at {now}");
        }
        self.check();
        fired
    }

    fn check(&self) {
        assert_eq!(self.wheel.is_empty(), self.model.is_empty() && self.fresh.is_empty());
        assert_eq!((self.wheel.len, self.wheel.n_fresh), (self.model.len(), self.fresh.len()));
        assert!(self.fresh.len() < MAX_FRESH);
        if self.wheel.has_fresh() {
            return;
        }
        let next = self.wheel.next_deadline();
        match self.model.first_key_value() {
            None => assert_eq!(next, None),
            Some((&(tick, ..), _)) => {
                let next = next.unwrap();
                assert!(next <= tick.saturating_mul(TICK), "looks too late: {next} for tick {tick}");
                assert!(next > self.now / TICK * TICK || tick <= self.now / TICK, "would spin: {next} at {}", self.now);
                // Where nothing has to move first, it is exact.
                if tick >> NEAR_BLOCK <= ((self.now / TICK) >> NEAR_BLOCK) + 1 {
                    assert_eq!(next, tick.saturating_mul(TICK));
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    /// A new timer, so far from now.
    Register(u64),
    /// As many new timers, so far from when they begin.
    RegisterFresh(usize, u64),
    BeginFresh,
    /// A new timer with the deadline of an earlier one.
    RegisterLike(usize),
    Cancel(usize),
    /// Cancel, and register again so far from now.
    Reset(usize, u64),
    /// Cancel, and register again so far from when it begins.
    ResetFresh(usize, u64),
    Advance(u64),
    /// Advance to what the wheel says, less so many nanoseconds.
    AdvanceToNext(u64),
}

/// Distances of every size, and those around the edges of the levels.
fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (0..62_u32).prop_flat_map(|bits| 0..=1_u64 << bits),
        4 => 0..3 * MS,
        4 => 0..5 * SECOND,
        2 => (0..FAR_LEVELS, 1..130_u64, 0..3 * MS).prop_map(|(level, n, more)| {
            (n << far_shift(level)).saturating_mul(TICK).saturating_add(more).saturating_sub(MS)
        }),
        1 => Just(1 << 62),
        1 => Just(LAST),
    ]
    .prop_map(|distance| distance.min(LAST))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => distance().prop_map(Op::Register),
        6 => (1..20_usize, distance()).prop_map(|(n, left)| Op::RegisterFresh(n, left)),
        2 => Just(Op::BeginFresh),
        2 => any::<usize>().prop_map(Op::RegisterLike),
        3 => any::<usize>().prop_map(Op::Cancel),
        2 => (any::<usize>(), distance()).prop_map(|(which, distance)| Op::Reset(which, distance)),
        2 => (any::<usize>(), distance()).prop_map(|(which, left)| Op::ResetFresh(which, left)),
        3 => distance().prop_map(Op::Advance),
        3 => (0..2 * MS).prop_map(Op::AdvanceToNext),
    ]
}

fn run(ops: &[Op]) {
    let mut pair = Pair::new();
    let mut deadlines = Vec::new();
    for op in ops {
        match *op {
            Op::Register(distance) => {
                let deadline = (pair.now + distance).min(LAST);
                deadlines.push(deadline);
                pair.register_at(deadline);
            }
            Op::RegisterFresh(n, left) => {
                for _ in 0..n {
                    let id = pair.add();
                    deadlines.push((pair.now + left).min(LAST));
                    pair.link_fresh(id, left);
                }
            }
            Op::BeginFresh => pair.begin_fresh(),
            Op::ResetFresh(which, left) => {
                if let Some(which) = which.checked_rem(deadlines.len()) {
                    pair.cancel(which);
                    pair.link_fresh(which, left);
                }
            }
            Op::RegisterLike(which) => {
                if let Some(&deadline) = which.checked_rem(deadlines.len()).and_then(|which| deadlines.get(which)) {
                    deadlines.push(deadline);
                    pair.register_at(deadline);
                }
            }
            Op::Cancel(which) => {
                if let Some(which) = which.checked_rem(deadlines.len()) {
                    pair.cancel(which);
                }
            }
            Op::Reset(which, distance) => {
                if let Some(which) = which.checked_rem(deadlines.len()) {
                    pair.cancel(which);
                    deadlines[which] = (pair.now + distance).min(LAST);
                    pair.link(which, deadlines[which]);
                }
            }
            Op::Advance(distance) => {
                pair.advance(pair.now.saturating_add(distance));
            }
            Op::AdvanceToNext(less) => {
                if !pair.wheel.has_fresh()
                    && let Some(next) = pair.wheel.next_deadline()
                {
                    pair.advance(next.saturating_sub(less).max(pair.now));
                }
            }
        }
        pair.check();
    }
    pair.begin_fresh();
    // All that is left comes out at the end, in order.
    while let Some(node) = pair.wheel.pop_any() {
        let (_, id) = pair.model.pop_first().unwrap();
        assert_eq!(node.as_ptr().cast_const(), &raw const *pair.nodes[id]);
    }
    assert!(pair.model.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_wheel_behaves_like_a_sorted_map(ops in prop::collection::vec(op(), 1..80)) {
        run(&ops);
    }
}

#[test]
fn each_level_wraps_without_losing_a_timer() {
    for shift in (0..FAR_LEVELS).map(far_shift).chain([0]) {
        let width = TICK << shift;
        let mut pair = Pair::new();
        let mut fired = 0;
        // Three rounds of the level's slots, with timers one, two and three blocks ahead.
        for _ in 0..3 * FAR_SLOTS {
            for ahead in [1, 63, 64, 65, 127, 128, 129, 191] {
                pair.register_at(pair.now.saturating_add(width.saturating_mul(ahead)).min(LAST));
            }
            fired += pair.advance(pair.now.saturating_add(width)).len();
        }
        fired += pair.advance(pair.now.saturating_add(width.saturating_mul(200))).len();
        let unreachable = pair.model.len();
        assert_eq!(fired + unreachable, 3 * FAR_SLOTS * 8);
        assert!(unreachable == 0 || pair.now == LAST, "{unreachable} of level {shift} left at {}", pair.now);
    }
}

#[test]
fn a_timer_registered_far_ahead_fires_before_a_later_one_of_the_same_deadline() {
    for distance in [3 * SECOND, 200 * SECOND, 20_000 * SECOND, 1 << 55] {
        let mut pair = Pair::new();
        let first = pair.register_at(distance);
        // Nearer and nearer, so that they would go into nearer and nearer levels.
        let mut expected = vec![first];
        for shift in 1..40 {
            assert_eq!(pair.advance((distance - (distance >> shift)).min(distance - MS)), []);
            expected.push(pair.register_at(distance));
        }
        assert_eq!(pair.advance(distance + MS), expected);
    }
}

#[test]
fn timers_of_one_tick_fire_by_deadline_then_by_registration() {
    let mut pair = Pair::new();
    let ids = [900, 100, 500, 100, 900, 1].map(|nanos| pair.register_at(5 * MS + nanos));
    let expected = [5, 1, 3, 2, 0, 4].map(|at| ids[at]);
    assert_eq!(pair.advance(6 * MS - 1), []);
    assert_eq!(pair.advance(6 * MS), expected);
}

#[test]
fn fresh_timers_of_one_moment_fire_in_the_order_of_their_registration() {
    let mut pair = Pair::new();
    let ids = [(); 5].map(|()| pair.add());
    pair.link_fresh(ids[0], 2 * MS);
    pair.link_fresh(ids[1], MS);
    pair.begin_fresh();
    pair.advance(100);
    pair.link_fresh(ids[2], MS - 100);
    pair.link_fresh(ids[3], 2 * MS - 100);
    // One that has a deadline already comes after those that have not begun.
    pair.link(ids[4], 2 * MS);
    assert_eq!(pair.advance(3 * MS), [1, 2, 0, 3, 4].map(|at| ids[at]));
}

#[test]
fn a_timer_that_is_due_can_still_be_removed() {
    let mut pair = Pair::new();
    let ids = [1, 2, 3].map(|at| pair.register_at(at));
    pair.now = MS;
    pair.wheel.advance(1);
    assert!(pair.cancel(ids[1]));
    assert_eq!(pair.advance(MS), [ids[0], ids[2]]);
}

#[test]
fn a_deadline_that_has_passed_is_due_at_the_next_tick() {
    let mut pair = Pair::new();
    pair.advance(10 * SECOND);
    let id = pair.register_at(3);
    assert_eq!(pair.wheel.next_deadline(), Some(10 * SECOND + MS));
    assert_eq!(pair.advance(10 * SECOND + MS), [id]);
}

#[test]
fn a_wheel_without_timers_has_no_slots() {
    let mut wheel = Wheel::new();
    assert!(wheel.pop_due(5 * SECOND).is_none() && wheel.pop_any().is_none());
    assert_eq!(wheel.next_deadline(), None);
    assert!(wheel.slots.is_empty());
}
