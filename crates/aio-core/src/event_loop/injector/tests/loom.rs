//! Models of the injector and those who use it from outside.

use aio_base::sync::{Arc, UnsafeCell};
use aio_base::thread;

use super::*;

struct World {
    item: UnsafeCell<usize>,
    injector: Injector<UnsafeCell<usize>>,
}

// SAFETY: what goes on in the cell is what loom looks at.
unsafe impl Send for World {}
// SAFETY: as above.
unsafe impl Sync for World {}

/// Somebody pushes while the last worker closes: the item is either given back, or seen by the one who closes.
#[test]
fn an_item_is_refused_or_stops_the_end() {
    ::loom::model(|| {
        let world = Arc::new(World { item: UnsafeCell::new(0), injector: Injector::new() });
        let theirs = world.clone();
        let other = thread::spawn("", move || {
            // SAFETY: nobody has seen it yet.
            theirs.item.with_mut(|item| unsafe { *item = 1 });
            theirs.injector.push(NonNull::from(&theirs.item)).is_ok()
        })
        .unwrap();
        let closed = world.injector.close_if_empty();
        let taken = world.injector.pop().map(|item| {
            // SAFETY: it is alive. Loom tells whether it may be read.
            unsafe { item.as_ref() }.with(|item| unsafe { *item })
        });
        let accepted = other.join().unwrap();
        assert_ne!(closed, accepted);
        let left = world.injector.pop().is_some();
        assert_eq!(taken.is_some() || left, accepted);
        assert!(taken.is_none_or(|taken| taken == 1));
        assert!(world.injector.close_if_empty());
    });
}
