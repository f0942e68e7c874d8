//! What `Cache-Status` tells beyond what happened, by option (RFC 9211 §2.6, §2.7).

use http::Request;

use crate::support::{Cache, Origin, Reply, Start, origin_says, request, route};

#[tokio::test(start_paused = true)]
async fn ttl_is_for_how_long_a_response_is_still_fresh() {
    let cache = Cache::new(route(10, 100).cache_status_ttl(), &Origin::counting());
    let start = Start::now();
    assert_eq!(cache.get("/").await.said, "fwd=uri-miss; stored; ttl=10");
    start.at(2.5).await;
    assert_eq!(cache.get("/").await.said, "hit; ttl=7");
    cache.origin.now(|_| Reply::status(503));
    start.at(15.0).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale; ttl=-5");
    assert_eq!(
        cache.get("/other").await.said,
        "fwd=uri-miss; detail=failure",
        "it says no ttl of what is not stored"
    );
}

#[tokio::test(start_paused = true)]
async fn key_is_what_the_answer_was_looked_up_by() {
    let cache = Cache::new(
        origin_says().cache_status_key().client_directives(),
        &Origin::new(|call| {
            let reply = Reply::ok("");
            if call.path() == "/kept" { reply.control("max-age=9") } else { reply }
        }),
    );
    let told = |path: &str| format!("key=\"route|http|example.com|{path}\"");
    let key = told("/kept");
    assert_eq!(cache.get("/kept").await.said, format!("fwd=uri-miss; stored; {key}"));
    assert_eq!(cache.get("/kept").await.said, format!("hit; {key}"));
    let key = told("/not-kept");
    assert_eq!(cache.get("/not-kept").await.said, format!("fwd=uri-miss; detail=no_freshness; {key}"));
    let only = request("/not-kept").header("cache-control", "only-if-cached");
    assert_eq!(cache.send(only).await.said, format!("detail=only_if_cached; {key}"));
    let post = Request::post("http://example.com/kept");
    assert_eq!(cache.send(post).await.said, "fwd=method; detail=method", "nothing was looked up");
}
