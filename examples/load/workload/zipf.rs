//! Requests whose targets follow Zipf's law, coming independently of each other.

use std::time::Duration;

use fastrand::Rng;
use http::{Method, StatusCode, Uri};

use super::{Ask, Condition, Page, Workload};
use crate::options::Options;

/// Bodies have 256 B to 64 KiB, any order of magnitude as often as the next.
const SMALLEST: f64 = 256.0;
const LARGEST: f64 = 65_536.0;

pub(crate) fn mix(options: &Options) -> Workload {
    let mut random = Rng::with_seed(options.seed);
    let keys = options.keys.get();
    let pages = (0..keys)
        .map(|key| Page {
            target: Uri::try_from(format!("/pages/{key}")).unwrap_or_default(),
            status: StatusCode::OK,
            size: (SMALLEST * (LARGEST / SMALLEST).powf(random.f64())) as u64,
        })
        .collect();
    // How likely it is that one of the keys up to each of them is asked for.
    let mut total = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            total += (rank as f64).powf(-options.zipf);
            total
        })
        .collect();
    let mut at = Duration::ZERO;
    let pause = 1.0 / f64::from(options.rate.get());
    let asks = (0..options.requests.get())
        .map(|_| {
            at += Duration::from_secs_f64(pause * exponential(&mut random));
            let drawn = random.f64() * total;
            let page = sums.partition_point(|sum| *sum <= drawn).min(keys - 1);
            Ask { at, method: Method::GET, page, condition: Condition::None }
        })
        .collect();
    let title = format!(
        "Zipf mix, seed {}: {keys} keys, exponent {}, {} requests a second",
        options.seed, options.zipf, options.rate
    );
    Workload { title, pages, asks }
}

/// Of mean 1.
pub(crate) fn exponential(random: &mut Rng) -> f64 {
    // From 0 on and below 1, so that the logarithm is finite.
    -(1.0 - random.f64()).ln()
}
