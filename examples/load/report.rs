//! The numbers, as text.

use std::fmt::Write;
use std::time::Duration;

use crate::options::{Clock, Options};
use crate::outcome::Outcome;
use crate::replay::Replayed;
use crate::workload::Workload;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

pub(crate) fn text(options: &Options, workload: &Workload, replayed: &Replayed) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, options, workload, replayed);
    out
}

fn write(out: &mut String, options: &Options, workload: &Workload, replayed: &Replayed) -> std::fmt::Result {
    let requests = replayed.samples.len();
    writeln!(out, "{}", workload.title)?;
    writeln!(
        out,
        "{requests} requests over {}, in {:.1} s of the machine's time",
        long(replayed.replay_time),
        replayed.machine_time.as_secs_f64()
    )?;
    writeln!(
        out,
        "soft TTL {}, hard TTL {}; origin: {} on average, {} of the calls fail\n",
        long(options.soft_ttl),
        long(options.hard_ttl),
        short(options.latency),
        percent(options.failure_rate)
    )?;

    write!(out, "{:<12} {:>9} {:>8}", "outcome", "requests", "share")?;
    QUANTILES.iter().try_for_each(|(name, _)| write!(out, " {name:>9}"))?;
    writeln!(out)?;
    for outcome in Outcome::ALL {
        let mut took: Vec<Duration> = replayed
            .samples
            .iter()
            .filter(|sample| sample.outcome == outcome)
            .map(|sample| sample.took)
            .collect();
        if took.is_empty() {
            continue;
        }
        took.sort_unstable();
        let share = percent(replayed.share(|other| other == outcome));
        write!(out, "{:<12} {:>9} {share:>8}", outcome.as_str(), took.len())?;
        QUANTILES.iter().try_for_each(|(_, part)| write!(out, " {:>9}", short(quantile(&took, *part))))?;
        writeln!(out)?;
    }
    out.push_str(match options.clock {
        Clock::Simulated => "from the call to the end of the body: waits on the simulated clock, what did not wait on the machine's\n\n",
        Clock::Real => "from the call to the end of the body, on the machine's clock\n\n",
    });

    let line = |out: &mut String, name: &str, part: f64, note: &str| {
        writeln!(out, "{name:<24} {:>8}  {note}", percent(part))
    };
    line(out, "served from the cache", replayed.served(), "hit + stale + stale_error, of all requests")?;
    line(out, "  fresh", replayed.share(|outcome| outcome == Outcome::Hit), "hit")?;
    let stale = |outcome| matches!(outcome, Outcome::Stale | Outcome::StaleError);
    line(out, "  stale", replayed.share(stale), "stale + stale_error")?;
    let ceiling = workload.ceiling(options.repeats.get());
    line(out, "ceiling", ceiling, "GETs that repeat an earlier target; a HEAD may come on top")?;
    let calls = replayed.calls;
    writeln!(
        out,
        "{:<24} {:>8}  {} of the requests; {} answered 304, {} failed",
        "upstream calls",
        calls.all,
        percent(calls.all as f64 / requests.max(1) as f64),
        calls.not_modified,
        calls.failures
    )?;
    let stats = replayed.stats;
    writeln!(
        out,
        "{:<24} {:>8}  {:.1} of {:.1} MiB",
        "stored keys",
        stats.keys,
        mebibytes(stats.stored_bytes),
        mebibytes(stats.capacity_bytes)
    )
}

/// The smallest value that is at least as large as this part of all, which are sorted.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Three digits or so.
fn short(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (number, unit) = match nanos {
        ..1e3 => (nanos, "ns"),
        1e3..1e6 => (nanos / 1e3, "µs"),
        1e6..1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = if number >= 100.0 || number.fract() == 0.0 { 0 } else { 1 };
    format!("{number:.digits$} {unit}")
}

/// In the largest unit that gives one or more.
fn long(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (number, unit) = match seconds {
        86_400.0.. => (seconds / 86_400.0, "d"),
        3_600.0.. => (seconds / 3_600.0, "h"),
        60.0.. => (seconds / 60.0, "min"),
        _ => return short(time),
    };
    let digits = usize::from(number.fract() > 1e-3);
    format!("{number:.digits$} {unit}")
}
