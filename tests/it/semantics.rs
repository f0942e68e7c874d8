//! What HTTP says beyond the rules that every route needs: targeted fields, `must-understand`, invalidation by reference.

use http::{Method, Request};
use tower::Service;

use crate::support::{Cache, Origin, Reply, ReqBody, origin_says};

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
