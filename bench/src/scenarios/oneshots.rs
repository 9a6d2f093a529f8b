//! Channels for one message. First alone: made, sent and received with nothing to wait for. Then as answers: a client
//! sends a request through a queue, and in it the sender for its answer, to a task that answers.
//!
//! async-channel and flume have no channel for one message: it is one with room for one.

use std::future::Future;
use std::hint::black_box;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

/// For how many requests the queue has room.
const CAPACITY: usize = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("oneshot, no wait", 1_000_000, 100_000)
            .aio("aio::local", no_wait::<Aio, OfAioLocal>)
            .aio("aio", no_wait::<Aio, OfAio>)
            .peer("tokio", no_wait::<Tokio, OfTokio>)
            .peer("futures, on tokio", no_wait::<Tokio, OfFutures>)
            .peer("async-channel, on smol", no_wait::<Smol, OfAsyncChannel>)
            .peer("flume, on tokio", no_wait::<Tokio, OfFlume>),
        Scenario::new("request-reply", 200_000, 20_000)
            .aio("aio::local", request_reply::<Aio, OfAioLocal>)
            .aio("aio", request_reply::<Aio, OfAio>)
            .peer("tokio", request_reply::<Tokio, OfTokio>)
            .peer("futures, on tokio", request_reply::<Tokio, OfFutures>)
            .peer("async-channel, on smol", request_reply::<Smol, OfAsyncChannel>)
            .peer("flume, on tokio", request_reply::<Tokio, OfFlume>),
        Scenario::new("request-reply, 2 workers", 200_000, 20_000)
            .aio("aio", shared_request_reply::<AioWorkers, OfAio>)
            .peer("tokio", shared_request_reply::<TokioWorkers, OfTokio>)
            .peer("futures, on tokio", shared_request_reply::<TokioWorkers, OfFutures>)
            .peer("async-channel, on smol", shared_request_reply::<SmolWorkers, OfAsyncChannel>)
            .peer("flume, on tokio", shared_request_reply::<TokioWorkers, OfFlume>),
    ]
}

/// A request, and where its answer is to be sent.
type Request<S> = (u64, S);

/// A channel for one answer, and a queue of requests.
trait Service: 'static {
    type Reply: 'static;
    type Answer: 'static;
    type Client: 'static;
    type Server: 'static;

    fn oneshot() -> (Self::Reply, Self::Answer);
    fn reply(reply: Self::Reply, answer: u64);
    fn answer(answer: Self::Answer) -> impl Future<Output = u64>;

    fn queue() -> (Self::Client, Self::Server);
    fn ask(client: &mut Self::Client, request: Request<Self::Reply>) -> impl Future<Output = ()>;
    /// None if there is no client any more.
    fn next(server: &mut Self::Server) -> impl Future<Output = Option<Request<Self::Reply>>>;
}

/// The same for what may cross threads.
trait SharedService: 'static {
    type Reply: Send + 'static;
    type Answer: Send + 'static;
    type Client: Send + 'static;
    type Server: Send + 'static;

    fn oneshot() -> (Self::Reply, Self::Answer);
    fn reply(reply: Self::Reply, answer: u64);
    fn answer(answer: Self::Answer) -> impl Future<Output = u64> + Send;

    fn queue() -> (Self::Client, Self::Server);
    fn ask(client: &mut Self::Client, request: Request<Self::Reply>) -> impl Future<Output = ()> + Send;
    fn next(server: &mut Self::Server) -> impl Future<Output = Option<Request<Self::Reply>>> + Send;
}

macro_rules! service {
    (
        $($contract:ident),+ for $name:ident: $reply:ty, $answer:ty, $client:ty, $server:ty;
        oneshot $oneshot:expr;
        reply($sender:ident, $message:ident) $send:expr;
        answer($receiver:ident) $receive:expr;
        queue $queue:expr;
        ask($asking:ident, $request:ident) $ask:expr;
        next($serving:ident) $next:expr;
    ) => {
        struct $name;

        $(service!(
            @ $contract, $name, $reply, $answer, $client, $server, $oneshot, $sender, $message, $send, $receiver,
            $receive, $queue, $asking, $request, $ask, $serving, $next
        );)+
    };
    (
        @ $contract:ident, $name:ident, $reply:ty, $answer:ty, $client:ty, $server:ty, $oneshot:expr, $sender:ident,
        $message:ident, $send:expr, $receiver:ident, $receive:expr, $queue:expr, $asking:ident, $request:ident,
        $ask:expr, $serving:ident, $next:expr
    ) => {
        impl $contract for $name {
            type Reply = $reply;
            type Answer = $answer;
            type Client = $client;
            type Server = $server;

            fn oneshot() -> ($reply, $answer) {
                $oneshot
            }

            fn reply($sender: $reply, $message: u64) {
                assert!($send.is_ok());
            }

            async fn answer($receiver: $answer) -> u64 {
                $receive.await.expect("it is sent")
            }

            fn queue() -> ($client, $server) {
                $queue
            }

            async fn ask($asking: &mut $client, $request: Request<$reply>) {
                assert!($ask.await.is_ok());
            }

            async fn next($serving: &mut $server) -> Option<Request<$reply>> {
                $next.await
            }
        }
    };
}

mod aio_types {
    use super::Request;

    pub(super) type Reply = aio_sync::oneshot::Sender<u64>;
    pub(super) type Answer = aio_sync::oneshot::Receiver<u64>;
    pub(super) type Client = aio_sync::channel::Sender<Request<Reply>>;
    pub(super) type Server = aio_sync::channel::Receiver<Request<Reply>>;

    pub(super) type LocalReply = aio_sync::local::oneshot::Sender<u64>;
    pub(super) type LocalAnswer = aio_sync::local::oneshot::Receiver<u64>;
    pub(super) type LocalClient = aio_sync::local::channel::Sender<Request<LocalReply>>;
    pub(super) type LocalServer = aio_sync::local::channel::Receiver<Request<LocalReply>>;
}

service! {
    Service for OfAioLocal: aio_types::LocalReply, aio_types::LocalAnswer, aio_types::LocalClient,
        aio_types::LocalServer;
    oneshot aio_sync::local::oneshot::channel();
    reply(sender, message) sender.send(message);
    answer(receiver) receiver;
    queue aio_sync::local::channel::bounded(CAPACITY);
    ask(client, request) client.send(request);
    next(server) async { server.recv().await.ok() };
}
service! {
    Service, SharedService for OfAio: aio_types::Reply, aio_types::Answer, aio_types::Client, aio_types::Server;
    oneshot aio_sync::oneshot::channel();
    reply(sender, message) sender.send(message);
    answer(receiver) receiver;
    queue aio_sync::channel::bounded(CAPACITY);
    ask(client, request) client.send(request);
    next(server) async { server.recv().await.ok() };
}

mod tokio_types {
    use super::Request;

    pub(super) type Reply = tokio::sync::oneshot::Sender<u64>;
    pub(super) type Answer = tokio::sync::oneshot::Receiver<u64>;
    pub(super) type Client = tokio::sync::mpsc::Sender<Request<Reply>>;
    pub(super) type Server = tokio::sync::mpsc::Receiver<Request<Reply>>;
}

service! {
    Service, SharedService for OfTokio: tokio_types::Reply, tokio_types::Answer, tokio_types::Client,
        tokio_types::Server;
    oneshot tokio::sync::oneshot::channel();
    reply(sender, message) sender.send(message);
    answer(receiver) receiver;
    queue tokio::sync::mpsc::channel(CAPACITY);
    ask(client, request) client.send(request);
    next(server) server.recv();
}

mod futures_types {
    use super::Request;

    pub(super) type Reply = futures::channel::oneshot::Sender<u64>;
    pub(super) type Answer = futures::channel::oneshot::Receiver<u64>;
    pub(super) type Client = futures::channel::mpsc::Sender<Request<Reply>>;
    pub(super) type Server = futures::channel::mpsc::Receiver<Request<Reply>>;
}

service! {
    Service, SharedService for OfFutures: futures_types::Reply, futures_types::Answer, futures_types::Client,
        futures_types::Server;
    oneshot futures::channel::oneshot::channel();
    reply(sender, message) sender.send(message);
    answer(receiver) receiver;
    // It has room for one more.
    queue futures::channel::mpsc::channel(CAPACITY - 1);
    ask(client, request) futures::SinkExt::send(client, request);
    next(server) futures::StreamExt::next(server);
}

mod smol_types {
    use smol::channel::{Receiver, Sender};

    use super::Request;

    pub(super) type Reply = Sender<u64>;
    pub(super) type Answer = Receiver<u64>;
    pub(super) type Client = Sender<Request<Reply>>;
    pub(super) type Server = Receiver<Request<Reply>>;
}

service! {
    Service, SharedService for OfAsyncChannel: smol_types::Reply, smol_types::Answer, smol_types::Client,
        smol_types::Server;
    oneshot smol::channel::bounded(1);
    reply(sender, message) sender.try_send(message);
    answer(receiver) receiver.recv();
    queue smol::channel::bounded(CAPACITY);
    ask(client, request) client.send(request);
    next(server) async { server.recv().await.ok() };
}

mod flume_types {
    use flume::{Receiver, Sender};

    use super::Request;

    pub(super) type Reply = Sender<u64>;
    pub(super) type Answer = Receiver<u64>;
    pub(super) type Client = Sender<Request<Reply>>;
    pub(super) type Server = Receiver<Request<Reply>>;
}

service! {
    Service, SharedService for OfFlume: flume_types::Reply, flume_types::Answer, flume_types::Client,
        flume_types::Server;
    oneshot flume::bounded(1);
    reply(sender, message) sender.try_send(message);
    answer(receiver) receiver.recv_async();
    queue flume::bounded(CAPACITY);
    ask(client, request) client.send_async(request);
    next(server) async { server.recv_async().await.ok() };
}

fn no_wait<R: Local, S: Service>(n: u64) -> Sample {
    R::run(async move {
        let meter = Meter::start();
        for i in 0..n {
            let (sender, receiver) = S::oneshot();
            S::reply(black_box(sender), i);
            assert_eq!(S::answer(black_box(receiver)).await, i);
        }
        meter.stop(n)
    })
}

/// The same code for both kinds of service, whose bounds differ.
macro_rules! request_reply {
    ($name:ident, $runtime:ident, $service:ident, $meter:expr) => {
        fn $name<R: $runtime, S: $service>(n: u64) -> Sample {
            R::run(async move {
                let (mut client, mut server) = S::queue();
                let meter = $meter;
                let serving = R::spawn(async move {
                    while let Some((question, sender)) = S::next(&mut server).await {
                        S::reply(sender, question + 1);
                    }
                });
                for i in 0..n {
                    let (sender, receiver) = S::oneshot();
                    S::ask(&mut client, (i, sender)).await;
                    assert_eq!(S::answer(receiver).await, i + 1);
                }
                drop(client);
                serving.await;
                meter.stop(n)
            })
        }
    };
}

request_reply!(request_reply, Local, Service, Meter::start());
request_reply!(shared_request_reply, Shared, SharedService, R::meter());
