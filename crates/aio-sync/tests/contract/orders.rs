//! What is special to the queues that do not give the oldest item first, in both homes. What all have in common, the
//! model holds them to.

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::rc::Rc;
use std::task::Poll;

use aio_base::{Home, Local};
use aio_sync::generic::{Lifo, Order, Queue, Smallest};

use crate::common::{WakeLog, in_both_homes, now, poll, poll_idle};

type LifoQueue<T, H> = Queue<T, H, Lifo>;
type PriorityQueue<T, H> = Queue<T, H, Smallest>;

in_both_homes! {
    the_newest_item_comes_out_first,
    the_smallest_item_comes_out_first,
    equal_items_come_out_in_the_order_in_which_they_were_put_in,
    a_woken_getter_takes_the_best_that_is_there_when_it_runs,
    what_a_woken_getter_is_to_get_is_not_taken_by_others,
    an_item_given_back_keeps_its_rank,
    closing_at_once_leaves_the_best_to_those_who_were_woken,
    a_waiting_putter_joins_the_order_when_it_is_in,
    a_comparison_that_panics_in_put_loses_that_item_alone,
    a_comparison_that_panics_in_get_loses_nothing,
    a_woken_getter_whose_comparison_panics_passes_the_item_on,
    a_woken_putter_whose_comparison_panics_passes_the_room_on,
    an_item_dropped_by_a_panicking_comparison_may_use_the_queue,
}

fn fill<T, H: Home, O: Order<T>>(queue: &Queue<T, H, O>, items: impl IntoIterator<Item = T>) {
    items.into_iter().for_each(|item| assert!(queue.try_put(item).is_ok()));
}

fn rest<T, H: Home, O: Order<T>>(queue: &Queue<T, H, O>) -> Vec<T> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

#[test]
fn both_homes_of_each_order_are_inferred() {
    let (shared, local) = (aio_sync::LifoQueue::bounded(2), aio_sync::local::LifoQueue::unbounded());
    now(shared.put(1)).unwrap();
    now(local.put(Rc::new(1))).unwrap();
    let (smallest, local_smallest) = (aio_sync::PriorityQueue::unbounded(), aio_sync::local::PriorityQueue::bounded(1));
    now(smallest.put(1)).unwrap();
    now(local_smallest.put(Rc::new(1))).unwrap();
    assert_eq!(now(smallest.get()).unwrap() + now(shared.get()).unwrap(), 2);
    assert_eq!(now(local_smallest.get()), now(local.get()));
}

fn the_newest_item_comes_out_first<H: Home>() {
    let queue = LifoQueue::<u32, H>::unbounded();
    (1..=3).for_each(|item| queue.try_put(item).unwrap());
    assert_eq!(now(queue.get()), Ok(3));
    now(queue.put(4)).unwrap();
    assert_eq!(rest(&queue), [4, 2, 1]);
    (1..=3).for_each(|item| queue.try_put(item).unwrap());
    assert_eq!(queue.close_now(), [3, 2, 1]);
}

fn the_smallest_item_comes_out_first<H: Home>() {
    let queue = PriorityQueue::<u32, H>::unbounded();
    fill(&queue, [5, 1, 4, 2, 3]);
    assert_eq!(now(queue.get()), Ok(1));
    now(queue.put(0)).unwrap();
    assert_eq!(rest(&queue), [0, 2, 3, 4, 5]);
    fill(&queue, [5, 1, 4]);
    assert_eq!(queue.close_now(), [1, 4, 5]);
}

/// Compared by the key alone; comparisons may be told to panic.
#[derive(Debug, Clone, Default)]
struct Keyed {
    key: u32,
    name: &'static str,
    panics: Rc<Cell<bool>>,
}

impl Ord for Keyed {
    fn cmp(&self, other: &Self) -> Ordering {
        assert!(!self.panics.get() && !other.panics.get(), "a comparison that panics");
        self.key.cmp(&other.key)
    }
}
impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Eq for Keyed {}
impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

fn keyed(key: u32, name: &'static str) -> Keyed {
    Keyed { key, name, ..Keyed::default() }
}

/// With the switch that makes its comparisons panic.
fn switched(key: u32, name: &'static str) -> (Keyed, Rc<Cell<bool>>) {
    let item = keyed(key, name);
    let panics = item.panics.clone();
    (item, panics)
}

fn names<H: Home>(queue: &PriorityQueue<Keyed, H>) -> Vec<&'static str> {
    rest(queue).iter().map(|item| item.name).collect()
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "no panic");
}

fn equal_items_come_out_in_the_order_in_which_they_were_put_in<H: Home>() {
    let queue = PriorityQueue::<Keyed, H>::unbounded();
    let items = [(1, "b"), (0, "a"), (1, "c"), (2, "f"), (1, "d"), (2, "g"), (1, "e")];
    fill(&queue, items.map(|(key, name)| keyed(key, name)));
    assert_eq!(names(&queue), ["a", "b", "c", "d", "e", "f", "g"]);
}

fn a_woken_getter_takes_the_best_that_is_there_when_it_runs<H: Home>() {
    let log = WakeLog::default();
    let (lifo, smallest) = (LifoQueue::<u32, H>::unbounded(), PriorityQueue::<u32, H>::unbounded());
    let (mut one, mut other) = (Box::pin(lifo.get()), Box::pin(smallest.get()));
    assert!(poll(&mut one, &log.waker(1)).is_pending() && poll(&mut other, &log.waker(2)).is_pending());
    fill(&lifo, [1, 2, 3]);
    fill(&smallest, [3, 1, 2]);
    assert_eq!(log.take(), [1, 2]);
    assert_eq!((poll_idle(&mut one), poll_idle(&mut other)), (Poll::Ready(Ok(3)), Poll::Ready(Ok(1))));
    assert_eq!((rest(&lifo), rest(&smallest)), (vec![2, 1], vec![2, 3]));
}

fn what_a_woken_getter_is_to_get_is_not_taken_by_others<H: Home>() {
    let (lifo, smallest) = (LifoQueue::<u32, H>::bounded(2), PriorityQueue::<u32, H>::bounded(2));
    let (mut one, mut other) = (Box::pin(lifo.get()), Box::pin(smallest.get()));
    assert!(poll_idle(&mut one).is_pending() && poll_idle(&mut other).is_pending());
    lifo.try_put(1).unwrap();
    smallest.try_put(1).unwrap();
    assert!(lifo.try_get().unwrap_err().is_empty() && smallest.try_get().unwrap_err().is_empty());
    lifo.try_put(2).unwrap();
    smallest.try_put(2).unwrap();
    assert!(lifo.is_full() && smallest.is_full());
    assert_eq!((lifo.try_get(), smallest.try_get()), (Ok(2), Ok(1)));
    assert!(lifo.try_get().is_err() && smallest.try_get().is_err());
    assert_eq!((poll_idle(&mut one), poll_idle(&mut other)), (Poll::Ready(Ok(1)), Poll::Ready(Ok(2))));
}

fn an_item_given_back_keeps_its_rank<H: Home>() {
    let (lifo, smallest) = (LifoQueue::<u32, H>::unbounded(), PriorityQueue::<u32, H>::unbounded());
    let (mut one, mut other) = (Box::pin(lifo.get()), Box::pin(smallest.get()));
    assert!(poll_idle(&mut one).is_pending() && poll_idle(&mut other).is_pending());
    fill(&lifo, [1, 2]);
    fill(&smallest, [2, 1]);
    drop((one, other));
    assert_eq!((rest(&lifo), rest(&smallest)), (vec![2, 1], vec![1, 2]));
}

fn closing_at_once_leaves_the_best_to_those_who_were_woken<H: Home>() {
    let (lifo, smallest) = (LifoQueue::<u32, H>::unbounded(), PriorityQueue::<u32, H>::unbounded());
    let mut ones = [lifo.get(), lifo.get()].map(Box::pin);
    let mut others = [smallest.get(), smallest.get()].map(Box::pin);
    assert!(ones.iter_mut().all(|get| poll_idle(get).is_pending()));
    assert!(others.iter_mut().all(|get| poll_idle(get).is_pending()));
    fill(&lifo, [1, 2, 3, 4]);
    fill(&smallest, [4, 1, 2, 3]);
    assert_eq!((lifo.close_now(), smallest.close_now()), (vec![2, 1], vec![3, 4]));
    assert_eq!(ones.each_mut().map(poll_idle), [Poll::Ready(Ok(4)), Poll::Ready(Ok(3))]);
    assert_eq!(others.each_mut().map(poll_idle), [Poll::Ready(Ok(1)), Poll::Ready(Ok(2))]);
}

fn a_waiting_putter_joins_the_order_when_it_is_in<H: Home>() {
    let queue = PriorityQueue::<u32, H>::bounded(2);
    fill(&queue, [2, 3]);
    let mut put = Box::pin(queue.put(1));
    assert!(poll_idle(&mut put).is_pending());
    assert_eq!(queue.try_get(), Ok(2));
    assert!(matches!(poll_idle(&mut put), Poll::Ready(Ok(()))));
    assert_eq!(rest(&queue), [1, 3]);
}

fn a_comparison_that_panics_in_put_loses_that_item_alone<H: Home>() {
    let queue = PriorityQueue::<Keyed, H>::bounded(3);
    fill(&queue, [(1, "a"), (2, "b")].map(|(key, name)| keyed(key, name)));
    let (bad, switch) = switched(0, "bad");
    switch.set(true);
    panics(|| queue.try_put(bad.clone()).unwrap());
    panics(|| now(queue.put(bad)).unwrap());
    assert_eq!(queue.len(), 2);
    queue.try_put(keyed(0, "c")).unwrap();
    assert_eq!(names(&queue), ["c", "a", "b"]);
    (0..3).for_each(|_| queue.task_done());
    now(queue.join());
}

fn a_comparison_that_panics_in_get_loses_nothing<H: Home>() {
    let queue = PriorityQueue::<Keyed, H>::unbounded();
    let (bad, switch) = switched(1, "b");
    queue.try_put(bad).unwrap();
    fill(&queue, [(0, "a"), (2, "c"), (3, "d")].map(|(key, name)| keyed(key, name)));
    switch.set(true);
    panics(|| _ = queue.try_get());
    panics(|| _ = now(queue.get()));
    switch.set(false);
    assert_eq!(names(&queue), ["a", "b", "c", "d"]);
}

fn a_woken_getter_whose_comparison_panics_passes_the_item_on<H: Home>() {
    let (queue, log) = (PriorityQueue::<Keyed, H>::bounded(3), WakeLog::default());
    let (bad, switch) = switched(1, "b");
    let [mut first, mut second] = [queue.get(), queue.get()].map(Box::pin);
    assert!(poll(&mut first, &log.waker(1)).is_pending());
    queue.try_put(bad).unwrap();
    assert_eq!(log.take(), [1]);
    fill(&queue, [(0, "a"), (2, "c")].map(|(key, name)| keyed(key, name)));
    switch.set(true);
    panics(|| _ = poll_idle(&mut first));
    switch.set(false);
    drop(first);
    assert_eq!(names(&queue), ["a", "b", "c"]);
    assert!(poll(&mut second, &log.waker(2)).is_pending());
    (0..3).for_each(|_| queue.try_put(keyed(0, "d")).unwrap());
    assert!(queue.is_full());
    assert!(poll_idle(&mut second).is_ready());
}

fn a_woken_putter_whose_comparison_panics_passes_the_room_on<H: Home>() {
    let (queue, log) = (PriorityQueue::<Keyed, H>::bounded(2), WakeLog::default());
    fill(&queue, [(1, "a"), (2, "b")].map(|(key, name)| keyed(key, name)));
    let (bad, switch) = switched(0, "bad");
    let [mut first, mut second] = [queue.put(bad), queue.put(keyed(3, "c"))].map(Box::pin);
    assert!(poll(&mut first, &log.waker(1)).is_pending() && poll(&mut second, &log.waker(2)).is_pending());
    assert_eq!(queue.try_get().unwrap().name, "a");
    assert_eq!(log.take(), [1]);
    switch.set(true);
    panics(|| _ = poll_idle(&mut first));
    assert_eq!(log.take(), [2]);
    assert!(poll_idle(&mut second).is_ready());
    drop(first);
    assert_eq!(names(&queue), ["b", "c"]);
    assert!(!queue.is_full());
}

/// An item that cannot be compared, and uses its queue when it is dropped.
struct Back<H: Home>(Rc<PriorityQueue<Back<H>, H>>);

impl<H: Home> Drop for Back<H> {
    fn drop(&mut self) {
        let _ = (self.0.len(), self.0.is_full());
    }
}
impl<H: Home> Ord for Back<H> {
    fn cmp(&self, _: &Self) -> Ordering {
        panic!("a comparison that panics");
    }
}
impl<H: Home> PartialOrd for Back<H> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<H: Home> Eq for Back<H> {}
impl<H: Home> PartialEq for Back<H> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

fn an_item_dropped_by_a_panicking_comparison_may_use_the_queue<H: Home>() {
    let queue = Rc::new(PriorityQueue::<Back<H>, H>::unbounded());
    queue.try_put(Back(queue.clone())).ok().unwrap();
    panics(|| _ = queue.try_put(Back(queue.clone())));
    panics(|| _ = now(queue.put(Back(queue.clone()))));
    drop(queue.try_get());
    assert_eq!(Rc::strong_count(&queue), 1);
}

/// If that future could be freed, the queue would go on to wake it. (Nobody else is there who could end the
/// comparison.)
#[test]
fn a_comparison_that_drops_a_future_in_the_line_ends_the_process() {
    const CHILD: &str = "AIO_TEST_CHILD";
    const THIS: &str = "orders::a_comparison_that_drops_a_future_in_the_line_ends_the_process";

    thread_local! {
        static PUTTER: Cell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { Cell::new(None) };
    }
    #[derive(PartialEq, Eq)]
    struct Unruly(u32);
    impl PartialOrd for Unruly {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Unruly {
        fn cmp(&self, other: &Self) -> Ordering {
            drop(PUTTER.take());
            self.0.cmp(&other.0)
        }
    }

    if std::env::var_os(CHILD).is_some() {
        let queue: &'static _ = Box::leak(Box::new(PriorityQueue::<_, Local>::bounded(3)));
        fill(queue, [0, 1, 2].map(Unruly));
        let mut putter = Box::pin(async { assert!(queue.put(Unruly(3)).await.is_ok()) });
        assert!(poll_idle(&mut putter).is_pending());
        PUTTER.set(Some(putter));
        let _ = catch_unwind(AssertUnwindSafe(|| queue.try_get().is_ok()));
        // It goes on where it must not: as if all were well.
        std::process::exit(0);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([THIS, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{stderr}");
    assert!(stderr.contains("a call that has the value led back to it"), "{stderr}");
}
