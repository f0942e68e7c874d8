//! How long something took: a fixed array of buckets, for quantiles without a recorder.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Each power of two of nanoseconds has so many buckets, so a quantile is at most a quarter too large.
const PARTS: u32 = 4;
/// The first power that is told from the others, about a quarter of a microsecond; and how many are.
const FIRST: u32 = 8;
const POWERS: u32 = 32;
const BUCKETS: usize = (PARTS * POWERS) as usize;

/// Counts durations from nanoseconds to many minutes.
#[derive(Debug)]
pub(crate) struct Latency {
    buckets: [AtomicU64; BUCKETS],
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self { buckets: array::from_fn(|_| AtomicU64::new(0)) }
    }

    pub(crate) fn record(&self, took: Duration) {
        if let Some(bucket) = self.buckets.get(bucket(took)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The durations that so many parts of all stay below; `None` while there are none.
    pub(crate) fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[Duration; N]> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        (all > 0).then(|| {
            parts.map(|part| {
                let wanted = ((all as f64 * part).ceil() as u64).clamp(1, all);
                let mut seen = 0;
                let reached = counts.iter().position(|count| {
                    seen += count;
                    seen >= wanted
                });
                upper_bound(reached.unwrap_or(BUCKETS - 1))
            })
        })
    }
}

fn bucket(took: Duration) -> usize {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let power = nanos.max(1).ilog2();
    if power < FIRST {
        return 0;
    }
    let part = (nanos >> (power - PARTS.ilog2())) as u32 % PARTS;
    (((power - FIRST) * PARTS + part) as usize).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    let (power, part) = (bucket as u32 / PARTS + FIRST, bucket as u32 % PARTS);
    Duration::from_nanos((u64::from(PARTS + part + 1)) << (power - PARTS.ilog2()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_below_its_buckets_bound_and_not_far() {
        for nanos in (0..60).flat_map(|power| [1_u64 << power, (1 << power) + 1, (1 << power) * 7 / 4]) {
            let took = Duration::from_nanos(nanos);
            let bound = upper_bound(bucket(took));
            if bucket(took) < BUCKETS - 1 {
                assert!(took < bound, "{nanos}");
                assert!(
                    nanos < 256 || bound.as_nanos() as u64 <= nanos + nanos / 4 + 1,
                    "{nanos}: {bound:?}"
                );
            }
        }
    }

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let latency = Latency::new();
        assert_eq!(latency.quantiles([0.5]), None);
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        let [median, most] = latency.quantiles([0.5, 0.99]).expect("some");
        assert!((500..=625).contains(&median.as_micros()), "{median:?}");
        assert!((990..=1250).contains(&most.as_micros()), "{most:?}");
    }
}
