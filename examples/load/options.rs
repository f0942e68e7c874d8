//! The command line: one table row for each option, which is also its line in `--help`.

use std::ffi::OsString;
use std::fmt::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Simulated,
    Real,
}

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) trace: Option<PathBuf>,
    pub(crate) keys: NonZeroUsize,
    pub(crate) zipf: f64,
    pub(crate) requests: NonZeroUsize,
    pub(crate) rate: NonZeroU32,
    pub(crate) seed: u64,
    pub(crate) latency: Duration,
    pub(crate) failure_rate: f64,
    pub(crate) soft_ttl: Duration,
    pub(crate) hard_ttl: Duration,
    pub(crate) negative_ttl: Duration,
    /// Failures in a row that open the breaker; 0 for none.
    pub(crate) breaker_failures: u32,
    pub(crate) breaker_cooldown: Duration,
    pub(crate) repeats: NonZeroU32,
    pub(crate) speed_up: f64,
    pub(crate) concurrency: NonZeroU32,
    pub(crate) capacity: u64,
    pub(crate) max_body: u64,
    pub(crate) clock: Clock,
    pub(crate) expect_served: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        const fn of(number: u32) -> NonZeroU32 {
            NonZeroU32::MIN.saturating_add(number - 1)
        }
        const fn many(number: usize) -> NonZeroUsize {
            NonZeroUsize::MIN.saturating_add(number - 1)
        }
        Self {
            trace: None,
            keys: many(5_000),
            zipf: 1.0,
            requests: many(200_000),
            rate: of(2_000),
            seed: 1,
            latency: Duration::from_millis(50),
            failure_rate: 0.0,
            soft_ttl: Duration::from_secs(30),
            hard_ttl: Duration::from_secs(300),
            negative_ttl: Duration::ZERO,
            breaker_failures: 5,
            breaker_cooldown: Duration::from_secs(30),
            repeats: of(1),
            speed_up: 1.0,
            concurrency: of(256),
            capacity: 256 << 20,
            max_body: 4 << 20,
            clock: Clock::Simulated,
            expect_served: None,
        }
    }
}

type Set = fn(&mut Options, &str) -> Result<(), String>;

/// Name, what its value is called, help, and what it does.
struct Row(&'static str, &'static str, &'static str, Set);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row("--trace", "FILE", "replay this request log instead of a Zipf mix", |o, v| put(&mut o.trace, file(v).map(Some))),
    Row("--keys", "N", "Zipf mix: how many keys there are [5000]", |o, v| put(&mut o.keys, number(v, COUNT))),
    Row("--zipf", "S", "Zipf mix: the n-th key is asked for in proportion to 1/n^S [1]", |o, v| put(&mut o.zipf, factor(v))),
    Row("--requests", "N", "Zipf mix: how many requests there are [200000]", |o, v| put(&mut o.requests, number(v, COUNT))),
    Row("--rate", "N", "Zipf mix: how many requests come a second [2000]", |o, v| put(&mut o.rate, number(v, COUNT))),
    Row("--seed", "N", "what all random numbers start from [1]", |o, v| put(&mut o.seed, number(v, "a whole number"))),
    Row("--latency", "TIME", "how long the origin takes on average [50ms]", |o, v| put(&mut o.latency, duration(v))),
    Row("--failure-rate", "PART", "part of the origin's answers that are 503 [0.0]", |o, v| put(&mut o.failure_rate, part(v))),
    Row("--soft-ttl", "TIME", "fresh until here [30s]", |o, v| put(&mut o.soft_ttl, duration(v))),
    Row("--hard-ttl", "TIME", "served stale, refreshed behind it, until here [5m]", |o, v| put(&mut o.hard_ttl, duration(v))),
    Row("--negative-ttl", "TIME", "how long 404 is kept; 0s: not at all [0s]", |o, v| put(&mut o.negative_ttl, duration(v))),
    Row("--breaker-failures", "N", "failures in a row that open the breaker, 0: no breaker [5]", |o, v| put(&mut o.breaker_failures, number(v, "a whole number"))),
    Row("--breaker-cooldown", "TIME", "how long it stays open [30s]", |o, v| put(&mut o.breaker_cooldown, duration(v))),
    Row("--repeats", "N", "how often all of it is replayed [1]", |o, v| put(&mut o.repeats, number(v, COUNT))),
    Row("--speed-up", "FACTOR", "divides the time between requests [1]", |o, v| put(&mut o.speed_up, speed(v))),
    Row("--concurrency", "N", "requests under way at once; over it they wait to be sent [256]", |o, v| put(&mut o.concurrency, number(v, COUNT))),
    Row("--capacity", "SIZE", "memory for the whole cache [256MiB]", |o, v| put(&mut o.capacity, size(v))),
    Row("--max-body", "SIZE", "longer bodies pass and are not kept [4MiB]", |o, v| put(&mut o.max_body, size(v))),
    Row("--clock", "simulated|real", "simulated: waiting takes no time [simulated]", |o, v| put(&mut o.clock, clock(v))),
    Row("--expect-served", "PART", "exit with status 1 if less than this is served from the cache", |o, v| put(&mut o.expect_served, factor(v).map(Some))),
];

const ZIPF_ONLY: [&str; 4] = ["--keys", "--zipf", "--requests", "--rate"];

const COUNT: &str = "a whole number from 1";

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut for_zipf = None;
    let mut args = args.map(|arg| match arg.into_string() {
        Ok(arg) => Ok(arg),
        Err(arg) => Err(format!("{}: not valid UTF-8", arg.to_string_lossy().escape_debug())),
    });
    while let Some(arg) = args.next().transpose()? {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        if matches!(name, "--help" | "-h") {
            return Ok(None);
        }
        let Some(Row(name, placeholder, _, set)) = TABLE.iter().find(|row| row.0 == name) else {
            return Err(format!("{}: unknown option (--help lists them)", name.escape_debug()));
        };
        let value = match attached {
            Some(value) => value,
            None => args.next().transpose()?.ok_or_else(|| format!("{name}: {placeholder} is missing"))?,
        };
        set(&mut options, &value)
            .map_err(|wanted| format!("{name} {}: not {wanted}", value.escape_debug()))?;
        for_zipf = for_zipf.or(ZIPF_ONLY.contains(name).then_some(*name));
    }
    match (for_zipf, &options.trace) {
        (Some(name), Some(_)) => Err(format!("{name}: says nothing beside --trace")),
        _ => Ok(Some(options)),
    }
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut out = format!(
        "Replays requests through the cache and says what it answered from memory, and how fast.\n\n\
         Usage: {} [OPTIONS]\n\n",
        super::NAME
    );
    for Row(name, placeholder, help, _) in TABLE {
        let option = format!("{name} {placeholder}");
        let _ = writeln!(out, "  {option:<26} {help}");
    }
    out.push_str(
        "\nTIME is a whole number with ms, s, m, h or d; SIZE a whole number with B, KiB, MiB or GiB, or of bytes.\n\
         A line of a request log is seconds, method, target, status and bytes of the body, with tabs between them.\n",
    );
    out
}

fn put<T>(slot: &mut T, value: Result<T, String>) -> Result<(), String> {
    *slot = value?;
    Ok(())
}

fn number<T: FromStr>(value: &str, wanted: &str) -> Result<T, String> {
    value.parse().map_err(|_| wanted.to_owned())
}

fn file(value: &str) -> Result<PathBuf, String> {
    if value.is_empty() { Err("a file".to_owned()) } else { Ok(value.into()) }
}

fn clock(value: &str) -> Result<Clock, String> {
    match value {
        "simulated" => Ok(Clock::Simulated),
        "real" => Ok(Clock::Real),
        _ => Err("simulated or real".to_owned()),
    }
}

fn factor(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor >= 0.0 => Ok(factor),
        _ => Err("a number from 0 such as 0.5".to_owned()),
    }
}

fn part(value: &str) -> Result<f64, String> {
    factor(value).ok().filter(|part| *part <= 1.0).ok_or_else(|| "a number from 0 to 1".to_owned())
}

fn speed(value: &str) -> Result<f64, String> {
    // A million is a day in less than a tenth of a second.
    factor(value)
        .ok()
        .filter(|factor| (1e-3..=1e6).contains(factor))
        .ok_or_else(|| "a number from 0.001 to 1000000".to_owned())
}

fn duration(value: &str) -> Result<Duration, String> {
    const UNITS: &[(&str, u64)] =
        &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    scaled(value, UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| "a time such as 500ms, 30s, 5m, 1h or 7d".to_owned())
}

fn size(value: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    scaled(value, UNITS).ok_or_else(|| "a size such as 65536, 64KiB, 4MiB or 1GiB".to_owned())
}

/// A whole number of one of the units.
fn scaled(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}
