//! HTTP response caching for [tower]: stale-while-revalidate with a soft and a hard TTL, one call per key, stale on error.
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, routing::get};
//! use tower_swr_cache::{SwrCacheLayer, SwrConfig};
//!
//! # fn app() -> Result<Router, tower_swr_cache::ConfigError> {
//! let odds = SwrConfig::builder("odds")
//!     .soft_ttl(Duration::from_secs(30)) // fresh until here
//!     .hard_ttl(Duration::from_secs(300)) // served stale, refreshed in the background, until here
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/odds/{sport}", get(|| async { "2.10" }))
//!     .layer(SwrCacheLayer::new(odds));
//! # Ok(app)
//! # }
//! ```
//!
//! * [`SwrConfig`] says what a route is called, what its keys are made of and how long its responses serve;
//!   [`CacheOverride`] overrules it for one response.
//! * [`CacheHandle`] is the store that several routes share: it makes their layers, purges, and looks into it.
//! * [`key`] has the extractors that keys are composed of.
//! * [`Outcome`] and [`Reason`] are the words in `Cache-Status` (RFC 9211) and in log lines; [`Event`] is what an operator
//!   should know of.
//!
//! # What others do differently
//!
//! A shared cache by RFC 9111 goes by what responses say. A route here that names its TTLs goes by those, for its
//! successes: that is what makes it useful before an API that says `max-age=0` to browsers, or nothing. What forbids
//! storing or sharing (`no-store`, `private`, `Set-Cookie`, `Authorization`), or answering unasked (`no-cache`), counts in
//! every mode until an option that names it lifts it. Without TTLs a route goes by RFC 9111 and RFC 5861 alone.
//!
//! # Fetches that are no HTTP server
//!
//! Any async function can stand behind the layer, as a service that takes its key from the path and answers with the value
//! as a body: `get_with_swr(key)` is then a hit until the soft TTL, stale with a refresh behind it until the hard one, and
//! waits for a fetch after that. Stampedes, failures and the breaker are looked after as for any other route, and an `Err`
//! of the function is what counts as a failure.
//!
//! ```
//! use std::{future::Future, time::Duration};
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
//! use tower_swr_cache::{BoxError, CacheHandle, ConfigError, SwrCache, SwrConfig, key};
//!
//! type Fetch = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError>;
//!
//! #[derive(Clone)]
//! struct Swr(SwrCache<Fetch>);
//!
//! impl Swr {
//!     fn new<F, Fut>(
//!         cache: &CacheHandle,
//!         name: &str,
//!         fetch: F,
//!         soft: Duration,
//!         hard: Duration,
//!     ) -> Result<Self, ConfigError>
//!     where
//!         F: Fn(String) -> Fut + Clone + Send + Sync + 'static,
//!         Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
//!     {
//!         let config = SwrConfig::builder(name).soft_ttl(soft).hard_ttl(hard).key(key::Path).build()?;
//!         let fetch = service_fn(move |request: Request<Full<Bytes>>| {
//!             let value = fetch(request.uri().path()[1..].to_owned());
//!             async move { Ok::<_, BoxError>(Response::new(Full::from(value.await?))) }
//!         });
//!         Ok(Self(cache.layer(config).layer(Fetch::new(fetch))))
//!     }
//!
//!     /// A key is a path: percent-escape what a URI may not hold.
//!     async fn get_with_swr(&self, key: &str) -> Result<String, BoxError> {
//!         let request = Request::get(format!("/{key}")).body(Full::default())?;
//!         let response = self.0.clone().oneshot(request).await?;
//!         // Who waited for another's fetch, or whom the breaker refused, is told so by a status.
//!         if !response.status().is_success() {
//!             return Err(response.status().to_string().into());
//!         }
//!         Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().into())?)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let cache = CacheHandle::builder().build()?;
//! let ask_the_bank = |currency: String| async move { Ok(format!("1 {currency} = 0.92 eur")) };
//! let rates = Swr::new(&cache, "rates", ask_the_bank, Duration::from_secs(30), Duration::from_secs(300))?;
//!
//! assert_eq!(rates.get_with_swr("usd").await?, "1 usd = 0.92 eur"); // fetched
//! assert_eq!(rates.get_with_swr("usd").await?, "1 usd = 0.92 eur"); // from memory
//! # Ok(())
//! # }
//! ```
//!
//! # Panics and errors
//!
//! None of the crate's own. `type Error` is the inner service's; a request that waited for a fetch which failed gets a
//! response with [`CacheFailure`] in its extensions. A panic of the inner service resumes in the request that led the
//! fetch, and nowhere else. A metrics recorder or a `tracing` subscriber that panics while a fetch is carried out, in its
//! span or at an event, ends neither the fetch nor anybody's wait for it.
//!
//! [tower]: https://docs.rs/tower
#![forbid(unsafe_code)]

#[cfg(feature = "reqwest")]
pub mod adapter;
#[cfg(feature = "admin")]
pub mod admin;
mod breaker;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod checks;
mod clock;
mod config;
mod entry;
mod error;
mod event;
mod explain;
mod fetch;
mod flight;
mod handle;
mod health;
mod hook;
pub mod key;
mod policy;
mod refresh;
#[cfg(feature = "serde")]
mod rfc3339;
#[cfg(feature = "serde")]
mod seconds;
mod service;
mod shared;
mod spool;
mod store;
mod sync;
mod tag;
mod telemetry;
mod window;

#[cfg(feature = "reqwest")]
pub use adapter::reqwest::ReqwestService;
pub use breaker::{BreakerInfo, BreakerMode, BreakerState};
#[cfg(feature = "serde")]
pub use config::Routes;
pub use config::{DefaultClassifier, FailureClassifier, Mode, SwrConfig, SwrConfigBuilder};
pub use entry::{EntryInfo, FinalUri};
pub use error::{BodyError, BoxError, CacheFailure, ConfigError};
pub use event::{EventKind, FreshnessSource, Outcome, Reason};
pub use explain::RouteExplanation;
pub use handle::{CacheHandle, CacheHandleBuilder};
pub use health::{CacheHealth, Health, HealthStatus, RouteHealth, StoreStats, TieredCache};
pub use key::{Key, KeyDecision, KeyExtractor, KeyWriter};
pub use policy::CacheOverride;
pub use service::{ResponseBody, ResponseFuture, SwrCache, SwrCacheLayer};
pub use store::{Purge, Purged};
pub use telemetry::{Event, HISTOGRAM_BOUNDS, Quantiles, Ratios, RouteStats};
#[cfg(feature = "prometheus")]
pub use telemetry::{Exporter, ExporterError, MetricsService};

/// The README's code, so that it is compiled.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../README.md")]
struct Readme;
