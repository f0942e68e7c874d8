//! An origin that does as it is told, a client that says what it saw, time that passes when it is asked to.

pub(crate) mod busy;
mod client;
mod logs;
pub(crate) mod oracle;
mod origin;
mod time;
pub(crate) mod wire;

pub(crate) use client::{Answer, Cache, Open, request, said};
pub(crate) use logs::{Logs, subscribe};
pub(crate) use origin::{Call, Gate, Origin, OriginBody, OriginError, Reply, Step};
pub(crate) use time::{Start, poll_times, rest, secs, wall};

use tower_swr_cache::{SwrConfig, SwrConfigBuilder};

/// The body of requests.
pub(crate) type ReqBody = http_body_util::Full<bytes::Bytes>;

/// A route of these TTLs, in seconds, to the second.
pub(crate) fn route(soft: u64, hard: u64) -> SwrConfigBuilder {
    origin_says().soft_ttl(secs(soft)).hard_ttl(secs(hard))
}

/// A route whose responses say themselves how long they are fresh; without a breaker, which has a topic of its own.
pub(crate) fn origin_says() -> SwrConfigBuilder {
    SwrConfig::builder("route").soft_jitter(0.0).no_breaker()
}
