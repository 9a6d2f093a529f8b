use super::*;

#[cfg(aio_loom)]
mod loom;

#[cfg(not(aio_loom))]
#[test]
fn a_wake_after_the_parent_has_gone_is_refused() {
    aio_base::live::leak_check(|| {
        let wakers = ChildWakers::new(2);
        let block = wakers.0.clone();
        let late = wakers.lend(1).clone();
        drop(wakers);
        late.wake();
        assert_eq!(format!("{:?}", block.woken), "Closed");
        assert_eq!(Arc::strong_count(&block), 1);
    });
}

#[cfg(not(aio_loom))]
#[test]
fn a_lent_waker_is_the_same_at_each_poll_and_differs_from_its_siblings() {
    aio_base::live::leak_check(|| {
        let wakers = ChildWakers::new(2);
        assert!(wakers.lend(0).clone().will_wake(&wakers.lend(0)));
        assert!(!wakers.lend(0).will_wake(&wakers.lend(1)));
        assert_eq!(Arc::strong_count(&wakers.0), 1);
    });
}
