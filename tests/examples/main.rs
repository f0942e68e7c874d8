//! The examples, run as the programs they are. Cargo builds them for `cargo test`; with `--test examples` alone, build them
//! first: `cargo build --all-features --examples`.
#![allow(clippy::disallowed_methods, reason = "how long to wait for a process is no logic of the cache's")]

mod axum_server;
mod demo;
mod http;
mod load;
mod origin;
mod process;
mod proxy;
mod proxy_faults;
mod small;
mod usage;
