//! What HTTP says beyond the rules that every route needs: targeted fields, `must-understand`, invalidation by reference,
//! fields that are not for everybody, what a response to HEAD tells.

use http::{Method, Request};
use tower::Service;

use crate::support::{Cache, Call, Gate, Origin, Reply, ReqBody, Start, origin_says, request, rest, route};

/// A cache whose origin answers with this status and these fields.
fn cache(status: u16, fields: &'static [(&'static str, &'static str)]) -> Cache {
    let origin = Origin::new(move |_| {
        fields.iter().fold(Reply::status(status), |reply, (name, value)| reply.header(name, value))
    });
    Cache::new(origin_says(), &origin)
}

#[tokio::test(start_paused = true)]
async fn what_governs_a_response_decides_whether_it_is_stored() {
    type Case = (u16, &'static [(&'static str, &'static str)], bool);
    let cases: [Case; 10] = [
        (200, &[("cache-control", "max-age=1, no-store"), ("cdn-cache-control", "max-age=60")], true),
        (200, &[("cache-control", "max-age=60"), ("cdn-cache-control", "no-store")], false),
        (200, &[("cache-control", "max-age=60"), ("cdn-cache-control", "private")], false),
        (200, &[("cache-control", "max-age=60"), ("cdn-cache-control", "max-age=0")], false),
        (200, &[("cache-control", "max-age=60"), ("cdn-cache-control", "max-age=0,")], true),
        (200, &[("expires", "Thu, 01 Jan 1970 00:00:00 GMT"), ("cdn-cache-control", "max-age=60")], true),
        (200, &[("cache-control", "max-age=60, no-store, must-understand")], true),
        (599, &[("cache-control", "max-age=60, no-store, must-understand")], false),
        (599, &[("cache-control", "max-age=60, must-understand")], false),
        (599, &[("cache-control", "max-age=60")], true),
    ];
    for (status, fields, stored) in cases {
        let cache = cache(status, fields);
        cache.get("/").await;
        assert_eq!(cache.get("/").await.said == "hit", stored, "{status} {fields:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_successful_unsafe_request_invalidates_what_its_response_names_on_its_host() {
    for (status, name, value, invalidated) in [
        (201, "location", "/named", true),
        (201, "content-location", "http://example.com/named", true),
        (303, "location", "named", true),
        (201, "location", "http://elsewhere.com/named", false),
        (404, "location", "/named", false),
    ] {
        let cache = Cache::new(
            origin_says(),
            &Origin::new(move |call| match call.path() {
                "/named" => Reply::ok(call.n.to_string()).control("max-age=60"),
                _ => Reply::status(status).header(name, value),
            }),
        );
        assert_eq!(cache.get("/named").await.text(), "1");
        let post =
            Request::builder().method(Method::POST).uri("http://example.com/form").body(ReqBody::default());
        cache.service.clone().call(post.unwrap()).await.unwrap();
        let expected = if invalidated { "3" } else { "1" };
        assert_eq!(cache.get("/named").await.text(), expected, "{status} {name}: {value}");
    }
}

/// A field that is for one reader, and says so in this way.
fn personal(directive: &'static str) -> impl Fn(&Call) -> Reply + Clone + Send + Sync + 'static {
    move |call: &Call| {
        let reply = match call.header("if-none-match") {
            Some(_) => Reply::status(304),
            None => Reply::ok("page"),
        };
        reply
            .control(directive)
            .header("x-user", call.n.to_string())
            .header("set-cookie", call.n.to_string())
            .header("etag", "\"1\"")
    }
}

#[tokio::test(start_paused = true)]
async fn a_listed_field_goes_to_who_asked_and_is_shared_with_nobody() {
    const LISTS: [&str; 3] = [
        "private=\"X-User, Set-Cookie\", max-age=60",
        "no-cache=\"x-user, set-cookie\", max-age=60",
        "private=\"set-cookie\", no-cache=\"x-user\", max-age=60",
    ];
    for directive in LISTS {
        let (gate, answers) = (Gate::new(), personal(directive));
        let held = gate.clone();
        let origin = Origin::new(move |call| answers(call).gated(&held));
        let cache = Cache::new(origin_says().field_lists(), &origin);
        let (leader, waiter) = (cache.spawn("/"), cache.spawn("/"));
        rest().await;
        gate.open();
        let (leader, waiter) = (leader.await.unwrap(), waiter.await.unwrap());
        let hit = cache.get("/").await;
        for (answer, said, theirs) in [
            (&leader, "fwd=uri-miss; stored", Some("1")),
            (&waiter, "fwd=uri-miss; stored; collapsed", None),
            (&hit, "hit", None),
        ] {
            assert_eq!((answer.text(), &*answer.said), ("page", said), "{directive}");
            assert_eq!(answer.header("x-user"), theirs, "{directive}: {said}");
            assert_eq!(answer.header("set-cookie"), theirs, "{directive}: {said}");
        }
        // And so it is with a 304.
        Start::now().at(61.0).await;
        let confirmed = cache.get("/").await;
        assert_eq!((&*confirmed.said, confirmed.header("x-user")), ("fwd=stale; fwd-status=304", Some("2")));
        assert_eq!(cache.get("/").await.header("x-user"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_counts_for_the_whole_response_where_it_cannot_be_gone_by() {
    for (directive, by_option, reason) in [
        ("private=\"x-user, set-cookie\", max-age=60", false, "private"),
        ("private=\"vary, set-cookie\", max-age=60", true, "private"),
        ("private=\"x-user, a b\", max-age=60", true, "private"),
        ("private=\"x-user\", max-age=60", true, "set_cookie"),
    ] {
        let config = if by_option { origin_says().field_lists() } else { origin_says() };
        let cache = Cache::new(config, &Origin::new(personal(directive)));
        let answer = cache.get("/").await;
        assert_eq!(answer.said, format!("fwd=uri-miss; detail={reason}"), "{directive}");
        assert_eq!(answer.header("x-user"), Some("1"), "{directive}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_goes_past_the_cache_freshens_or_spoils_what_is_stored() {
    for (status, headers, expected) in [
        (200, &[("etag", "\"1\""), ("x-new", "1")][..], "hit"),
        (200, &[("etag", "\"1\""), ("content-length", "1")], "hit"),
        (200, &[("etag", "\"1\""), ("content-length", "2")], "hit; detail=stale"),
        (200, &[("etag", "\"2\"")], "hit; detail=stale"),
        (200, &[("x-new", "1")], "hit"),
        (404, &[("etag", "\"2\"")], "hit"),
        (200, &[("etag", "\"1\""), ("cache-control", "no-store")], "fwd=uri-miss; stored"),
    ] {
        let origin = Origin::new(move |call| match call.parts.method {
            Method::HEAD => headers
                .iter()
                .fold(Reply::status(status).body(""), |reply, (name, value)| reply.header(name, value)),
            _ => Reply::ok(call.n.to_string()).header("etag", "\"1\""),
        });
        let cache = Cache::new(route(10, 100), &origin);
        let start = Start::now();
        cache.get("/").await;
        start.at(5.0).await;
        // A precondition is for the origin alone.
        let head = request("/").method(Method::HEAD).header("if-match", "\"1\"");
        assert_eq!(cache.send(head).await.said, "fwd=bypass; detail=precondition");
        let after = cache.get("/").await;
        assert_eq!(after.said, expected, "{status} {headers:?}");
        let freshened = status == 200 && expected == "hit" && headers.len() > 1;
        if expected == "hit" {
            assert_eq!(after.age(), if freshened { 0 } else { 5 }, "{headers:?}");
            assert_eq!(after.header("x-new").is_some(), freshened && headers[1].0 == "x-new", "{headers:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_changes_nothing_that_was_purged_or_that_it_may_not_see() {
    let gate = Gate::new();
    let held = gate.clone();
    let origin = Origin::new(move |call| match call.parts.method {
        Method::HEAD => Reply::ok("").header("etag", "\"1\"").gated(&held),
        _ => Reply::ok(call.n.to_string()).header("etag", "\"1\""),
    });
    let cache = Cache::new(route(10, 100), &origin);
    cache.get("/").await;
    let head = || request("/").method(Method::HEAD).header("if-match", "\"1\"");
    let under_way = cache.spawn_send(head());
    rest().await;
    cache.handle.purge_all();
    gate.open();
    under_way.await.unwrap();
    assert!(cache.entry("/").is_none(), "a purge is a barrier");

    let origin = Origin::new(|call| match call.parts.method {
        Method::HEAD => Reply::ok("").header("etag", "\"1\""),
        _ => Reply::ok(call.n.to_string()).header("etag", "\"1\"").control("public"),
    });
    let cache = Cache::new(route(10, 100), &origin);
    cache.get("/").await;
    Start::now().at(11.0).await;
    cache.send(head().header("authorization", "secret")).await;
    assert_eq!(cache.get("/").await.said, "hit; detail=stale");
    rest().await;
    assert_eq!(origin.calls(), 3, "the refresh did not have to pause");
}
