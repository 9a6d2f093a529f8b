//! What of a group may be sent to another thread, and what may be shared with one.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::error::Error;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::MutexGuard;

use aio_base::{Local, Shared};
use aio_core::{Task, spawn, yield_now};
use aio_group::generic::{Child, ChildBuilder, GroupHandle, Results, Run, Started, Starting, TaskGroup, Vacancy};
use aio_group::{
    AnyError, AsCompleted, FirstOk, GroupError, Indexed, NotStarted, Race, TaskGroup as SharedGroup, Until, Wait,
    WaitTimeout, as_completed,
};

/// The answer of the probes below for a type that does not implement their trait: an inherent constant hides this one.
trait Not {
    const IS: bool = false;
}
impl<T> Not for T {}

macro_rules! probe {
    ($probe:ident: $trait:ident) => {
        struct $probe<T>(PhantomData<T>);
        impl<T: $trait> $probe<T> {
            const IS: bool = true;
        }
    };
}
probe!(IsSend: Send);
probe!(IsSync: Sync);
probe!(IsError: Error);

macro_rules! send_sync {
    ($type:ty) => {
        (<IsSend<$type>>::IS, <IsSync<$type>>::IS)
    };
}

type Both = u8;
type SendOnly = Cell<u8>;
type SyncOnly = MutexGuard<'static, u8>;
type Neither = Rc<u8>;

type RunOf<E, R, H> = Run<'static, 'static, E, H, Ready<Result<R, E>>>;

type FirstOkOf<T, E> = FirstOk<(Ready<Result<T, E>>, Ready<Result<T, E>>)>;

const NEITHER: (bool, bool) = (false, false);
const SEND: (bool, bool) = (true, false);
const SYNC: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

#[test]
fn the_probe_sees_each_kind() {
    assert_eq!(send_sync!(Both), BOTH);
    assert_eq!(send_sync!(SendOnly), SEND);
    assert_eq!(send_sync!(SyncOnly), SYNC);
    assert_eq!(send_sync!(Neither), NEITHER);
}

#[test]
fn a_group_and_its_handles_may_be_shared_if_its_errors_may_be_sent() {
    assert_eq!(send_sync!(TaskGroup<'static, Both, Shared>), BOTH);
    assert_eq!(send_sync!(TaskGroup<'static, SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(TaskGroup<'static, SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(TaskGroup<'static, Neither, Shared>), NEITHER);
    assert_eq!(send_sync!(GroupHandle<'static, Both, Shared>), BOTH);
    assert_eq!(send_sync!(GroupHandle<'static, SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(GroupHandle<'static, SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(GroupHandle<'static, Neither, Shared>), NEITHER);
}

#[test]
fn a_child_is_sent_and_shared_as_its_output_is() {
    assert_eq!(send_sync!(Child<Both, Shared>), BOTH);
    assert_eq!(send_sync!(Child<SendOnly, Shared>), SEND);
    assert_eq!(send_sync!(Child<SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(Child<Neither, Shared>), NEITHER);
}

#[test]
fn the_run_of_a_group_may_be_sent_if_body_output_and_errors_may() {
    assert_eq!(send_sync!(RunOf<Both, Both, Shared>), SEND);
    assert_eq!(send_sync!(RunOf<SendOnly, SendOnly, Shared>), SEND);
    assert_eq!(send_sync!(RunOf<Both, SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(RunOf<Both, Neither, Shared>), NEITHER);
    assert_eq!(send_sync!(RunOf<Neither, Both, Shared>), NEITHER);
}

#[test]
fn what_starts_children_is_sent_and_shared_as_the_handle_is() {
    assert_eq!(send_sync!(ChildBuilder<'static, 'static, Both, Shared>), BOTH);
    assert_eq!(send_sync!(ChildBuilder<'static, 'static, SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(ChildBuilder<'static, 'static, SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(Vacancy<'static, 'static, SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(Vacancy<'static, 'static, Neither, Shared>), NEITHER);
}

#[test]
fn values_that_children_give_may_be_sent_if_they_may() {
    assert_eq!(send_sync!(Results<'static, 'static, SendOnly, SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(Results<'static, 'static, SyncOnly, Both, Shared>), NEITHER);
    assert_eq!(send_sync!(Results<'static, 'static, Both, SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(Started<SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(Started<SyncOnly, Shared>), NEITHER);
    assert_eq!(send_sync!(Starting<SendOnly, Shared>), BOTH);
    assert_eq!(send_sync!(Starting<SyncOnly, Shared>), NEITHER);
}

#[test]
fn nothing_of_a_local_group_leaves_its_loop() {
    assert_eq!(send_sync!(ChildBuilder<'static, 'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(Vacancy<'static, 'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(Results<'static, 'static, Both, Both, Local>), NEITHER);
    assert_eq!(send_sync!(Started<Both, Local>), NEITHER);
    assert_eq!(send_sync!(Starting<Both, Local>), NEITHER);
    assert_eq!(send_sync!(TaskGroup<'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(GroupHandle<'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(Child<Both, Local>), NEITHER);
    assert_eq!(send_sync!(RunOf<Both, Both, Local>), NEITHER);
}

#[test]
fn the_error_of_a_group_is_what_its_errors_are() {
    assert_eq!(send_sync!(GroupError<Both>), BOTH);
    assert_eq!(send_sync!(GroupError<SendOnly>), SEND);
    assert_eq!(send_sync!(GroupError<SyncOnly>), SYNC);
    assert_eq!(send_sync!(GroupError<Neither>), NEITHER);
    const { assert!(<IsError<GroupError<std::io::Error>>>::IS) };
    const { assert!(<IsError<GroupError<GroupError<std::fmt::Error>>>>::IS) };
    const { assert!(<IsError<GroupError<AnyError>>>::IS && <IsError<NotStarted>>::IS) };
    assert_eq!(send_sync!(GroupError<AnyError>), BOTH);
    // `?` into the error of those who do not want to know.
    fn passes_it_on(outcome: Result<(), GroupError<std::fmt::Error>>) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(outcome?)
    }
    let error = passes_it_on(Err(one_error())).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), std::fmt::Error.to_string());
}

#[test]
fn a_race_may_be_sent_if_its_futures_and_the_output_may() {
    assert_eq!(send_sync!(Race<(Ready<Both>, Ready<Both>)>), SEND);
    assert_eq!(send_sync!(Race<[Ready<SendOnly>; 2]>), SEND);
    assert_eq!(send_sync!(Race<Vec<Ready<SyncOnly>>>), NEITHER);
    assert_eq!(send_sync!(Race<(Ready<Neither>, Ready<Neither>)>), NEITHER);
    // An output that may, of a future that may not.
    assert_eq!(send_sync!(Race<Vec<Pin<Box<dyn Future<Output = Both>>>>>), NEITHER);
    // A future that may, of an output that may not: the winner's waits for the losers' cleanups.
    assert_eq!(send_sync!(Race<Vec<Pin<Box<dyn Future<Output = Neither> + Send>>>>), NEITHER);
}

#[test]
fn a_search_for_a_success_may_be_sent_if_its_futures_the_success_and_the_errors_may() {
    assert_eq!(send_sync!(FirstOkOf<Both, Both>), SEND);
    assert_eq!(send_sync!(FirstOkOf<SendOnly, SendOnly>), SEND);
    assert_eq!(send_sync!(FirstOkOf<Neither, Both>), NEITHER);
    assert_eq!(send_sync!(FirstOkOf<Both, Neither>), NEITHER);
}

#[test]
fn a_stream_of_outputs_is_what_its_futures_and_outputs_are() {
    assert_eq!(send_sync!(AsCompleted<Ready<Both>>), BOTH);
    assert_eq!(send_sync!(AsCompleted<Ready<SendOnly>>), SEND);
    assert_eq!(send_sync!(AsCompleted<Ready<SyncOnly>>), SYNC);
    assert_eq!(send_sync!(AsCompleted<Ready<Neither>>), NEITHER);
    assert_eq!(send_sync!(AsCompleted<Pin<Box<dyn Future<Output = Neither> + Send>>>), NEITHER);
    assert_eq!(send_sync!(Indexed<Ready<SendOnly>>), SEND);
    assert_eq!(send_sync!(Indexed<Ready<Neither>>), NEITHER);
    // What its methods return, too.
    fn check<T: Send>(_: T) {}
    check(as_completed([ready(Cell::new(1))]).next());
}

#[test]
fn a_wait_may_be_sent_if_its_tasks_may() {
    assert_eq!(send_sync!(Task<SendOnly, Shared>).0, send_sync!(Wait<'static, SendOnly, Shared>).0);
    const { assert!(<IsSend<Wait<'static, Both, Shared>>>::IS) };
    const { assert!(<IsSend<WaitTimeout<'static, SendOnly, Shared>>>::IS) };
    assert_eq!(send_sync!(Wait<'static, Neither, Shared>), NEITHER);
    assert_eq!(send_sync!(Wait<'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(WaitTimeout<'static, Both, Local>), NEITHER);
    assert_eq!(send_sync!(Until), BOTH);
}

fn one_error() -> GroupError<std::fmt::Error> {
    let group = SharedGroup::new();
    aio_core::block_on(group.run(ready(Err::<(), _>(std::fmt::Error)))).unwrap_err()
}

/// Groups that borrow from the task they are in, nested in place and in tasks of their own, inside a task that may go
/// to any thread: what a closure that takes the group could not do.
#[test]
fn groups_that_borrow_nest_in_tasks_of_their_own() {
    fn sum<'a>(numbers: &'a [u32]) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
        Box::pin(async move {
            if let [number] = numbers {
                yield_now().await;
                return *number;
            }
            let (left, right) = numbers.split_at(numbers.len() / 2);
            let group = SharedGroup::new();
            group
                .join(async {
                    let own = right.to_vec();
                    let there = group.spawn(async move { sum(&own).await });
                    let here = group.spawn_scoped(sum(left));
                    here.await + there.await
                })
                .await
        })
    }
    let total = aio_base::live::leak_check(|| {
        aio_core::run(async { spawn(async { sum(&(1..=100).collect::<Vec<_>>()).await }).await })
    });
    assert_eq!(total, 5050);
}

/// Everything that waits in the body of a group, while the group borrows: still a task that may go to any thread.
#[test]
fn a_body_that_waits_for_room_results_and_readiness_may_be_sent() {
    let sum = aio_base::live::leak_check(|| {
        aio_core::run(async {
            let task = spawn(async {
                let numbers = [1, 2, 3];
                let outer = SharedGroup::<GroupError<AnyError>>::new().limit(2);
                let run = outer.run(async {
                    let mut results = outer.results();
                    for number in &numbers {
                        results.spawn_scoped(async move { *number });
                    }
                    let room = outer.vacancy().await;
                    let port = room.name("server").start(async |started| started.set(10)).await;
                    let inner = SharedGroup::new().supervised();
                    let borrowed = &numbers;
                    let body = async {
                        let room = inner.vacancy().await;
                        yield_now().await;
                        Ok(room.spawn_scoped(async move { borrowed.len() }).await)
                    };
                    let length = inner.run(body).await?;
                    let mut sum = 0;
                    while let Some(number) = results.next().await {
                        sum += number;
                    }
                    Ok(sum + port.unwrap() + length)
                });
                run.await.unwrap()
            });
            task.await
        })
    });
    assert_eq!(sum, 19);
}
