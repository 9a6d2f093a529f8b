//! Starting children, waiting for them, signalling and dropping them.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_core::local;
use aio_io::{ReadExt, WriteExt};
use aio_process::{Child, ChildStdout, Command, Stdio, returncode};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::common::{WAYS, Way, Witness, poll_once, ready, run, until, within_deadline};
use crate::support::{Dir, first_line, run_both, sleeper, survivor};

const MS: Duration = Duration::from_millis(1);

fn n_threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn children_and_what_is_awaited_of_them_may_cross_threads() {
    fn may_cross<T: Send>(_: T) {}
    fn may_be_shared<T: Send + Sync + Unpin>() {}
    may_be_shared::<Child>();
    may_be_shared::<Command>();
    may_be_shared::<(aio_process::ChildStdin, ChildStdout, aio_process::ChildStderr)>();
    // Never awaited.
    let _ = |child: Child, other: Child, third: &Child| {
        may_cross(third.wait());
        may_cross(third.terminate_then_kill(MS));
        may_cross(child.communicate(""));
        may_cross(other.output_until_exit());
    };
}

#[test]
fn an_exit_code_is_told_as_often_as_asked() {
    run_both(async |way| {
        let child = way.shell("exit 3").spawn().unwrap();
        for _ in 0..3 {
            let status = child.wait().await.unwrap();
            assert_eq!((status.code(), status.signal(), returncode(status)), (Some(3), None, 3));
            assert_eq!(child.try_wait().unwrap(), Some(status));
        }
    });
}

#[test]
fn a_signal_that_ended_it_is_told() {
    run_both(async |way| {
        for (end, number) in [(Child::terminate as fn(&Child) -> _, 15), (Child::kill, 9), (|c| c.signal(1), 1)] {
            let child = sleeper(way);
            assert_eq!(child.try_wait().unwrap(), None);
            end(&child).unwrap();
            let status = child.wait().await.unwrap();
            assert_eq!((status.code(), status.signal(), returncode(status)), (None, Some(number), -number));
        }
        let by_real_time_signal = sleeper(way);
        by_real_time_signal.signal(40).unwrap();
        assert_eq!(by_real_time_signal.wait().await.unwrap().signal(), Some(40));
    });
}

#[test]
fn a_core_dump_is_told_as_the_standard_library_does() {
    run_both(async |way| {
        let status = way.shell("ulimit -c 0; kill -ABRT $$").status().await.unwrap();
        assert_eq!(status.signal(), Some(6));
    });
}

#[test]
fn a_cancelled_wait_leaves_the_process_and_it_can_be_waited_for_again() {
    run_both(async |way| {
        let child = sleeper(way);
        assert!(poll_once(pin!(child.wait())).await.is_none());
        assert!(aio_timer::timeout(5 * MS, child.wait()).await.is_err());
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
    });
}

#[test]
fn a_thousand_cancelled_waits_leave_no_thread_and_no_place_in_a_queue() {
    run_both(async |way| {
        let child = sleeper(way);
        let before = n_threads();
        for _ in 0..1000 {
            assert!(poll_once(pin!(child.wait())).await.is_none());
        }
        // One that waits, in one of the two ways.
        assert!(n_threads() <= before + 1, "{} threads, {before} before", n_threads());
        child.kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
    });
}

#[test]
fn several_may_wait_at_the_same_time() {
    run_both(async |way| {
        let child = std::rc::Rc::new(sleeper(way));
        let waits: Vec<_> = (0..10)
            .map(|_| {
                let child = child.clone();
                local::spawn(async move { child.wait().await.unwrap() })
            })
            .collect();
        {
            // One that gives up keeps nobody else from hearing.
            assert!(poll_once(pin!(child.wait())).await.is_none());
        }
        aio_core::yield_now().await;
        child.kill().unwrap();
        for wait in waits {
            assert_eq!(wait.await.signal(), Some(9));
        }
    });
}

#[test]
fn who_finds_the_end_by_try_wait_wakes_those_who_wait() {
    run_both(async |way| {
        let child = std::rc::Rc::new(sleeper(way));
        let theirs = child.clone();
        let wait = local::spawn(async move { theirs.wait().await.unwrap() });
        aio_core::yield_now().await;
        child.kill().unwrap();
        while child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(wait.await.signal(), Some(9));
    });
}

#[test]
fn wait_ends_when_the_process_does_whoever_holds_its_pipe() {
    run_both(async |way| {
        let mut child = way.shell("sleep 1000 & echo $!").stdout(Stdio::piped()).spawn().unwrap();
        let grandchild = Witness::of_id(first_line(&mut child).await.parse().unwrap());
        assert!(child.wait().await.unwrap().success());
        let mut stdout = child.stdout.take().unwrap();
        assert!(poll_once(pin!(stdout.read(&mut [0]))).await.is_none(), "the pipe is open");
        assert!(!grandchild.has_ended());
        grandchild.kill();
        assert_eq!(stdout.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn what_has_been_seen_to_end_cannot_be_signalled() {
    run_both(async |way| {
        let child = way.command("true").spawn().unwrap();
        let witness = Witness::of(&child);
        witness.ended().await;
        assert!(!witness.is_reaped());
        child.signal(15).expect("a process that nobody has seen end can be signalled");
        assert!(child.wait().await.unwrap().success());
        for result in [child.kill(), child.terminate(), child.signal(15)] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), format!("failed to signal process {}: it has ended", child.id()));
        }
    });
}

#[test]
fn what_is_no_signal_is_refused() {
    run(async {
        let child = sleeper(Way::Descriptor);
        for number in [0, -1, 32, 33, 65, 100_000] {
            let error = child.signal(number).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&format!("{number} is not the number of a signal")), "{error}");
        }
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().await.unwrap();
    });
}

#[test]
#[cfg(target_env = "gnu")]
fn every_realtime_signal_that_libc_leaves_to_programs_is_sent() {
    run(async {
        for number in [34, 35, 64] {
            let child = sleeper(Way::Descriptor);
            child.signal(number).unwrap();
            assert_eq!(child.wait().await.unwrap().signal(), Some(number));
        }
    });
}

#[test]
fn a_process_that_somebody_else_has_waited_for_is_an_error_and_not_signalled() {
    run_both(async |way| {
        let child = way.command("true").spawn().unwrap();
        let id = child.id();
        let wait = poll_once(pin!(child.wait())).await;
        waitpid(Pid::from_raw(id as i32), WaitOptions::empty()).ok();
        if let Some(seen) = wait {
            // It was faster than the first look.
            assert!(seen.unwrap().success());
            return;
        }
        if way == Way::Descriptor {
            // Whatever has its number now.
            assert_eq!(child.kill().unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        match child.wait().await {
            // Ours was faster than theirs.
            Ok(status) => assert!(status.success()),
            Err(error) => {
                let text = error.to_string();
                assert!(text.starts_with(&format!("failed to wait for process {id}: ")), "{text}");
                assert!(text.contains("somebody else has waited for it"), "{text}");
                assert_eq!(child.wait().await.unwrap_err().to_string(), text);
                assert_eq!(child.try_wait().unwrap_err().to_string(), text);
                assert_eq!(child.kill().unwrap_err().kind(), ErrorKind::InvalidInput);
            }
        }
    });
}

/// Whoever has its number is asked for nothing, and the error is that of the wait.
#[test]
fn to_end_a_process_that_somebody_else_has_waited_for_is_to_wait_for_it() {
    run(async {
        // By a thread, the signal might reach another.
        let child = Way::Descriptor.command("true").spawn().unwrap();
        waitpid(Pid::from_raw(child.id() as i32), WaitOptions::empty()).unwrap();
        let error = child.terminate_then_kill(Duration::from_secs(1000)).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("failed to wait for process {}: ", child.id())), "{error}");
        assert!(error.contains("somebody else has waited for it"), "{error}");
    });
}

#[test]
fn one_that_ends_when_asked_is_not_killed() {
    run_both(async |way| {
        let grace = Duration::from_secs(1000);
        let child = sleeper(way);
        assert_eq!(child.terminate_then_kill(grace).await.unwrap().signal(), Some(15));
        assert_eq!(child.terminate_then_kill(grace).await.unwrap().signal(), Some(15), "as often as asked");

        let child = ready(&mut way.shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")).await;
        assert_eq!(child.terminate_then_kill(grace).await.unwrap().code(), Some(7));
    });
}

#[test]
fn one_that_ignores_sigterm_meets_its_deadline() {
    run_both(async |way| {
        let child = ready(&mut way.shell("trap '' TERM; echo ready; exec sleep 1000")).await;
        let begin = Instant::now();
        assert_eq!(child.terminate_then_kill(50 * MS).await.unwrap().signal(), Some(9));
        assert!(begin.elapsed() >= 50 * MS);
    });
}

#[test]
fn what_is_dropped_goes_on_and_leaves_no_zombie() {
    run_both(async |way| {
        for waits_first in [false, true] {
            let child = survivor(way);
            let witness = Witness::of(&child);
            if waits_first {
                assert!(poll_once(pin!(child.wait())).await.is_none());
            }
            drop(child);
            assert!(!witness.has_ended());
            witness.kill();
            witness.reaped().await;
        }
    });
}

#[test]
fn what_has_ended_unseen_leaves_no_zombie() {
    run_both(async |way| {
        let child = way.command("true").spawn().unwrap();
        let witness = Witness::of(&child);
        witness.ended().await;
        drop(child);
        assert!(witness.is_reaped(), "at once");
    });
}

#[test]
fn the_end_of_the_loop_that_waited_leaves_no_zombie() {
    for way in WAYS {
        leak_check(|| {
            let (child, witness) = run_here(async {
                let child = survivor(way);
                assert!(poll_once(pin!(child.wait())).await.is_none());
                let witness = Witness::of(&child);
                (child, witness)
            });
            drop(child);
            witness.kill();
            run_here(witness.reaped());
        });
    }
}

#[test]
fn what_is_dropped_is_reaped_while_its_loop_stands_still() {
    use aio_core::{EventLoop, ThreadPark};
    for way in WAYS {
        leak_check(|| {
            within_deadline(|| {
                let mut event_loop = EventLoop::new(aio_reactor::Reactor::new(ThreadPark::new()));
                let witness = event_loop.run_until_complete(async {
                    let child = survivor(way);
                    assert!(poll_once(pin!(child.wait())).await.is_none());
                    Witness::of(&child)
                });
                let witness = witness.unwrap();
                witness.kill();
                aio_core::block_on(witness.reaped());
                event_loop.close();
            });
        });
    }
}

/// Without a check for leaks: what the first of two loops leaves is dropped before the second.
fn run_here<T>(main: impl Future<Output = T>) -> T {
    use aio_core::{EventLoop, ThreadPark};
    within_deadline(|| EventLoop::new(aio_reactor::Reactor::new(ThreadPark::new())).run(main))
}

#[test]
fn a_child_waits_on_the_next_loop_as_well() {
    for way in WAYS {
        leak_check(|| {
            let child = run_here(async {
                let child = sleeper(way);
                assert!(poll_once(pin!(child.wait())).await.is_none());
                child
            });
            run_here(async {
                assert!(poll_once(pin!(child.wait())).await.is_none());
                child.kill().unwrap();
                assert_eq!(child.wait().await.unwrap().signal(), Some(9));
            });
        });
    }
}

#[test]
fn a_child_that_is_to_be_killed_on_drop_is() {
    run_both(async |way| {
        for waits_first in [false, true] {
            let child = way.command("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
            let witness = Witness::of(&child);
            if waits_first {
                assert!(poll_once(pin!(child.wait())).await.is_none());
            }
            drop(child);
            witness.reaped().await;
        }
    });
}

#[test]
fn many_that_are_dropped_at_once_leave_no_zombie() {
    run_both(async |way| {
        let children: Vec<_> =
            (0..100).map(|_| way.command("sleep").arg("1000").kill_on_drop(true).spawn().unwrap()).collect();
        let witnesses: Vec<_> = children.iter().map(Witness::of).collect();
        drop(children);
        for witness in witnesses {
            witness.reaped().await;
        }
    });
}

#[test]
fn a_child_sees_the_end_when_its_stdin_is_dropped_or_closed() {
    run_both(async |way| {
        for closes in [false, true] {
            let mut child = way.command("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let mut stdout = child.stdout.take().unwrap();
            stdin.write_all(b"hello").await.unwrap();
            let mut echo = [0; 5];
            stdout.read_exact(&mut echo).await.unwrap();
            assert!(poll_once(pin!(child.wait())).await.is_none());
            if closes {
                stdin.close().await.unwrap();
                assert_eq!(stdin.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
                assert!(child.wait().await.unwrap().success());
            } else {
                drop(stdin);
                assert!(child.wait().await.unwrap().success());
            }
            assert_eq!(stdout.read(&mut echo).await.unwrap(), 0);
        }
    });
}

#[test]
fn wait_leaves_stdin_open() {
    run_both(async |way| {
        let mut child = way.command("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        assert!(aio_timer::timeout(5 * MS, child.wait()).await.is_err());
        child.stdin.as_mut().unwrap().write_all(b"still here").await.unwrap();
        assert_eq!(child.communicate("").await.unwrap().stdout, b"still here");
    });
}

#[test]
fn writing_to_a_child_that_is_gone_is_a_broken_pipe() {
    run_both(async |way| {
        let mut child = way.command("true").stdin(Stdio::piped()).spawn().unwrap();
        child.wait().await.unwrap();
        let error = child.stdin.as_mut().unwrap().write_all(&[0; 100_000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_failed_start_names_what_is_missing() {
    run(async {
        let dir = Dir::new();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let script = dir.path().join("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let missing = dir.path().join("missing");
        let (file, script, missing) = (file.display(), script.display(), missing.display());

        let error = |command: &mut Command| command.spawn().map(|_| ()).unwrap_err();
        let of = |program: &str| error(&mut Command::new(program));
        let within = |dir: &str| error(Command::new("true").current_dir(dir));

        let not_found = "No such file or directory (os error 2)";
        for (error, kind, text) in [
            (of("no-such"), ErrorKind::NotFound, format!("failed to start `no-such`: {not_found}")),
            (
                within(&missing.to_string()),
                ErrorKind::NotFound,
                format!("failed to start `true` in `{missing}`, the directory: {not_found}"),
            ),
            (
                within(&file.to_string()),
                ErrorKind::NotADirectory,
                format!("failed to start `true` in `{file}`, the directory: not a directory"),
            ),
            (
                of(&file.to_string()),
                ErrorKind::PermissionDenied,
                format!("failed to start `{file}`: Permission denied (os error 13)"),
            ),
            (
                of(&script.to_string()),
                ErrorKind::NotFound,
                format!("failed to start `{script}`: {not_found}: it is there, but not the interpreter that it names"),
            ),
        ] {
            assert_eq!((error.kind(), error.to_string()), (kind, text));
        }
        let error = Command::new("no-such").output().await.unwrap_err();
        assert_eq!(error.to_string(), format!("failed to start `no-such`: {not_found}"));
        assert_eq!(Command::new("no-such").status().await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn arguments_environment_and_directory_reach_the_child() {
    run_both(async |way| {
        let dir = Dir::new();
        let dir = dir.path().canonicalize().unwrap();
        let mut command = way.shell("echo \"$0 $1 $2 $A $B $C-\"; pwd");
        command.args(["zero", "one"]).arg("two words").env_clear().env("A", "a").envs([("B", "b"), ("C", "c")]);
        command.env_remove("C").current_dir(&dir);
        let output = command.output().await.unwrap();
        let text = format!("zero one two words a b -\n{}\n", dir.display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        assert_eq!(command.as_std().get_program(), "/bin/sh");
        command.as_std_mut().arg("and more");
        assert_eq!(command.as_std().get_args().last().unwrap(), "and more");
    });
}

#[test]
fn output_pipes_what_nothing_was_said_about_and_the_command_can_be_used_again() {
    run_both(async |way| {
        let mut command = way.shell("cat; echo out; echo err >&2; exit 4");
        for _ in 0..2 {
            let output = command.output().await.unwrap();
            assert_eq!(
                (output.status.code(), &*output.stdout, &*output.stderr),
                (Some(4), &b"out\n"[..], &b"err\n"[..])
            );
        }
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        assert_eq!(child.wait().await.unwrap().code(), Some(4));
        let output = command.output().await.unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b""[..]), "it stays with what was said");

        // As if `output` had never been.
        let mut command = way.command("true");
        command.output().await.unwrap();
        assert!(command.spawn().unwrap().stdout.is_none());
    });
}

#[test]
fn status_closes_what_is_piped() {
    run_both(async |way| {
        let mut command = way.command("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        assert!(command.status().await.unwrap().success());
    });
}

#[test]
fn a_cancelled_output_kills_the_process_unless_it_was_told_not_to() {
    run_both(async |way| {
        for kills in [None, Some(true), Some(false)] {
            let dir = Dir::new();
            let file = dir.path().join("id");
            let mut command = way.shell("echo $$ > new; mv new id; exec sleep 1000");
            command.current_dir(dir.path());
            if let Some(kills) = kills {
                command.kill_on_drop(kills);
            }
            let mut output = Box::pin(command.output());
            assert!(poll_once(output.as_mut()).await.is_none());
            until(|| file.exists()).await;
            let witness = Witness::of_id(std::fs::read_to_string(file).unwrap().trim().parse().unwrap());
            drop(output);
            if kills == Some(false) {
                assert!(!witness.has_ended());
                witness.kill();
            }
            witness.reaped().await;
        }
    });
}

#[test]
fn what_one_says_is_passed_on_to_another() {
    run_both(async |way| {
        let mut first = way.shell("echo b; sleep 0.05; echo a").stdout(Stdio::piped()).spawn().unwrap();
        let pipe = first.stdout.take().unwrap();
        // The second would fail if its input did not block.
        let second = way.command("sort").stdin(pipe.into_stdio().unwrap()).output().await.unwrap();
        assert_eq!((second.status.code(), &*second.stdout, &*second.stderr), (Some(0), &b"a\nb\n"[..], &b""[..]));
        assert!(first.wait().await.unwrap().success());
    });
}

#[test]
fn a_pipe_of_the_standard_library_is_taken_over() {
    run(async {
        let mut child = std::process::Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        let mut stdout = ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
        stdout.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello\n");
        child.wait().unwrap();
    });
}

/// What a child has open, but for what `ls` opens itself.
async fn inherited(listing: impl Future<Output = std::io::Result<aio_process::Output>>) -> BTreeSet<String> {
    let text = String::from_utf8(listing.await.unwrap().stdout).unwrap();
    assert!(text.contains('0'), "{text}");
    text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_child_inherits_no_descriptor_of_ours() {
    run(async {
        let list = "for fd in /proc/self/fd/*; do echo ${fd##*/}; done";
        let before = inherited(Command::shell(list).output()).await;
        let mut others = Vec::new();
        for way in WAYS {
            let mut command = way.command("cat");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            assert!(poll_once(pin!(child.wait())).await.is_none());
            assert!(poll_once(pin!(child.stdout.as_mut().unwrap().read(&mut [0]))).await.is_none());
            others.push(child);
        }
        let (_reader, _writer) = aio_net::pipe().unwrap();
        let _listener = aio_net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(inherited(Command::shell(list).output()).await, before);
        for child in others {
            assert!(child.communicate("").await.unwrap().status.success());
        }
    });
}

/// Another program that ignores `SIGCHLD`: the system forgets its children at once.
#[test]
fn a_program_that_ignores_its_children_gets_an_error_and_does_not_hang() {
    const IGNORES: &str = "AIO_TEST_IGNORES_CHILDREN";
    let name = "child::a_program_that_ignores_its_children_gets_an_error_and_does_not_hang";
    if std::env::var_os(IGNORES).is_some() {
        return run_both(async |way| {
            let child = sleeper(way);
            let witness = Witness::of(&child);
            let mut wait = pin!(child.wait());
            assert!(poll_once(wait.as_mut()).await.is_none());
            child.kill().unwrap();
            let error = wait.await.unwrap_err();
            assert!(error.to_string().contains("ignores the signal SIGCHLD"), "{error}");
            assert!(witness.has_ended());
            let dropped = way.command("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
            let witness = Witness::of(&dropped);
            drop(dropped);
            witness.ended().await;
            assert!(way.command("true").status().await.is_err());
        });
    }
    let mut command = Command::new("env");
    command.arg("--ignore-signal=CHLD").arg(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(IGNORES, "1");
    let output = run(async { command.output().await.unwrap() });
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
