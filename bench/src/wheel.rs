//! A timer wheel with nothing around it: one list for each millisecond, and no more milliseconds than lists. What a
//! place in it costs is the least that a timer can cost.

/// No node.
const NIL: u32 = u32::MAX;
const N_SLOTS: usize = 1 << 16;

#[derive(Debug)]
pub(crate) struct Wheel {
    heads: Vec<u32>,
    nodes: Vec<Node>,
    free: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    previous: u32,
    next: u32,
    slot: u32,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { heads: vec![NIL; N_SLOTS], nodes: Vec::new(), free: Vec::new() }
    }

    /// A timer that is due at this millisecond.
    pub(crate) fn insert(&mut self, ms: u64) -> u32 {
        let slot = u32::try_from(ms % N_SLOTS as u64).expect("there are not so many");
        let head = std::mem::replace(&mut self.heads[slot as usize], NIL);
        let node = Node { previous: NIL, next: head, slot };
        let index = if let Some(index) = self.free.pop() {
            self.nodes[index as usize] = node;
            index
        } else {
            self.nodes.push(node);
            u32::try_from(self.nodes.len() - 1).expect("there are not so many")
        };
        if head != NIL {
            self.nodes[head as usize].previous = index;
        }
        self.heads[slot as usize] = index;
        index
    }

    pub(crate) fn remove(&mut self, index: u32) {
        let Node { previous, next, slot } = self.nodes[index as usize];
        match previous {
            NIL => self.heads[slot as usize] = next,
            previous => self.nodes[previous as usize].next = next,
        }
        if next != NIL {
            self.nodes[next as usize].previous = previous;
        }
        self.free.push(index);
    }
}
