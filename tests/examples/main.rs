//! The examples, run as the programs they are. Cargo builds them for `cargo test`; with `--test examples` alone, build them
//! first: `cargo build --all-features --examples`.
#![allow(clippy::disallowed_methods, reason = "how long to wait for a process is no logic of the cache's")]

mod attacks;
mod axum_server;
mod chaos;
mod demo;
mod fault_proxy;
mod http;
mod load;
#[allow(dead_code, unused_imports, reason = "the tests use a part of it")]
#[path = "../../examples/chaos/oracle/mod.rs"]
mod oracle;
mod origin;
mod process;
mod proxy;
mod proxy_faults;
mod small;
mod usage;
mod wire_faults;
