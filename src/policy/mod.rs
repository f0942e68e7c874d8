//! What HTTP says about caching, as pure functions over headers and a given time.
//!
//! A response is understood once, when it arrives: [`verdict::judge`] asks [`storable`] whether it may be kept and
//! [`freshness`] for how long. A hit parses nothing.

pub(crate) mod cache_control;
pub(crate) mod date;
pub(crate) mod extent;
pub(crate) mod freshness;
pub(crate) mod hop;
mod negotiation;
mod overrides;
pub(crate) mod range;
pub(crate) mod request;
pub(crate) mod reuse;
mod rules;
pub(crate) mod status;
mod storable;
pub(crate) mod targeted;
pub(crate) mod validation;
pub(crate) mod vary;
pub(crate) mod verdict;
pub(crate) mod withheld;

pub(crate) use negotiation::Negotiation;
pub use overrides::CacheOverride;
pub(crate) use rules::{Lifetimes, Rules, Ttl};
