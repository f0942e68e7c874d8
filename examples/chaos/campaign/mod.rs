//! The campaigns.

mod chaos;
mod churn;
mod herd;
mod keys;
mod lookups;
mod outage;
mod soak;
mod visitor;
mod world;

use std::future::Future;

use tokio::runtime;

use crate::options::Options;
use crate::report::Report;

/// One of them.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Options) -> Result<Report, String>,
}

pub(crate) const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "chaos",
        about: "a million requests before an origin that fails, hangs and breaks off",
        run: chaos::run,
    },
    Campaign {
        name: "herd",
        about: "10,000 readers at once on a cold key, a hundred times; and on one that is not to be stored",
        run: herd::run,
    },
    Campaign {
        name: "churn",
        about: "many more responses than there is room for, by weight and by heap",
        run: churn::run,
    },
    Campaign {
        name: "keys",
        about: "keys that are chosen to collide, a million of 8 KiB, endless bodies, and readers that stand still",
        run: keys::run,
    },
    Campaign {
        name: "outage",
        about: "an upstream that is down for minutes, and a hundred thousand keys that expire together",
        run: outage::run,
    },
    Campaign { name: "soak", about: "the same load for minutes: what grows?", run: soak::run },
];

/// Runs it on a simulated clock, on this thread, so that all that is drawn at random comes from the seed.
fn simulated<T>(options: &Options, campaign: impl Future<Output = T>) -> Result<T, String> {
    fastrand::seed(options.seed);
    let mut builder = runtime::Builder::new_current_thread();
    builder.start_paused(true);
    run(builder, campaign)
}

/// Runs it in real time, on some threads.
fn in_real_time<T>(campaign: impl Future<Output = T>) -> Result<T, String> {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(4);
    run(builder, campaign)
}

fn run<T>(mut builder: runtime::Builder, campaign: impl Future<Output = T>) -> Result<T, String> {
    let runtime = builder.enable_time().build().map_err(|error| format!("cannot start: {error}"))?;
    let done = runtime.block_on(campaign);
    runtime.shutdown_background();
    Ok(done)
}
