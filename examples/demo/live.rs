//! Serves the application, asks it a little, and says how it goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::HOST;
use tokio::net::TcpListener;
use tokio::time::{Instant, interval};
use tower::ServiceExt;
use tower_swr_cache::CacheHandle;

use crate::api::PaidApi;
use crate::app::{App, Times};
use crate::outcome::Tally;

pub(crate) const TIMES: Times =
    Times { soft: Duration::from_secs(2), hard: Duration::from_secs(20), cooldown: Duration::from_secs(5) };

/// Between two requests of the load.
const PAUSE: Duration = Duration::from_millis(40);

/// Between two status lines.
const STATUS: Duration = Duration::from_secs(3);

pub(crate) async fn serve(listen: SocketAddr, token: &str, app: App) -> Result<(), String> {
    let App { router, cache, api, tally } = app;
    let cannot = |error| format!("cannot listen on {listen}: {error}");
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    crate::say(&format!(
        "listening on http://{address}: /odds/{{sport}}?market=…, /sports, /scores/{{id}}, /quotes/{{id}}; POST /api/down, /api/slow, /api/throttled, /api/cookies, /api/up, /purge/{{tag}}; /metrics, /health, /health/cache
status page: http://{address}/ (its token: {token})
try
  curl -si 'http://{address}/odds/nba?market=main'
  curl -s -X POST http://{address}/api/down
  curl -s -X POST http://{address}/purge/nba
  curl -s http://{address}/metrics
  curl -s http://{address}/health
  curl -s http://{address}/health/cache
odds are fresh for {} s, served stale with a refresh behind it to {} s, and while the API is down to {} s

",
        TIMES.soft.as_secs(),
        TIMES.hard.as_secs(),
        TIMES.hard.as_secs() * 3 / 2,
    ));
    tokio::spawn(load(router.clone(), address));
    tokio::spawn(status(cache, api, tally));
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served.map_err(|error| error.to_string()),
        () = interrupted => Ok(()),
    }
}

/// A few readers: some odds are asked for more often than others.
async fn load(router: Router, address: SocketAddr) {
    // As it comes from readers: what is stored for a URL can be purged by that URL.
    let host = address.to_string();
    let mut ticks = interval(PAUSE);
    loop {
        ticks.tick().await;
        let sport = ["nba", "nba", "nba", "nfl", "nfl", "nhl", "mlb"][fastrand::usize(..7)];
        let path = match fastrand::u8(..10) {
            0 => "/sports".to_owned(),
            1..4 => format!("/scores/{}", fastrand::u8(1..6)),
            _ => format!("/odds/{sport}?market={}", ["main", "totals"][fastrand::usize(..2)]),
        };
        let Ok(request) = Request::get(path).header(HOST, &host).body(Body::empty()) else { continue };
        // The router itself is asked, without a socket; it cannot fail.
        tokio::spawn(router.clone().oneshot(request));
    }
}

async fn status(cache: CacheHandle, api: Arc<PaidApi>, tally: Arc<Tally>) {
    let started = Instant::now();
    let mut ticks = interval(STATUS);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let (asked, calls) = (tally.total(), api.calls());
        let breaker = cache.breakers().first().map_or("closed", |breaker| breaker.state.as_str());
        crate::say(&format!(
            "{:>4} s  {asked} requests: {}; API {}, breaker {breaker}: {calls} calls, {} instead of {}\n",
            started.elapsed().as_secs(),
            tally.words(),
            api.state().as_str(),
            PaidApi::price(calls),
            PaidApi::price(asked),
        ));
    }
}
