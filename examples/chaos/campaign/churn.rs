//! Many more responses than there is room for: what they weigh, and what they take.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, ConfigError, Purge, SwrConfig};

use super::simulated;
use crate::memory::{heap, mebibytes};
use crate::options::Options;
use crate::report::Report;

const REQUESTS: usize = 500_000;
const KEYS: u32 = 100_000;
const CAPACITY: u64 = 64 << 20;
/// The largest body, and what an entry of it may weigh beyond that.
const MAX_BODY: u64 = 32 << 10;
const HEAD: u64 = 4 << 10;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let requests = options.scaled(REQUESTS);
    simulated(options, campaign(requests))?.map_err(|error| error.to_string())
}

async fn campaign(requests: usize) -> Result<Report, ConfigError> {
    let empty = heap();
    let handle = CacheHandle::builder().capacity_bytes(CAPACITY).max_body_bytes(MAX_BODY).build()?;
    let config = SwrConfig::builder("churn").hard_ttl(Duration::from_secs(60)).build()?;
    let mut service = handle.layer(config).layer(service_fn(answer));
    let capacity = handle.stats().capacity_bytes;
    let (mut most, mut widest) = (0, 0.0_f64);
    for n in 0..requests {
        // Many are asked for once, some again and again.
        let key = if fastrand::bool() { fastrand::u32(..KEYS) } else { fastrand::u32(..KEYS / 100) };
        let request =
            Request::get(format!("http://a/{key}")).body(Empty::<Bytes>::new()).expect("is a request");
        let Ok(response) = service.call(request).await;
        drop(response.into_body().collect().await);
        if n % 1000 == 999 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.purge(Purge::tag((n % 50).to_string()));
        }
        let weight = handle.stats().stored_bytes;
        most = most.max(weight);
        if n % 1000 == 500 && weight > capacity / 2 {
            let taken = heap().saturating_sub(empty) as f64;
            widest = widest.max((taken / weight as f64 - 1.0).abs());
        }
    }
    let mut report = Report::default();
    report.note("requests", requests as f64, "");
    report.note("capacity for what is stored", mebibytes(capacity), "MiB");
    report.at_most("weight, at most", mebibytes(most), "MiB", mebibytes(capacity + MAX_BODY + HEAD));
    report.at_least("weight, at most, of the capacity", most as f64 / capacity as f64, "", 0.9);
    report.at_most("heap against weight, at most", widest * 100.0, "%", 10.0);
    let stats = handle.stats();
    report.note("keys at the end", stats.keys as f64, "");
    handle.purge_all();
    report.none("bytes of weight after a purge of everything", handle.stats().stored_bytes);
    report.none("tags and paths in the index after it", handle.stats().indexed as u64);
    Ok(report)
}

async fn answer(_request: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let len =
        if fastrand::u8(..4) == 0 { fastrand::usize(..MAX_BODY as usize) } else { fastrand::usize(..4096) };
    let mut response = Response::new(Full::from(vec![b'x'; len]));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    let tag = fastrand::u8(..50).to_string();
    headers.insert("cache-tag", tag.parse().expect("is a value"));
    Ok(response)
}
