//! What the admin surface shows of what is stored, and to whom.

use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower_swr_cache::admin::Admin;

use crate::{
    admin::{Answer, TOKEN, ask, send},
    support::{Cache, Origin, Reply, ReqBody, Start, route},
};

/// A route whose responses have tags and headers of all kinds, and its admin surface.
fn stocked() -> (Cache, Admin) {
    let origin = Origin::new(|call| {
        let tag = if call.path().starts_with("/nba") { "nba" } else { "nfl" };
        Reply::ok("a body")
            .header("cache-tag", tag)
            .header("content-type", "text/plain")
            .header("set-cookie", "session=hidden-1")
            .header("x-api-token", "hidden-2")
            .header("x-trace", "hidden-3")
    });
    let cache = Cache::new(route(10, 30).store_set_cookie(), &origin);
    let admin = cache.handle.admin().token(TOKEN).unwrap();
    (cache, admin)
}

pub(crate) async fn look(admin: &Admin, path: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
    send(admin, request.body(ReqBody::default()).unwrap()).await
}

async fn found(admin: &Admin, query: &str) -> (Vec<String>, bool) {
    let answer = look(admin, &format!("/entries?{query}")).await.json();
    let entries = answer["entries"].as_array().unwrap();
    let keys = entries.iter().map(|entry| entry["key"].as_str().unwrap().to_owned());
    (keys.collect(), answer["more"].as_bool().unwrap())
}

fn keys(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| format!("route|http|example.com|{path}")).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_found_by_text_tag_and_url() {
    let (cache, admin) = stocked();
    for path in ["/nba/1?a=1", "/nba/2", "/nfl/1"] {
        cache.get(path).await;
    }
    for (query, expected) in [
        ("text=", &["/nba/1?a=1", "/nba/2", "/nfl/1"][..]),
        ("text=%2Fnba%2F", &["/nba/1?a=1", "/nba/2"]),
        ("text=com|/n", &["/nba/1?a=1", "/nba/2", "/nfl/1"]),
        ("text=nothing", &[]),
        ("tag=nba", &["/nba/1?a=1", "/nba/2"]),
        ("tag=nb", &[]),
        ("url=/nba/1?a=1", &["/nba/1?a=1"]),
        ("url=http://example.com/nfl/1", &["/nfl/1"]),
        ("url=http://elsewhere.example/nfl/1", &[]),
    ] {
        assert_eq!(found(&admin, query).await, (keys(expected), false), "{query}");
    }
    for query in ["", "?tag=a&url=/", "?url=", "?other=1", "?text=%ff"] {
        let answer = look(&admin, &format!("/entries{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    cache.handle.purge_route("route");
    assert_eq!(found(&admin, "text=").await, (Vec::new(), false));
}

#[tokio::test(start_paused = true)]
async fn a_search_shows_fifty_keys_and_whether_there_are_more() {
    let (cache, admin) = stocked();
    for n in 0..51 {
        for query in ["text=nba", "tag=nba"] {
            let (keys, more) = found(&admin, query).await;
            assert_eq!((keys.len(), more), (n, false), "{query}");
        }
        cache.get(&format!("/nba/{n}")).await;
    }
    for query in ["text=nba", "tag=nba"] {
        let (keys, more) = found(&admin, query).await;
        assert_eq!((keys.len(), more), (50, true), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_shown_with_its_limits_and_without_body_and_secrets() {
    let (cache, admin) = stocked();
    let start = Start::now();
    for _ in 0..3 {
        cache.get("/nba").await;
    }
    for (second, state) in [(0, "fresh"), (9, "fresh"), (10, "stale"), (30, "on_error"), (45, "gone")] {
        start.at(f64::from(second)).await;
        let answer = look(&admin, "/entry?key=route|http|example.com|/nba").await;
        assert_eq!(answer.status, StatusCode::OK, "at {second}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(!text.contains("hidden") && !text.contains("a body"), "{text}");
        let entry = &answer.json()["responses"][0];
        assert_eq!(entry["state"], json!(state), "at {second}");
        assert_eq!(entry["age_seconds"], json!(f64::from(second)));
        for (field, expected) in [
            ("route", json!("route")),
            ("status", json!(200)),
            ("tags", json!(["nba"])),
            ("body_bytes", json!(6)),
            ("hits", json!(2)),
            ("key", json!("route|http|example.com|/nba")),
            ("source", json!("route")),
            ("source_field", Value::Null),
            ("stale_allowed", json!(true)),
            ("serve_stale_allowed", json!(true)),
            ("extended", json!(false)),
            ("cached_at", json!("2023-11-14T22:13:20Z")),
            ("fresh_until", json!("2023-11-14T22:13:30Z")),
            ("stale_until", json!("2023-11-14T22:13:50Z")),
            ("error_until", json!("2023-11-14T22:14:05Z")),
            ("keep_until", json!("2023-11-14T22:14:05Z")),
        ] {
            assert_eq!(entry[field], expected, "{field}");
        }
        let headers = entry["headers"].as_array().unwrap();
        let value =
            |name: &str| headers.iter().find(|field| field["name"] == name).map(|field| &field["value"]);
        assert_eq!(value("content-type"), Some(&json!("text/plain")));
        for secret in ["set-cookie", "x-api-token", "x-trace"] {
            assert_eq!(value(secret), Some(&Value::Null), "{secret}");
        }
    }
    for (path, status) in [
        ("/entry", StatusCode::BAD_REQUEST),
        ("/entry?key=%zz|+", StatusCode::BAD_REQUEST),
        ("/entry?key=route|http|example.com|/nfl", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(look(&admin, path).await.status, status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_shown_to_nobody_without_the_token() {
    let (cache, admin) = stocked();
    cache.get("/nba").await;
    for path in ["/entries?text=", "/entry?key=route|http|example.com|/nba"] {
        assert_eq!(look(&admin, path).await.status, StatusCode::OK);
        let refused = ask(&admin, "GET", path).await;
        assert_eq!(
            (refused.status, refused.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, Some("Bearer"))
        );
        assert_eq!(look(&cache.handle.admin(), path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(ask(&admin, "POST", path).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_five_minutes_are_told_slot_by_slot() {
    let (cache, admin) = stocked();
    let start = Start::now();
    cache.get("/nba").await; // a miss
    cache.get("/nba").await; // fresh
    start.at(15.0).await;
    cache.get("/nba").await; // stale
    let history = ask(&admin, "GET", "/health/history").await.json();
    let slots = history["routes"][0]["slots"].as_array().unwrap();
    assert_eq!((&history["routes"][0]["route"], slots.len()), (&json!("route"), 30));
    let counted: Vec<_> = slots.iter().filter(|slot| slot["requests"] != json!(0)).collect();
    let expected = [
        json!({"requests": 2, "from_memory": 1, "fresh": 1}),
        json!({"requests": 1, "from_memory": 1, "fresh": 0}),
    ];
    assert_eq!(counted, expected.iter().collect::<Vec<_>>());
}
