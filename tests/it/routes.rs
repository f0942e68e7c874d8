//! Each endpoint of the example `axum_server`, for as long as its `routes.toml` says.

#[path = "../../examples/axum_server/app/mod.rs"]
mod app;

use axum::{Router, body::Body};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_swr_cache::{CacheHandle, Routes, SwrConfig};

use crate::support::{Start, said};

const FILE: &str = include_str!("../../examples/axum_server/routes.toml");

/// Route, a path of it, its soft and its hard TTL in seconds.
const ENDPOINTS: [(&str, &str, f64, f64); 4] = [
    ("odds", "/odds/nba?market=h2h", 30.0, 300.0),
    ("scores", "/scores/7", 2.0, 10.0),
    ("sports", "/sports", 3600.0, 86_400.0),
    ("standings", "/standings/nba", 600.0, 7200.0),
];

fn server() -> (CacheHandle, Router) {
    let cache = CacheHandle::builder().build().unwrap();
    let router = app::router(&cache, &toml::from_str(FILE).unwrap()).unwrap();
    (cache, router)
}

async fn get(router: &Router, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, said) = (response.status(), said(response.headers()));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, said, String::from_utf8(body.to_vec()).unwrap())
}

/// What the cache says, and the number of the call that the answer is from.
async fn seen(router: &Router, path: &str) -> String {
    let (_, said, body) = get(router, path).await;
    let call = body.trim_end().rsplit(' ').next().unwrap();
    format!("{call} {said}")
}

#[tokio::test(start_paused = true)]
async fn each_endpoint_serves_for_as_long_as_its_file_says() {
    for (route, path, soft, hard) in ENDPOINTS {
        let (_, router) = server();
        let start = Start::now();
        // A call takes 0.1 s. The soft TTL of a response is up to a tenth shorter, at random.
        for (second, expected) in [
            (0.0, "1 fwd=uri-miss; stored"),
            (0.1 + 0.899 * soft, "1 hit"),
            (0.1 + soft, "1 hit; detail=stale"),
            (0.2 + soft + 0.899 * soft, "2 hit"),
            (0.19 + soft + hard, "2 hit; detail=stale"),
            (0.29 + soft + hard, "3 hit"),
            (0.3 + soft + hard + hard, "4 fwd=stale; stored"),
        ] {
            start.at(second).await;
            assert_eq!(seen(&router, path).await, expected, "{route}, at {second}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_league_that_does_not_exist_is_remembered_for_a_minute() {
    let (_, router) = server();
    let start = Start::now();
    for (second, expected) in [
        (0.0, "1 fwd=uri-miss; stored"),
        (27.0, "1 hit"),
        (60.09, "1 hit; detail=stale"),
        (60.2, "2 hit"),
        (120.3, "3 fwd=stale; stored"),
    ] {
        start.at(second).await;
        assert_eq!(seen(&router, "/standings/cricket").await, expected, "at {second}");
        assert_eq!(get(&router, "/standings/cricket").await.0, StatusCode::NOT_FOUND);
    }
}

#[test]
fn the_file_has_these_routes_and_no_others() {
    let routes: Routes = toml::from_str(FILE).unwrap();
    assert!(routes.iter().map(SwrConfig::name).eq(ENDPOINTS.map(|(name, ..)| name)));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_what_its_pattern_says() {
    let (cache, router) = server();
    for (path, key) in [
        ("/odds/nba?utm_source=mail&market=h2h", "odds|odds:|+sport=nba|:|+?=market=h2h"),
        ("/odds/nba", "odds|odds:|+sport=nba|:|-?"),
        ("/scores/7?market=h2h", "scores|scores:|+game=7"),
        ("/sports", "sports|sports"),
        ("/standings/nfl?season=2024", "standings|standings:|+league=nfl|:|+?=season=2024"),
    ] {
        let request = || Request::get(path).header(header::HOST, "a").body(Body::empty()).unwrap();
        router.clone().oneshot(request()).await.unwrap().into_body().collect().await.unwrap();
        let (parts, _) = request().into_parts();
        assert_eq!(cache.entry(&parts).expect(path).key, key);
    }
}

#[tokio::test(start_paused = true)]
async fn the_applications_own_health_tells_of_the_cache() {
    let (_, router) = server();
    for _ in 0..3 {
        get(&router, "/sports").await;
    }
    let (status, said, body) = get(&router, "/health").await;
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, said.as_str()), (StatusCode::OK, ""));
    assert_eq!((&health["status"], &health["feed_calls"]), (&"ok".into(), &1.into()));
    let cache = &health["tiered_cache"];
    assert_eq!((&cache["hits"], &cache["misses"], &cache["entries"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(cache["breakers"][0]["name"], "feed");
}
