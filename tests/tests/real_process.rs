//! What a process pays for a loop, and what is left of one.
#![cfg(all(not(aio_loom), target_os = "linux"))]

use std::time::Duration;

use aio_base::live::leak_check;

/// The tests share the process, so each looks at its own loop's effect in a process of its own.
fn in_child(test: &str, body: impl FnOnce()) {
    const CHILD: &str = "AIO_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("1 passed"), "{stdout}");
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn tasks_and_timers_start_no_thread_and_open_no_descriptor() {
    in_child("tasks_and_timers_start_no_thread_and_open_no_descriptor", || {
        let before = (threads(), descriptors());
        aio::run(async {
            let group = aio::TaskGroup::new();
            group
                .join(async {
                    for _ in 0..100 {
                        drop(group.spawn(aio::sleep(Duration::from_millis(2))));
                        drop(group.spawn_scoped(aio::yield_now()));
                    }
                })
                .await;
            let _ = aio::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
            assert_eq!((threads(), descriptors()), before);
        });
        assert_eq!((threads(), descriptors()), before);
    });
}

#[test]
fn the_end_of_a_loop_joins_the_threads_of_its_pool() {
    in_child("the_end_of_a_loop_joins_the_threads_of_its_pool", || {
        let before = threads();
        leak_check(|| {
            aio::run(async {
                let jobs: Vec<_> = (0..50).map(|i| aio::to_thread(move || i)).collect();
                assert_eq!(aio::gather(jobs).await, (0..50).collect::<Vec<_>>());
                assert!(threads() > before);
            });
        });
        assert_eq!(threads(), before);
    });
}
