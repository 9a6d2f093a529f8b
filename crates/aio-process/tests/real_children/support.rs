//! What these tests have in common.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use aio_io::StreamReader;
use aio_process::Child;

use crate::common::{WAYS, Way, run};

/// Runs it on a loop for each way of waiting.
#[track_caller]
pub(crate) fn run_both(main: impl AsyncFn(Way)) {
    for way in WAYS {
        run(async {
            println!("{way:?}");
            main(way).await;
        });
    }
}

/// A child that does nothing for a long time.
pub(crate) fn sleeper(way: Way) -> Child {
    // Where a test fails, too.
    way.command("sleep").arg("1000").kill_on_drop(true).spawn().unwrap()
}

/// One that goes on when it is dropped.
pub(crate) fn survivor(way: Way) -> Child {
    way.command("sleep").arg("1000").spawn().unwrap()
}

/// The first line that it says. The pipe stays open.
pub(crate) async fn first_line(child: &mut Child) -> String {
    let mut reader = StreamReader::new(child.stdout.as_mut().expect("its output is piped"));
    reader.read_line().await.unwrap().expect("it says something").trim_end().to_owned()
}

/// A folder for one test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aio-process-{}-{n}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
