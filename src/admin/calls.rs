//! What an operator can do: the calls that change something.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::reply::{self, Reply};
use crate::{breaker::BreakerMode, config::Mode, handle::CacheHandle, store::PurgeForm};

/// A call that changes something, once its body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Purge,
    /// The name of the breaker.
    Breaker(String),
    /// The name of the route.
    Route(String),
}

/// The answer to `POST /purge`.
#[derive(Debug, Serialize)]
struct PurgeAnswer {
    scope: &'static str,
    soft: bool,
    dry_run: bool,
    /// How many stored responses it removed or marked stale, or would have.
    entries: usize,
}

/// The body of `POST /breakers/{name}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakerCall {
    mode: BreakerMode,
}

/// The body of `POST /routes/{route}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteCall {
    mode: Option<Mode>,
    /// For how long from now on, as `2h`.
    serve_stale_until: Option<String>,
}

impl Act {
    /// Does what the body says.
    pub(super) fn carry_out(&self, body: &[u8], cache: &CacheHandle) -> Reply {
        let done = match self {
            Self::Purge => purge(body, cache),
            Self::Breaker(name) => set_breaker(name, body, cache),
            Self::Route(name) => set_route(name, body, cache),
        };
        done.unwrap_or_else(|problem| reply::error(StatusCode::BAD_REQUEST, &problem))
    }
}

fn purge(body: &[u8], cache: &CacheHandle) -> Result<Reply, String> {
    let form: PurgeForm = parse(body)?;
    let dry_run = form.dry_run;
    let purge = form.purge()?;
    let (scope, soft) = (purge.scope.kind().as_str(), purge.soft);
    let purged = if dry_run { cache.would_purge(&purge) } else { cache.purge(purge) };
    let entries = purged.entries;
    if !dry_run {
        tracing::info!(scope, soft, entries, "purged through the admin surface");
    }
    Ok(reply::json(StatusCode::OK, &PurgeAnswer { scope, soft, dry_run, entries }))
}

fn set_breaker(name: &str, body: &[u8], cache: &CacheHandle) -> Result<Reply, String> {
    let BreakerCall { mode } = parse(body)?;
    let known = cache.set_breaker(name, mode);
    let breaker = cache.breakers().into_iter().find(|breaker| known && breaker.name == name);
    let Some(breaker) = breaker else {
        return Ok(reply::error(StatusCode::NOT_FOUND, "there is no breaker of this name"));
    };
    tracing::info!(breaker = name, mode = mode.as_str(), "breaker set through the admin surface");
    Ok(reply::json(StatusCode::OK, &breaker))
}

fn set_route(name: &str, body: &[u8], cache: &CacheHandle) -> Result<Reply, String> {
    let RouteCall { mode, serve_stale_until } = parse(body)?;
    let stale = serve_stale_until.map(|span| humantime::parse_duration(&span)).transpose();
    let stale = stale.map_err(|error| format!("serve_stale_until: {error}"))?;
    if mode.is_none() && stale.is_none() {
        return Err("mode or serve_stale_until is wanted".to_owned());
    }
    let known = mode.is_none_or(|mode| cache.set_mode(name, mode))
        && stale.is_none_or(|span| cache.serve_stale_for(name, span));
    let route = cache.cache_health().routes.into_iter().find(|route| known && route.stats.route == name);
    let Some(route) = route else {
        return Ok(reply::error(StatusCode::NOT_FOUND, "there is no route of this name"));
    };
    Ok(reply::json(StatusCode::OK, &route))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
