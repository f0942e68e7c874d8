//! The proxy's daily work.

use std::{net::SocketAddr, sync::mpsc, thread};

use super::{
    http::{get, request, send},
    origin::{Origin, ok},
    process::{PATIENCE, Process, eventually},
};

/// A proxy on a port of its own, before this origin.
pub(super) fn proxy(origin: &Origin, more: &[&str]) -> (Process, SocketAddr) {
    let url = origin.url();
    let process =
        Process::start("reverse_proxy", &[&["--listen", "127.0.0.1:0", "--upstream", &url], more].concat());
    let address = process.address();
    (process, address)
}

#[test]
fn a_miss_is_followed_by_hits_and_head_is_answered_from_a_stored_get() {
    let origin = Origin::start(|_| ok("hello"));
    let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);

    let miss = get(address, "/page?b=2&a=%31");
    assert_eq!(
        (miss.status, miss.text().as_str(), miss.field("via").as_str()),
        (200, "hello", "1.1 tower-swr-cache")
    );
    assert!(miss.cache_status().ends_with("; fwd=uri-miss; stored"), "{miss:?}");
    assert_eq!(origin.received()[0].line(), "GET /page?b=2&a=%31 HTTP/1.1");
    assert_eq!(origin.received()[0].field("host"), "site.example");
    assert_eq!(origin.received()[0].field("via"), "1.1 tower-swr-cache");

    let hit = get(address, "/page?b=2&a=%31");
    assert!(hit.is_hit() && hit.whole && hit.text() == "hello", "{hit:?}");
    assert!(hit.field("age").parse::<u64>().is_ok(), "{hit:?}");

    let head = request(address, "HEAD", "/page?b=2&a=%31", "", "");
    assert!(head.is_hit() && head.body.is_empty(), "{head:?}");
    assert_eq!(head.field("content-length"), "5");
    assert_eq!(origin.calls(), 1);

    let absolute = request(address, "GET", "http://site.example/page?b=2&a=%31", "", "");
    assert!(absolute.is_hit(), "the same page by its whole URL: {absolute:?}");
    assert_eq!(origin.calls(), 1);

    // Another spelling may be another page.
    assert!(!get(address, "/page?b=2&a=1").is_hit());
    assert_eq!(origin.calls(), 2);
}

#[test]
fn without_ttl_options_a_response_that_says_nothing_is_not_kept() {
    let origin = Origin::start(|_| ok("hello"));
    let (_proxy, address) = proxy(&origin, &[]);
    for calls in 1..3 {
        assert!(get(address, "/").cache_status().ends_with("detail=no_freshness"));
        assert_eq!(origin.calls(), calls);
    }
}

#[test]
fn what_requests_say_of_caching_counts_by_option() {
    for (options, calls) in
        [(&["--soft-ttl", "1h"][..], 1), (&["--soft-ttl", "1h", "--client-directives"], 2)]
    {
        let origin = Origin::start(|_| ok("hello"));
        let (_proxy, address) = proxy(&origin, options);
        get(address, "/");
        request(address, "GET", "/", "cache-control: no-cache\r\n", "");
        assert_eq!(origin.calls(), calls, "{options:?}");
    }
}

#[test]
fn queries_that_are_one_to_the_response_share_it_by_option() {
    for (options, calls) in [(&[][..], 2), (&["--no-vary-search"], 1)] {
        let origin = Origin::start(|_| {
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncache-control: max-age=60\r\nno-vary-search: key-order";
            format!("{head}\r\ncontent-length: 5\r\n\r\nhello").into_bytes()
        });
        let (_proxy, address) = proxy(&origin, options);
        get(address, "/?a=1&b=2");
        assert_eq!(get(address, "/?b=2&a=1").text(), "hello");
        assert_eq!(origin.calls(), calls, "{options:?}");
    }
}

#[test]
fn a_validator_saves_the_body() {
    let origin = Origin::start(|received| {
        if received.field("if-none-match") == "\"v1\"" {
            let head = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\netag: \"v1\"";
            return format!("{head}\r\ncache-control: max-age=0\r\n\r\n").into_bytes();
        }
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\netag: \"v1\"";
        format!("{head}\r\ncache-control: max-age=0\r\ncontent-length: 2\r\n\r\nv1").into_bytes()
    });
    let (_proxy, address) = proxy(&origin, &[]);
    assert_eq!(get(address, "/").text(), "v1");
    let again = get(address, "/");
    assert_eq!((again.status, again.text().as_str()), (200, "v1"));
    assert!(again.cache_status().ends_with("; fwd=stale; fwd-status=304"), "{again:?}");

    let known = request(address, "GET", "/", "if-none-match: \"v1\"\r\n", "");
    assert_eq!((known.status, known.body.len(), known.field("etag").as_str()), (304, 0, "\"v1\""));
}

#[test]
fn bodies_pass_in_both_directions_and_a_successful_post_invalidates() {
    let origin = Origin::start(|received| {
        let mut answer =
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        answer.extend(format!("{:x}\r\n", received.body.len() + 1).bytes());
        answer.extend([b"<", &received.body[..], b"\r\n0\r\n\r\n"].concat());
        answer
    });
    let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
    assert!(!get(address, "/form").is_hit());
    assert!(get(address, "/form").is_hit());

    let body = "x".repeat(300_000);
    let post = request(address, "POST", "/form", "", &body);
    assert!(post.whole && post.text() == format!("<{body}"), "{} bytes", post.body.len());
    assert!(post.cache_status().ends_with("; fwd=method; detail=method"), "{}", post.cache_status());

    let chunked = send(
        address,
        b"PUT /form HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert_eq!(chunked.expect("a response").text(), "<hello");
    assert!(!get(address, "/form").is_hit(), "it was invalidated");
    assert!(get(address, "/form").is_hit());
}

#[test]
fn readers_at_once_are_one_call() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let origin = Origin::start(move |_| {
        let _ = gate.lock().expect("one at a time").recv_timeout(PATIENCE);
        ok("for all")
    });
    let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
    let readers: Vec<_> = (0..100).map(|_| thread::spawn(move || get(address, "/"))).collect();
    eventually("the origin is asked", || origin.calls() == 1);
    open.send(()).expect("the origin waits");
    for reader in readers {
        assert_eq!(reader.join().expect("an answer").text(), "for all");
    }
    assert_eq!(origin.calls(), 1);
}

#[test]
fn operators_have_an_address_of_their_own() {
    let origin = Origin::start(|_| ok("hello"));
    let (proxy, address) =
        proxy(&origin, &["--soft-ttl", "1h", "--admin", "127.0.0.1:0", "--admin-token", "t0k"]);
    let admin = proxy.line(|line| line.strip_prefix("admin on ")?.parse().ok());
    assert!(!get(address, "/page").is_hit());
    assert!(get(address, "/page").is_hit());

    let health = get(admin, "/health");
    assert!(health.status == 200 && health.text().contains("\"hits\":1,\"misses\":1"), "{health:?}");
    let metrics = get(admin, "/metrics").text();
    assert!(metrics.contains("swr_cache_requests_total{route=\"proxy\",outcome=\"hit\"} 1\n"), "{metrics}");
    assert_eq!(get(admin, "/page").status, 404, "it is no proxy");
    assert!(!get(address, "/health").text().contains("hits"), "what readers ask for goes to the origin");

    let purge = |fields: &str| request(admin, "POST", "/purge", fields, r#"{"url": "/page"}"#);
    assert_eq!(purge("content-type: application/json\r\n").status, 401);
    assert!(get(address, "/page").is_hit());
    let purged = purge("content-type: application/json\r\nauthorization: Bearer t0k\r\n");
    assert!(purged.status == 200 && purged.text().ends_with("\"entries\":1}"), "{purged:?}");
    assert!(!get(address, "/page").is_hit());
}

#[test]
fn without_a_token_operators_only_look() {
    let origin = Origin::start(|_| ok("hello"));
    let (proxy, _) = proxy(&origin, &["--admin", "127.0.0.1:0"]);
    let admin = proxy.line(|line| line.strip_prefix("admin on ")?.parse().ok());
    assert_eq!(get(admin, "/health/cache").status, 200);
    let fields = "content-type: application/json\r\nauthorization: Bearer \r\n";
    assert_eq!(request(admin, "POST", "/purge", fields, r#"{"all": true}"#).status, 404);
}

#[cfg(unix)]
#[test]
fn sigterm_lets_what_is_under_way_finish() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let origin = Origin::start(move |_| {
        let _ = gate.lock().expect("one at a time").recv_timeout(PATIENCE);
        ok("late")
    });
    let (proxy, address) = proxy(&origin, &["--admin", "127.0.0.1:0"]);
    let admin = proxy.line(|line| line.strip_prefix("admin on ")?.parse().ok());
    let reader = thread::spawn(move || get(address, "/"));
    eventually("the origin is asked", || origin.calls() == 1);
    assert_eq!(get(admin, "/health/ready").status, 200);

    proxy.signal("TERM");
    proxy.log_line(|line| line.contains("draining").then_some(()));
    assert_eq!(get(admin, "/health/ready").status, 503);
    assert_eq!(get(admin, "/health/live").status, 200);
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody new is let in");
    open.send(()).expect("the origin waits");

    let late = reader.join().expect("an answer");
    assert_eq!((late.status, late.text().as_str(), late.whole), (200, "late", true));
    let ended = proxy.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_an_idle_proxy() {
    let origin = Origin::start(|_| ok(""));
    let (proxy, _) = proxy(&origin, &["--threads", "1"]);
    proxy.signal("INT");
    assert_eq!(proxy.end().code, Some(0));
}
