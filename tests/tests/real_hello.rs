//! The example `hello`: `#[aio::main]` on the `main` of a program.
#![cfg(not(aio_loom))]

#[test]
fn everybody_is_greeted() {
    let output = aio_tests::example("hello").args(["Grace", "Ada"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut greeted: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    // (How late a busy machine is, nobody knows.)
    greeted.sort_unstable();
    assert_eq!(greeted, ["hello, Ada", "hello, Grace"]);
}

#[test]
fn an_error_of_main_is_the_end_of_the_program() {
    let output = aio_tests::example("hello").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "Error: there is nobody to greet\n");
}
