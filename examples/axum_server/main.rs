//! An axum application whose endpoints are cached, with all their TTLs in one file, `routes.toml`.
//!
//! ```text
//! cargo run --features full --example axum_server
//! curl -i 'http://127.0.0.1:3000/odds/nba?market=h2h'
//! curl http://127.0.0.1:3000/health
//! curl http://127.0.0.1:3000/metrics
//! ```
//!
//! The file beside this one is built in; `--routes FILE` reads another, `--check` only checks it and prints what each route
//! does. A file that is wrong is one line that names file, line, route, field and value, and status 2. `--listen ADDR` is
//! where to serve (port 0 picks one), `--log-format json` makes log lines JSON, `RUST_LOG` says which there are (`info` and above),
//! `--help` says all this again. Ctrl-C ends it.
//!
//! [`app`] is the application: a router, handlers that know nothing of the cache, and a `/health` of its own; [`metrics`]
//! is its recorder.

mod app;
mod metrics;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use axum::Router;
use tower_swr_cache::{CacheHandle, Routes};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const HELP: &str = "\
An axum application with cached endpoints, whose TTLs stand in one file.

Usage: axum_server [--listen ADDR] [--routes FILE] [--check] [--log-format text|json]

  --listen ADDR            address and port to serve on; port 0 picks one [127.0.0.1:3000]
  --routes FILE            the routes' TTLs and keys [routes.toml, as built in]
  --check                  check the file, print what each route does, exit
  --log-format text|json   what log lines on standard error look like [text]

The environment variable RUST_LOG says what is logged, such as warn or tower_swr_cache=debug [info].
";

const BUILT_IN: &str = include_str!("routes.toml");

struct Options {
    listen: SocketAddr,
    routes: Option<String>,
    check: bool,
    json_log: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    let (routes, cache, router) = match set_up(options.routes.as_deref()) {
        Ok(ready) => ready,
        Err(message) => return fail(2, &message),
    };
    if options.check {
        say(&table(&routes));
        return ExitCode::SUCCESS;
    }
    if let Err(message) = log(options.json_log) {
        return fail(2, &message);
    }
    let router = match metrics::router(&cache) {
        Ok(metrics) => router.merge(metrics),
        Err(message) => return fail(1, &message),
    };
    match serve(options.listen, router).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(1, &message),
    }
}

/// The routes of a file, or those that are built in, the cache, and the application with them. An error is one line.
fn set_up(file: Option<&str>) -> Result<(Routes, CacheHandle, Router), String> {
    let name = file.unwrap_or("routes.toml");
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?,
        None => BUILT_IN.to_owned(),
    };
    let routes: Routes = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("{name}:{line}: {}", error.message().replace('\n', ", "))
    })?;
    let cache = CacheHandle::builder().capacity_bytes(64 << 20).build().map_err(|error| error.to_string())?;
    let router = app::router(&cache, &routes).map_err(|error| format!("{name}: {error}"))?;
    Ok((routes, cache, router))
}

/// A line for each route.
fn table(routes: &Routes) -> String {
    let ttl = |ttl| match ttl {
        Some(ttl) => format!("{ttl:?}"),
        None => "as the response says".to_owned(),
    };
    let line = |(name, soft, hard): (&str, String, String)| format!("{name:<12} {soft:<22} {hard}\n");
    let rows = routes.iter().map(|route| (route.name(), ttl(route.soft_ttl()), ttl(route.hard_ttl())));
    let head = ("route", "soft TTL".to_owned(), "hard TTL".to_owned());
    std::iter::once(head).chain(rows).map(line).collect()
}

async fn serve(address: SocketAddr, router: Router) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say(&format!("listening on http://{address}\n"));
    let ctrl_c = async {
        // Without the signal it can still be killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, router).with_graceful_shutdown(ctrl_c).await.map_err(|error| error.to_string())
}

/// Log lines go to standard error from now on.
fn log(json: bool) -> Result<(), String> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env();
    let filter = filter.map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    if json {
        lines.json().init()
    } else {
        lines.init()
    }
    Ok(())
}

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
        routes: None,
        check: false,
        json_log: false,
    };
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        match (name, attached) {
            ("--help" | "-h", None) => return Ok(None),
            ("--check", None) => options.check = true,
            ("--routes", attached) => {
                options.routes = Some(attached.or_else(|| args.next()).ok_or("--routes: FILE is missing")?);
            }
            ("--log-format", attached) => {
                let value =
                    attached.or_else(|| args.next()).ok_or("--log-format: text or json is missing")?;
                options.json_log = match value.as_str() {
                    "text" => false,
                    "json" => true,
                    _ => return Err(format!("--log-format {}: not text or json", value.escape_debug())),
                };
            }
            ("--listen", attached) => {
                let value = attached.or_else(|| args.next()).ok_or("--listen: ADDR is missing")?;
                options.listen = value.parse().map_err(|_| {
                    let value = value.escape_debug();
                    format!("--listen {value}: not an IP address and a port such as 127.0.0.1:3000")
                })?;
            }
            ("--help" | "-h" | "--check", Some(_)) => return Err(format!("{name}: takes no value")),
            _ => return Err(format!("{}: unknown option (--help lists them)", name.escape_debug())),
        }
    }
    Ok(Some(options))
}

/// Whoever started us may have closed the other end already; that is no reason to stop.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("axum_server: {message}");
    ExitCode::from(status)
}
