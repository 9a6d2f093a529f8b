//! async-task and a queue: what the task cell costs when there is next to nothing around it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_task::Runnable;

use super::Local;

#[derive(Debug)]
pub(crate) struct Bare;

thread_local! {
    static QUEUE: RefCell<VecDeque<Runnable>> = const { RefCell::new(VecDeque::new()) };
}

fn schedule(runnable: Runnable) {
    QUEUE.with_borrow_mut(|queue| queue.push_back(runnable));
}

impl Local for Bare {
    /// Runs until the queue is empty; nothing here waits for anything outside.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let main = pin!(Self::spawn(main));
        while let Some(runnable) = QUEUE.with_borrow_mut(VecDeque::pop_front) {
            runnable.run();
        }
        let Poll::Ready(output) = main.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it waits for what nobody will do");
        };
        output
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        let (runnable, task) = async_task::spawn_local(task, schedule);
        runnable.schedule();
        task
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        let (runnable, task) = async_task::spawn_local(task, schedule);
        runnable.schedule();
        task.detach();
    }
}
