use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let parsed = lines.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    parsed.collect()
}

fn guarded(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    RequestFacts::scan(headers).for_each_guarded(headers, |name, value| {
        seen.push((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()));
    });
    seen
}

fn forwarded(lines: &[&str]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    guarded(&headers(&lines)).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn each_header_sets_its_own_fact() {
    let cases = [
        ("authorization", 0),
        ("cookie", 1),
        ("if-none-match", 2),
        ("if-modified-since", 2),
        ("if-match", 3),
        ("if-unmodified-since", 3),
        ("range", 4),
        ("upgrade", 5),
        ("x-http-method-override", 6),
        ("x-http-method", 6),
        ("x-method-override", 6),
        ("transfer-encoding", 7),
        ("content-length", 7),
        ("cache-control", 8),
        ("pragma", 8),
        ("forwarded", 9),
        ("x-forwarded-host", 9),
        ("x-forwarded-proto", 9),
        ("x-forwarded-scheme", 9),
        ("x-forwarded-port", 9),
        ("x-forwarded-prefix", 9),
        ("x-forwarded-server", 9),
        ("x-host", 9),
        ("x-original-host", 9),
        ("x-original-url", 9),
        ("x-rewrite-url", 9),
    ];
    for (name, place) in cases {
        let facts =
            RequestFacts::scan(&headers(&[("host", "a"), (&name.to_uppercase(), "1"), ("accept", "*/*")]));
        let found = [
            facts.has_authorization(),
            facts.has_cookie(),
            facts.has_conditionals(),
            facts.has_preconditions(),
            facts.has_range(),
            facts.has_upgrade(),
            facts.has_method_override(),
            facts.declares_body(),
            facts.has_cache_control(),
            facts.has_guarded(),
        ];
        let mut expected = [false; 10];
        expected[place] = true;
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn other_headers_mean_nothing() {
    let names = [
        "host",
        "accept",
        "user-agent",
        "x-forwarded-for",
        "x-real-ip",
        "via",
        "traceparent",
        "tracestate",
        "x-request-id",
        "if-range",
        "te",
        "connection",
        "x-forwarded-hosts",
        "x-forwarded-path",
        "x-hosts",
        "ranges",
        "cookie2",
        "content-type",
        "depth",
        "proxy-authorization",
        "sec-websocket-protocol",
    ];
    let lines: Vec<_> = names.iter().map(|name| (*name, "1")).collect();
    assert_eq!(RequestFacts::scan(&headers(&lines)), RequestFacts::default());
}

#[test]
fn what_is_no_request_for_a_cache_is_known_by_its_head() {
    use Reason::{Method as OtherMethod, MethodOverride, Precondition, RequestBody, Upgrade};
    let all = [("if-match", "*"), ("x-http-method", "PUT"), ("upgrade", "h2c"), ("content-length", "1")];
    for (method, lines, has_body, expected) in [
        (Method::GET, &[][..], false, None),
        (Method::HEAD, &[("range", "bytes=0-1"), ("if-none-match", "*"), ("cookie", "a=b")], false, None),
        (Method::POST, &all, true, Some(OtherMethod)),
        (Method::GET, &all, false, Some(RequestBody)),
        (Method::GET, &[], true, Some(RequestBody)),
        (Method::HEAD, &all[..3], false, Some(Upgrade)),
        (Method::GET, &all[..2], false, Some(MethodOverride)),
        (Method::GET, &all[..1], false, Some(Precondition)),
    ] {
        let found = RequestFacts::scan(&headers(lines)).ineligible(&method, has_body);
        assert_eq!(found, expected, "{method} {lines:?}");
    }
}

#[test]
fn a_body_is_declared_by_anything_but_one_length_of_0() {
    for (lines, expected) in [
        (&[][..], false),
        (&[("content-length", "0")], false),
        (&[("content-length", "00")], true),
        (&[("content-length", "")], true),
        (&[("content-length", "5")], true),
        (&[("content-length", "0"), ("content-length", "0")], true),
        (&[("content-length", "0"), ("content-length", "5")], true),
        (&[("content-length", "0"), ("transfer-encoding", "chunked")], true),
        (&[("transfer-encoding", "identity")], true),
    ] {
        assert_eq!(RequestFacts::scan(&headers(lines)).declares_body(), expected, "{lines:?}");
    }
}

#[test]
fn guarded_headers_come_by_name_then_by_line() {
    let lines = [
        ("x-rewrite-url", "/a"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "b"),
        ("forwarded", "host=h"),
        ("x-forwarded-host", "a"),
    ];
    let expected = [
        ("forwarded", ""),
        ("forwarded", "host=h"),
        ("x-forwarded-host", "b"),
        ("x-forwarded-host", "a"),
        ("x-rewrite-url", "/a"),
    ];
    assert_eq!(guarded(&headers(&lines)), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(guarded(&headers(&[("x-forwarded-for", "10.0.0.1")])), []);
}

#[test]
fn guarded_names_have_their_bits_in_order() {
    assert!(GUARDED_NAMES.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    for (place, name) in GUARDED_NAMES.iter().enumerate() {
        assert_eq!(fact(name.as_str()), 1 << place, "{name}");
    }
}

#[test]
fn of_forwarded_only_host_and_proto_count() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["for=192.0.2.1;by=203.0.113.43"], &[]),
        (&["for=192.0.2.1, for=198.51.100.17"], &[]),
        (&["for=\"[2001:db8::1]:4711\";by=a"], &[]),
        (&[""], &[]),
        (&["for=1;host=a.example;proto=https"], &["", "host=a.example", "proto=https"]),
        (
            &["For=2; Host=\"a.example:8080\" ;; PROTO=https;"],
            &["", "Host=\"a.example:8080\"", "PROTO=https"],
        ),
        (&["host=a:80"], &["", "host=a:80"]),
        (&["for=1, host=a"], &["", ",", "host=a"]),
        (&["host=a, for=1"], &["", "host=a", ","]),
        (&["host=a", "for=1"], &["", "host=a", ""]),
        (&["for=1", "host=a,proto=b"], &["", "", "host=a", ",", "proto=b"]),
        (&["xhost=a;hosts=b"], &[]),
    ];
    for (lines, expected) in cases {
        assert_eq!(forwarded(lines), *expected, "{lines:?}");
    }
}

#[test]
fn a_forwarded_that_cannot_be_read_counts_whole() {
    for line in [
        "host",
        "host a",
        "=a",
        "host =a",
        "host= a",
        "host=\"a",
        "host=a\"",
        "host=\"a\\\"b\"",
        "for=\"a;host=evil\"",
        "for=\"a,host=evil\"",
        "for=a=host=evil",
        "for=a host=evil",
        "f\u{e9}r=a",
    ] {
        assert_eq!(forwarded(&[line]), [line], "{line}");
        assert_eq!(forwarded(&["host=a", line, "for=b"]), ["host=a", line, "for=b"], "{line}");
    }
}

fn lines() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = vec![
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-host",
        "x-rewrite-url",
        "cookie",
        "x-other",
    ];
    let value = prop_oneof!["[ab]{0,2}", "(host|proto|for)=[a\", ;=]{0,4}", "((host|for)=[ab][,;]){0,3}"];
    prop::collection::vec((prop::sample::select(names), value), 0..8)
}

fn map<'a>(lines: impl IntoIterator<Item = &'a (&'static str, String)>) -> HeaderMap {
    headers(&lines.into_iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
}

proptest! {
    /// Sorting is stable, so it moves names and keeps the lines of each in order.
    #[test]
    fn the_order_of_names_does_not_matter(lines in lines(), salt: u64) {
        let mut sorted = lines.clone();
        sorted.sort_by_key(|(name, _)| name.bytes().fold(salt, |hash, b| hash.rotate_left(7) ^ u64::from(b)));
        prop_assert_eq!(guarded(&map(&lines)), guarded(&map(&sorted)));
        prop_assert_eq!(RequestFacts::scan(&map(&lines)), RequestFacts::scan(&map(&sorted)));
    }

    /// Two `Forwarded` that read the same have the same hosts at the same places, for any way of choosing an element.
    #[test]
    fn equal_parts_mean_equal_hosts(a in "((host|for)=[ab][,;]?){0,4}", b in "((host|for)=[ab][,;]?){0,4}") {
        fn hosts(line: &str) -> Vec<Vec<&str>> {
            line.split(',').map(|e| e.split(';').filter_map(|p| p.trim().strip_prefix("host=")).collect()).collect()
        }
        if forwarded(&[&a]) == forwarded(&[&b]) {
            let none = |hosts: &[Vec<&str>]| hosts.iter().all(Vec::is_empty);
            let (a, b) = (hosts(&a), hosts(&b));
            prop_assert!(a == b || (none(&a) && none(&b)));
        }
    }

    #[test]
    fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..48)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            guarded(&HeaderMap::from_iter([(FORWARDED, value.clone()), (header::CONTENT_LENGTH, value)]));
        }
    }
}
