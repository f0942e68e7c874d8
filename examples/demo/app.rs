//! The application: three routes on one cache, each with TTLs and keys of its own.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_swr_cache::key::Pattern;
use tower_swr_cache::{CacheHandle, CacheOverride, Exporter, SwrConfig};

use crate::api::PaidApi;
use crate::outcome::{Outcome, Tally};

/// How long odds last, and how long the API is left alone once it fails too often; the other routes have what suits them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) soft: Duration,
    pub(crate) hard: Duration,
    pub(crate) cooldown: Duration,
}

/// What unlocks the status page.
pub(crate) const TOKEN: &str = "demo";

/// All routes ask the same API, so they have one breaker, which opens after so many failures in a row.
const BREAKER: &str = "paid-api";
pub(crate) const FAILURES: u32 = 5;

pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) cache: CacheHandle,
    pub(crate) api: Arc<PaidApi>,
    pub(crate) tally: Arc<Tally>,
}

#[derive(Clone)]
struct Shared {
    api: Arc<PaidApi>,
    cache: CacheHandle,
}

impl App {
    pub(crate) fn new(times: Times) -> Result<Self, Box<dyn Error>> {
        let cache = CacheHandle::builder().capacity_bytes(64 << 20).build()?;
        // One host is served here, so it need not be in the keys. Parameters other than the market do not change odds.
        let odds = SwrConfig::builder("odds")
            .breaker(FAILURES, times.cooldown)
            .breaker_name(BREAKER)
            .soft_ttl(times.soft)
            .hard_ttl(times.hard)
            .key(Pattern::new("/odds/{sport}", "odds:{sport}:{?market}")?)
            .build()?;
        let sports = SwrConfig::builder("sports")
            .breaker(FAILURES, times.cooldown)
            .breaker_name(BREAKER)
            .soft_ttl(Duration::from_secs(30))
            .hard_ttl(Duration::from_secs(300))
            .key(Pattern::new("/sports", "sports")?)
            .build()?;
        let scores = SwrConfig::builder("scores")
            .breaker(FAILURES, times.cooldown)
            .breaker_name(BREAKER)
            .soft_ttl(Duration::from_secs(1))
            .hard_ttl(Duration::from_secs(5))
            .key(Pattern::new("/scores/{id}", "scores:{id}")?)
            .build()?;
        let shared = Shared { api: Arc::default(), cache: cache.clone() };
        let api = Arc::clone(&shared.api);
        let tally = Arc::<Tally>::default();
        let router = Router::new()
            .route("/odds/{sport}", get(odds_of).layer(cache.layer(odds)))
            .route("/sports", get(sports_all).layer(cache.layer(sports)))
            .route("/scores/{id}", get(score_of).layer(cache.layer(scores)))
            .route("/api/{state}", post(switch))
            .route("/purge/{tag}", post(purge))
            .with_state(shared)
            // The status page is at `/`, with `/metrics`, `/health` and the rest beside it. Everybody can purge here anyway;
            // an application has a token that is a secret.
            .fallback_service(cache.admin().exporter(Exporter::install()?).token(TOKEN)?)
            .layer(middleware::from_fn_with_state(Arc::clone(&tally), count));
        Ok(Self { router, cache, api, tally })
    }
}

/// `GET /odds/{sport}?market=…`, tagged with its sport.
async fn odds_of(
    State(shared): State<Shared>,
    Path(sport): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Ok(call) = shared.api.call().await else { return unavailable() };
    let market = query.get("market").map_or("main", String::as_str);
    let mut response = format!("{sport} {market} 1.{:02}, call {call}\n", call % 100).into_response();
    // A tag in the response's extensions; the header `Cache-Tag` would do the same.
    response.extensions_mut().insert(CacheOverride::new().tag(sport));
    response
}

/// `GET /sports`
async fn sports_all(State(shared): State<Shared>) -> Response {
    let Ok(call) = shared.api.call().await else { return unavailable() };
    format!("nba nfl nhl mlb, call {call}\n").into_response()
}

/// `GET /scores/{id}`, tagged in a header.
async fn score_of(State(shared): State<Shared>, Path(id): Path<u32>) -> Response {
    let Ok(call) = shared.api.call().await else { return unavailable() };
    let score = format!("game {id} {}:{}, call {call}\n", call % 120, call % 113);
    ([("cache-tag", "scores")], score).into_response()
}

fn unavailable() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "the API is down\n").into_response()
}

/// `POST /api/down` and `POST /api/up`
async fn switch(State(shared): State<Shared>, Path(state): Path<String>) -> Response {
    match state.as_str() {
        "down" => {
            shared.api.set_down(true);
            "the API is down; POST /api/up brings it back\n".into_response()
        }
        "up" => {
            shared.api.set_down(false);
            "the API is up\n".into_response()
        }
        _ => (StatusCode::NOT_FOUND, "POST /api/down or /api/up\n").into_response(),
    }
}

/// `POST /purge/{tag}`
async fn purge(State(shared): State<Shared>, Path(tag): Path<String>) -> String {
    let purged = shared.cache.purge_tag(tag);
    format!("{} purged\n", purged.entries)
}

/// Counts what the cache made of each request.
async fn count(State(tally): State<Arc<Tally>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(outcome) = Outcome::of(response.headers()) {
        tally.add(outcome);
    }
    response
}
