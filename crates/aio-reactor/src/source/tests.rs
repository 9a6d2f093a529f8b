use std::future::poll_fn;

use aio_base::sync::Arc as ModelArc;
use aio_base::sync::atomic::AtomicUsize;
use aio_base::thread;
use loom::future::block_on;

use super::*;

fn bound() -> Arc<Source> {
    let source = Source::new();
    source.is_bound.store(true, Ordering::Relaxed);
    source
}

/// What a poller does with those who are told.
fn wake(tell: impl FnOnce(&mut Vec<Waker>)) {
    let mut woken = Vec::new();
    tell(&mut woken);
    woken.into_iter().for_each(Waker::wake);
}

/// What a descriptor holds, as the system knows it.
struct Descriptor(ModelArc<AtomicUsize>);

impl Descriptor {
    /// Takes at most `limit`; zero if it would block.
    fn take(&self, limit: usize) -> usize {
        let take = |n: usize| Some(n - n.min(limit));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).map_or(0, |n| n.min(limit))
    }
}

/// Reads items as `Async` does, at most `limit`; a short read tells at once that there is no more.
async fn read(source: &Source, descriptor: &Descriptor, limit: usize, as_future: bool) -> usize {
    let mut place = Place::default();
    let taken = poll_fn(|cx| {
        loop {
            let waiter = if as_future { Waiter::Future(&mut place) } else { Waiter::Poller };
            let seen = match source.poll_ready(Direction::Read, waiter, cx, || Ok::<_, ()>(())) {
                Poll::Ready(seen) => seen.unwrap(),
                Poll::Pending => return Poll::Pending,
            };
            let taken = descriptor.take(limit);
            if taken > 0 {
                if taken < limit {
                    source.readiness().clear_ready(seen, Direction::Read);
                }
                return Poll::Ready(taken);
            }
            source.readiness().clear(seen, Direction::Read);
        }
    });
    let taken = taken.await;
    source.unregister(Direction::Read, &mut place);
    taken
}

/// An event comes while the reader finds nothing, or less than it could take: he must try again, or be woken.
fn no_event_is_lost(limit: usize, as_future: bool) {
    loom::model(move || {
        let source = bound();
        let count = ModelArc::new(AtomicUsize::new(0));
        let (theirs, items) = (source.clone(), count.clone());
        let system = thread::spawn("", move || {
            for _ in 0..2 {
                items.fetch_add(1, Ordering::AcqRel);
                wake(|woken| theirs.tell(Event::new(true, false, false, false), woken));
            }
        })
        .unwrap();
        let descriptor = Descriptor(count);
        block_on(async {
            let mut taken = 0;
            while taken < 2 {
                taken += read(&source, &descriptor, limit, as_future).await;
            }
        });
        system.join().unwrap();
    });
}

#[test]
fn no_event_is_lost_on_who_polls() {
    no_event_is_lost(1, false);
}

#[test]
fn no_event_is_lost_on_a_future() {
    no_event_is_lost(1, true);
}

#[test]
fn no_event_is_lost_on_who_reads_short() {
    no_event_is_lost(3, false);
}

/// The poller ends while somebody waits: he is woken, and asks for another one.
#[test]
fn who_waits_when_the_poller_ends_binds_anew() {
    loom::model(|| {
        let source = Source::new();
        let poller = Poller::new(Waker::noop().clone());
        source.bind(|| Ok::<_, ()>(poller.clone()), |_, _| Ok(()), |_| ()).unwrap();
        let end = thread::spawn("", move || poller.close()).unwrap();
        let mut is_bound_anew = false;
        block_on(poll_fn(|cx| {
            while !is_bound_anew {
                let poll = source.poll_ready(Direction::Read, Waiter::Poller, cx, || {
                    is_bound_anew = true;
                    Ok::<_, ()>(())
                });
                match poll {
                    Poll::Ready(seen) => source.readiness().clear(seen.unwrap(), Direction::Read),
                    Poll::Pending => break,
                }
            }
            if is_bound_anew { Poll::Ready(()) } else { Poll::Pending }
        }));
        end.join().unwrap();
    });
}

/// A registration fails while somebody else begins to wait: he must not rely on it.
#[test]
fn who_waits_beside_a_registration_that_fails_has_one_of_his_own() {
    loom::model(|| {
        let source = Source::new();
        for direction in Direction::BOTH {
            source.readiness().clear(source.readiness().look(), direction);
        }
        let poller = Poller::new(std::task::Waker::noop().clone());
        let (theirs, their_poller) = (source.clone(), poller.clone());
        let fails = thread::spawn("", move || theirs.bind(|| Ok(their_poller), |_, _| Err(()), |_| ())).unwrap();
        let bind = || source.bind(|| Ok::<_, ()>(poller.clone()), |_, _| Ok(()), |_| ());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(source.poll_ready(Direction::Write, Waiter::Poller, &mut cx, bind).is_pending());
        // It may have found the other's registration, and then there was nothing to fail.
        let _ = fails.join().unwrap();
        assert!(source.binding.lock().is_some(), "nobody will tell");
        source.unbind(|_| ());
    });
}

/// Somebody stands in for the thread of a poller, which then ends, while a reader waits for the second of two items: he
/// binds to another poller, which tells of what is there when he does.
#[test]
fn who_is_told_by_a_stand_in_binds_to_another_poller() {
    loom::model(|| {
        let source = Source::new();
        let [first, second] = [(); 2].map(|()| Poller::new(Waker::noop().clone()));
        source.bind(|| Ok::<_, ()>(first.clone()), |_, _| Ok(()), |_| ()).unwrap();
        let count = ModelArc::new(AtomicUsize::new(0));
        let (theirs, items, other) = (source.clone(), count.clone(), second.clone());
        let stand_in = thread::spawn("", move || {
            items.fetch_add(1, Ordering::AcqRel);
            theirs.stray();
            wake(|woken| theirs.tell(Event::new(true, false, false, false), woken));
            items.fetch_add(1, Ordering::AcqRel);
            first.close();
            // The other poller, if it is there by now; otherwise it hears when it is.
            if !other.is_idle() {
                wake(|woken| theirs.tell(Event::new(true, false, false, false), woken));
            }
        })
        .unwrap();
        let descriptor = Descriptor(count.clone());
        block_on(async {
            let mut taken = 0;
            while taken < 2 {
                taken += poll_fn(|cx| {
                    loop {
                        let bind = || {
                            let add = |_: &Poller, _| {
                                if count.load(Ordering::Acquire) > 0 {
                                    wake(|woken| source.tell(Event::new(true, false, false, false), woken));
                                }
                                Ok::<_, ()>(())
                            };
                            source.bind(|| Ok(second.clone()), add, |_| ())
                        };
                        let seen = match source.poll_ready(Direction::Read, Waiter::Poller, cx, bind) {
                            Poll::Ready(seen) => seen.unwrap(),
                            Poll::Pending => return Poll::Pending,
                        };
                        let taken = descriptor.take(1);
                        if taken > 0 {
                            return Poll::Ready(taken);
                        }
                        source.readiness().clear(seen, Direction::Read);
                    }
                })
                .await;
            }
        });
        stand_in.join().unwrap();
        source.unbind(|_| ());
    });
}

/// A source that strays goes to another poller while its former one ends, which must not take it away there.
#[test]
fn a_former_poller_that_ends_leaves_the_source_where_it_went() {
    loom::model(|| {
        let source = Source::new();
        let [former, other] = [(); 2].map(|()| Poller::new(Waker::noop().clone()));
        source.bind(|| Ok::<_, ()>(former.clone()), |_, _| Ok(()), |_| ()).unwrap();
        source.stray();
        let ending = former.clone();
        let end = thread::spawn("", move || ending.close()).unwrap();
        source.bind(|| Ok::<_, ()>(other.clone()), |_, _| Ok(()), |_| ()).unwrap();
        end.join().unwrap();
        assert!(!other.is_idle() && source.binding.lock().is_some(), "it is there, and knows where");
        source.unbind(|_| ());
        assert!(former.is_idle() && other.is_idle());
    });
}
