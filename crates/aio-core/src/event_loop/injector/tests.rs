use super::*;

#[cfg(aio_loom)]
mod loom;

// That it behaves as a plain queue is tested with the rings, see `steal_queue`.
#[cfg(not(aio_loom))]
mod behaviour {
    use aio_base::live::leak_check;

    use super::*;

    const NUMBERS: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    fn read(item: NonNull<u8>) -> u8 {
        // SAFETY: of `NUMBERS`.
        unsafe { *item.as_ref() }
    }

    #[test]
    fn a_worker_takes_its_share_and_runs_the_first_of_it() {
        leak_check(|| {
            let (injector, ring) = (Injector::new(), StealQueue::<u8, 16>::new());
            let numbers: &'static [u8] = &NUMBERS;
            assert!(injector.push_batch(numbers.iter().map(NonNull::from)).is_ok());
            // SAFETY: this thread is the only one.
            let (first, rest) = unsafe {
                let first = injector.pop_into(&ring, 4).map(read);
                (first, [ring.pop(), ring.pop(), ring.pop()])
            };
            assert_eq!(first, Some(0));
            assert_eq!(rest.map(|item| item.map(read)), [Some(1), Some(2), None]);
            assert_eq!(injector.len(), 7);
        });
    }

    #[test]
    fn a_closed_injector_gives_back_what_comes_from_outside_and_takes_what_overflows() {
        leak_check(|| {
            let injector = Injector::new();
            let numbers: &'static [u8] = &NUMBERS;
            let item = NonNull::from(&numbers[0]);
            assert_eq!(injector.push(item), Ok(()));
            assert!(!injector.close_if_empty());
            assert_eq!(injector.pop(), Some(item));
            assert!(injector.close_if_empty());
            assert_eq!(injector.push(item), Err(item));
            let back = injector.push_batch([item; 2]).unwrap_err();
            assert_eq!(back, [item; 2]);
            injector.push_overflow([item].into_iter());
            assert!(!injector.close_if_empty());
            assert_eq!(injector.pop(), Some(item));
            assert!(injector.close_if_empty());
        });
    }
}
