//! The handlers. None of them knows of the cache.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;

use super::App;

type Parameters = Query<HashMap<String, String>>;

/// `GET /odds/{sport}?market=…`
pub(crate) async fn odds(
    State(app): State<App>,
    Path(sport): Path<String>,
    Query(query): Parameters,
) -> String {
    let call = app.feed.ask().await;
    let market = query.get("market").map_or("main", String::as_str);
    format!("{sport} {market} 1.{:02}, call {call}\n", call % 100)
}

/// `GET /scores/{game}`
pub(crate) async fn scores(State(app): State<App>, Path(game): Path<u32>) -> String {
    let call = app.feed.ask().await;
    format!("game {game} {}:{}, call {call}\n", call % 120, call % 113)
}

/// `GET /sports`
pub(crate) async fn sports(State(app): State<App>) -> String {
    let call = app.feed.ask().await;
    format!("nba nfl nhl mlb, call {call}\n")
}

/// `GET /standings/{league}?season=…`
pub(crate) async fn standings(
    State(app): State<App>,
    Path(league): Path<String>,
    Query(query): Parameters,
) -> (StatusCode, String) {
    let call = app.feed.ask().await;
    if !matches!(league.as_str(), "nba" | "nfl" | "nhl" | "mlb") {
        return (StatusCode::NOT_FOUND, format!("no league {league}, call {call}\n"));
    }
    let season = query.get("season").map_or("current", String::as_str);
    (StatusCode::OK, format!("{league} {season} 1. Owls 2. Foxes, call {call}\n"))
}
