//! A loop for a test, and a pool whose one thread is held up.

use std::path::PathBuf;
use std::sync::mpsc;

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, to_thread};
use futures_lite::future::poll_once;

pub(crate) use crate::dir::Dir;

impl Dir {
    /// The path of a new file with these contents.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }
}

/// Runs `main` on a loop of `aio`; nothing may be left.
#[track_caller]
pub(crate) fn run<R>(main: impl AsyncFnOnce(&Dir) -> R) -> R {
    leak_check(|| {
        let dir = Dir::new();
        aio_core::run(main(&dir))
    })
}

/// Polls once, then drops.
pub(crate) async fn cancel<F: Future>(future: F) -> Option<F::Output> {
    poll_once(future).await
}

/// Gives the loop a pool of one thread.
pub(crate) fn one_thread() {
    let pool = aio_core::loop_local(|| Pool::new(PoolConfig::new().max_threads(1)));
    assert!(pool.is_some(), "on a loop");
}

/// Holds the only thread of the pool, until it is dropped: what is asked for meanwhile stays in the queue.
pub(crate) struct HeldUp(Option<mpsc::Sender<()>>);

pub(crate) async fn hold_up() -> HeldUp {
    let (gate, opened) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let mut job = Box::pin(to_thread(move || {
        begun.send(()).unwrap();
        let _ = opened.recv();
    }));
    assert!(poll_once(job.as_mut()).await.is_none());
    has_begun.recv().unwrap();
    aio_core::spawn(job).detach();
    HeldUp(Some(gate))
}

impl HeldUp {
    pub(crate) fn let_go(mut self) {
        self.0.take();
    }
}
