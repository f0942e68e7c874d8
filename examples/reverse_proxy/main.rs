//! A caching reverse proxy: every request goes to one upstream, what may be kept is answered from memory.
//!
//! ```text
//! cargo run --release --features full --example reverse_proxy -- \
//!     --listen 127.0.0.1:8080 --upstream http://127.0.0.1:9000 --soft-ttl 30s --hard-ttl 5m
//! curl -i http://127.0.0.1:8080/
//! ```
//!
//! It prints `listening on ADDR` once it answers, with `--admin` also `admin on ADDR`, speaks HTTP/1.0, HTTP/1.1 and HTTP/2 with prior knowledge to clients and
//! HTTP/1.1 to the upstream, and on Ctrl-C or SIGTERM finishes what is under way, for ten seconds. `--help` lists the options.
//!
//! One request's way: [`front`] refuses what no proxy can forward and takes off hop-by-hop fields, [`stack`] puts the cache
//! before the upstream, [`upstream`] forwards. [`admin`] is for operators, on an address of its own. The client's `Host` is kept all the way, so that the cache's key, the upstream
//! and the client mean the same site; the upstream has to serve that name.
//!
//! Not supported: upgrades (the field is removed), `CONNECT` (405), TLS on either side, 1xx responses other than
//! `100 Continue`. Trailers pass in both directions as hyper sends them on HTTP/1.1: those that the `Trailer` field names,
//! after a body without `Content-Length`, and towards a client only if it sent `TE: trailers`.

mod admin;
mod body;
mod fields;
mod front;
mod options;
mod server;
mod stack;
#[cfg(test)]
mod tests;
mod upstream;

use std::io::{self, Write};
use std::process::ExitCode;

use options::{LogFormat, Options};
use tokio::runtime;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use upstream::Upstream;

const NAME: &str = "reverse_proxy";

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(&options::help());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(2, &message),
    };
    if let Err(message) = log(options.log_format) {
        return fail(2, &message);
    }
    let runtime = match runtime(&options) {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &format!("cannot start: {error}")),
    };
    let code = runtime.block_on(run(&options));
    runtime.shutdown_background();
    code
}

async fn run(options: &Options) -> ExitCode {
    let upstream = Upstream::new(&options.upstream, options.fetch_timeout);
    let stack = stack::stack(options, upstream)
        .and_then(|(cache, service)| Ok((admin::surface(options, &cache)?, cache, service)));
    let (surface, cache, service) = match stack {
        Ok(stack) => stack,
        Err(error) => return fail(2, &error.to_string()),
    };
    let server = match server::Server::bind(options.listen).await {
        Ok(server) => server,
        Err(error) => return fail(1, &format!("cannot listen on {}: {error}", options.listen)),
    };
    let mut said = format!("listening on {}\n", server.address());
    if let Some((address, surface)) = options.admin.zip(surface) {
        match admin::listen(address, surface).await {
            Ok(address) => said.push_str(&format!("admin on {address}\n")),
            Err(error) => return fail(1, &format!("cannot listen on {address}: {error}")),
        }
    }
    say(&said);
    server.run(service, &cache).await;
    ExitCode::SUCCESS
}

fn runtime(options: &Options) -> io::Result<runtime::Runtime> {
    let mut builder = match options.threads.map(usize::from) {
        Some(1) => runtime::Builder::new_current_thread(),
        Some(threads) => {
            let mut builder = runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
        None => runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// Log lines go to standard error from now on.
fn log(format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env();
    let filter = filter.map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}

/// Whoever started us may have closed the other end already; that is no reason to stop.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("{NAME}: {message}");
    ExitCode::from(status)
}
