//! The command line: one table row for each option, which is also its line in `--help`.

use std::ffi::OsString;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use http::header::HeaderName;
use http::uri::{Authority, Scheme, Uri};

/// Where the lifetimes of responses come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// From the response; the TTL options are for responses that say nothing.
    Origin,
    /// From the TTL options.
    Route,
}

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) upstream: Authority,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) admin_token: Option<String>,
    pub(crate) soft_ttl: Option<Duration>,
    pub(crate) hard_ttl: Option<Duration>,
    pub(crate) freshness: Freshness,
    pub(crate) capacity: u64,
    pub(crate) max_body: u64,
    pub(crate) fetch_timeout: Duration,
    /// Failures in a row that open the breaker; 0 for none.
    pub(crate) breaker_failures: u32,
    pub(crate) breaker_cooldown: Duration,
    pub(crate) failure_extension: f64,
    pub(crate) stale_if_error: Duration,
    pub(crate) keep: Duration,
    pub(crate) key_headers: Vec<HeaderName>,
    pub(crate) ignore_query: Vec<String>,
    pub(crate) normalise_encoding: Vec<String>,
    pub(crate) normalise_language: Vec<String>,
    pub(crate) field_lists: bool,
    pub(crate) store_parts: bool,
    pub(crate) store_post: bool,
    pub(crate) no_vary_search: bool,
    pub(crate) ignore_cookies: bool,
    pub(crate) store_set_cookie: bool,
    pub(crate) client_directives: bool,
    pub(crate) heuristic: bool,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) log_format: LogFormat,
}

impl Options {
    /// Soft and hard TTL. Where one alone is given, the other equals it: nothing is then served stale before an error.
    pub(crate) fn ttls(&self) -> Option<(Duration, Duration)> {
        let soft = self.soft_ttl.or(self.hard_ttl)?;
        Some((soft, self.hard_ttl.unwrap_or(soft)))
    }
}

impl Default for Options {
    /// The two required ones hold a placeholder until the table has filled them.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            upstream: Authority::from_static("localhost"),
            admin: None,
            admin_token: None,
            soft_ttl: None,
            hard_ttl: None,
            freshness: Freshness::Origin,
            capacity: 256 << 20,
            max_body: 4 << 20,
            fetch_timeout: Duration::from_secs(30),
            breaker_failures: 5,
            breaker_cooldown: Duration::from_secs(30),
            failure_extension: 0.5,
            stale_if_error: Duration::ZERO,
            keep: Duration::from_secs(600),
            key_headers: Vec::new(),
            ignore_query: Vec::new(),
            normalise_encoding: Vec::new(),
            normalise_language: Vec::new(),
            field_lists: false,
            store_parts: false,
            store_post: false,
            no_vary_search: false,
            ignore_cookies: false,
            store_set_cookie: false,
            client_directives: false,
            heuristic: false,
            threads: None,
            log_format: LogFormat::Text,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Required,
    Optional,
}

use Kind::{Optional, Required};

type Set = fn(&mut Options, &str) -> Result<(), String>;

/// Name, what its value is called (empty: a switch), kind, help, and what it does.
struct Row(&'static str, &'static str, Kind, &'static str, Set);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row("--listen", "ADDR", Required, "address and port to answer on; port 0 picks one", |o, v| put(&mut o.listen, address(v))),
    Row("--upstream", "URL", Required, "where requests go: http://HOST[:PORT]", |o, v| put(&mut o.upstream, upstream(v))),
    Row("--admin", "ADDR", Optional, "address and port of the admin pages, metrics among them", |o, v| put(&mut o.admin, address(v).map(Some))),
    Row("--admin-token", "T", Optional, "what purges and breakers there want as a bearer token; none: they do not exist", |o, v| put(&mut o.admin_token, text(v).map(Some))),
    Row("--soft-ttl", "TIME", Optional, "fresh until here", |o, v| put(&mut o.soft_ttl, duration(v).map(Some))),
    Row("--hard-ttl", "TIME", Optional, "served stale, refreshed behind it, until here", |o, v| put(&mut o.hard_ttl, duration(v).map(Some))),
    Row("--freshness", "origin|route", Optional, "origin: the TTLs are for responses that say nothing; route: they overrule [origin]", |o, v| put(&mut o.freshness, freshness(v))),
    Row("--capacity", "SIZE", Optional, "memory for the whole cache [256MiB]", |o, v| put(&mut o.capacity, size(v))),
    Row("--max-body", "SIZE", Optional, "longer bodies pass and are not kept [4MiB]", |o, v| put(&mut o.max_body, size(v))),
    Row("--fetch-timeout", "TIME", Optional, "wait for the upstream's head [30s]", |o, v| put(&mut o.fetch_timeout, duration(v))),
    Row("--breaker-failures", "N", Optional, "failures in a row that open the breaker, 0: no breaker [5]", |o, v| put(&mut o.breaker_failures, number(v, "a whole number"))),
    Row("--breaker-cooldown", "TIME", Optional, "how long it stays open [30s]", |o, v| put(&mut o.breaker_cooldown, duration(v))),
    Row("--failure-extension", "FACTOR", Optional, "share of the hard TTL to serve on while fetches fail [0.5]", |o, v| put(&mut o.failure_extension, factor(v))),
    Row("--stale-if-error", "TIME", Optional, "the same as a time; the longer of both counts [0s]", |o, v| put(&mut o.stale_if_error, duration(v))),
    Row("--keep", "TIME", Optional, "how long an expired response is kept to be revalidated [10m]", |o, v| put(&mut o.keep, duration(v))),
    Row("--heuristic", "", Optional, "a lifetime from Last-Modified for responses that say nothing", |o, _| put(&mut o.heuristic, Ok(true))),
    Row("--client-directives", "", Optional, "honour Cache-Control in requests", |o, _| put(&mut o.client_directives, Ok(true))),
    Row("--key-header", "NAME", Optional, "requests that differ in this field do not share; repeatable", |o, v| add(&mut o.key_headers, field_name(v))),
    Row("--ignore-query", "NAME", Optional, "requests that differ in this query parameter share; repeatable", |o, v| add(&mut o.ignore_query, text(v))),
    Row("--normalise-encoding", "NAME", Optional, "bring Accept-Encoding down to codings such as this one; repeatable", |o, v| add(&mut o.normalise_encoding, text(v))),
    Row("--normalise-language", "TAG", Optional, "bring Accept-Language down to languages such as this one; repeatable", |o, v| add(&mut o.normalise_language, text(v))),
    Row("--field-lists", "", Optional, "private=\"FIELDS\" and no-cache=\"FIELDS\" are about these fields alone", |o, _| put(&mut o.field_lists, Ok(true))),
    Row("--store-parts", "", Optional, "keep responses to Range as parts", |o, _| put(&mut o.store_parts, Ok(true))),
    Row("--store-post", "", Optional, "keep responses to POST that say they are what GET would get", |o, _| put(&mut o.store_post, Ok(true))),
    Row("--no-vary-search", "", Optional, "one response for all queries that are the same to it", |o, _| put(&mut o.no_vary_search, Ok(true))),
    Row("--ignore-cookies", "", Optional, "requests with cookies share what the TTL options alone made fresh", |o, _| put(&mut o.ignore_cookies, Ok(true))),
    Row("--store-set-cookie", "", Optional, "keep responses that set cookies, for everybody", |o, _| put(&mut o.store_set_cookie, Ok(true))),
    Row("--threads", "N", Optional, "worker threads; 1: a single-threaded runtime [one a core]", |o, v| put(&mut o.threads, number(v, "a whole number from 1").map(Some))),
    Row("--log-format", "text|json", Optional, "what log lines on standard error look like [text]", |o, v| put(&mut o.log_format, log_format(v))),
];

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut given = Vec::new();
    let mut args = args.map(|arg| match arg.into_string() {
        Ok(arg) => Ok(arg),
        Err(arg) => Err(format!("{}: not valid UTF-8", arg.to_string_lossy().escape_debug())),
    });
    while let Some(arg) = args.next().transpose()? {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        if matches!(name, "--help" | "-h") {
            return Ok(None);
        }
        let Some(Row(name, placeholder, _, _, set)) = TABLE.iter().find(|row| row.0 == name) else {
            return Err(format!("{}: unknown option (--help lists them)", name.escape_debug()));
        };
        let value = match (placeholder.is_empty(), attached) {
            (true, None) => String::new(),
            (true, Some(_)) => return Err(format!("{name}: takes no value")),
            (false, Some(value)) => value,
            (false, None) => {
                args.next().transpose()?.ok_or_else(|| format!("{name}: {placeholder} is missing"))?
            }
        };
        set(&mut options, &value)
            .map_err(|wanted| format!("{name} {}: not {wanted}", value.escape_debug()))?;
        given.push(*name);
    }
    for Row(name, placeholder, kind, ..) in TABLE {
        if *kind == Required && !given.contains(name) {
            return Err(format!("{name} {placeholder} is missing (--help lists all options)"));
        }
    }
    if options.freshness == Freshness::Route && options.ttls().is_none() {
        return Err("--freshness route: needs --soft-ttl or --hard-ttl".to_owned());
    }
    if options.admin_token.is_some() && options.admin.is_none() {
        return Err("--admin-token: needs --admin".to_owned());
    }
    Ok(Some(options))
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut out = format!(
        "A caching reverse proxy.\n\nUsage: {} --listen ADDR --upstream URL [OPTIONS]\n\n",
        super::NAME
    );
    for Row(name, placeholder, _, help, _) in TABLE {
        let option = format!("{name} {placeholder}");
        let _ = writeln!(out, "  {option:<26} {help}");
    }
    out.push_str("\nTIME is a whole number with ms, s, m or h; SIZE a whole number with B, KiB, MiB or GiB, or of bytes.\n\
         The environment variable RUST_LOG says what is logged, such as warn or tower_swr_cache=debug [info].\n");
    out
}

fn put<T>(slot: &mut T, value: Result<T, String>) -> Result<(), String> {
    *slot = value?;
    Ok(())
}

fn add<T>(list: &mut Vec<T>, value: Result<T, String>) -> Result<(), String> {
    list.push(value?);
    Ok(())
}

fn number<T: FromStr>(value: &str, wanted: &str) -> Result<T, String> {
    value.parse().map_err(|_| wanted.to_owned())
}

fn address(value: &str) -> Result<SocketAddr, String> {
    number(value, "an IP address and a port such as 127.0.0.1:8080")
}

fn field_name(value: &str) -> Result<HeaderName, String> {
    number(value, "a field name")
}

fn text(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("a value".to_owned()) } else { Ok(value.to_owned()) }
}

fn freshness(value: &str) -> Result<Freshness, String> {
    match value {
        "origin" => Ok(Freshness::Origin),
        "route" => Ok(Freshness::Route),
        _ => Err("origin or route".to_owned()),
    }
}

fn log_format(value: &str) -> Result<LogFormat, String> {
    match value {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json".to_owned()),
    }
}

fn factor(value: &str) -> Result<f64, String> {
    match value.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor >= 0.0 => Ok(factor),
        _ => Err("a number from 0 such as 0.5".to_owned()),
    }
}

fn duration(value: &str) -> Result<Duration, String> {
    const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    scaled(value, UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| "a time such as 500ms, 30s, 5m or 1h".to_owned())
}

fn size(value: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    scaled(value, UNITS).ok_or_else(|| "a size such as 65536, 64KiB, 4MiB or 1GiB".to_owned())
}

/// A whole number of one of the units.
fn scaled(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

/// Paths are kept byte for byte, so the URL has nothing that could go before or after them.
fn upstream(value: &str) -> Result<Authority, String> {
    let parts = value.parse::<Uri>().map(Uri::into_parts).ok();
    let authority = parts.and_then(|parts| {
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        if parts.scheme == Some(Scheme::HTTP) && bare { parts.authority } else { None }
    });
    authority
        .filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
        .ok_or_else(|| "a URL such as http://127.0.0.1:9000 (no path, user or https)".to_owned())
}
