//! What makes two requests the same, through the whole layer: what differs in a key never meets.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
    request::{Builder, Parts},
};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheHandle, KeyDecision, KeyExtractor, KeyWriter, SwrConfig, key};

use crate::support::{Cache, Call, Origin, Reply, request, route, secs};

/// The headers that can change what an origin answers although no cache keys them.
const GUARDED: [&str; 10] = [
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
];

/// All that an origin might look at, and the call's number.
fn everything(call: &Call) -> Reply {
    let parts = &call.parts;
    let headers: Vec<_> = parts.headers.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    Reply::ok(format!("{} {} {} #{}", parts.method, parts.uri, headers.join(" "), call.n))
}

fn cache() -> Cache {
    Cache::new(route(10, 100), &Origin::new(everything))
}

/// A request for a URI as it is, with headers.
fn asked(uri: &str, headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(Request::get(uri), |builder, (name, value)| builder.header(*name, *value))
}

/// A request's URI and headers.
type Asked = (&'static str, &'static [(&'static str, &'static str)]);

#[tokio::test(start_paused = true)]
async fn what_is_the_same_request_and_what_is_not() {
    let pairs: &[(Asked, Asked, bool)] = &[
        // Scheme, host and port.
        (("http://a/x", &[]), ("https://a/x", &[]), false),
        (("http://a/x", &[]), ("http://b/x", &[]), false),
        (("http://a/x", &[]), ("http://a:80/x", &[]), false),
        (("http://a:80/x", &[]), ("http://a:81/x", &[]), false),
        (("http://a.example/x", &[]), ("http://A.Example/x", &[]), true),
        (("HTTP://a/x", &[]), ("http://a/x", &[]), true),
        (("/x", &[("host", "a")]), ("/x", &[("host", "b")]), false),
        (("/x", &[("host", "a:1")]), ("/x", &[("host", "a")]), false),
        (("/x", &[("host", "A")]), ("/x", &[("host", "a")]), true),
        (("/x", &[]), ("/x", &[("host", "a")]), false),
        (("http://a/x", &[("host", "b")]), ("http://a/x", &[("host", "a")]), false),
        // Path and query byte for byte.
        (("http://a/x", &[]), ("http://a/X", &[]), false),
        (("http://a/x", &[]), ("http://a/x/", &[]), false),
        (("http://a/x", &[]), ("http://a//x", &[]), false),
        (("http://a/x/../y", &[]), ("http://a/y", &[]), false),
        (("http://a/%78", &[]), ("http://a/x", &[]), false),
        (("http://a/%c3", &[]), ("http://a/%C3", &[]), false),
        (("http://a/x", &[]), ("http://a/x?", &[]), false),
        (("http://a/x?a=1&b=2", &[]), ("http://a/x?b=2&a=1", &[]), false),
        (("http://a/x?a=1", &[]), ("http://a/x?a=1&", &[]), false),
        (("http://a/x?a=%20", &[]), ("http://a/x?a=+", &[]), false),
        (("http://a/x?utm_source=1", &[]), ("http://a/x", &[]), false),
        (("http://a/x?y", &[]), ("http://a/x%3Fy", &[]), false),
        // What a proxy adds to each request says nothing.
        (
            ("http://a/x", &[("x-forwarded-for", "10.0.0.1")]),
            ("http://a/x", &[("x-forwarded-for", "10.0.0.2")]),
            true,
        ),
        (("http://a/x", &[("x-real-ip", "10.0.0.1")]), ("http://a/x", &[]), true),
        (("http://a/x", &[("x-request-id", "1")]), ("http://a/x", &[("x-request-id", "2")]), true),
        (
            ("http://a/x", &[("traceparent", "00-1-1-01")]),
            ("http://a/x", &[("traceparent", "00-2-2-01")]),
            true,
        ),
        (("http://a/x", &[("via", "1.1 a")]), ("http://a/x", &[("via", "1.1 b")]), true),
        (
            ("http://a/x", &[("forwarded", "for=10.0.0.1")]),
            ("http://a/x", &[("forwarded", "for=10.0.0.2;by=b")]),
            true,
        ),
        (
            ("http://a/x", &[("connection", "keep-alive")]),
            ("http://a/x", &[("connection", "close, x")]),
            true,
        ),
        (("http://a/x", &[("user-agent", "a")]), ("http://a/x", &[("user-agent", "b")]), true),
        // What it says for the origin to believe does.
        (("http://a/x", &[("forwarded", "host=evil")]), ("http://a/x", &[]), false),
        (
            ("http://a/x", &[("forwarded", "for=1;proto=http")]),
            ("http://a/x", &[("forwarded", "for=1;proto=https")]),
            false,
        ),
        (
            ("http://a/x", &[("x-forwarded-proto", "https")]),
            ("http://a/x", &[("x-forwarded-proto", "https")]),
            true,
        ),
        (("http://a/x", &[("x-host", "b")]), ("http://a/x", &[("x-original-host", "b")]), false),
        (("http://a/x", &[("x-host", "")]), ("http://a/x", &[]), false),
        (
            ("http://a/x", &[("x-host", "b"), ("x-host", "c")]),
            ("http://a/x", &[("x-host", "c"), ("x-host", "b")]),
            false,
        ),
    ];
    for ((uri, headers), (other_uri, other_headers), same) in pairs {
        let cache = cache();
        let first = cache.send(asked(uri, headers)).await;
        assert_eq!(first.said, "fwd=uri-miss; stored", "{uri} {headers:?}");
        let second = cache.send(asked(other_uri, other_headers)).await;
        assert_eq!(second.said == "hit", *same, "{uri} {headers:?} and {other_uri} {other_headers:?}");
        assert_eq!(
            second.text() == first.text(),
            *same,
            "{uri} {headers:?} and {other_uri} {other_headers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_changes_responses_poisons_nobody() {
    // An origin that believes everything it is told about itself.
    let origin = Origin::new(|call| {
        let told: Vec<_> =
            GUARDED.iter().chain(&["forwarded"]).filter_map(|name| call.header(name)).collect();
        Reply::ok(if told.is_empty() { "honest".to_owned() } else { format!("<script src={told:?}>") })
    });
    let attacks = GUARDED.iter().map(|name| (*name, "evil")).chain([
        ("forwarded", "host=evil"),
        ("forwarded", "for=1, for=2;host=\"evil\""),
        ("forwarded", "for=\"1;host=evil"),
        ("Forwarded", "HOST=evil"),
        ("x-forwarded-host", "example.com"),
    ]);
    let mut poisoned = 0;
    for (name, value) in attacks {
        let cache = Cache::new(route(10, 100), &origin);
        // Before anybody came, and when everything is stored; by GET, HEAD and what a refresh would send.
        for _ in 0..2 {
            for method in [Method::HEAD, Method::GET] {
                let attack = cache.send(asked("http://a/x", &[(name, value)]).method(&method)).await;
                assert!(method == Method::HEAD || attack.text().contains("script"), "{name} was believed");
            }
            for _ in 0..2 {
                poisoned += usize::from(cache.send(asked("http://a/x", &[])).await.text() != "honest");
            }
        }
    }
    assert_eq!(poisoned, 0);
}

#[tokio::test(start_paused = true)]
async fn behind_a_load_balancer_there_are_as_many_hits_as_without_one() {
    let mut calls = [0; 2];
    for (balanced, calls) in [false, true].into_iter().zip(&mut calls) {
        let cache = cache();
        for n in 0..200 {
            let request = asked(&format!("http://a/{}", n % 7), &[]);
            let request = if balanced {
                request
                    .header("x-forwarded-for", format!("10.0.0.{n}"))
                    .header("x-request-id", n.to_string())
                    .header("traceparent", format!("00-{n:032x}-{n:016x}-01"))
                    .header("forwarded", format!("for=10.0.0.{n}"))
                    .header("x-forwarded-proto", "https")
                    .header("x-forwarded-host", "a")
            } else {
                request
            };
            cache.send(request).await;
        }
        *calls = cache.origin.calls();
    }
    assert_eq!(calls, [7, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_method_override_goes_past_the_cache() {
    let cache = cache();
    cache.send(asked("http://a/x", &[])).await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        for uri in ["http://a/x", "http://a/y"] {
            let before = cache.origin.calls();
            let answer = cache.send(asked(uri, &[(name, "DELETE")])).await;
            assert_eq!(answer.said, "fwd=bypass; detail=method_override");
            assert!(answer.text().contains("DELETE"), "the header is passed on");
            assert_eq!(cache.origin.calls(), before + 1);
        }
    }
    assert_eq!(cache.send(asked("http://a/x", &[])).await.said, "hit");
    assert_eq!(cache.send(asked("http://a/y", &[])).await.said, "fwd=uri-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn an_extractor_takes_requests_past_the_cache() {
    let but_the_account = (key::Target, |parts: &Parts, _: &mut KeyWriter| {
        if parts.uri.path().starts_with("/account") { KeyDecision::Bypass } else { KeyDecision::Cache }
    });
    let cache = Cache::new(route(10, 100).key(but_the_account), &Origin::new(everything));
    for _ in 0..2 {
        assert_eq!(cache.get("/account/1").await.said, "fwd=bypass; detail=extractor");
    }
    assert_eq!(cache.origin.calls(), 2);
    assert_eq!(cache.handle.stats().keys, 0);
    cache.get("/odds").await;
    assert_eq!(cache.get("/odds").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn two_routes_of_one_handle_meet_only_in_a_namespace_they_share() {
    for shared in [false, true] {
        let handle = CacheHandle::builder().build().unwrap();
        let config = |name| {
            let config = SwrConfig::builder(name).soft_ttl(secs(10)).hard_ttl(secs(100));
            if shared { config.namespace("both") } else { config }.build().unwrap()
        };
        let origins = [Origin::new(|_| Reply::ok("one")), Origin::new(|_| Reply::ok("two"))];
        let one = Cache::on(&handle, config("one"), &origins[0]);
        let two = Cache::on(&handle, config("two"), &origins[1]);
        assert_eq!(one.get("/x").await.text(), "one");
        let second = two.get("/x").await;
        assert_eq!(second.text(), if shared { "one" } else { "two" });
        assert_eq!(second.said == "hit", shared);
        assert_eq!(handle.stats().keys, if shared { 1 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_another_routes_name_is_that_routes_keys() {
    let handle = CacheHandle::builder().build().unwrap();
    let named = |name| SwrConfig::builder(name).soft_ttl(secs(10)).hard_ttl(secs(100));
    let one = Cache::on(&handle, named("one").build().unwrap(), &Origin::counting());
    let two = Cache::on(&handle, named("two").namespace("one").build().unwrap(), &Origin::counting());
    one.get("/x").await;
    assert_eq!(two.get("/x").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn one_name_for_two_configurations_makes_two_routes_or_is_refused() {
    let handle = CacheHandle::builder().build().unwrap();
    let config = |soft| SwrConfig::builder("odds").soft_ttl(secs(soft)).hard_ttl(secs(100)).build().unwrap();
    let (first, second) = (config(10), config(20));
    let one = Cache::on(&handle, first.clone(), &Origin::new(|_| Reply::ok("one")));
    // The same configuration, or its clone, is the same route.
    let again = Cache::on(&handle, first.clone(), &Origin::new(|_| Reply::ok("again")));
    assert!(handle.try_layer(first.clone()).is_ok());
    // Another one is not, even if it says the same.
    for other in [second.clone(), config(10)] {
        let refused = handle.try_layer(other).map(|_| ()).unwrap_err();
        assert_eq!((refused.field(), refused.value()), ("name", "\"odds\""));
    }
    let two = Cache::on(&handle, second, &Origin::new(|_| Reply::ok("two")));
    assert_eq!(one.get("/x").await.text(), "one");
    assert_eq!(again.get("/x").await.text(), "one");
    assert_eq!(two.get("/x").await.text(), "two");
    assert_eq!(one.entry("/x").unwrap().route, "odds");
    one.handle.purge_route("odds");
    assert_eq!(two.entry("/x").unwrap().route, "odds-2");
    assert_eq!(two.get("/x").await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_route_may_not_ask_for_larger_bodies_than_its_handle_is_made_for() {
    let handle = CacheHandle::builder().max_body_bytes(1000).build().unwrap();
    let config = SwrConfig::builder("odds").hard_ttl(secs(10)).max_body_bytes(1001).build().unwrap();
    let refused = handle.try_layer(config.clone()).map(|_| ()).unwrap_err();
    assert_eq!((refused.field(), refused.value()), ("max_body_bytes", "1001"));
    let length = Arc::new(AtomicUsize::new(1001));
    let origin = Origin::new({
        let length = Arc::clone(&length);
        move |_| Reply::ok(vec![0; length.load(Ordering::Relaxed)])
    });
    let cache = Cache::on(&handle, config, &origin);
    assert_eq!(cache.get("/").await.said, "fwd=uri-miss; detail=too_large");
    length.store(1000, Ordering::Relaxed);
    cache.get("/").await;
    assert_eq!(cache.get("/").await.said, "hit");
}

/// Whether two requests get the same answer from a cache with this extractor.
async fn merged(extractor: impl KeyExtractor, one: Builder, two: Builder) -> bool {
    let cache = Cache::new(route(10, 100).key(extractor), &Origin::counting());
    cache.send(one).await;
    cache.send(two).await.said == "hit"
}

#[tokio::test(start_paused = true)]
async fn pieces_of_keys_compose() {
    let get = |path: &str, name: &str, value: &str| request(path).header(name, value);
    let plain = |path: &str| request(path);

    let chosen = || (key::Authority, key::Path, key::Query::only(["market"]));
    assert!(merged(chosen(), plain("/a?market=1&utm=2"), plain("/a?utm=3&market=1")).await);
    assert!(!merged(chosen(), plain("/a?market=1"), plain("/a?market=2")).await);
    assert!(!merged(chosen(), plain("/a?market=1"), plain("/b?market=1")).await);

    let ignoring = || (key::Authority, key::Path, key::Query::ignoring(["utm"]));
    assert!(merged(ignoring(), plain("/a?b=1&utm=2"), plain("/a?utm=3&b=1")).await);
    assert!(!merged(ignoring(), plain("/a?b=1"), plain("/a?c=1")).await);

    let by_header = || (key::Target, key::header("x-plan"));
    assert!(merged(by_header(), get("/", "x-plan", "a"), get("/", "x-plan", "a")).await);
    assert!(!merged(by_header(), get("/", "x-plan", "a"), get("/", "x-plan", "b")).await);
    assert!(!merged(by_header(), get("/", "x-plan", ""), plain("/")).await);

    let by_cookie = || (key::Target, key::Cookie::new("currency"));
    let cookie = |cookie: &str| get("/", "cookie", cookie);
    assert!(merged(by_cookie(), cookie("a=1; currency=eur"), cookie("currency=eur; b=2")).await);
    assert!(!merged(by_cookie(), cookie("currency=eur"), cookie("currency=usd")).await);
    assert!(!merged(by_cookie(), cookie("currency=eur"), plain("/")).await);

    let pattern = || key::Pattern::new("/odds/{sport}", "odds:{sport}:{?market}").unwrap();
    assert!(merged(pattern(), plain("/odds/nba?market=1"), plain("/odds/nba?x=1&market=1")).await);
    assert!(!merged(pattern(), plain("/odds/nba?market=1"), plain("/odds/nfl?market=1")).await);
    assert!(!merged(pattern(), plain("/else"), plain("/else")).await, "what does not match bypasses");

    let by_tenant = || (key::from_extension(|tenant: &u64| tenant.to_string()), key::Target);
    let of = |tenant: u64| plain("/").extension(tenant);
    assert!(merged(by_tenant(), of(1), of(1)).await);
    assert!(!merged(by_tenant(), of(1), of(2)).await);
    assert!(!merged(by_tenant(), plain("/"), plain("/")).await, "nobody's request bypasses");

    // Parts that look like one another's are not.
    let two = || {
        (
            key::key_by(|parts: &Parts| Some(parts.headers["x-a"].as_bytes().to_vec())),
            key::key_by(|parts: &Parts| Some(parts.headers["x-b"].as_bytes().to_vec())),
        )
    };
    let ab = |a: &str, b: &str| plain("/").header("x-a", a).header("x-b", b);
    assert!(!merged(two(), ab("ab", "c"), ab("a", "bc")).await);
    assert!(!merged(two(), ab("", "abc"), ab("abc", "")).await);
    assert!(merged(two(), ab("a", "b"), ab("a", "b")).await);

    // An extractor cannot write what the cache writes itself.
    let forging = |parts: &Parts, key: &mut KeyWriter| {
        key.push(parts.uri.path());
        if let Some(host) = parts.headers.get("x-forge") {
            key.push_pair("x-forwarded-host", host);
        }
        KeyDecision::Cache
    };
    assert!(!merged(forging, get("/", "x-forwarded-host", "b"), get("/", "x-forge", "b")).await);
}

#[tokio::test(start_paused = true)]
async fn every_form_of_request_is_served() {
    let long = format!("/{}", "a".repeat(65_000));
    let binary = HeaderValue::from_bytes(&(0x80..=0xff).collect::<Vec<u8>>()).unwrap();
    let extractors: [fn() -> Box<dyn KeyExtractor>; 5] = [
        || Box::new(key::Target),
        || Box::new((key::Authority, key::Path, key::Query::sorted())),
        || Box::new((key::header("x-bin"), key::Cookie::new("a"))),
        || Box::new(key::Pattern::new("/{*all}", "{all}{?a}").unwrap()),
        || Box::new(key::Path),
    ];
    for extractor in extractors {
        let cache = Cache::new(route(10, 100).key(extractor()), &Origin::counting());
        for uri in [
            "*",
            "/",
            "http://a",
            "http://a?q",
            "a:443",
            "a",
            "http://u:p@a/x",
            "/%00%0d%0a",
            "/?&&;=",
            &long,
        ] {
            for method in ["GET", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "get", "A!#$"] {
                for headers in [&[][..], &["host"], &["cookie", "x-bin"], &["x-forwarded-host", "forwarded"]]
                {
                    let mut request = Request::builder().method(method).uri(uri);
                    for name in headers {
                        request = request.header(*name, binary.clone()).header(*name, "");
                    }
                    let answer = cache.send(request).await;
                    assert_eq!(answer.status, 200, "{method} {headers:?}");
                    assert!(!answer.said.is_empty());
                }
            }
        }
    }
}

/// A request out of a small world, in which most differ in one thing only.
fn small_world(random: &mut fastrand::Rng) -> Request<Full<Bytes>> {
    fn one<'a>(random: &mut fastrand::Rng, of: &[&'a str]) -> &'a str {
        of[random.usize(..of.len())]
    }
    let scheme = one(random, &["http://", "https://"]);
    let host = one(random, &["a", "A", "b", "a:80", "a.b", "a.", "[::1]"]);
    let path = one(random, &["/", "/x", "/x/", "/X", "/%78", "//x", "/x%2f", "/x|y", "/a/http://a/x", ""]);
    let query =
        one(random, &["", "?", "?a", "?a=", "?a=1", "?a=1&b", "?b&a=1", "?A=1", "?a=%31", "?|+host=b"]);
    let uri = match random.u8(..3) {
        0 if !path.is_empty() => format!("{path}{query}"),
        _ => format!("{scheme}{host}{path}{query}"),
    };
    let mut request = Request::new(Full::default());
    *request.uri_mut() = uri.parse().unwrap();
    let headers: &mut HeaderMap = request.headers_mut();
    for _ in 0..random.u8(..4) {
        let name =
            one(random, &["host", "x-forwarded-host", "x-host", "x-original-url", "x-noise", "forwarded"]);
        let value = one(random, &["a", "b", "B", "", "x", "host=a", "host=b;for=c"]);
        let (name, value) = (HeaderName::from_static(name), value.parse().unwrap());
        if name == "host" {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    request
}

/// What a response may depend on, by the words of the documentation: hosts compare without case, one that only repeats
/// the URI's says nothing, nor does `Forwarded` without a host; the rest counts byte for byte.
fn identity(parts: &Parts) -> String {
    let uri: &Uri = &parts.uri;
    let in_uri = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    let host = parts.headers.get("host").map(|host| host.to_str().unwrap().to_ascii_lowercase());
    let hosts = if host == in_uri || in_uri.is_none() { [host, None] } else { [in_uri, host] };
    let values = |name: &str| parts.headers.get_all(name).iter().cloned().collect::<Vec<_>>();
    let guarded: Vec<_> = GUARDED.iter().map(|name| values(name)).collect();
    let forwarded = Some(values("forwarded")).filter(|lines| lines.iter().any(|line| !line.is_empty()));
    let target = uri.path_and_query().map(ToString::to_string);
    format!("{:?} {hosts:?} {target:?} {guarded:?} {forwarded:?}", uri.scheme_str())
}

#[tokio::test]
async fn different_requests_never_share_an_answer_in_100_000_pairs() {
    let origin = service_fn(|request: Request<Full<Bytes>>| async move {
        let (parts, _) = request.into_parts();
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(identity(&parts)))))
    });
    let handle = CacheHandle::builder().capacity_bytes(256 << 20).build().unwrap();
    let config = SwrConfig::builder("r").hard_ttl(secs(3600)).build().unwrap();
    let cache = handle.layer(config).layer(origin);
    let mut random = fastrand::Rng::with_seed(1);
    let mut hits = 0;
    for pair in 0..100_000 {
        let first = small_world(&mut random);
        // The same but for one thing, or another one altogether.
        let mut second = small_world(&mut random);
        match random.u8(..3) {
            0 => *second.uri_mut() = first.uri().clone(),
            1 => *second.headers_mut() = first.headers().clone(),
            _ => {}
        }
        for request in [first, second] {
            let (parts, body) = request.into_parts();
            let own = identity(&parts);
            let response = cache.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
            hits += usize::from(response.headers()["cache-status"] == "tower-swr-cache; hit");
            let got = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(std::str::from_utf8(&got).unwrap(), own, "pair {pair}");
        }
    }
    assert!(hits > 50_000, "the cache was in play: {hits} hits");
}

/// An extractor that looks into the cache it is for whenever it is asked anything.
struct Curious(CacheHandle);

impl KeyExtractor for Curious {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        key.push(parts.uri.path());
        key.push(self.0.route_stats().len().to_string());
        KeyDecision::Cache
    }

    fn keys_header(&self, _name: &HeaderName) -> bool {
        self.0.route_stats().is_empty()
    }
}

#[tokio::test(start_paused = true)]
async fn no_code_of_a_callers_runs_while_the_handle_is_held() {
    let handle = CacheHandle::builder().build().unwrap();
    let config = route(10, 10).key(Curious(handle.clone())).build().unwrap();
    let cache = Cache::on(&handle, config, &Origin::counting());
    assert_eq!(cache.get("/").await.text(), "1");
    assert_eq!(cache.get("/").await.said, "hit");
}
