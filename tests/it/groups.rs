//! `Cache-Groups` and `Cache-Group-Invalidation` (RFC 9875).

use http::{Method, Request};
use tower::Service;

use crate::support::{Cache, Call, Origin, Reply, ReqBody, origin_says};

/// GET is answered by the call's number, in the groups that the query names; any other method with what `unsafe_says`.
fn grouped(unsafe_says: fn(Reply) -> Reply) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    move |call: &Call| {
        if call.parts.method != Method::GET {
            return unsafe_says(Reply::ok("done"));
        }
        let reply = Reply::ok(call.n.to_string()).control("max-age=60");
        let groups = call.parts.uri.query().unwrap_or_default().split('+').filter(|group| !group.is_empty());
        groups.fold(reply, |reply, group| reply.header("cache-groups", format!("\"{group}\"")))
    }
}

async fn send(cache: &Cache, method: Method, url: &str) {
    let request = Request::builder().method(method).uri(url).body(ReqBody::default()).unwrap();
    cache.service.clone().call(request).await.unwrap();
}

async fn is_hit(cache: &Cache, url: &str) -> bool {
    cache.send(Request::get(url)).await.said == "hit"
}

const A: &str = "http://example.com/1?scores";
const BOTH: &str = "http://example.com/2?scores+news";
const NEWS: &str = "http://example.com/3?news";
const NONE: &str = "http://example.com/4";
const ELSEWHERE: &str = "http://example.org/1?scores";
const ALL: [&str; 5] = [A, BOTH, NEWS, NONE, ELSEWHERE];

#[tokio::test(start_paused = true)]
async fn an_unsafe_request_invalidates_the_groups_that_its_response_lists_on_its_host() {
    type Says = fn(Reply) -> Reply;
    let scores: Says = |reply| reply.header("cache-group-invalidation", "\"scores\"");
    let both: Says = |reply| reply.header("cache-group-invalidation", "\"scores\", \"news\";x");
    let broken: Says = |reply| reply.header("cache-group-invalidation", "scores");
    let failed: Says = |_| Reply::status(500).header("cache-group-invalidation", "\"scores\"");
    for (title, method, says, gone) in [
        ("one group", Method::POST, scores, &[A, BOTH][..]),
        ("two groups", Method::DELETE, both, &[A, BOTH, NEWS]),
        ("a safe method", Method::OPTIONS, scores, &[]),
        ("no list of strings", Method::POST, broken, &[]),
        ("an error", Method::POST, failed, &[]),
    ] {
        let cache = Cache::new(origin_says(), &Origin::new(grouped(says)));
        for url in ALL {
            cache.send(Request::get(url)).await;
        }
        send(&cache, method, "http://example.com/form").await;
        for url in ALL {
            assert_eq!(is_hit(&cache, url).await, !gone.contains(&url), "{title}: {url}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_unsafe_request_invalidates_takes_its_groups_along_and_no_others() {
    for (title, url, gone) in [
        ("in one group", A, &[A, BOTH][..]),
        ("in two groups", BOTH, &[A, BOTH, NEWS]),
        ("in none", NONE, &[NONE]),
        ("on another host", ELSEWHERE, &[ELSEWHERE]),
    ] {
        let cache = Cache::new(origin_says(), &Origin::new(grouped(|reply| reply)));
        for url in ALL {
            cache.send(Request::get(url)).await;
        }
        send(&cache, Method::PUT, url).await;
        for other in ALL {
            assert_eq!(is_hit(&cache, other).await, !gone.contains(&other), "{title}: {other}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_can_be_purged_like_a_tag_and_is_sent_on() {
    let cache = Cache::new(origin_says(), &Origin::new(grouped(|reply| reply)));
    for url in ALL {
        let answer = cache.send(Request::get(url)).await;
        assert_eq!(answer.headers.contains_key("cache-groups"), url != NONE, "{url}");
    }
    assert_eq!(cache.handle.purge_tag("scores").entries, 3);
    assert!(!is_hit(&cache, ELSEWHERE).await && is_hit(&cache, NEWS).await);
    cache.handle.purge_all();
    assert_eq!(cache.handle.stats().indexed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_304_leaves_a_response_its_groups_and_its_tags() {
    let origin = Origin::new(|call| match call.header("if-none-match") {
        Some(_) => Reply::status(304),
        None => {
            Reply::ok("1").header("etag", "\"a\"").header("cache-groups", "\"g\"").header("cache-tag", "t")
        }
    });
    for name in ["g", "t"] {
        let cache = Cache::new(origin_says(), &origin);
        cache.get("/").await;
        assert_eq!(cache.get("/").await.said, "fwd=stale; fwd-status=304");
        assert_eq!(cache.handle.purge_tag(name).entries, 1, "{name}");
    }
}
