//! Groups of servers: the memory does not depend on how many children there have been.
//!
//! A test target of its own, since it counts what all of the process allocates.
#![cfg(not(aio_loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aio_base::live::leak_check;
use aio_core::yield_now;

/// The children over the life of a group, and how many of them are there at a time.
const CHILDREN: usize = 1_000_000;
const ALIVE: usize = 100;

/// How many children there have been when the group has got all the memory that it needs.
const SETTLED: usize = 10 * ALIVE;

/// What the threads of the test harness may allocate meanwhile. It is far less than a bit for each child.
const SLACK: usize = 16 * 1024;

/// The system's allocator; counts the bytes that are in use.
struct Counting;

#[global_allocator]
static GLOBAL: Counting = Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every method asks of its caller what the same method of `System` asks, passes the arguments on unchanged, and
// returns what `System` returned. Counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Relaxed, here and below: a statistic. What is compared was done on one thread.
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller upholds the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller upholds the contract, which is the same; `ptr` came from `System`, as all of ours do.
        unsafe { System.dealloc(ptr, layout) }
    }
}

fn bytes() -> usize {
    BYTES.load(Ordering::Relaxed)
}

/// What a server does with a request: nothing, and now and then it fails.
async fn serve(request: usize) -> Result<usize, usize> {
    for _ in 0..request % 3 {
        yield_now().await;
    }
    if request.is_multiple_of(10) { Err(request) } else { Ok(request) }
}

/// The bytes in use may swing with the number of children that are there just now, and with nothing else.
#[derive(Default)]
struct Bounds {
    settled: usize,
    most: usize,
}

impl Bounds {
    fn look(&mut self, request: usize) {
        let bytes = bytes();
        if request <= SETTLED {
            self.settled = self.settled.max(bytes);
        } else {
            self.most = self.most.max(bytes);
        }
    }

    #[track_caller]
    fn check(&self) {
        assert!(self.settled > 0 && self.most > 0);
        assert!(self.most <= self.settled + SLACK, "{} bytes at first, {} bytes later", self.settled, self.most);
    }
}

/// `$kind` starts a child in the room that it was given.
macro_rules! server {
    ($name:ident, $group:path, $count:ty, $room:ident, $request:ident => $spawn:expr) => {
        #[test]
        fn $name() {
            leak_check(|| {
                aio_core::run(async {
                    let failed = <$count>::default();
                    let (counter, mut bounds) = (failed.clone(), Bounds::default());
                    let group = <$group>::new().limit(ALIVE).discarding(move |_: usize| add_one(&counter));
                    let outcome = group
                        .run(async {
                            for $request in 0..CHILDREN {
                                let $room = group.vacancy().await;
                                drop($spawn);
                                bounds.look($request);
                            }
                            Ok(())
                        })
                        .await;
                    assert_eq!(outcome, Ok(()));
                    bounds.check();
                    assert_eq!(count(&failed), CHILDREN / 10);
                });
            });
        }
    };
}

trait Count {
    fn add_one(&self);
    fn count(&self) -> usize;
}

impl Count for Rc<Cell<usize>> {
    fn add_one(&self) {
        self.set(self.get() + 1);
    }
    fn count(&self) -> usize {
        self.get()
    }
}

impl Count for Arc<AtomicUsize> {
    fn add_one(&self) {
        self.fetch_add(1, Ordering::Relaxed);
    }
    fn count(&self) -> usize {
        self.load(Ordering::Relaxed)
    }
}

fn add_one(counter: &impl Count) {
    counter.add_one();
}

fn count(counter: &impl Count) -> usize {
    counter.count()
}

type Local = aio_group::local::TaskGroup<'static, usize>;
type Shared = aio_group::TaskGroup<'static, usize>;

server!(a_million_children_with_tasks, Shared, Arc<AtomicUsize>, room, n => room.try_spawn(serve(n)));
server!(a_million_local_children_with_tasks, Local, Rc<Cell<usize>>, room, n => room.try_spawn(serve(n)));
server!(a_million_local_children_in_place, Local, Rc<Cell<usize>>, room, n => room.try_spawn_scoped(serve(n)));

/// Without `discarding`, outputs that are taken as they come are not kept either.
#[test]
fn a_million_results() {
    leak_check(|| {
        aio_core::run(async {
            let mut bounds = Bounds::default();
            let group = aio_group::local::TaskGroup::new();
            let sum = group
                .join(async {
                    let mut results = group.results();
                    let mut sum = 0;
                    for request in 0..CHILDREN {
                        if request >= ALIVE {
                            sum += results.next().await.unwrap();
                        }
                        results.spawn(async move { serve(request).await.unwrap_or_else(|request| request) });
                        bounds.look(request);
                    }
                    while let Some(output) = results.next().await {
                        sum += output;
                    }
                    sum
                })
                .await;
            bounds.check();
            assert_eq!(sum, CHILDREN * (CHILDREN - 1) / 2);
        });
    });
}
