//! What docs/testing.md shows, and what passes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aio::io::duplex;
use aio::testing::net::Net;
use aio::testing::{
    EventLog, Explore, Faults, Ledger, Test, Victim, assert_pending, assert_ready, cancel_at_each_await, elapsed,
    explore, explore_outcomes, note, step,
};
use aio::{Queue, ReadExt, TcpListener, TcpStream, WriteExt, local, sleep, timeout, to_thread, yield_now};
use aio_testing_chapter::{Account, Cache, Frames, transfer_in_order};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

// A first test.

#[aio::test]
async fn a_value_is_kept_for_an_hour() {
    let cache = Cache::new(HOUR);
    assert_eq!(cache.get(async || 1).await, 1);
    sleep(HOUR - MS).await;
    assert_eq!(cache.get(async || 2).await, 1);
    sleep(MS).await;
    assert_eq!(cache.get(async || 2).await, 2);
    assert_eq!(elapsed(), HOUR);
}

#[aio::test]
async fn a_load_that_takes_too_long_is_cut_off() -> Result<(), aio::Elapsed> {
    let cache = Cache::new(HOUR);
    let slow = async || sleep(10 * HOUR).await;
    assert!(timeout(HOUR, cache.get(slow)).await.is_err());
    timeout(HOUR, cache.get(async || ())).await
}

// Many orders.

#[aio::test(schedules = 1000)]
async fn two_users_and_one_load() {
    let (cache, n_loads) = (Arc::new(Cache::new(HOUR)), Arc::new(AtomicU32::new(0)));
    let user = |comes_at| {
        let (cache, n_loads) = (cache.clone(), n_loads.clone());
        aio::spawn(async move {
            sleep(comes_at).await;
            let load = async || {
                sleep(20 * MS).await;
                n_loads.fetch_add(1, Ordering::Relaxed) + 1
            };
            assert_eq!(cache.get_once(load).await, 1, "it was loaded again");
        })
    };
    let (ada, bob) = (user(Duration::ZERO), user(20 * MS));
    ada.await;
    bob.await;
}

// As if on several workers.

#[aio::test(schedules = 1000, preemptive)]
async fn transfers_in_both_directions() {
    let (ada, bob) = (Arc::new(Account::new(1, 100)), Arc::new(Account::new(2, 100)));
    let start = |name: &str, from: &Arc<Account>, to: &Arc<Account>| {
        let (from, to) = (from.clone(), to.clone());
        aio::Builder::new().name(name).spawn(async move { transfer_in_order(&from, &to, 10).await })
    };
    let (there, back) = (start("there", &ada, &bob), start("back", &bob, &ada));
    there.await;
    back.await;
    assert_eq!(*ada.balance.lock().await, 100);
}

// What goes wrong without anything being wrong.

#[aio::test(schedules = 200, faults = "all")]
async fn an_hour_is_over_when_it_is_over_or_a_little_later() {
    let begin = aio::now();
    sleep(HOUR).await;
    assert!(aio::now() - begin >= HOUR);
}

#[test]
fn messages_get_through_whatever_is_late() {
    let late = Faults::none().delayed_wakes(3, 50 * MS).timer_jitter(20 * MS);
    Test::new("messages_get_through_whatever_is_late").schedules(200).faults(late).run(async || {
        let queue = Arc::new(Queue::bounded(2));
        let sender = aio::spawn({
            let queue = queue.clone();
            async move {
                for i in 0..5 {
                    queue.put(i).await.unwrap();
                    sleep(10 * MS).await;
                }
                queue.close();
            }
        });
        let mut received = Vec::new();
        while let Ok(i) = queue.get().await {
            note(format_args!("got {i}"));
            received.push(i);
        }
        sender.await;
        assert_eq!(received, [0, 1, 2, 3, 4]);
    });
}

// Every order.

#[test]
fn two_tasks_of_two_steps_have_six_schedules() {
    let explored = explore(async || {
        for _ in 0..2 {
            local::spawn(async { yield_now().await }).detach();
        }
    });
    // 4! / (2! 2!)
    assert_eq!(explored.schedules(), 6);
}

#[test]
fn an_addition_may_be_lost() {
    let outcomes = explore_outcomes(async || {
        let n = Arc::new(AtomicU32::new(0));
        let add = || {
            let n = n.clone();
            aio::spawn(async move {
                let seen = n.load(Ordering::Relaxed);
                yield_now().await;
                n.store(seen + 1, Ordering::Relaxed);
            })
        };
        let (one, two) = (add(), add());
        one.await;
        two.await;
        n.load(Ordering::Relaxed)
    });
    assert_eq!(outcomes.into_keys().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn transfers_end_in_every_order() {
    let transfers = async || {
        let (ada, bob) = (Arc::new(Account::new(1, 100)), Arc::new(Account::new(2, 100)));
        let start = |from: &Arc<Account>, to: &Arc<Account>| {
            let (from, to) = (from.clone(), to.clone());
            aio::spawn(async move { transfer_in_order(&from, &to, 10).await })
        };
        let (there, back) = (start(&ada, &bob), start(&bob, &ada));
        there.await;
        back.await;
    };
    let explored = Explore::new("transfers_end_in_every_order").preemptive(true).reduced().run(transfers);
    assert!(explored.is_complete());
}

// Cancelled at every await.

#[test]
fn no_byte_is_lost_wherever_the_reader_is_cancelled() {
    cancel_at_each_await(async |victim: Victim| {
        let (here, mut there) = duplex(64);
        let sender = local::spawn(async move {
            for piece in ["one", "!two!th", "ree!"] {
                sleep(10 * MS).await;
                there.write_all(piece.as_bytes()).await.unwrap();
            }
        });
        let (mut frames, mut read) = (Frames::new(here), Vec::new());
        let reads = async {
            while read.len() < 3 {
                read.push(frames.next().await.unwrap());
            }
        };
        victim.run(reads).await;
        // Whether it was cancelled or not: the rest is still there.
        while let Ok(frame) = frames.next().await {
            read.push(frame);
        }
        sender.await;
        assert_eq!(read, [*b"one!", *b"two!", *b"thre"]);
    });
}

#[test]
fn no_item_is_lost_either() {
    cancel_at_each_await(async |victim: Victim| {
        let (ledger, queue) = (Ledger::new(), Arc::new(Queue::bounded(1)));
        let producer = aio::spawn({
            let (ledger, queue) = (ledger.clone(), queue.clone());
            async move {
                for n in 0..3 {
                    queue.put(ledger.track(n)).await.unwrap();
                }
                queue.close();
            }
        });
        let consume = async || {
            while let Ok(item) = queue.get().await {
                ledger.take(item);
            }
        };
        victim.run(consume()).await;
        consume().await;
        producer.await;
        ledger.assert_all_taken();
    });
}

// The network.

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:80")?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 4];
        stream.read_exact(&mut request).await?;
        stream.write_all(&request).await?;
    }
}

#[aio::test(schedules = 100)]
async fn an_answer_comes_through_when_the_network_is_mended() -> io::Result<()> {
    let net = Net::new().latency(10 * MS..=30 * MS).loss(0.05);
    let (server, client) = (net.host("server"), net.host("client"));
    let _serving = server.spawn(serve());
    let asking = client.spawn(async {
        let mut stream = TcpStream::connect("server:80").await?;
        sleep(HOUR).await;
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        io::Result::Ok(answer)
    });
    sleep(HOUR / 2).await;
    net.partition(&server, &client);
    sleep(HOUR / 2 + 60_000 * MS).await;
    net.heal(&server, &client);
    assert_eq!(asking.await?, *b"ping");
    Ok(())
}

// Blocking functions.

#[aio::test(schedules = 100)]
async fn a_blocking_function_is_a_step_like_another() {
    let log = EventLog::new();
    let job = aio::spawn(to_thread({
        let log = log.clone();
        move || log.push("the job")
    }));
    let task = aio::spawn({
        let log = log.clone();
        async move { log.push("the task") }
    });
    job.await;
    task.await;
    assert_eq!(log.texts().len(), 2);
    assert_eq!(elapsed(), Duration::ZERO);
}

// By hand.

#[test]
fn who_waits_for_an_event_is_woken_once() {
    let event = aio::Event::new();
    let mut waiting = step(event.wait());
    assert_pending!(waiting.poll());
    event.set();
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll(), "the event is set");
    assert_eq!((waiting.n_polls(), waiting.n_wakes(), waiting.wakers_left()), (2, 1, 0));
}
