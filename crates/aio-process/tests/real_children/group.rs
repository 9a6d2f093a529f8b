//! Children with all that they have started.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::time::Duration;

use aio_process::{Child, Command, Stdio};

use crate::common::{Way, Witness, poll_once, run, until};
use crate::support::{first_line, run_both};

const MS: Duration = Duration::from_millis(1);

/// A child and the one that it has started; both say nothing more.
async fn with_a_grandchild(mut command: Command) -> (Child, Witness) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let id = first_line(&mut child).await.parse().unwrap();
    (child, Witness::of_id(id))
}

fn family(way: Way) -> Command {
    let mut command = way.shell("sleep 1000 & echo $!; wait");
    command.process_group(0);
    command
}

#[test]
fn a_group_is_killed_with_the_grandchildren() {
    run_both(async |way| {
        let (child, grandchild) = with_a_grandchild(family(way)).await;
        child.group().unwrap().kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
        grandchild.ended().await;
    });
}

#[test]
fn a_child_is_killed_without_the_grandchildren() {
    run_both(async |way| {
        let (child, grandchild) = with_a_grandchild(family(way)).await;
        child.kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
        assert!(!grandchild.has_ended());
        grandchild.kill();
    });
}

#[test]
fn any_signal_reaches_the_whole_group() {
    run_both(async |way| {
        let (child, grandchild) = with_a_grandchild(family(way)).await;
        child.group().unwrap().signal(1).unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(1));
        grandchild.ended().await;

        let (child, grandchild) = with_a_grandchild(family(way)).await;
        child.group().unwrap().terminate().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(15));
        grandchild.ended().await;
    });
}

#[test]
fn what_is_left_of_a_terminated_group_is_killed_when_the_child_has_ended() {
    run_both(async |way| {
        let mut command = way.shell("(trap '' TERM; exec sleep 1000) & echo $!; wait");
        command.process_group(0);
        let (child, grandchild) = with_a_grandchild(command).await;
        // Until it ignores the signal.
        until(|| ignores_sigterm(&grandchild_of(&child))).await;
        let status = child.group().unwrap().terminate_then_kill(Duration::from_secs(1000)).await.unwrap();
        assert_eq!(status.signal(), Some(15));
        grandchild.ended().await;
    });
}

#[test]
fn what_is_left_of_a_group_is_killed_when_the_child_has_ended() {
    run_both(async |way| {
        let mut command = way.shell("sleep 1000 & echo $!; exit 3");
        command.process_group(0);
        let (child, grandchild) = with_a_grandchild(command).await;
        assert_eq!(child.group().unwrap().wait_then_kill().await.unwrap().code(), Some(3));
        grandchild.ended().await;

        // Also if the end is seen by somebody else.
        let mut command = way.shell("sleep 1000 & echo $!; exec sleep 1000");
        command.process_group(0);
        let (child, grandchild) = with_a_grandchild(command).await;
        assert!(poll_once(pin!(child.group().unwrap().wait_then_kill())).await.is_none());
        let witness = Witness::of(&child);
        child.kill().unwrap();
        witness.ended().await;
        assert!(!grandchild.has_ended());
        drop(child);
        grandchild.ended().await;
    });
}

#[test]
fn until_its_end_is_told_a_child_and_its_group_can_be_signalled() {
    run_both(async |way| {
        let (child, grandchild) = with_a_grandchild(family(way)).await;
        // A thread, if there is one, sees the end, and wakes this task.
        let mut wait = pin!(child.wait());
        assert!(poll_once(wait.as_mut()).await.is_none());
        let witness = Witness::of(&child);
        child.kill().unwrap();
        witness.ended().await;
        aio_timer::sleep(5 * MS).await;
        child.signal(15).unwrap();
        assert!(!witness.is_reaped());
        child.group().unwrap().kill().unwrap();
        grandchild.ended().await;
        assert_eq!(wait.await.unwrap().signal(), Some(9));
        assert!(child.signal(15).is_err());
    });
}

fn grandchild_of(child: &Child) -> String {
    let id = child.id();
    std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap().trim().to_owned()
}

fn ignores_sigterm(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 << 14 != 0
}

#[test]
fn a_group_that_ignores_sigterm_meets_its_deadline() {
    run_both(async |way| {
        let mut command = way.shell("trap '' TERM; sleep 1000 & echo $!; wait");
        command.process_group(0);
        let (child, grandchild) = with_a_grandchild(command).await;
        let status = child.group().unwrap().terminate_then_kill(50 * MS).await.unwrap();
        assert_eq!(status.signal(), Some(9));
        grandchild.ended().await;
    });
}

#[test]
fn a_group_that_is_to_be_killed_on_drop_is_killed_with_the_grandchildren() {
    run_both(async |way| {
        let mut command = family(way);
        command.kill_on_drop(true);
        let (child, grandchild) = with_a_grandchild(command).await;
        let witness = Witness::of(&child);
        drop(child);
        witness.reaped().await;
        grandchild.ended().await;
    });
}

#[test]
fn a_group_is_not_signalled_after_the_end_of_its_child() {
    run_both(async |way| {
        let (child, grandchild) = with_a_grandchild(family(way)).await;
        child.kill().unwrap();
        child.wait().await.unwrap();
        let error = child.group().unwrap().kill().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), format!("failed to signal the group of process {}: it has ended", child.id()));
        assert!(!grandchild.has_ended());
        grandchild.kill();
    });
}

#[test]
fn one_that_leads_no_group_says_so() {
    run_both(async |way| {
        let leader = family(way).stdout(Stdio::null()).spawn().unwrap();
        for mut command in [way.command("true"), {
            let mut joins = way.command("true");
            joins.process_group(leader.id() as i32);
            joins
        }] {
            let child = command.spawn().unwrap();
            let error = child.group().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(&format!("process {} leads no group", child.id())), "{error}");
            child.wait().await.unwrap();
        }
        leader.group().unwrap().kill().unwrap();
        leader.wait().await.unwrap();
    });
}

/// The group and the session of `process`, by number, as `/proc` tells them: 0 for one that leads from outside of our
/// PID namespace, which is no `Pid`.
fn group_and_session(process: &str) -> (u32, u32) {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let mut fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(2);
    let mut next = || fields.next().unwrap().parse().unwrap();
    (next(), next())
}

#[test]
fn a_new_group_or_session_is_what_it_says() {
    run(async {
        let ours = group_and_session("self");
        let of = |child: &Child| group_and_session(&child.id().to_string());
        let mut command = Command::new("sleep");
        command.arg("1000").kill_on_drop(true);
        assert_eq!(of(&command.spawn().unwrap()), ours);

        let in_a_group = command.process_group(0).spawn().unwrap();
        assert_eq!(of(&in_a_group), (in_a_group.id(), ours.1));

        let mut command = Command::new("sleep");
        command.arg("1000").kill_on_drop(true).new_session().new_session();
        for _ in 0..2 {
            let in_a_session = command.spawn().unwrap();
            assert_eq!(of(&in_a_session), (in_a_session.id(), in_a_session.id()));
            in_a_session.group().unwrap().kill().unwrap();
            assert_eq!(in_a_session.wait().await.unwrap().signal(), Some(9));
        }
    });
}

#[test]
#[should_panic(expected = "`new_session` after `process_group`")]
fn the_leader_of_a_group_cannot_have_a_new_session() {
    Command::new("true").process_group(0).new_session();
}

#[test]
#[should_panic(expected = "`process_group` after `new_session`")]
fn the_leader_of_a_session_cannot_be_put_into_a_group() {
    Command::new("true").new_session().process_group(0);
}
