//! Tests of the cache as a whole, a module for each topic. Time is paused wherever it matters.

#[allow(dead_code, unused_imports, reason = "each topic uses a part of it")]
mod support;

#[cfg(feature = "admin")]
mod admin;
mod answers;
mod attacks;
mod bodies;
mod breaker;
mod cancellation;
mod controls;
mod directives;
#[cfg(feature = "admin")]
mod entries;
mod events;
mod explain;
mod flights;
mod groups;
mod health;
mod keys;
mod metrics;
mod model;
mod negotiation;
mod no_vary_search;
mod outbound;
mod panics;
mod parts;
mod post;
mod purge;
mod recipe;
mod refresh;
mod rfc9111;
#[cfg(all(feature = "axum", feature = "serde"))]
mod routes;
#[cfg(feature = "serde")]
mod schemas;
mod semantics;
mod stack;
mod status;
mod storing;
mod stress;
mod ttl;
mod vary;
