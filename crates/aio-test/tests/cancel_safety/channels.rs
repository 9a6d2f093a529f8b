//! Channels of all kinds: each message that was sent is received.

use std::pin::pin;

use aio_base::Home;
use aio_group::gather;
use aio_stream::StreamExt;
use aio_sync::broadcast::RecvError;
use aio_sync::generic::{broadcast, channel, oneshot, watch};
use aio_test::Ledger;

use crate::{at, at_each_of, in_both_homes};

in_both_homes! {
    a_message_is_received_by_the_next,
    several_messages_at_once_are_received_or_still_there,
    a_stream_of_messages_goes_on,
    a_message_that_was_not_sent_was_not,
    a_reserved_place_goes_to_the_next,
    who_waits_for_the_end_of_a_channel_changes_nothing,
    the_message_of_a_oneshot_stays_until_it_is_received,
    a_change_is_seen_by_the_next_call,
    a_value_that_is_waited_for_is_found_by_the_next_call,
    what_is_broadcast_is_received_by_the_next_call,
}

fn a_message_is_received_by_the_next<H: Home>() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let (sender, receiver) = channel::bounded::<_, H>(1);
        let receive = async || {
            while let Ok(item) = receiver.recv().await {
                ledger.take(item);
            }
        };
        gather((victim.run(receive()), receive(), async {
            for n in 0..4 {
                at(1).await;
                sender.send(ledger.track(n)).await.expect("it is open");
            }
            at(1).await;
            sender.close();
        }))
        .await;
        assert_eq!(ledger.n_made(), 4);
        ledger.assert_all_taken();
    });
}

fn several_messages_at_once_are_received_or_still_there<H: Home>() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let (sender, receiver) = channel::bounded::<_, H>(3);
        let mut got = Vec::new();
        gather((
            async {
                let work = async { while receiver.recv_many(&mut got, 2).await.is_ok() {} };
                victim.run(work).await;
                while receiver.recv_many(&mut got, 2).await.is_ok() {}
            },
            async {
                for n in 0..6 {
                    if n % 3 == 0 {
                        at(1).await;
                    }
                    sender.send(ledger.track(n)).await.expect("it is open");
                }
                at(1).await;
                sender.close();
            },
        ))
        .await;
        let got: Vec<_> = got.into_iter().map(|item| ledger.take(item)).collect();
        assert_eq!(got, [0, 1, 2, 3, 4, 5]);
        ledger.assert_all_taken();
    });
}

fn a_stream_of_messages_goes_on<H: Home>() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let (sender, receiver) = channel::unbounded::<_, H>();
        let mut got = Vec::new();
        gather((
            async {
                let work = async {
                    let mut items = pin!(receiver.stream());
                    while let Some(item) = items.next().await {
                        got.push(ledger.take(item));
                    }
                };
                victim.run(work).await;
                while let Ok(item) = receiver.recv().await {
                    got.push(ledger.take(item));
                }
            },
            async {
                for n in 0..2 {
                    at(1).await;
                    sender.try_send(ledger.track(n)).expect("it is open");
                }
                at(1).await;
                drop(sender);
            },
        ))
        .await;
        assert_eq!(got, [0, 1]);
    });
}

fn a_message_that_was_not_sent_was_not<H: Home>() {
    at_each_of(1, async |victim| {
        let ledger = Ledger::new();
        let (sender, receiver) = channel::bounded::<_, H>(1);
        sender.try_send(ledger.track(0)).expect("there is room");
        let mut got = Vec::new();
        let (was_sent, ..) = gather((
            async { victim.run(sender.send(ledger.track(1))).await.is_some() },
            async {
                sender.send(ledger.track(2)).await.expect("it is open");
                at(2).await;
                sender.close();
            },
            async {
                at(1).await;
                while let Ok(item) = receiver.recv().await {
                    got.push(ledger.take(item));
                }
            },
        ))
        .await;
        assert_eq!(got, if was_sent { vec![0, 1, 2] } else { vec![0, 2] });
        assert_eq!((ledger.n_live(), ledger.n_dropped()), (0, usize::from(!was_sent)));
    });
}

fn a_reserved_place_goes_to_the_next<H: Home>() {
    for is_owned in [false, true] {
        at_each_of(2, async |victim| {
            let (sender, receiver) = channel::bounded::<u32, H>(1);
            sender.try_send(0).expect("there is room");
            let work = async {
                if is_owned {
                    let place = sender.clone().reserve_owned().await.expect("it is open");
                    at(1).await;
                    place.send(1).expect("it is open");
                } else {
                    let place = sender.reserve().await.expect("it is open");
                    at(1).await;
                    place.send(1).expect("it is open");
                }
            };
            let (was_sent, (), got) = gather((
                async { victim.run(work).await.is_some() },
                async {
                    sender.send(2).await.expect("it is open");
                    at(3).await;
                    sender.close();
                },
                async {
                    at(1).await;
                    let mut got = Vec::new();
                    while let Ok(item) = receiver.recv().await {
                        got.push(item);
                    }
                    got
                },
            ))
            .await;
            assert_eq!(got, if was_sent { vec![0, 1, 2] } else { vec![0, 2] });
            assert_eq!(sender.sender_count(), 1);
        });
    }
}

fn who_waits_for_the_end_of_a_channel_changes_nothing<H: Home>() {
    at_each_of(3, async |victim| {
        let (sender, receiver) = channel::bounded::<u32, H>(1);
        let (value, mut changes) = watch::channel::<u32, H>(0);
        let (mut answer, question) = oneshot::channel::<u32, H>();
        let work = async {
            sender.closed().await;
            value.closed().await;
            answer.closed().await;
        };
        gather((victim.run(work), sender.closed(), value.closed(), async {
            at(1).await;
            drop(receiver);
            at(1).await;
            assert_eq!(changes.has_changed(), Ok(false));
            changes.mark_changed();
            drop(changes);
            at(1).await;
            drop(question);
        }))
        .await;
        assert!(sender.is_closed() && value.is_closed() && answer.is_closed());
    });
}

fn the_message_of_a_oneshot_stays_until_it_is_received<H: Home>() {
    at_each_of(1, async |victim| {
        let ledger = Ledger::new();
        let (sender, mut receiver) = oneshot::channel::<_, H>();
        gather((
            async {
                let got = victim.run(&mut receiver).await;
                let item = match got {
                    Some(item) => item,
                    None => receiver.await,
                };
                ledger.take(item.expect("it was sent"));
            },
            async {
                at(1).await;
                sender.send(ledger.track(1)).expect("it is wanted");
            },
        ))
        .await;
        ledger.assert_all_taken();
    });
}

fn a_change_is_seen_by_the_next_call<H: Home>() {
    at_each_of(3, async |victim| {
        let (sender, mut receiver) = watch::channel::<u32, H>(0);
        gather((
            async {
                let mut seen = Vec::new();
                let work = async {
                    while receiver.changed().await.is_ok() {
                        seen.push(*receiver.borrow_and_update());
                    }
                };
                victim.run(work).await;
                while receiver.changed().await.is_ok() {
                    seen.push(*receiver.borrow_and_update());
                }
                assert_eq!(seen, [1, 2]);
            },
            async {
                for value in 1..=2 {
                    at(1).await;
                    sender.send(value).expect("it is wanted");
                }
                at(1).await;
                drop(sender);
            },
        ))
        .await;
    });
}

fn a_value_that_is_waited_for_is_found_by_the_next_call<H: Home>() {
    at_each_of(3, async |victim| {
        let (sender, mut receiver) = watch::channel::<u32, H>(0);
        gather((
            async {
                let got = victim.run(async { receiver.wait_for(|value| *value == 3).await.map(|value| *value) }).await;
                let got = match got {
                    Some(got) => got,
                    None => receiver.wait_for(|value| *value == 3).await.map(|value| *value),
                };
                assert_eq!(got, Ok(3));
            },
            async {
                for value in 1..=3 {
                    at(1).await;
                    sender.send(value).expect("it is wanted");
                }
            },
        ))
        .await;
    });
}

fn what_is_broadcast_is_received_by_the_next_call<H: Home>() {
    at_each_of(3, async |victim| {
        let (sender, mut receiver) = broadcast::channel::<u32, H>(2);
        let mut other = sender.subscribe();
        gather((
            async {
                let mut got = Vec::new();
                let work = async {
                    loop {
                        match receiver.recv().await {
                            Err(RecvError::Closed) => break,
                            message => got.push(message),
                        }
                    }
                };
                victim.run(work).await;
                loop {
                    match receiver.recv().await {
                        Err(RecvError::Closed) => break,
                        message => got.push(message),
                    }
                }
                assert_eq!(got, [Ok(0), Err(RecvError::Lagged(1)), Ok(2), Ok(3)]);
            },
            async {
                assert_eq!(other.recv().await, Ok(0));
                assert_eq!(pin!(other.stream()).count().await, 3);
            },
            async {
                at(1).await;
                assert_eq!(sender.send(0), Ok(2));
                at(1).await;
                for n in 1..=3 {
                    sender.send(n).expect("it is wanted");
                }
                at(1).await;
                drop(sender);
            },
        ))
        .await;
    });
}
