//! Signals without a loop of `aio`.
#![cfg(all(unix, not(aio_loom)))]

use aio_base::live::leak_check;
use aio_signal::{Signal, ctrl_c, signals};

async fn hears() {
    let mut signals = signals([Signal::USER_1, Signal::INTERRUPT]).unwrap();
    for _ in 0..100 {
        signal_hook::low_level::raise(Signal::USER_1.as_raw()).unwrap();
        assert_eq!(signals.recv().await.unwrap(), Signal::USER_1);
    }
    let both = async {
        signal_hook::low_level::raise(Signal::INTERRUPT.as_raw()).unwrap();
        signals.recv().await.unwrap()
    };
    let (ctrl_c, signal) = aio_group::gather((ctrl_c(), both)).await;
    ctrl_c.unwrap();
    assert_eq!(signal, Signal::INTERRUPT);
}

#[test]
fn signals_are_heard_under_tokio() {
    leak_check(|| tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(hears()));
}

#[test]
fn signals_are_heard_under_smol() {
    leak_check(|| smol::block_on(hears()));
}

#[test]
fn signals_are_heard_in_block_on() {
    leak_check(|| aio_core::block_on(hears()));
}
