//! Talking to children.

use std::pin::pin;
use std::time::Duration;

use aio_group::TaskGroup;
use aio_process::{Command, Stdio};

use crate::common::{Way, Witness, poll_once, run, until};
use crate::support::{Dir, run_both};

/// More than any pipe holds.
const MUCH: usize = 3_000_000;

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|n| (n % 251) as u8).collect()
}

fn piped(mut command: Command) -> Command {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn more_than_the_pipes_hold_goes_in_and_comes_out_of_both() {
    run_both(async |way| {
        let mut tee = way.command("tee");
        tee.arg("/dev/stderr");
        let output = piped(tee).spawn().unwrap().communicate(bytes(MUCH)).await.unwrap();
        assert!(output.status.success());
        assert!(output.stdout == bytes(MUCH) && output.stderr == bytes(MUCH));
    });
}

#[test]
fn one_that_writes_much_before_it_reads_is_no_deadlock() {
    run_both(async |way| {
        let script = format!("head -c {MUCH} /dev/zero; cat > /dev/null; head -c {MUCH} /dev/zero >&2; exit 5");
        let output = piped(way.shell(script)).spawn().unwrap().communicate(bytes(MUCH)).await.unwrap();
        assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(5), MUCH, MUCH));
    });
}

#[test]
fn one_that_does_not_read_its_input_is_no_error() {
    run_both(async |way| {
        let output = piped(way.shell("exec <&-; echo no")).spawn().unwrap().communicate(bytes(MUCH)).await.unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"no\n"[..]));
        let output = piped(way.shell("head -c 1")).spawn().unwrap().communicate(bytes(MUCH)).await.unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"\0"[..]));
    });
}

#[test]
fn one_without_pipes_is_waited_for() {
    run_both(async |way| {
        let output = way.shell("exit 6").spawn().unwrap().communicate("not sent").await.unwrap();
        assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(6), 0, 0));
        let mut taken = piped(way.shell("cat")).spawn().unwrap();
        drop(taken.stdin.take());
        assert!(taken.communicate("not sent").await.unwrap().stdout.is_empty());
    });
}

#[test]
fn one_that_closes_its_output_early_is_waited_for() {
    run_both(async |way| {
        let output = piped(way.shell("exec >&- 2>&-; sleep 0.05; exit 8")).spawn().unwrap().communicate("").await;
        assert_eq!(output.unwrap().status.code(), Some(8));
    });
}

/// A child whose grandchild holds its pipes, until there is a file called `go`; then it says more.
fn with_a_grandchild(way: Way, dir: &Dir, before: &str) -> Command {
    let grandchild = "while [ ! -e go ]; do sleep 0.01; done; echo late; echo late >&2; : > gone";
    let mut command = piped(way.shell(format!("({grandchild}) & {before}; echo $! > id; echo early; echo early >&2")));
    command.current_dir(dir.path());
    command
}

#[test]
fn communicate_waits_for_the_grandchild_that_holds_the_pipe() {
    run_both(async |way| {
        let dir = Dir::new();
        let child = with_a_grandchild(way, &dir, ":").spawn().unwrap();
        let witness = Witness::of(&child);
        let group = TaskGroup::new();
        let output = group
            .join(async {
                let output = group.spawn(child.communicate(""));
                witness.ended().await;
                std::fs::write(dir.path().join("go"), "").unwrap();
                output.await.unwrap()
            })
            .await;
        assert_eq!((&*output.stdout, &*output.stderr), (&b"early\nlate\n"[..], &b"early\nlate\n"[..]));
    });
}

#[test]
fn output_until_exit_does_not_wait_for_the_grandchild_that_holds_the_pipe() {
    run_both(async |way| {
        let dir = Dir::new();
        // As much as a pipe holds for certain, written just before the end.
        let much = "head -c 60000 /dev/zero";
        let output = with_a_grandchild(way, &dir, much).spawn().unwrap().output_until_exit().await.unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout.len(), 60_000 + "early\n".len());
        assert_eq!((&output.stdout[60_000..], &*output.stderr), (&b"early\n"[..], &b"early\n"[..]));

        let id = std::fs::read_to_string(dir.path().join("id")).unwrap();
        let grandchild = Witness::of_id(id.trim().parse().unwrap());
        assert!(!grandchild.has_ended());
        std::fs::write(dir.path().join("go"), "").unwrap();
        grandchild.ended().await;
    });
}

/// The end is seen while nothing has been read: all that there is, is in the pipe then.
#[test]
fn output_until_exit_drains_the_pipe_of_one_that_has_ended_already() {
    run_both(async |way| {
        let dir = Dir::new();
        let child = with_a_grandchild(way, &dir, "head -c 60000 /dev/zero").spawn().unwrap();
        let witness = Witness::of(&child);
        witness.ended().await;
        let output = child.output_until_exit().await.unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (60_006, 6));
        let id = std::fs::read_to_string(dir.path().join("id")).unwrap();
        Witness::of_id(id.trim().parse().unwrap()).kill();
    });
}

/// The loop stands still while the child says its last words and ends: it has not been told of either.
#[test]
fn output_until_exit_loses_nothing_of_one_that_ends_behind_the_back_of_the_loop() {
    run_both(async |way| {
        let dir = Dir::new();
        let script = "sleep 1000 & echo $! >&2; while [ ! -e go ]; do sleep 0.01; done; head -c 60000 /dev/zero";
        let child = piped(way.shell(script)).current_dir(dir.path()).spawn().unwrap();
        let witness = Witness::of(&child);
        let mut output = pin!(child.output_until_exit());
        assert!(poll_once(output.as_mut()).await.is_none());
        std::fs::write(dir.path().join("go"), "").unwrap();
        while !witness.has_ended() {
            std::thread::yield_now();
        }
        let output = output.await.unwrap();
        assert_eq!(output.stdout.len(), 60_000);
        Witness::of_id(String::from_utf8(output.stderr).unwrap().trim().parse().unwrap()).kill();
    });
}

#[test]
fn output_until_exit_does_not_listen_for_ever_to_a_grandchild_that_never_stops() {
    run_both(async |way| {
        let mut command = piped(way.shell("yes & echo $! >&2; exec sleep 0.05"));
        let output = command.spawn().unwrap().output_until_exit().await.unwrap();
        assert!(output.status.success());
        assert!(output.stdout.starts_with(b"y\ny\n"));
        // It ends by the signal of a pipe that nobody reads; where it does not, it is not left behind.
        let id: u32 = String::from_utf8(output.stderr).unwrap().trim().parse().unwrap();
        until(|| !std::path::Path::new(&format!("/proc/{id}/exe")).exists()).await;
    });
}

#[test]
fn output_until_exit_reads_more_than_a_pipe_holds_and_closes_the_input() {
    run_both(async |way| {
        let script = format!("cat; head -c {MUCH} /dev/zero; head -c {MUCH} /dev/zero >&2");
        let output = piped(way.shell(script)).spawn().unwrap().output_until_exit().await.unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (MUCH, MUCH));
    });
}

#[test]
fn a_cancelled_communicate_leaves_the_process_unless_it_is_to_be_killed() {
    run_both(async |way| {
        for kills in [false, true] {
            let mut command = way.command("sleep");
            let child = command.arg("1000").kill_on_drop(kills).stdout(Stdio::piped()).spawn().unwrap();
            let witness = Witness::of(&child);
            assert!(aio_timer::timeout(Duration::from_millis(5), child.communicate("")).await.is_err());
            if !kills {
                assert!(!witness.has_ended());
                witness.kill();
            }
            witness.reaped().await;
        }
    });
}

#[test]
fn a_thousand_children_run_fifty_at_a_time() {
    run_both(async |way| {
        let group = TaskGroup::new().limit(50);
        let outputs = group
            .join(async {
                let children: Vec<_> = (0..1000)
                    .map(|n| {
                        group.spawn(async move {
                            let text = format!("input {n}\n");
                            let mut command =
                                piped(way.shell(format!("cat; echo output {n}; echo error {n} >&2; exit 9")));
                            command.spawn().unwrap().communicate(text).await.unwrap()
                        })
                    })
                    .collect();
                aio_group::gather(children).await
            })
            .await;
        assert_eq!(outputs.len(), 1000);
        for (n, output) in outputs.into_iter().enumerate() {
            assert_eq!(output.status.code(), Some(9));
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("input {n}\noutput {n}\n"));
            assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("error {n}\n"));
        }
    });
}

#[test]
fn the_output_of_many_is_collected_at_the_same_time() {
    run(async {
        // The first ends only when the last has begun.
        let dir = Dir::new();
        let outputs = (0..20).map(|n| {
            let script = format!("while [ ! -e 19 ]; do sleep 0.01; done; echo {n}");
            Command::shell(if n == 19 { "echo 19; : > 19".to_owned() } else { script }).current_dir(dir.path()).output()
        });
        let outputs = aio_group::gather(outputs.collect::<Vec<_>>()).await;
        for (n, output) in outputs.into_iter().enumerate() {
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), format!("{n}\n"));
        }
    });
}
