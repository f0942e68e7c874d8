//! The same load for minutes, in real time, on several threads: memory, tasks and descriptors stay what they are.
//!
//! It counts from when every page has been asked for by every user: until then the store and the origin's ledger fill.
//! Whatever the load does, memory goes up and down a little, and the allocator's pages more than what is on the heap. So a
//! line is broken by a growth that chance does not explain: its slope, less three times the slope's standard error.

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
/// By then the rarest pages have been asked for.
const WARM_UP: Duration = Duration::from_secs(240);
/// What is measured is averaged over so many equal spans, so that what is close in time counts once.
const SPANS: usize = 12;

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
    while began.elapsed() < WARM_UP + length {
        sleep(Duration::from_millis(500)).await;
        if began.elapsed() > WARM_UP {
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
    report.note("requests", requests as f64, "");
    for (what, of) in [
        ("memory", (|sample| sample.memory) as fn(&Sample) -> f64),
        ("heap", |sample| sample.heap),
        ("tasks", |sample| sample.tasks),
    ] {
        let Trend { mean, slope, error } = trend(&samples, of);
        let (average, unit) = if what == "tasks" { (mean, "") } else { (mebibytes(mean as u64), "MiB") };
        report.note(format!("{what}, on average"), average, unit);
        report.note(format!("{what}, growth a minute"), slope / mean * 100.0, "%");
        let grown = (slope - 3.0 * error) / mean * 100.0;
        report.at_most(format!("{what}, growth a minute beyond chance"), grown.max(0.0), "%", 0.1);
    }
    report.note("stored, at the end", mebibytes(world.handle.stats().stored_bytes), "MiB");
    let grown = trend(&samples, |sample| sample.descriptors).slope;
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

/// A figure's mean, how much it grows a minute by least squares, and the standard error of that.
struct Trend {
    mean: f64,
    slope: f64,
    error: f64,
}

fn trend(samples: &[Sample], of: fn(&Sample) -> f64) -> Trend {
    let average = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / f64::max(count, 1.0)
    };
    let points: Vec<(f64, f64)> = samples
        .chunks(samples.len().div_ceil(SPANS).max(1))
        .map(|span| {
            (average(&mut span.iter().map(|sample| sample.minute)), average(&mut span.iter().map(of)))
        })
        .collect();
    let middle = average(&mut points.iter().map(|(minute, _)| *minute));
    let mean = average(&mut points.iter().map(|(_, figure)| *figure));
    let squares: f64 = points.iter().map(|(minute, _)| (minute - middle).powi(2)).sum();
    let slope =
        points.iter().map(|(minute, figure)| (minute - middle) * (figure - mean)).sum::<f64>() / squares;
    let off = |(minute, figure): &(f64, f64)| (figure - mean - slope * (minute - middle)).powi(2);
    let error = (points.iter().map(off).sum::<f64>() / (points.len() as f64 - 2.0) / squares).sqrt();
    Trend { mean, slope, error }
}
