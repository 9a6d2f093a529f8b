use super::*;

#[cfg(aio_loom)]
mod loom;

/// As one who wakes does it: `None` if the node was claimed already.
fn wake(queue: &ReadyQueue, node: &Node) -> Option<Push> {
    // SAFETY: (1) claimed here; (2) and (3): each test has one queue, which it uses no longer than its nodes.
    node.claim().then(|| unsafe { queue.push(NonNull::from(node)) })
}

#[cfg(not(aio_loom))]
mod on_one_thread {
    use super::*;

    /// Positions in `nodes`.
    fn positions(nodes: &[Node], batch: Batch) -> Vec<usize> {
        batch.map(|node| nodes.iter().position(|other| ptr::eq(other, node.as_ptr())).unwrap()).collect()
    }

    #[test]
    fn nodes_come_out_in_the_order_of_their_first_wakes() {
        let nodes = [(); 4].map(|()| Node::new());
        let queue = ReadyQueue::new();
        assert_eq!(wake(&queue, &nodes[2]), Some(Push::First));
        assert_eq!(wake(&queue, &nodes[0]), Some(Push::Behind));
        assert_eq!(wake(&queue, &nodes[2]), None);
        assert_eq!(wake(&queue, &nodes[3]), Some(Push::Behind));
        assert_eq!(positions(&nodes, queue.take()), [2, 0, 3]);
        assert_eq!(positions(&nodes, queue.take()), []);
    }

    #[test]
    fn a_node_that_has_come_out_can_be_woken_into_the_next_batch() {
        let nodes = [(); 2].map(|()| Node::new());
        let queue = ReadyQueue::new();
        assert_eq!(wake(&queue, &nodes[0]), Some(Push::First));
        assert_eq!(wake(&queue, &nodes[1]), Some(Push::Behind));
        let mut batch = queue.take();
        assert_eq!(batch.next(), Some(NonNull::from(&nodes[0])));
        // The other one is still in the batch, and needs no wake.
        assert_eq!(wake(&queue, &nodes[1]), None);
        assert_eq!(wake(&queue, &nodes[0]), Some(Push::First));
        assert_eq!(positions(&nodes, batch), [1]);
        assert_eq!(positions(&nodes, queue.take()), [0]);
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_has_and_takes_nothing() {
        let nodes = [(); 2].map(|()| Node::new());
        let queue = ReadyQueue::new();
        assert_eq!(wake(&queue, &nodes[0]), Some(Push::First));
        assert_eq!(positions(&nodes, queue.close()), [0]);
        assert_eq!(wake(&queue, &nodes[1]), Some(Push::Closed));
        assert_eq!(wake(&queue, &nodes[1]), None);
    }

    #[test]
    fn states_are_shown_by_name() {
        let (node, queue) = (Node::new(), ReadyQueue::new());
        assert_eq!(format!("{node:?} {queue:?}"), "Idle Empty");
        assert_eq!(wake(&queue, &node), Some(Push::First));
        assert_eq!(format!("{node:?} {queue:?}"), "Queued Ready");
        let _left = queue.close();
        assert_eq!(format!("{queue:?}"), "Closed");
    }
}
