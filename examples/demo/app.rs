//! The application: three routes on one cache, each with TTLs and keys of its own, and a fourth that is not ready yet.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_swr_cache::key::Pattern;
use tower_swr_cache::{CacheHandle, CacheOverride, Exporter, Mode, SwrConfig};

use crate::api::{Answer, ApiState, PaidApi, Refusal};
use crate::outcome::{Outcome, Tally};

/// How long odds last, and how long the API is left alone once it fails too often; the other routes have what suits them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) soft: Duration,
    pub(crate) hard: Duration,
    pub(crate) cooldown: Duration,
}

/// What the command line can change.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) capacity: u64,
    /// Whether there are metrics.
    pub(crate) recorder: bool,
    /// What unlocks the status page.
    pub(crate) token: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self { capacity: 64 << 20, recorder: true, token: "demo".to_owned() }
    }
}

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
    pub(crate) fn new(times: Times, setup: &Setup) -> Result<Self, Box<dyn Error>> {
        let cache = CacheHandle::builder().capacity_bytes(setup.capacity).build()?;
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
        // Wrong on purpose: a quote is in the currency of `X-Currency`, and the key does not have it, so that readers would
        // get each other's. Until somebody sees that in what the cache observes, it only watches.
        let quotes = SwrConfig::builder("quotes")
            .breaker(FAILURES, times.cooldown)
            .breaker_name(BREAKER)
            .soft_ttl(Duration::from_secs(30))
            .hard_ttl(Duration::from_secs(300))
            .key(Pattern::new("/quotes/{id}", "quotes:{id}")?)
            .mode(Mode::Observe)
            .build()?;
        // The status page is at `/`, with `/metrics`, `/health` and the rest beside it. Everybody can purge here anyway;
        // an application has a token that is a secret.
        let mut admin = cache.admin().token(&setup.token)?;
        if setup.recorder {
            admin = admin.exporter(Exporter::install()?);
        }
        let shared = Shared { api: Arc::default(), cache: cache.clone() };
        let api = Arc::clone(&shared.api);
        let tally = Arc::<Tally>::default();
        let router = Router::new()
            .route("/odds/{sport}", get(odds_of).layer(cache.layer(odds)))
            .route("/sports", get(sports_all).layer(cache.layer(sports)))
            .route("/scores/{id}", get(score_of).layer(cache.layer(scores)))
            .route("/quotes/{id}", get(quote_of).layer(cache.layer(quotes)))
            .route("/api/{state}", post(switch))
            .route("/purge/{tag}", post(purge))
            .with_state(shared)
            .fallback_service(admin)
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
    let market = query.get("market").map_or("main", String::as_str);
    let mut response =
        paid(&shared, |call| format!("{sport} {market} 1.{:02}, call {call}\n", call % 100)).await;
    // A tag in the response's extensions; the header `Cache-Tag` would do the same.
    response.extensions_mut().insert(CacheOverride::new().tag(sport));
    response
}

/// `GET /sports`
async fn sports_all(State(shared): State<Shared>) -> Response {
    paid(&shared, |call| format!("nba nfl nhl mlb, call {call}\n")).await
}

/// `GET /scores/{id}`, tagged in a header.
async fn score_of(State(shared): State<Shared>, Path(id): Path<u32>) -> Response {
    let score = |call| format!("game {id} {}:{}, call {call}\n", call % 120, call % 113);
    ([("cache-tag", "scores")], paid(&shared, score).await).into_response()
}

/// `GET /quotes/{id}` in euros, or in what `X-Currency` says. The same quote each time, unlike the others.
async fn quote_of(State(shared): State<Shared>, Path(id): Path<u32>, headers: HeaderMap) -> Response {
    let (currency, rate) = match headers.get("x-currency").map(|currency| currency.as_bytes()) {
        Some(b"USD") => ("USD", 1.1),
        _ => ("EUR", 1.0),
    };
    let price = f64::from(id % 90 + 10) * rate;
    paid(&shared, |_| format!("quote {id} {price:.2} {currency}\n")).await
}

/// Pays for a call, and makes something of its number; or says why there is none.
async fn paid(shared: &Shared, body: impl FnOnce(u64) -> String) -> Response {
    match shared.api.call().await {
        Ok(Answer { call, session: None }) => body(call).into_response(),
        Ok(Answer { call, session: Some(session) }) => {
            ([(header::SET_COOKIE, session)], body(call)).into_response()
        }
        Err(Refusal::Down) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], "the API is down\n")
                .into_response()
        }
        Err(Refusal::Throttled) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "2")], "too many calls\n").into_response()
        }
    }
}

/// `POST /api/down`, and the like for each state; `POST /api/up` ends all of them.
async fn switch(State(shared): State<Shared>, Path(state): Path<String>) -> Response {
    let Some(state) = ApiState::named(&state) else {
        let states = ApiState::ALL.map(|state| format!("/api/{}", state.as_str()));
        return (StatusCode::NOT_FOUND, format!("POST {}\n", states.join(", "))).into_response();
    };
    shared.api.set_state(state);
    match state {
        ApiState::Up => "the API is up\n".into_response(),
        _ => format!("the API is in state {}; POST /api/up brings it back\n", state.as_str()).into_response(),
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
