//! A route's configuration: what it is called, what its keys are made of, how long its responses serve.

mod breaker;
mod builder;
mod classify;
#[cfg(feature = "serde")]
mod file;
mod mode;

use std::{fmt, sync::Arc, time::Duration};

pub(crate) use breaker::{BreakerChoice, BreakerConfig};
pub use builder::SwrConfigBuilder;
pub use classify::{DefaultClassifier, FailureClassifier};
#[cfg(feature = "serde")]
pub use file::Routes;
pub use mode::Mode;

use crate::{
    key::KeyExtractor,
    policy::{
        Lifetimes, Negotiation, Rules, Ttl,
        status::{self, CacheStatus, Said, Told},
    },
};

/// The checked configuration of one route; made by [`SwrConfig::builder`]. Cloning is cheap, and the clones stay the same
/// route.
#[derive(Clone, Debug)]
pub struct SwrConfig {
    pub(crate) settings: Arc<Settings>,
}

/// What a configuration holds.
pub(crate) struct Settings {
    pub(crate) name: Box<str>,
    /// The first part of the route's keys: its name, unless it shares another's.
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) rules: Rules,
    pub(crate) negotiation: Negotiation,
    pub(crate) explicit_max_body: Option<u64>,
    pub(crate) fetch_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) key: Box<dyn KeyExtractor>,
    /// Whether `Cookie` and `Authorization` say something that the key does not, or that is to count.
    pub(crate) cookie_matters: bool,
    pub(crate) authorization_matters: bool,
    pub(crate) classifier: Box<dyn FailureClassifier>,
    pub(crate) breaker: Option<BreakerConfig>,
    pub(crate) status: Option<StatusField>,
    pub(crate) forward_tags: bool,
    /// The mode that it begins in.
    pub(crate) mode: Mode,
}

/// Under which name the cache speaks of itself in a response, and in which field.
#[derive(Clone, Debug)]
pub(crate) struct StatusField {
    pub(crate) field: http::HeaderName,
    pub(crate) values: CacheStatus,
    /// Whether it tells for how long a response is still fresh.
    pub(crate) ttl: bool,
    /// Whether it tells the request's key.
    pub(crate) key: bool,
}

impl StatusField {
    /// What the field says of an answer: to a request of this key, with a response that is fresh for so many seconds.
    #[inline]
    pub(crate) fn said(&self, told: Told, ttl: Option<i64>, key: Option<&str>) -> Said<'_> {
        status::detailed(self.values.value(told), ttl.filter(|_| self.ttl), key)
    }
}

impl SwrConfig {
    /// Begins the configuration of a route called `name`: the first part of its keys, and its label in metrics, stats and
    /// logs.
    pub fn builder(name: impl Into<String>) -> SwrConfigBuilder {
        SwrConfigBuilder::new(name.into())
    }

    /// Begins the configuration of a route in front of an HTTP client: a private cache (RFC 9111 §1) with one user, who
    /// may have several identities.
    ///
    /// * Its keys end in [`key::Credentials`](crate::key::Credentials), whatever else they are made of: a call with
    ///   credentials is a hit the second time, and two identities never meet.
    /// * `private` responses are stored; `s-maxage`, `proxy-revalidate` and `CDN-Cache-Control`, which are for shared caches,
    ///   do not count.
    /// * What requests say counts: [`client_directives`](SwrConfigBuilder::client_directives) is on.
    /// * With [`soft_ttl`](SwrConfigBuilder::soft_ttl) or [`hard_ttl`](SwrConfigBuilder::hard_ttl) these times count, else
    ///   what responses say.
    ///
    /// What forbids storing otherwise (`no-store`, `Set-Cookie`, `Vary: *`) does so here, and each option of the builder
    /// does what it does elsewhere.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_swr_cache::SwrConfig;
    ///
    /// let quotes = SwrConfig::outbound("quotes").soft_ttl(Duration::from_secs(10)).build()?;
    /// # Ok::<_, tower_swr_cache::ConfigError>(())
    /// ```
    pub fn outbound(name: impl Into<String>) -> SwrConfigBuilder {
        SwrConfigBuilder::outbound(name.into())
    }

    /// The route's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The route's own soft TTL; `None` for a route whose responses say for themselves how long they are fresh.
    #[must_use]
    pub fn soft_ttl(&self) -> Option<Duration> {
        self.ttl().map(|ttl| ttl.soft)
    }

    /// The route's own hard TTL; `None` for a route whose responses say for themselves how long they are fresh.
    #[must_use]
    pub fn hard_ttl(&self) -> Option<Duration> {
        self.ttl().map(|ttl| ttl.hard)
    }

    fn ttl(&self) -> Option<Ttl> {
        match self.settings.rules.lifetimes {
            Lifetimes::Route(ttl) => Some(ttl),
            Lifetimes::Origin { .. } => None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
