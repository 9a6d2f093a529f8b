//! Under executors that are not ours, a thread of the process waits.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_process::Stdio;

use crate::common::{WAYS, Witness, poll_once, within_deadline};
use crate::support::sleeper;

async fn work() {
    for way in WAYS {
        let mut command = way.command("tee");
        command.arg("/dev/stderr").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let input = vec![7; 500_000];
        let output = command.spawn().unwrap().communicate(&input).await.unwrap();
        assert!(output.stdout == input && output.stderr == input);

        let child = sleeper(way);
        assert!(poll_once(std::pin::pin!(child.wait())).await.is_none());
        assert_eq!(child.terminate_then_kill(Duration::from_secs(1000)).await.unwrap().signal(), Some(15));

        let child = way.command("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
        let witness = Witness::of(&child);
        drop(child);
        witness.reaped().await;
    }
}

#[test]
fn it_works_under_tokio() {
    leak_check(|| {
        within_deadline(|| {
            let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            threads.block_on(async { tokio::spawn(work()).await.unwrap() });
            let one_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
            one_thread.block_on(work());
        });
    });
}

#[test]
fn it_works_under_smol() {
    leak_check(|| {
        within_deadline(|| {
            smol::block_on(work());
            smol::block_on(smol::spawn(work()));
        });
    });
}

#[test]
fn it_works_without_an_executor() {
    leak_check(|| within_deadline(|| aio_core::block_on(work())));
}
