//! What stands in `ops/`, held against the real thing: a Prometheus that scrapes the demo, and its `promtool`.
//!
//! They are Debian's package `prometheus`. Where it is not installed these tests say so and pass, unless `PROMETHEUS_TESTS=required`
//! is set.
#![allow(clippy::disallowed_methods, reason = "how long to wait for a process is no logic of the cache's")]

mod documents;
#[allow(dead_code, reason = "the tests use a part of it")]
#[path = "../examples/http.rs"]
mod http;
#[allow(dead_code, reason = "the tests use a part of it")]
#[path = "../examples/process.rs"]
mod process;
mod prometheus;
mod rules;
mod tools;
