//! Which breaker a route's fetches ask.

use std::fmt;

use http::request;

use crate::breaker::Settings;

/// A route's breaker.
#[derive(Debug)]
pub(crate) struct BreakerConfig {
    pub(crate) settings: Settings,
    pub(crate) choice: BreakerChoice,
}

/// By what name it is found.
pub(crate) enum BreakerChoice {
    /// The route's.
    Route,
    /// One that other routes may have, too.
    Named(String),
    /// One for each upstream, told apart by the request.
    ByRequest(Box<dyn Fn(&request::Parts) -> String + Send + Sync>),
}

impl fmt::Debug for BreakerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route => f.write_str("Route"),
            Self::Named(name) => f.debug_tuple("Named").field(name).finish(),
            Self::ByRequest(_) => f.write_str("ByRequest"),
        }
    }
}
