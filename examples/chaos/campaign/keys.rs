//! What strangers can make a cache do and hold: keys that are chosen to collide, long ones that nobody asks for again,
//! bodies without an end, readers that stand still.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, ConfigError, SwrConfig};

use super::{lookups, simulated};
use crate::memory::{mebibytes, resident};
use crate::options::Options;
use crate::report::Report;

const KEYS: usize = 1_000_000;
const KEY: usize = 8 << 10;
const CAPACITY: u64 = 64 << 20;
/// Bodies without an end, each with a reader that goes on and one that stands still.
const ENDLESS: usize = 1_000;
const FRAME: usize = 16 << 10;
/// How much of an endless body is read.
const READ: usize = 8 << 20;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let keys = options.scaled(KEYS);
    simulated(options, campaign(keys))?.map_err(|error| error.to_string())
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn campaign(keys: usize) -> Result<Report, ConfigError> {
    let handle = CacheHandle::builder().capacity_bytes(CAPACITY).build()?;
    let config = SwrConfig::builder("keys").hard_ttl(Duration::from_secs(3600)).build()?;
    let service = handle.layer(config).layer(service_fn(answer));
    let most = mebibytes(CAPACITY) * 1.15 + 64.0;
    let mut report = Report::default();
    lookups::measure(&mut report).await?;
    report.note("memory at the start", mebibytes(resident()), "MiB");

    let mut peak = 0;
    let mut path = vec![b'a'; KEY];
    for n in 0..keys {
        let at = fastrand::usize(1..KEY - 20);
        path[at..at + 16].copy_from_slice(format!("{n:016}").as_bytes());
        let uri = format!("/{}", String::from_utf8_lossy(&path));
        let request = Request::get(uri).body(Empty::new()).expect("is a request");
        let Ok(response) = service.clone().call(request).await;
        drop(response.into_body().collect().await);
        if n % 1000 == 0 {
            peak = peak.max(resident());
        }
    }
    report.note("keys of 8 KiB, each asked for once", keys as f64, "");
    report.at_most("memory meanwhile, at most", mebibytes(peak), "MiB", most);
    report.at_least("keys stored at the end", handle.stats().keys as f64, "", 100.0_f64.min(keys as f64));

    let mut readers = JoinSet::new();
    for n in 0..ENDLESS {
        for stands_still in [false, true] {
            let mut service = service.clone();
            readers.spawn(async move {
                let request = Request::get(format!("/endless/{n}")).body(Empty::new()).expect("is a request");
                let Ok(response) = service.call(request).await;
                let mut body = response.into_body();
                let mut read = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    read += frame.data_ref().map_or(0, Bytes::len);
                    if stands_still {
                        sleep(Duration::from_secs(3600)).await;
                    } else if read > READ {
                        break;
                    }
                }
            });
        }
    }
    let mut peak = 0;
    while readers.try_join_next().is_some() || !readers.is_empty() {
        peak = peak.max(resident());
        sleep(Duration::from_secs(1)).await;
    }
    report.note("endless bodies, with two readers each", ENDLESS as f64, "");
    report.at_most("memory meanwhile, at most", mebibytes(peak), "MiB", most);
    report.none("bytes of bodies left behind", handle.stats().inflight_bytes);
    report.none("flights left behind", handle.stats().flights as u64);
    Ok(report)
}

async fn answer(request: Request<Empty<Bytes>>) -> Result<Response<Body>, Infallible> {
    if !request.uri().path().starts_with("/endless/") {
        return Ok(Response::new(Full::from("short").boxed_unsync()));
    }
    let frames = stream::unfold((), |()| async {
        sleep(Duration::from_millis(10)).await;
        Some((Ok(Frame::data(Bytes::from(vec![0; FRAME]))), ()))
    });
    Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
}
