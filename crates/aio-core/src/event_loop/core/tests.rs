use std::panic::Location;
use std::sync::{Arc, Mutex};

use aio_base::live::leak_check;

use crate::event_loop::Scheduler;
use crate::{EventLoop, ThreadPark};

/// Two workers, of which the second cannot be started.
fn half_a_loop() -> EventLoop<ThreadPark> {
    EventLoop::of(Scheduler::new(2), ThreadPark::new(), Location::caller())
}

/// A worker takes several at once; the first of them comes first all the same.
#[test]
fn tasks_from_outside_run_in_the_order_of_their_spawns() {
    leak_check(|| {
        let event_loop = half_a_loop();
        let log = Arc::new(Mutex::new(Vec::new()));
        let handle = event_loop.handle();
        let tasks = [0, 1, 2, 3, 4, 5, 6, 7].map(|index| {
            let log = log.clone();
            handle.spawn(async move { log.lock().unwrap().push(index) })
        });
        drop(handle);
        event_loop.run(async {
            for task in tasks {
                task.await;
            }
        });
        assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    });
}
