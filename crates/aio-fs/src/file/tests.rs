//! What depends on when a job lets go of a file.

use std::io::{Read, Seek};

use aio_base::live::leak_check;

use super::File;

#[test]
fn a_file_is_given_back_although_a_job_still_has_it() {
    leak_check(|| {
        aio_core::run(async {
            let mut file = File::open("Cargo.toml").await.unwrap();
            file.read(&mut [0; 3]).await.unwrap();
            // As the job of a dropped future has it.
            let _of_a_job = file.desk.clone();
            let mut std = file.into_std().await.unwrap();
            assert_eq!(std.stream_position().unwrap(), 3);
            assert_eq!(std.read(&mut [0; 3]).unwrap(), 3);
        });
    });
}
