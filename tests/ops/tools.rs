//! Programs that are not ours.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// The command for a program, if it is installed.
pub(crate) fn find(program: &str) -> Option<Command> {
    let answers = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let required = std::env::var("PROMETHEUS_TESTS").is_ok_and(|value| value == "required");
    assert!(answers || !required, "{program} is not installed: apt install prometheus");
    if !answers {
        eprintln!("skipped: {program} is not installed (apt install prometheus)");
    }
    answers.then(|| Command::new(program))
}

/// Runs it to its end in the folder `ops/`, with this on its standard input.
pub(crate) fn run(mut command: Command, args: &[&str], input: &str) -> Output {
    let mut child = command
        .args(args)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ops"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("is piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}
