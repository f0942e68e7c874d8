//! HTTP response caching for tower: stale-while-revalidate with a soft and a hard TTL.
#![forbid(unsafe_code)]

mod clock;
mod config;
mod entry;
mod error;
mod event;
mod fetch;
mod flight;
mod handle;
pub mod key;
mod policy;
mod refresh;
mod service;
mod shared;
mod spool;
mod store;
mod tag;
mod telemetry;

pub use config::{DefaultClassifier, FailureClassifier, SwrConfig, SwrConfigBuilder};
pub use entry::EntryInfo;
pub use error::{BodyError, BoxError, CacheFailure, ConfigError};
pub use event::{Outcome, Reason};
pub use handle::{CacheHandle, CacheHandleBuilder, StoreStats};
pub use key::{Key, KeyDecision, KeyExtractor, KeyWriter};
pub use policy::CacheOverride;
pub use service::{ResponseBody, ResponseFuture, SwrCache, SwrCacheLayer};
pub use store::{Purge, Purged};
