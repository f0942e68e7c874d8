//! The admin surface: what it shows to everybody, and what it does for whom.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tower::{Service, ServiceExt};
use tower_swr_cache::{BreakerMode, BreakerState, Mode, SwrConfig, admin::Admin};

use crate::support::{Cache, Gate, Origin, OriginError, Reply, ReqBody, Start, rest, route, secs, wire};

pub(crate) const TOKEN: &str = "open-sesame";

/// A route with a breaker, and its admin surface.
fn guarded() -> (Cache, Admin) {
    let origin = Origin::new(|call| Reply::ok(call.n.to_string()).header("cache-tag", "nba"));
    let cache = Cache::new(route(10, 30).breaker(5, secs(30)), &origin);
    let admin = cache.handle.admin().token(TOKEN).unwrap();
    (cache, admin)
}

/// An answer: every one has some headers in common.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) async fn send<B>(admin: &Admin, request: Request<B>) -> Answer
where
    B: http_body::Body,
{
    let head = request.method() == Method::HEAD;
    let response = admin.clone().oneshot(request).await.unwrap();
    let (head_of, body) = response.into_parts();
    let answer = Answer {
        status: head_of.status,
        headers: head_of.headers,
        body: body.collect().await.unwrap().to_bytes(),
    };
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{:?}", answer.status);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{:?}", answer.status);
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert!(if head { answer.body.is_empty() } else { answer.body.len() == length });
    answer
}

pub(crate) async fn ask(admin: &Admin, method: &str, path: &str) -> Answer {
    send(admin, Request::builder().method(method).uri(path).body(ReqBody::default()).unwrap()).await
}

/// A POST as an operator sends it.
fn post(path: &str, body: impl Into<Bytes>) -> Request<ReqBody> {
    let request = Request::post(path).header("authorization", format!("Bearer {TOKEN}"));
    request.header("content-type", "application/json").body(Full::new(body.into())).unwrap()
}

async fn purge(admin: &Admin, body: Value) -> (StatusCode, Value) {
    let answer = send(admin, post("/purge", body.to_string())).await;
    (answer.status, answer.json())
}

#[tokio::test(start_paused = true)]
async fn its_pages_are_read_by_get_and_head_and_nothing_else() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    for (path, field, expected) in [
        ("/health", "status", json!("ok")),
        ("/health/live", "status", json!("live")),
        ("/health/ready", "status", json!("ready")),
        ("/health/cache", "recorder_installed", json!(false)),
        ("/health/history", "slot_seconds", json!(10)),
    ] {
        let page = ask(&admin, "GET", path).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, Some("application/json")));
        assert_eq!(page.json()[field], expected, "{path}");
        let head = ask(&admin, "HEAD", path).await;
        assert_eq!((head.status, head.headers.len()), (page.status, page.headers.len()), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let other = ask(&admin, method, path).await;
            assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(other.header("allow"), Some("GET, HEAD"));
        }
    }
    for path in
        ["/healthy", "/health/", "/metrics", "//health", "/Health", "/purge/", "/breakers/", "/breakers"]
    {
        for method in ["GET", "HEAD", "POST"] {
            assert_eq!(ask(&admin, method, path).await.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_200_when_it_is_not_well_and_readiness_ends_with_draining_alone() {
    let (cache, admin) = guarded();
    cache.handle.set_breaker("route", tower_swr_cache::BreakerMode::ForcedOpen);
    let health = ask(&admin, "GET", "/health").await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(ask(&admin, "GET", "/health/ready").await.status, StatusCode::OK);
    cache.handle.set_draining(true);
    let ready = ask(&admin, "GET", "/health/ready").await;
    assert_eq!(
        (ready.status, ready.json()),
        (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "draining"}))
    );
    assert_eq!(ask(&admin, "GET", "/health/live").await.status, StatusCode::OK);
    assert_eq!(ask(&admin, "GET", "/health").await.status, StatusCode::OK);
    cache.handle.set_draining(false);
    assert_eq!(ask(&admin, "GET", "/health/ready").await.status, StatusCode::OK);
}

/// The state of the last route as the page has it without its script.
async fn state(admin: &Admin) -> String {
    let page = String::from_utf8(ask(admin, "GET", "/").await.body.to_vec()).unwrap();
    let (_, state) = page.rsplit_once("data-label=\"State\">").unwrap();
    state.split_once('<').unwrap().0.to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_page_tells_of_a_route_what_is_to_be_known_first() {
    let (cache, admin) = guarded();
    assert_eq!(state(&admin).await, "ok");
    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    assert_eq!(state(&admin).await, "breaker open");
    cache.handle.serve_stale_for("route", secs(7200));
    assert_eq!(state(&admin).await, "stale until 2023-11-15T00:13:20Z");
    cache.handle.set_mode("route", Mode::Bypass);
    assert_eq!(state(&admin).await, "bypass");
    cache.handle.set_mode("route", Mode::Observe);
    for _ in 0..2 {
        cache.get("/").await;
    }
    assert_eq!(state(&admin).await, "observe: 1 of 1 differ");
}

#[tokio::test(start_paused = true)]
async fn no_page_shows_a_key_a_query_or_a_header() {
    let (cache, admin) = guarded();
    cache.get("/secret-path?secret-query=1").await;
    cache.get("/secret-path?secret-query=1").await;
    for path in ["/health", "/health/live", "/health/ready", "/health/cache", "/health/history"] {
        let page = ask(&admin, "GET", path).await;
        let text = std::str::from_utf8(&page.body).unwrap();
        assert!(!text.contains("secret") && !text.contains("example.com") && !text.contains("nba"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_can_be_changed() {
    let (cache, _) = guarded();
    let admin = cache.handle.admin();
    cache.get("/").await;
    for path in ["/purge", "/breakers/route", "/routes/route"] {
        for body in [r#"{"all": true}"#, r#"{"mode": "open"}"#, r#"{"mode": "bypass"}"#] {
            assert_eq!(send(&admin, post(path, body)).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask(&admin, "GET", path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!((cache.handle.stats().keys, cache.handle.breakers()[0].state), (1, BreakerState::Closed));
    assert!(cache.handle.admin().token("").is_err());
}

#[tokio::test(start_paused = true)]
async fn with_a_token_nothing_is_changed_for_those_who_do_not_know_it() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    for authorization in [
        &[][..],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer open-sesam"],
        &["Bearer open-sesame!"],
        &["Basic b3Blbi1zZXNhbWU="],
        &["open-sesame"],
        &["Bearer wrong", "Bearer open-sesame"],
    ] {
        for (path, body) in [
            ("/purge", r#"{"all": true}"#),
            ("/breakers/route", r#"{"mode": "open"}"#),
            ("/routes/route", r#"{"mode": "bypass"}"#),
        ] {
            let mut request = post(path, body);
            request.headers_mut().remove("authorization");
            for value in authorization {
                request.headers_mut().append("authorization", value.parse().unwrap());
            }
            let answer = send(&admin, request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for (method, path) in [
        ("GET", "/purge"),
        ("HEAD", "/purge"),
        ("PUT", "/purge"),
        ("GET", "/breakers/route"),
        ("GET", "/routes/route"),
    ] {
        let mut request = post(path, r#"{"all": true, "mode": "open"}"#);
        *request.method_mut() = method.parse().unwrap();
        let answer = send(&admin, request).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    }
    let query = format!("/purge?token={TOKEN}&all=true");
    assert_eq!(ask(&admin, "POST", &query).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!((cache.handle.stats().keys, cache.handle.breakers()[0].state), (1, BreakerState::Closed));
    assert_eq!(cache.get("/").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_form_or_a_script_from_elsewhere_cannot_purge() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let mut request = post("/purge", r#"{"all": true}"#);
        request.headers_mut().remove("content-type");
        if !kind.is_empty() {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let answer = send(&admin, request).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let preflight = ask(&admin, "OPTIONS", "/purge").await;
    assert_eq!(preflight.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(!preflight.headers.keys().any(|name| name.as_str().starts_with("access-control")));
    assert_eq!(cache.handle.stats().keys, 1);
    let mut request = post("/purge", r#"{"all": true}"#);
    request.headers_mut().insert("content-type", "application/json; charset=utf-8".parse().unwrap());
    assert_eq!(send(&admin, request).await.status, StatusCode::OK);
    assert_eq!(cache.handle.stats().keys, 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_have_a_limit_and_an_end() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    let padded = |length: usize| {
        let call = r#"{"all": true, "dry_run": true}"#;
        call.to_owned() + &" ".repeat(length - call.len())
    };
    assert_eq!(send(&admin, post("/purge", padded(64 << 10))).await.status, StatusCode::OK);
    assert_eq!(
        send(&admin, post("/purge", padded((64 << 10) + 1))).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );

    // Of a length that nobody knows before; the rest is not read.
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let frames = (0..9).map(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, OriginError>(Frame::data(Bytes::from(vec![b' '; 60 << 10])))
    });
    let long = StreamBody::new(stream::iter(frames));
    assert_eq!(send(&admin, post("/purge", "").map(|_| long)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(read.load(Ordering::Relaxed), 2);

    let whole = Frame::data(Bytes::from_static(br#"{"all": true}"#));
    let cut = StreamBody::new(stream::iter([Ok(whole), Err(OriginError)]));
    assert_eq!(send(&admin, post("/purge", "").map(|_| cut)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(cache.handle.stats().keys, 1, "nothing was done by halves");
}

#[tokio::test(start_paused = true)]
async fn a_purge_answers_how_many_responses_it_was_about() {
    let (cache, admin) = guarded();
    let paths = ["/odds/nba?m=a%2Fb", "/odds/nba", "/odds/nfl"];
    let key = "route|http|example.com|/odds/nfl";
    for (body, scope, entries) in [
        (json!({"url": "http://example.com/odds/nba?m=a%2Fb"}), "url", 1),
        (json!({"url": "/odds/nba"}), "url", 1),
        (json!({"url": "http://other.example/odds/nba"}), "url", 0),
        (json!({"key": key}), "key", 1),
        (json!({"tag": "nba"}), "tag", 3),
        (json!({"tag": "nfl"}), "tag", 0),
        (json!({"route": "route"}), "route", 3),
        (json!({"route": "other"}), "route", 0),
        (json!({"all": true}), "all", 3),
    ] {
        for path in paths {
            cache.get(path).await;
        }
        let with = |more: Value| {
            let mut body = body.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let answer = |soft, dry_run| {
            let answer = json!({"scope": scope, "soft": soft, "dry_run": dry_run, "entries": entries});
            (StatusCode::OK, answer)
        };
        let calls = cache.origin.calls();
        assert_eq!(purge(&admin, with(json!({"dry_run": true}))).await, answer(false, true), "{body}");
        assert_eq!(purge(&admin, with(json!({"dry_run": true, "soft": true}))).await, answer(true, true));
        for path in paths {
            assert_eq!(cache.get(path).await.said, "hit", "{body}: it was not meant");
        }
        assert_eq!((cache.handle.stats().keys, cache.origin.calls()), (3, calls), "{body}");
        assert_eq!(purge(&admin, with(json!({"soft": true}))).await, answer(true, false), "{body}");
        assert_eq!(cache.handle.stats().keys, 3, "{body}");
        assert_eq!(purge(&admin, body.clone()).await, answer(false, false), "{body}");
        assert_eq!(cache.handle.stats().keys, 3 - entries, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_holds_no_fetch_back() {
    let (cache, admin) = guarded();
    let gate = Gate::new();
    cache.origin.now({
        let gate = gate.clone();
        move |_| Reply::ok("late").gated(&gate)
    });
    let reader = cache.spawn("/");
    rest().await;
    for body in [json!({"all": true, "dry_run": true}), json!({"url": "/", "dry_run": true, "soft": true})] {
        assert_eq!(purge(&admin, body).await.1["entries"], 0);
    }
    gate.open();
    reader.await.unwrap();
    assert_eq!(cache.get("/").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_purge_purges_nothing() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    for body in [
        "",
        "{",
        "null",
        "[]",
        "true",
        "\"all\"",
        "{}",
        r#"{"all": false}"#,
        r#"{"all": "true"}"#,
        r#"{"all": null}"#,
        r#"{"soft": true}"#,
        r#"{"tag": "nba", "route": "route"}"#,
        r#"{"tag": "nba", "all": false}"#,
        r#"{"tag": "nba", "tag": "nba"}"#,
        r#"{"tag": ["nba"]}"#,
        r#"{"tag": "nba", "dry-run": true}"#,
        r#"{"tag": "nba", "dry_run": "yes"}"#,
        r#"{"url": "http://exa mple.com/"}"#,
        r#"{"url": ""}"#,
        r#"{"key": "route|%"}"#,
        r#"{"all": true} {"all": true}"#,
        "{\"tag\": \"\u{fffd}\"",
    ] {
        let answer = send(&admin, post("/purge", body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.json()["error"].is_string(), "{body}");
    }
    let answer = send(&admin, post("/purge", &b"{\"tag\": \"\xff\"}"[..])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(cache.handle.stats().keys, 1);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_is_forced_and_let_go() {
    let (cache, admin) = guarded();
    for (mode, state) in [("open", "open"), ("closed", "closed"), ("auto", "closed")] {
        let answer = send(&admin, post("/breakers/route", json!({"mode": mode}).to_string())).await;
        let expected =
            json!({"name": "route", "state": state, "mode": mode, "failures": 0, "remaining_seconds": null});
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
        assert_eq!(cache.handle.breakers()[0].mode.as_str(), mode);
    }
    for (path, body, status) in [
        ("/breakers/nobody", r#"{"mode": "open"}"#, StatusCode::NOT_FOUND),
        ("/breakers/route/", r#"{"mode": "open"}"#, StatusCode::NOT_FOUND),
        ("/breakers/%ff", r#"{"mode": "open"}"#, StatusCode::NOT_FOUND),
        ("/breakers/route", r#"{"mode": "half_open"}"#, StatusCode::BAD_REQUEST),
        ("/breakers/route", r#"{"mode": "open", "for": "1h"}"#, StatusCode::BAD_REQUEST),
        ("/breakers/route", "", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&admin, post(path, body)).await.status, status, "{path} {body}");
    }
    assert_eq!(cache.handle.breakers()[0].mode.as_str(), "auto");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_can_have_any_name() {
    let (cache, admin) = guarded();
    let name = "http://a.example:80/\u{e4} %";
    let config = SwrConfig::builder("other").soft_ttl(secs(9)).breaker_name(name).build().unwrap();
    let _other = Cache::on(&cache.handle, config, &Origin::counting());
    let path = "/breakers/http:%2F%2Fa.example:80/%C3%A4%20%25";
    let answer = send(&admin, post(path, r#"{"mode": "open"}"#)).await;
    assert_eq!((answer.status, &answer.json()["name"]), (StatusCode::OK, &json!(name)));
}

#[cfg(feature = "prometheus")]
#[tokio::test(start_paused = true)]
async fn metrics_are_there_if_there_is_an_exporter() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let (cache, admin) = guarded();
    assert_eq!(ask(&admin, "GET", "/metrics").await.status, StatusCode::NOT_FOUND);
    let admin = admin.exporter(tower_swr_cache::Exporter::with_handle(recorder.handle()));
    let start = Start::now();
    cache.get("/").await;
    cache.get("/").await;
    start.at(1.0).await;
    let page = ask(&admin, "GET", "/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = std::str::from_utf8(&page.body).unwrap();
    assert!(text.contains("swr_cache_hit_ratio{route=\"route\"} 0.5\n"), "{text}");
    assert_eq!(ask(&admin, "HEAD", "/metrics").await.status, StatusCode::OK);
    assert_eq!(ask(&admin, "POST", "/metrics").await.header("allow"), Some("GET, HEAD"));
    assert_eq!(ask(&admin, "GET", "/health/cache").await.json()["recorder_installed"], true);
}

#[tokio::test]
async fn it_is_mounted_under_a_prefix_of_axum() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    let mut app: axum::Router = axum::Router::new().nest_service("/ops", admin);
    let mut status = async |request: Request<ReqBody>| {
        let request = request.map(axum::body::Body::new);
        Service::call(&mut app, request).await.unwrap().status()
    };
    let get = |path: &str| Request::get(path).body(ReqBody::default()).unwrap();
    assert_eq!(status(get("/ops/health")).await, StatusCode::OK);
    assert_eq!(status(get("/ops/health/cache")).await, StatusCode::OK);
    assert_eq!(status(get("/ops")).await, StatusCode::OK, "the status page");
    assert_eq!(status(get("/ops/nothing")).await, StatusCode::NOT_FOUND);
    assert_eq!(status(get("/health")).await, StatusCode::NOT_FOUND);
    assert_eq!(status(post("/ops/purge", r#"{"all": true}"#)).await, StatusCode::OK);
    assert_eq!(cache.handle.stats().keys, 0);
}

#[tokio::test]
async fn it_is_served_by_hyper_alone() {
    let (cache, admin) = guarded();
    cache.get("/").await;
    let address = wire::serve_hyper(admin).await;
    let live = wire::exchange(address, "GET", "/health/live", &[]).await;
    assert_eq!((live.status, live.text()), (200, r#"{"status":"live"}"#));
    let head = wire::exchange(address, "HEAD", "/health/live", &[]).await;
    assert_eq!((head.status, head.all("content-length"), head.text()), (200, vec!["17"], ""));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let purged = client.request(post(&format!("http://{address}/purge"), r#"{"all": true}"#)).await.unwrap();
    assert_eq!((purged.status(), cache.handle.stats().keys), (StatusCode::OK, 0));
}
