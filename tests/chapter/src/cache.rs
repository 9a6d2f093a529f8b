//! A value that is loaded when it is asked for, and kept for a while.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use aio::Lock;

/// Keeps what it has loaded for as long as `fresh_for`.
#[derive(Debug)]
pub struct Cache<V> {
    kept: Mutex<Option<(V, Instant)>>,
    fresh_for: Duration,
    loading: Lock<()>,
}

impl<V: Clone> Cache<V> {
    /// An empty one.
    pub fn new(fresh_for: Duration) -> Self {
        Self { kept: Mutex::new(None), fresh_for, loading: Lock::new(()) }
    }

    fn kept(&self) -> Option<V> {
        let kept = self.kept.lock().unwrap();
        kept.as_ref().filter(|(_, at)| aio::now() - *at < self.fresh_for).map(|(value, _)| value.clone())
    }

    /// The value; what `load` gives, if there is none that is fresh. Asked for twice at once, it may load twice.
    pub async fn get(&self, load: impl AsyncFnOnce() -> V) -> V {
        if let Some(value) = self.kept() {
            return value;
        }
        let value = load().await;
        *self.kept.lock().unwrap() = Some((value.clone(), aio::now()));
        value
    }

    /// [`get`](Self::get), and only one loads at a time.
    pub async fn get_once(&self, load: impl AsyncFnOnce() -> V) -> V {
        let _loading = self.loading.lock().await;
        self.get(load).await
    }
}
