//! The errors of a group as a value.
#![cfg(not(aio_loom))]

use std::error::Error;
use std::fmt;

use aio_group::{GroupError, TaskGroup};

type Anything = Box<dyn Error + Send + Sync>;

/// An error that may be a group, as programs have them.
#[derive(Debug)]
enum Failed {
    Alone(u32),
    Together(GroupError<Failed>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone(n) => write!(f, "failed with {n}"),
            Self::Together(errors) => errors.fmt(f),
        }
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Alone(_) => None,
            Self::Together(errors) => errors.source(),
        }
    }
}

impl Failed {
    fn group(&self) -> Option<&GroupError<Failed>> {
        match self {
            Self::Alone(_) => None,
            Self::Together(errors) => Some(errors),
        }
    }
}

fn group<E>(errors: impl IntoIterator<Item = E>) -> GroupError<E> {
    GroupError::from(errors.into_iter().collect::<Vec<_>>())
}

/// 1, (2, (3), ()), 4: as `run` of groups in groups gives it.
fn tree() -> GroupError<Failed> {
    let inner = group([Failed::Alone(2), Failed::Together(group([Failed::Alone(3)])), Failed::Together(group([]))]);
    group([Failed::Alone(1), Failed::Together(inner), Failed::Alone(4)])
}

const TREE: &str = "\
3 errors in a task group
  1: failed with 1
  2: 3 errors in a task group
    1: failed with 2
    2: 1 error in a task group
      1: failed with 3
    3: a task group was cancelled
  3: failed with 4";

#[test]
fn a_tree_of_enums_is_shown_as_a_tree() {
    assert_eq!(tree().to_string(), TREE);
}

#[test]
fn a_tree_of_boxed_errors_is_shown_as_a_tree() {
    let inner: GroupError<Anything> = group(["no such file".into(), "no such host".into()]);
    let outer: GroupError<Anything> = group([inner.boxed().into(), "late".into()]);
    let text = "2 errors in a task group\n  1: 2 errors in a task group\n    1: no such file\n    2: no such host\n  \
                2: late";
    assert_eq!(outer.to_string(), text);
    assert_eq!(outer.boxed().to_string(), text);
}

#[test]
fn errors_that_know_a_longer_form_are_asked_for_it() {
    struct Cause;
    impl fmt::Display for Cause {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if f.alternate() { "failed: because" } else { "failed" })
        }
    }
    assert_eq!(group([Cause]).to_string(), "1 error in a task group\n  1: failed");
    assert_eq!(format!("{:#}", group([group([Cause])])), {
        "1 error in a task group\n  1: 1 error in a task group\n    1: failed: because"
    });
}

#[test]
fn the_leaves_of_a_tree_come_depth_first() {
    let tree = tree();
    let leaves = tree.leaves(Failed::group).map(|error| match error {
        Failed::Alone(n) => *n,
        Failed::Together(_) => unreachable!("a group is not a leaf"),
    });
    assert_eq!(leaves.collect::<Vec<_>>(), [1, 2, 3, 4]);
    let top = group([1, 2]);
    assert_eq!(top.leaves(|_| None).copied().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn groups_of_groups_become_one_group() {
    let nested = group([group([1, 2]), group([]), group([3])]);
    assert_eq!(nested.flatten().errors(), [1, 2, 3]);
    assert!(group([group::<u8>([])]).flatten().is_cancelled());
}

#[test]
fn it_is_iterated_by_value_and_by_reference_in_order() {
    let error = group(["a", "b", "c"]);
    assert_eq!((&error).into_iter().copied().collect::<String>(), "abc");
    assert_eq!(error.iter().copied().rev().collect::<String>(), "cba");
    assert_eq!(error.clone().into_iter().collect::<String>(), "abc");
    assert_eq!(error.clone().map(str::len).into_errors(), [1, 1, 1]);
    assert_eq!(error.into_first(), Some("a"));
}

#[test]
fn it_is_split_in_two_and_each_part_keeps_the_order() {
    let (even, odd) = group(1..=5).split(|n| n % 2 == 0);
    assert_eq!(even.unwrap().into_errors(), [2, 4]);
    assert_eq!(odd.unwrap().into_errors(), [1, 3, 5]);
    let (all, none) = group(1..=2).split(|_| true);
    assert_eq!((all.unwrap().into_errors(), none), (vec![1, 2], None));
    let (none, all) = group(1..=2).split(|_| false);
    assert_eq!((none, all.unwrap().into_errors()), (None, vec![1, 2]));
}

/// Nothing in it belongs to the errors that were asked for, and that it was cancelled is not lost.
#[test]
fn a_cancelled_group_is_the_rest_when_it_is_split() {
    let (these, rest) = group::<u8>([]).split(|_| unreachable!("there is no error"));
    assert!(these.is_none());
    assert!(rest.unwrap().is_cancelled());
}

#[test]
fn its_source_is_the_error_that_aborted_the_group() {
    let error: Anything = tree().into();
    assert_eq!(error.source().unwrap().to_string(), "failed with 1");
    assert!(group::<Failed>([]).source().is_none());
    // Down through the groups.
    let nested = group([Failed::Together(group([Failed::Alone(7)]))]);
    let mut chain = std::iter::successors(nested.source(), |&error| error.source());
    assert_eq!(chain.by_ref().last().unwrap().to_string(), "failed with 7");
}

#[test]
fn what_can_be_shown_becomes_an_error_when_it_is_boxed() {
    async fn texts() -> Result<(), Anything> {
        let group = TaskGroup::new();
        let run = group.run(async {
            drop(group.try_spawn_scoped::<(), _>(async { Err("a text") }));
            Ok(())
        });
        run.await.map_err(GroupError::boxed)?;
        unreachable!("a child has failed")
    }
    let error = aio_core::block_on(texts()).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "a text");

    let boxed = group::<Anything>([Failed::Alone(1).into()]).boxed();
    let first = boxed.into_first().unwrap();
    assert!(first.get().is::<Failed>());
    assert!(matches!(*first.into_inner().downcast::<Failed>().unwrap(), Failed::Alone(1)));
}
