//! A private cache in front of a client.

use http::HeaderName;
use tower_swr_cache::{FinalUri, SwrConfig, SwrConfigBuilder, key};

use crate::support::{Cache, Call, Origin, Reply, Start, request, secs};

#[cfg(feature = "reqwest")]
mod client;

fn outbound() -> SwrConfigBuilder {
    SwrConfig::outbound("client").soft_jitter(0.0)
}

/// Who asks, and the number of the call.
fn personal(call: &Call) -> Reply {
    let who = call.header("authorization").or(call.header("cookie")).unwrap_or("nobody");
    Reply::ok(format!("{who} {}", call.n)).control("private, max-age=60")
}

#[tokio::test(start_paused = true)]
async fn a_call_with_credentials_is_a_hit_the_second_time_and_two_identities_never_meet() {
    for config in [outbound(), outbound().soft_ttl(secs(60)), outbound().key(key::Path)] {
        let cache = Cache::new(config, &Origin::new(personal));
        let identities = [
            ("authorization", "Bearer alice"),
            ("authorization", "Bearer bob"),
            ("cookie", "id=alice"),
            ("cookie", "id=bob"),
            ("x-none", ""),
        ];
        for said in ["fwd=uri-miss; stored", "hit"] {
            for (n, (name, value)) in identities.into_iter().enumerate() {
                let answer = cache.send(request("/").header(name, value)).await;
                let who = if value.is_empty() { "nobody" } else { value };
                assert_eq!((answer.text(), &*answer.said), (&*format!("{who} {}", n + 1), said));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_key_shows_is_no_secret() {
    let cache = Cache::new(outbound(), &Origin::new(personal));
    let ask = || request("/").header("authorization", "Bearer s3cret");
    cache.send(ask()).await;
    let (parts, ()) = ask().body(()).unwrap().into_parts();
    let shown = cache.handle.entry(&parts).expect("is stored").key;
    assert!(shown.contains("+authorization:hash=") && !shown.contains("s3cret"), "{shown}");
    assert_eq!(cache.handle.purge_key(shown.parse().unwrap()).entries, 1);
}

#[tokio::test(start_paused = true)]
async fn it_stores_what_is_for_one_user_and_forgets_what_is_for_shared_caches() {
    for (line, config, stored) in [
        ("private, max-age=60", outbound(), true),
        ("private", outbound().soft_ttl(secs(60)), true),
        ("s-maxage=60", outbound(), false),
        ("s-maxage=60, max-age=0", outbound(), false),
        ("s-maxage=0, max-age=60", outbound(), true),
        ("no-store, max-age=60", outbound(), false),
        ("s-maxage=60", SwrConfig::builder("shared"), true),
        ("private, max-age=60", SwrConfig::builder("shared"), false),
    ] {
        let origin = Origin::new(|call| Reply::ok(call.n.to_string()).control(line));
        let cache = Cache::new(config, &origin);
        cache.get("/").await;
        assert_eq!(cache.get("/").await.said == "hit", stored, "{line}");
    }
    let cdn = HeaderName::from_static("cdn-cache-control");
    for (config, calls) in [(outbound(), 2), (outbound().targeted_fields([cdn]), 1)] {
        let reply = Reply::ok("").control("max-age=0").header("cdn-cache-control", "max-age=60");
        let cache = Cache::new(config, &Origin::new(move |_| reply.clone()));
        cache.get("/").await;
        cache.get("/").await;
        assert_eq!(cache.origin.calls(), calls);
    }
    let cookie = |_: &Call| Reply::ok("").control("private, max-age=60").header("set-cookie", "id=1");
    let cache = Cache::new(outbound(), &Origin::new(cookie));
    assert_eq!(cache.get("/").await.said, "fwd=uri-miss; detail=set_cookie");
    assert_eq!(cache.get("/").await.said, "fwd=uri-miss; detail=set_cookie");
}

#[tokio::test(start_paused = true)]
async fn proxy_revalidate_is_for_proxies() {
    for (line, said) in [
        ("max-age=10, stale-while-revalidate=10, proxy-revalidate", "hit; detail=stale"),
        ("max-age=10, stale-while-revalidate=10, must-revalidate", "fwd=stale; stored"),
    ] {
        let cache = Cache::new(outbound(), &Origin::new(|_| Reply::ok("").control(line)));
        cache.get("/").await;
        Start::now().at(15.0).await;
        assert_eq!(cache.get("/").await.said, said, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_its_requests_say_counts() {
    let cache = Cache::new(outbound().soft_ttl(secs(60)), &Origin::counting());
    cache.get("/").await;
    assert_eq!(cache.send(request("/").header("cache-control", "no-cache")).await.text(), "2");
}

#[tokio::test(start_paused = true)]
async fn where_a_response_came_from_is_stored_and_no_other_extension() {
    let from = FinalUri("http://elsewhere.example/b".parse().unwrap());
    let reply = Reply::ok("").control("max-age=60").extension(from.clone()).extension("another");
    let cache = Cache::new(outbound(), &Origin::new(move |_| reply.clone()));
    let miss = cache.get("/").await.extensions;
    assert_eq!((miss.get(), miss.get()), (Some(&from), Some(&"another")));
    for request in [request("/"), request("/").method("HEAD")] {
        let hit = cache.send(request).await.extensions;
        assert_eq!((hit.get(), hit.get::<&str>()), (Some(&from), None));
    }
}
