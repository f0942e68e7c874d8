//! The main job, live: an application with cached routes in front of a paid API that is slow, and in trouble when told so.
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
//! `--help` lists the options. `POST /api/down`, `/api/slow`, `/api/throttled` and `/api/cookies` are trouble, `/api/up` ends it:
//! `scripts/game-day.sh` plays incidents with them.
//!
//! [`app`] is what an application would have: routes, keys, TTLs. [`api`] is what it pays for, [`live`] and [`story`] are
//! the two ways to watch it.
#![allow(clippy::disallowed_methods, reason = "a program that measures reads the clock")]

mod api;
mod app;
mod live;
mod options;
mod outcome;
mod story;

use std::io::{self, Write};
use std::process::ExitCode;

use app::App;
use options::{LogFormat, Options};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    if options.once {
        return ended(story::tell().await);
    }
    match set_up(&options) {
        Ok(app) => ended(live::serve(options.listen, &options.setup.token, app).await),
        Err(message) => fail(2, &message),
    }
}

/// The log, and the application as the options want it.
fn set_up(options: &Options) -> Result<App, String> {
    let app = App::new(live::TIMES, &options.setup).map_err(|error| error.to_string())?;
    log(options.log_format)?;
    Ok(app)
}

fn ended(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(1, &message),
    }
}

/// Log lines go to standard error from now on.
fn log(format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env();
    let filter = filter.map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
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
