//! Replays requests through the cache and says what it answered from memory, and how fast.
//!
//! ```text
//! cargo run --release --features full --example load -- --seed 1 --expect-served 0.95
//! cargo run --release --features full --example load -- --trace access.tsv --soft-ttl 1h --hard-ttl 7d
//! ```
//!
//! The stack is in this process: the layer before an origin that needs `--latency` for each answer (half of it always, the
//! rest at random, so that this is the mean), and fails `--failure-rate` of the calls with 503.
//!
//! # What is replayed
//! By default a Zipf mix, as popularity is spread on most sites: 200,000 requests, 2,000 a second, for 5,000 keys, the n-th of
//! which is asked for in proportion to 1/n; bodies of 256 B to 64 KiB. That is 40 requests a key on average; each key has
//! to be fetched once, so 97.5 % is the most that any cache could answer without asking.
//!
//! With `--trace FILE` a request log: a line each, `seconds<TAB>method<TAB>target<TAB>status<TAB>bytes`, in order; `#` begins
//! a comment. The origin answers each target with the status and size that the log has first for the whole of it. A 304 in
//! the log becomes a request with `If-None-Match`, a 206 one with `Range`. Printed as the log's own ceiling is how many of its
//! requests are GETs that repeat an earlier target; a stored GET answers a HEAD as well, which may come on top.
//! `--repeats` goes through all of it again, later and on the same cache; `--speed-up` divides the time between requests,
//! but not the TTLs.
//!
//! # What counts
//! *Served* from the cache is who had an answer from memory and waited for nobody: `hit`, `stale` and `stale_error`, as a part of
//! all requests. Who waited for another reader's fetch (`collapsed`) or for the origin's word that nothing has changed
//! (`revalidated`) counts separately, and not as served. `--expect-served 0.95` exits with status 1 below that part.
//!
//! # Which clock
//! By default time is simulated: waiting costs nothing, days pass in seconds, and a seed always gives the same shares.
//! What waits is then measured on the simulated clock (in milliseconds), and what does not wait, on the machine's. With
//! `--clock real` the requests come in real time, on all cores, and everything is measured on the machine's clock. Both
//! measure from the call to the end of the body.
#![allow(clippy::disallowed_methods, reason = "a program that measures reads the clock")]

mod options;
mod origin;
mod outcome;
mod replay;
mod report;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use options::{Clock, Options};
use tokio::runtime;
use workload::Workload;

const NAME: &str = "load";

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(&options::help());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    let workload = match &options.trace {
        Some(path) => match workload::trace::read(path) {
            Ok(workload) => workload,
            Err(message) => return fail(2, &message),
        },
        None => workload::zipf::mix(&options),
    };
    match run(&options, &workload) {
        Ok(code) => code,
        Err(message) => fail(2, &message),
    }
}

fn run(options: &Options, workload: &Workload) -> Result<ExitCode, String> {
    let mut builder = match options.clock {
        Clock::Simulated => {
            // All tasks run on this thread, so all that is drawn at random comes from this seed.
            fastrand::seed(options.seed);
            let mut builder = runtime::Builder::new_current_thread();
            builder.start_paused(true);
            builder
        }
        Clock::Real => runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_time().build().map_err(|error| format!("cannot start: {error}"))?;
    let replayed = runtime.block_on(replay::replay(options, workload))?;
    runtime.shutdown_background();
    say(&report::text(options, workload, &replayed));
    let served = replayed.served();
    match options.expect_served {
        Some(expected) if served < expected => {
            Ok(fail(1, &format!("served {served:.4} from the cache, expected at least {expected}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
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
