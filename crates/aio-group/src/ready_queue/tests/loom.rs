use super::*;

use aio_base::sync::Arc;
use aio_base::sync::atomic::AtomicUsize;
use aio_base::thread;

struct Shared {
    queue: ReadyQueue,
    nodes: [Node; 3],
    /// What the wakes tell the polls: written and read without any ordering of their own.
    told: [AtomicUsize; 3],
}

impl Shared {
    fn new() -> Arc<Self> {
        let nodes = [(); 3].map(|()| Node::new());
        Arc::new(Self { queue: ReadyQueue::new(), nodes, told: [(); 3].map(|()| AtomicUsize::new(0)) })
    }

    /// Takes a batch, and returns its positions with what their polls see.
    fn poll(&self) -> Vec<(usize, usize)> {
        let position = |node: NonNull<Node>| self.nodes.iter().position(|other| ptr::eq(other, node.as_ptr())).unwrap();
        let polled = |node| (position(node), self.told[position(node)].load(Ordering::Relaxed));
        self.queue.take().map(polled).collect()
    }
}

/// Two threads push while the poller takes: every node comes out once, those of one thread in its order, and there is
/// one `First` for each batch.
#[test]
fn nodes_of_two_threads_come_out_once_and_in_order() {
    ::loom::model(|| {
        let shared = Shared::new();
        let threads = [vec![0, 1], vec![2]].map(|mine| {
            let shared = shared.clone();
            thread::spawn("", move || {
                mine.iter().filter(|&&i| wake(&shared.queue, &shared.nodes[i]) == Some(Push::First)).count()
            })
            .unwrap()
        });
        let mut batches = vec![shared.poll()];
        let n_first: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        batches.push(shared.poll());
        assert_eq!(n_first, batches.iter().filter(|batch| !batch.is_empty()).count());
        let order: Vec<_> = batches.concat().into_iter().map(|(i, _)| i).collect();
        assert_eq!(order.len(), 3);
        let place = |i| order.iter().position(|&other| other == i).unwrap();
        assert!(place(0) < place(1) && place(2) < 3);
    });
}

/// Two threads wake one node, each with something to tell, while it is taken out and polled. The wake that finds the
/// node claimed leaves; what it had to tell must be seen by the poll it relies on.
#[test]
fn the_last_poll_sees_what_every_wake_had_to_tell() {
    ::loom::model(|| {
        let shared = Shared::new();
        let threads = [1, 2].map(|bit| {
            let shared = shared.clone();
            thread::spawn("", move || {
                shared.told[0].fetch_or(bit, Ordering::Relaxed);
                let _ = wake(&shared.queue, &shared.nodes[0]);
            })
            .unwrap()
        });
        let mut polls = shared.poll();
        for thread in threads {
            thread.join().unwrap();
        }
        // Not after the joins, which would show this thread everything: only if there is something left to poll.
        polls.extend(shared.poll());
        assert_eq!(polls.last(), Some(&(0, 3)));
        assert!(polls.len() <= 2);
    });
}

/// A push meets the end of the poller: the node is among what was left, or it is refused.
#[test]
fn a_node_pushed_at_the_end_is_left_or_refused() {
    ::loom::model(|| {
        let shared = Shared::new();
        let theirs = shared.clone();
        let thread = thread::spawn("", move || wake(&theirs.queue, &theirs.nodes[0])).unwrap();
        let n_left = shared.queue.close().count();
        let expected = if n_left == 1 { Push::First } else { Push::Closed };
        assert_eq!(thread.join().unwrap(), Some(expected));
    });
}
