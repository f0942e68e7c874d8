//! The same load for minutes, in real time, on several threads: memory, tasks and descriptors stay what they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use tower_swr_cache::ConfigError;

use super::in_real_time;
use super::world::{Clock, World};
use crate::memory::{descriptors, heap, mebibytes, resident};
use crate::options::Options;
use crate::report::Report;

/// Requests a second.
const RATE: u64 = 2_000;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    std::panic::set_hook(Box::new(|_| {}));
    let length = Duration::from_secs(60 * options.minutes.get());
    let report = in_real_time(campaign(length))?.map_err(|error| error.to_string());
    drop(std::panic::take_hook());
    report
}

/// What there was at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    minute: f64,
    memory: f64,
    heap: f64,
    tasks: f64,
    descriptors: f64,
}

async fn campaign(length: Duration) -> Result<Report, ConfigError> {
    let world = Arc::new(World::new(Clock::Real)?);
    let over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(Arc::clone(&world), Arc::clone(&over)));
    let began = Instant::now();
    let mut samples = Vec::new();
    while began.elapsed() < length {
        sleep(Duration::from_millis(500)).await;
        if began.elapsed() > length / 2 {
            samples.push(Sample {
                minute: began.elapsed().as_secs_f64() / 60.0,
                memory: resident() as f64,
                heap: heap() as f64,
                tasks: Handle::current().metrics().num_alive_tasks() as f64,
                descriptors: descriptors().unwrap_or_default() as f64,
            });
        }
    }
    over.store(true, Ordering::Relaxed);
    let requests = load.await.unwrap_or_default();

    let mut report = Report::default();
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64;
    let memory = mean(|sample| sample.memory);
    report.note("requests", requests as f64, "");
    report.note("memory, on average", mebibytes(memory as u64), "MiB");
    let grown = slope(&samples, |sample| sample.memory) / memory * 100.0;
    report.at_most("memory, growth a minute", grown, "%", 0.1);
    let mean_heap = mean(|sample| sample.heap);
    report.note("heap, on average", mebibytes(mean_heap as u64), "MiB");
    report.note("heap, growth a minute", slope(&samples, |sample| sample.heap) / mean_heap * 100.0, "%");
    report.note("stored, at the end", mebibytes(world.handle.stats().stored_bytes), "MiB");
    report.note("tasks, on average", mean(|sample| sample.tasks), "");
    let grown = slope(&samples, |sample| sample.tasks) / mean(|sample| sample.tasks) * 100.0;
    report.note("tasks, growth a minute", grown, "%");
    let grown = slope(&samples, |sample| sample.descriptors);
    report.at_most("descriptors, growth a minute", grown, "", 0.0);
    // Everything that was under way has a time-out, and an end.
    sleep(3 * world.patience()).await;
    report.none("tasks left behind", Handle::current().metrics().num_alive_tasks() as u64);
    world.report(&mut report, 0);
    Ok(report)
}

/// Visits, evenly, until it is over.
async fn load(world: Arc<World>, over: Arc<AtomicBool>) -> u64 {
    let mut requests = 0;
    let mut turn = tokio::time::interval(Duration::from_millis(10));
    while !over.load(Ordering::Relaxed) {
        turn.tick().await;
        for _ in 0..RATE / 100 {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.visit().await });
            requests += 1;
        }
    }
    requests
}

/// How much a figure grows a minute, by least squares.
fn slope(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let count = samples.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (minute, figure) = (mean(&|sample| sample.minute), mean(&|sample| of(sample)));
    let products = mean(&|sample| (sample.minute - minute) * (of(sample) - figure));
    let squares = mean(&|sample| (sample.minute - minute).powi(2));
    if squares == 0.0 { 0.0 } else { products / squares }
}
