//! Random traffic over random networks: what arrives is what was sent.
#![cfg(not(aio_loom))]

mod net_support;

use std::io::ErrorKind;
use std::pin::pin;
use std::time::Duration;

use aio_core::{local, now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream};
use aio_test::net::{Host, Net};
use aio_timer::{sleep, timeout};
use futures_lite::future::poll_once;
use proptest::prelude::*;

use net_support::{elapsed_since, ms, run, secs};

/// What one side does to its outgoing direction, the other to its incoming one, and somebody to the network.
#[derive(Debug, Clone)]
enum Op {
    Write(usize),
    /// Polled once, and dropped.
    CancelledWrite(usize),
    Read(usize),
    CancelledRead(usize),
    Peek(usize),
    Readable,
    Sleep(u64),
    Partition,
    Cut(bool),
    Heal,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1..3000_usize).prop_map(Op::Write),
        1 => (1..3000_usize).prop_map(Op::CancelledWrite),
        3 => (1..3000_usize).prop_map(Op::Read),
        1 => (1..3000_usize).prop_map(Op::CancelledRead),
        1 => (1..100_usize).prop_map(Op::Peek),
        1 => Just(Op::Readable),
        2 => (0..2000_u64).prop_map(Op::Sleep),
        1 => Just(Op::Partition),
        1 => any::<bool>().prop_map(Op::Cut),
        2 => Just(Op::Heal),
    ]
}

#[derive(Debug, Clone)]
struct Setting {
    seed: u64,
    latency: (u64, u64),
    loss: f64,
    capacity: usize,
    bandwidth: Option<u64>,
}

fn setting() -> impl Strategy<Value = Setting> {
    let latency = (0..50_u64, 0..500_u64);
    let bandwidth = prop::option::of(10_000..1_000_000_u64);
    (any::<u64>(), latency, 0.0..0.4, 1..10_000_usize, bandwidth).prop_map(
        |(seed, (least, more), loss, capacity, bandwidth)| Setting {
            seed,
            latency: (least, least + more),
            loss,
            capacity,
            bandwidth,
        },
    )
}

impl Setting {
    fn net(&self) -> Net {
        let net = Net::seeded(self.seed)
            .latency(ms(self.latency.0)..=ms(self.latency.1))
            .loss(self.loss)
            .capacity(self.capacity)
            .logged();
        match self.bandwidth {
            Some(bytes) => net.bandwidth(bytes),
            None => net,
        }
    }
}

/// On a link as bad as that, one attempt may fail.
async fn connected(client: &Host) -> TcpStream {
    loop {
        match client.run(TcpStream::connect("server:80")).await {
            Ok(stream) => return stream,
            Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
        }
    }
}

/// The byte at that place of what a side sends.
fn byte(side: usize, at: usize) -> u8 {
    (at * 31 / 7 + side * 101) as u8
}

fn bytes(side: usize, from: usize, n: usize) -> Vec<u8> {
    (from..from + n).map(|at| byte(side, at)).collect()
}

/// A side's halves, and how far they are.
struct Half {
    side: usize,
    read: Option<OwnedReadHalf>,
    write: Option<OwnedWriteHalf>,
    n_read: usize,
    n_written: usize,
}

impl Half {
    fn new(side: usize, stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { side, read: Some(read), write: Some(write), n_read: 0, n_written: 0 }
    }

    fn check(&mut self, received: &[u8]) {
        assert_eq!(received, bytes(1 - self.side, self.n_read, received.len()));
        self.n_read += received.len();
    }

    async fn apply(&mut self, op: &Op) {
        let (Some(read), Some(write)) = (&mut self.read, &mut self.write) else { return };
        match *op {
            Op::Write(n) => {
                let bytes = bytes(self.side, self.n_written, n);
                // Nobody may be reading.
                if let Ok(written) = timeout(secs(5), write.write(&bytes)).await {
                    self.n_written += written.unwrap();
                }
            }
            Op::CancelledWrite(n) => {
                if let Some(written) = poll_once(write.write(&bytes(self.side, self.n_written, n))).await {
                    self.n_written += written.unwrap();
                }
            }
            Op::Read(n) => {
                let mut buffer = vec![0; n];
                if let Ok(n) = timeout(secs(5), read.read(&mut buffer)).await {
                    self.check(&buffer[..n.unwrap()]);
                }
            }
            Op::CancelledRead(n) => {
                let mut buffer = vec![0; n];
                if let Some(n) = poll_once(read.read(&mut buffer)).await {
                    self.check(&buffer[..n.unwrap()]);
                }
            }
            Op::Peek(n) => {
                let mut buffer = vec![0; n];
                let stream: &TcpStream = (*read).as_ref();
                let peeked = poll_once(Box::pin(stream.peek(&mut buffer))).await;
                if let Some(n) = peeked {
                    let n = n.unwrap();
                    assert_eq!(buffer[..n], bytes(1 - self.side, self.n_read, n));
                }
            }
            Op::Readable => {
                let stream: &TcpStream = (*read).as_ref();
                poll_once(pin!(stream.readable())).await;
            }
            Op::Sleep(_) | Op::Partition | Op::Cut(_) | Op::Heal => unreachable!("not of a side"),
        }
    }
}

/// All operations, and then everything is read to its end. How long it took, and the log.
fn traffic(setting: &Setting, ops: &[(bool, Op)]) -> (Duration, Vec<String>) {
    run(async {
        let net = setting.net();
        let (server, client) = (net.host("server"), net.host("client"));
        let begin = now();
        let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        let here = connected(&client).await;
        let (there, _) = listener.accept().await.unwrap();
        let mut halves = [Half::new(0, here), Half::new(1, there)];
        for (side, op) in ops {
            match *op {
                Op::Sleep(time) => sleep(ms(time)).await,
                Op::Partition => net.partition(&server, &client),
                Op::Cut(is_one) if is_one => net.cut(&server, &client),
                Op::Cut(_) => net.cut(&client, &server),
                Op::Heal => net.heal(&client, &server),
                _ => halves[usize::from(*side)].apply(op).await,
            }
        }
        net.heal_all();
        let written = [halves[0].n_written, halves[1].n_written];
        let rests = halves.map(|mut half| {
            local::spawn(async move {
                drop(half.write.take());
                let mut rest = Vec::new();
                half.read.take().unwrap().read_to_end(&mut rest).await.unwrap();
                half.check(&rest);
                half.n_read
            })
        });
        for (rest, written) in rests.into_iter().rev().zip(written) {
            assert_eq!(rest.await, written);
        }
        (elapsed_since(begin), net.log())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_once_and_in_order(
        setting in setting(),
        ops in prop::collection::vec((any::<bool>(), op()), 0..60),
    ) {
        let (time, log) = traffic(&setting, &ops);
        // And all of it again.
        let (again, same) = traffic(&setting, &ops);
        prop_assert_eq!(log, same);
        prop_assert_eq!(time, again);
    }

    /// Streams are dropped, reset and crash in the midst of it. What was read is the beginning of what was written, or
    /// all of it if there was an end and no error; and nobody hangs.
    #[test]
    fn an_end_without_an_error_comes_after_all_bytes(
        setting in setting(),
        n_bytes in 0..50_000_usize,
        after in 0..5_000_u64,
        fault in 0..6_u8,
    ) {
        run(async {
            let net = setting.net();
            let (server, client) = (net.host("server"), net.host("client"));
            let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
            let mut here = connected(&client).await;
            let (mut there, _) = listener.accept().await.unwrap();
            let writing = client.spawn(async move {
                here.write_all(&bytes(0, 0, n_bytes)).await.is_ok()
            });
            let reading = server.spawn(async move {
                let mut received = Vec::new();
                let end = there.read_to_end(&mut received).await;
                (received, end.map(drop).map_err(|error| error.kind()))
            });
            let reading_ref = reading.task_ref();
            sleep(ms(after)).await;
            match fault {
                0 => writing.cancel(),
                1 => net.reset(&server, &client),
                2 => client.crash(),
                3 => server.crash(),
                4 => net.partition(&server, &client),
                _ => {}
            }
            let is_finished = timeout(secs(5_000), reading_ref.ended()).await.is_ok();
            if fault == 3 && reading_ref.is_cancelled() {
                drop((reading, writing));
                return;
            }
            if !is_finished {
                // Only who waits for a writer that cannot be reached any more.
                assert!(fault == 4 || fault == 2, "it hangs");
                drop((reading, writing));
                return;
            }
            let (received, end) = reading.await;
            assert_eq!(received, bytes(0, 0, received.len()));
            match end {
                Ok(()) if fault != 0 => assert_eq!(received.len(), n_bytes),
                Ok(()) => {}
                Err(kind) => {
                    assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::TimedOut | ErrorKind::NetworkDown));
                    assert_ne!(fault, 0);
                }
            }
            if fault != 2 {
                drop(writing);
            }
        });
    }
}
