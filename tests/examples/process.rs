//! An example, or another program, as a process: its lines, its end.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take that has to happen. Long, since it is only waited for by tests that fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The command for an example.
pub(crate) fn command(example: &str) -> Command {
    Command::new(path(example))
}

/// Where cargo put an example: beside the folder of this test.
fn path(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path of our own");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("a folder of the profile");
    let path = profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: cargo build --all-features --examples", path.display());
    path
}

/// A running program; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// An example that came to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

/// Runs an example to its end.
pub(crate) fn run(example: &str, args: &[&str]) -> Ended {
    Process::start(example, args).end()
}

impl Process {
    pub(crate) fn start(example: &str, args: &[&str]) -> Self {
        Self::of(command(example).args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = lines(child.stdout.take().expect("is piped"));
        let stderr = lines(child.stderr.take().expect("is piped"));
        Self { child, stdout, stderr }
    }

    /// The next line on standard output that `wanted` makes something of.
    pub(crate) fn line<T>(&self, wanted: impl FnMut(&str) -> Option<T>) -> T {
        find(&self.stdout, wanted)
    }

    /// The same on standard error, where logs go.
    pub(crate) fn log_line<T>(&self, wanted: impl FnMut(&str) -> Option<T>) -> T {
        find(&self.stderr, wanted)
    }

    /// The address in the line `listening on …`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.line(|line| {
            let address = line.strip_prefix("listening on ")?;
            let address = address.strip_prefix("http://").unwrap_or(address);
            let end = address.find(": ").unwrap_or(address.len());
            Some(address[..end].parse().expect("an address"))
        })
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}");
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("can be asked").is_none()
    }

    /// Waits for its end, and gives what it wrote since it was last asked.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait();
        // The readers end with the process.
        Ended {
            code: status.code(),
            stdout: self.stdout.iter().collect(),
            stderr: self.stderr.iter().collect(),
        }
    }

    pub(crate) fn kill(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().expect("can be asked");
            status.is_some()
        });
        status.expect("it has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks again and again until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Lines as they come; nobody's pipe may run full while we look elsewhere.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Nobody listens any more, but the pipe has to be emptied.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn find<T>(lines: &Receiver<String>, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => match wanted(&line) {
                Some(found) => return found,
                None => seen.push(line),
            },
            Err(RecvTimeoutError::Timeout) => panic!("not among the lines: {seen:#?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("it ended after {seen:#?}"),
        }
    }
}
