//! The main job, live: an application with three cached routes in front of a paid API that is slow and fails when told so.
//!
//! ```text
//! cargo run --release --features full --example demo              # serves on 127.0.0.1:3000, with a light load of its own
//! cargo run --release --features full --example demo -- --once    # plays the story once and checks every step of it
//! ```
//!
//! Serving, it prints its address, `curl` lines to try, and a status line every three seconds: requests, what the
//! cache made of them (read from `Cache-Status`), calls of the API and what they cost. Ctrl-C ends it.
//!
//! With `--once` it takes some ten seconds: a cold miss, a thousand readers at once, hits, a stale answer with a refresh
//! behind it, the API down until nothing may be served any more and the breaker opens, the API back and the breaker's probe,
//! a purge. It prints a table of latencies and API calls, and exits with status 1 if a step did not happen as told.
//!
//! `--listen ADDR` is where to serve (port 0 picks one), `--help` says all this again.
//!
//! [`app`] is what an application would have: routes, keys, TTLs. [`api`] is what it pays for, [`live`] and [`story`] are
//! the two ways to watch it.
#![allow(clippy::disallowed_methods, reason = "a program that measures reads the clock")]

mod api;
mod app;
mod live;
mod outcome;
mod story;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

const HELP: &str = "\
An application with cached routes in front of a paid API.

Usage: demo [--once] [--listen ADDR]

  --once          play the story once, check every step, exit
  --listen ADDR   address and port to serve on; port 0 picks one [127.0.0.1:3000]
";

struct Options {
    once: bool,
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    let done = if options.once { story::tell().await } else { live::serve(options.listen).await };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(1, &message),
    }
}

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options { once: false, listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)) };
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        match (name, attached) {
            ("--help" | "-h", None) => return Ok(None),
            ("--once", None) => options.once = true,
            ("--listen", attached) => {
                let value = attached.or_else(|| args.next()).ok_or("--listen: ADDR is missing")?;
                options.listen = value.parse().map_err(|_| {
                    let value = value.escape_debug();
                    format!("--listen {value}: not an IP address and a port such as 127.0.0.1:3000")
                })?;
            }
            ("--help" | "-h" | "--once", Some(_)) => return Err(format!("{name}: takes no value")),
            _ => return Err(format!("{}: unknown option (--help lists them)", name.escape_debug())),
        }
    }
    Ok(Some(options))
}

/// Whoever started us may have closed the other end already; that is no reason to stop.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("demo: {message}");
    ExitCode::from(status)
}
