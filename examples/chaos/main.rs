//! Campaigns against the cache: each breaks something on purpose, for long, and says by figures what has come of it.
//!
//! ```text
//! cargo run --release --features full --example chaos -- chaos --seed 1
//! cargo run --release --features full --example chaos -- all
//! ```
//!
//! The stack is in this process: the layer before an origin whose answers say what they are the answer to, and when they were
//! made; every answer that a client gets is judged by that (`oracle/`). A line that says BROKEN has passed its limit, and
//! the exit status is then 1.
//!
//! `chaos` and `outage` run on a simulated clock: a seed always gives the same campaign. The others run in real time, on
//! all cores, where what counts is memory, or threads that meet.
#![allow(clippy::disallowed_methods, reason = "a program that measures reads the clock")]

mod campaign;
mod memory;
mod options;
mod oracle;
mod origin;
mod report;

use std::io::{self, Write};
use std::process::ExitCode;

const NAME: &str = "chaos";

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(&options::help());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    let mut broken = 0;
    for campaign in &options.campaigns {
        say(&format!("{}: {}\n", campaign.name, campaign.about));
        match (campaign.run)(&options) {
            Ok(report) => {
                say(&report.text());
                broken += report.broken();
            }
            Err(message) => return fail(2, &message),
        }
    }
    if broken == 0 { ExitCode::SUCCESS } else { fail(1, &format!("{broken} lines are broken")) }
}

/// Whoever started us may have closed the other end already; that is no reason to stop.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("{NAME}: {message}");
    ExitCode::from(status)
}
