use proptest::prelude::*;

use super::*;

const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const OLD_850: &str = "Sunday, 06-Nov-94 08:49:37 GMT";
const NEW: &str = "Tue, 08 Nov 1994 08:49:37 GMT";

type Lines<'a> = &'a [(&'a str, &'a str)];

fn headers(lines: Lines<'_>) -> HeaderMap {
    let parsed = lines.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    parsed.collect()
}

fn validators(lines: Lines<'_>) -> Validators {
    Validators::from_headers(&headers(lines))
}

#[test]
fn only_a_valid_single_validator_is_one() {
    for etag in ["\"a\"", "\"\"", "W/\"a\"", "W/\"\"", "\"a,b\"", "\"!#~\"", "\"abcdef\u{fc}\""] {
        let read = validators(&[("etag", etag)]);
        assert_eq!(read.etag.as_ref().map(HeaderValue::as_bytes), Some(etag.as_bytes()));
        assert!(read.is_some());
    }
    for etag in [
        "",
        "a",
        "\"",
        "\"a",
        "a\"",
        "w/\"a\"",
        "W\"a\"",
        "W\\\"a\"",
        "\"a b\"",
        "\"a\"b\"",
        "\"a\", \"b\"",
        "*",
        "'a'",
    ] {
        assert!(!validators(&[("etag", etag)]).is_some(), "{etag}");
    }
    assert_eq!(validators(&[("etag", "\"a\""), ("etag", "\"a\"")]), Validators::default());
    assert!(validators(&[("last-modified", OLD_850)]).is_some());
    assert!(!validators(&[("last-modified", "yesterday")]).is_some());
    assert!(!validators(&[("last-modified", OLD), ("last-modified", OLD)]).is_some());
}

#[test]
fn a_request_is_made_conditional_as_the_validators_were_written() {
    let mut request =
        headers(&[("if-none-match", "\"theirs\""), ("if-none-match", "\"more\""), ("accept", "*/*")]);
    validators(&[("etag", "W/\"a\""), ("last-modified", OLD_850)]).add_conditionals(&mut request);
    let expected = [("accept", "*/*"), ("if-none-match", "W/\"a\""), ("if-modified-since", OLD_850)];
    assert_eq!(request, headers(&expected));
}

#[test]
fn conditionals_and_ranges_are_stripped() {
    let mut request = headers(&[
        ("if-none-match", "\"a\""),
        ("if-none-match", "\"b\""),
        ("if-modified-since", OLD),
        ("if-match", "*"),
        ("if-unmodified-since", OLD),
        ("if-range", "\"a\""),
        ("range", "bytes=0-1"),
        ("accept", "*/*"),
    ]);
    strip_conditionals(&mut request);
    assert_eq!(request, headers(&[("accept", "*/*")]));
}

#[test]
fn a_clients_conditions_are_judged_in_order() {
    use Condition::{Forward, NotModified, Proceed};
    let tagged = &[("etag", "\"a\""), ("last-modified", OLD), ("date", NEW)][..];
    let weak = &[("etag", "W/\"a\"")][..];
    let commas = &[("etag", "\"a,b\"")][..];
    let dated = &[("last-modified", OLD), ("date", NEW)][..];
    let undated = &[("date", OLD)][..];
    let cases: &[(Lines<'_>, Lines<'_>, Condition)] = &[
        (&[], tagged, Proceed),
        (&[("range", "bytes=0-1")], tagged, Proceed),
        // If-None-Match
        (&[("if-none-match", "\"a\"")], tagged, NotModified),
        (&[("if-none-match", "W/\"a\"")], tagged, NotModified),
        (&[("if-none-match", "\"a\"")], weak, NotModified),
        (&[("if-none-match", "W/\"a\"")], weak, NotModified),
        (&[("if-none-match", "\"b\"")], tagged, Proceed),
        (&[("if-none-match", "\"A\"")], tagged, Proceed),
        (&[("if-none-match", "\"1\", \"a\" ,\"2\"")], tagged, NotModified),
        (&[("if-none-match", "\"1\",,\"2\", W/\"a\"")], tagged, NotModified),
        (&[("if-none-match", "\"1\""), ("if-none-match", "\"a\"")], tagged, NotModified),
        (&[("if-none-match", "\"a,b\"")], commas, NotModified),
        (&[("if-none-match", "\"a,b\"")], tagged, Proceed),
        (&[("if-none-match", "\"1,\"a\"")], tagged, Proceed),
        (&[("if-none-match", "\"a\", a")], tagged, NotModified),
        (&[("if-none-match", "a, \"a\"")], tagged, Proceed),
        (&[("if-none-match", "a"), ("if-none-match", "\"a\"")], tagged, NotModified),
        (&[("if-none-match", "a")], tagged, Proceed),
        (&[("if-none-match", "w/\"a\"")], tagged, Proceed),
        (&[("if-none-match", "\"a\"x, \"b\"")], tagged, Proceed),
        (&[("if-none-match", "\"a")], tagged, Proceed),
        (&[("if-none-match", "")], tagged, Proceed),
        (&[("if-none-match", "*")], tagged, NotModified),
        (&[("if-none-match", " * ")], dated, NotModified),
        (&[("if-none-match", "*, \"b\"")], tagged, Proceed),
        (&[("if-none-match", "\"*\"")], tagged, Proceed),
        (&[("if-none-match", "\"a\"")], dated, Proceed),
        (&[("if-none-match", "a")], &[("etag", "a")], Proceed),
        // If-Modified-Since, only without If-None-Match
        (&[("if-modified-since", OLD)], tagged, NotModified),
        (&[("if-modified-since", OLD_850)], dated, NotModified),
        (&[("if-modified-since", NEW)], dated, NotModified),
        (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], dated, Proceed),
        (&[("if-modified-since", OLD)], undated, NotModified),
        (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], undated, Proceed),
        (&[("if-modified-since", OLD)], &[], Proceed),
        (&[("if-modified-since", NEW)], &[("last-modified", "x"), ("date", OLD)], Proceed),
        (&[("if-modified-since", "x")], dated, Proceed),
        (&[("if-modified-since", OLD), ("if-modified-since", OLD)], dated, Proceed),
        (&[("if-none-match", "\"b\""), ("if-modified-since", OLD)], tagged, Proceed),
        (&[("if-none-match", "\"a\""), ("if-modified-since", "x")], tagged, NotModified),
        // For the origin, before anything else
        (&[("if-match", "\"a\"")], tagged, Forward),
        (&[("if-unmodified-since", OLD)], tagged, Forward),
        (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], tagged, Forward),
    ];
    for (request, stored, expected) in cases {
        let condition = client_condition(&headers(request), &headers(stored), StatusCode::OK);
        assert_eq!(condition, *expected, "{request:?} {stored:?}");
    }
}

#[test]
fn conditions_are_ignored_where_the_stored_status_is_no_success() {
    let stored = headers(&[("etag", "\"a\""), ("last-modified", OLD)]);
    let (tag, date) = (headers(&[("if-none-match", "\"a\"")]), headers(&[("if-modified-since", NEW)]));
    for (status, by_tag) in [(203, true), (204, true), (301, false), (404, false), (500, false)] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(client_condition(&tag, &stored, status) == Condition::NotModified, by_tag, "{status}");
        assert_eq!(client_condition(&date, &stored, status), Condition::Proceed, "{status}");
    }
}

#[test]
fn a_304_from_the_store_describes_no_content() {
    let kept = [
        ("cache-control", "max-age=1"),
        ("cache-control", "public"),
        ("content-location", "/a"),
        ("date", OLD),
        ("etag", "\"a\""),
        ("expires", NEW),
        ("last-modified", OLD),
        ("vary", "accept"),
        ("age", "1"),
        ("cache-status", "a; hit"),
        ("x-other", "1"),
    ];
    let mut stored = headers(&kept);
    stored.extend(headers(&[
        ("content-length", "1"),
        ("content-type", "a/b"),
        ("content-encoding", "gzip"),
        ("content-language", "en"),
        ("content-range", "bytes 0-0/1"),
        ("transfer-encoding", "chunked"),
        ("trailer", "x-sum"),
    ]));
    assert_eq!(not_modified_headers(&stored), headers(&kept));
}

#[test]
fn a_304_replaces_the_fields_it_may() {
    let stored = [
        ("cache-control", "max-age=1"),
        ("cache-control", "public"),
        ("content-encoding", "gzip"),
        ("content-length", "36"),
        ("content-type", "text/plain"),
        ("date", OLD),
        ("age", "50"),
        ("etag", "\"a\""),
        ("link", "</old>"),
        ("x-kept", "2"),
        ("x-kept", "1"),
        ("x-named", "stored"),
    ];
    let fresh = [
        ("cache-control", "max-age=3600"),
        ("connection", "x-named, x-new, cache-control"),
        ("content-encoding", "br"),
        ("content-foo", "new"),
        ("content-length", "0"),
        ("content-range", "bytes 0-0/1"),
        ("content-type", "text/html"),
        ("date", NEW),
        ("etag", "W/\"a\""),
        ("keep-alive", "timeout=5"),
        ("link", "</b>"),
        ("link", "</a>"),
        ("transfer-encoding", "chunked"),
        ("vary", "accept"),
        ("x-named", "fresh"),
        ("x-new", "fresh"),
    ];
    let expected = [
        ("cache-control", "max-age=3600"),
        ("content-encoding", "gzip"),
        ("content-foo", "new"),
        ("content-length", "36"),
        ("content-type", "text/plain"),
        ("date", NEW),
        ("etag", "W/\"a\""),
        ("link", "</b>"),
        ("link", "</a>"),
        ("vary", "accept"),
        ("x-kept", "2"),
        ("x-kept", "1"),
        ("x-named", "stored"),
    ];
    assert_eq!(update_stored(&headers(&stored), &headers(&fresh)), headers(&expected));
}

#[test]
fn a_head_confirms_by_its_validators_and_its_length() {
    const OTHER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    use Agreement::{Agrees, Differs, Unknown};
    let both: Lines<'_> = &[("etag", "\"a\""), ("last-modified", DATE)];
    let tag: Lines<'_> = &[("etag", "\"a\"")];
    let cases: &[(Lines<'_>, Lines<'_>, Agreement)] = &[
        (both, both, Agrees),
        (both, tag, Agrees),
        (both, &[("last-modified", DATE)], Agrees),
        (both, &[("etag", "\"a\""), ("content-length", "7")], Agrees),
        (both, &[("etag", "\"a\""), ("content-length", "8")], Differs),
        (both, &[("etag", "\"b\"")], Differs),
        (both, &[("etag", "W/\"a\"")], Differs),
        (both, &[("etag", "a")], Differs),
        (both, &[("etag", "\"a\""), ("last-modified", OTHER)], Differs),
        (tag, both, Differs),
        (tag, &[("etag", "\"a\""), ("etag", "\"a\"")], Differs),
        (both, &[("content-length", "8")], Differs),
        (both, &[("content-length", "7")], Unknown),
        (both, &[], Unknown),
        (&[], &[], Unknown),
    ];
    for (stored, head, expected) in cases {
        let stored = Validators::from_headers(&headers(stored));
        assert_eq!(compare(&stored, 7, &headers(head)), *expected, "{head:?}");
    }
}

/// RFC 9110 §8.8.1, §8.8.2.2.
#[test]
fn parts_are_put_together_by_a_strong_validator_alone() {
    let strong: Lines<'_> = &[("etag", "\"a\"")];
    let weak: Lines<'_> = &[("etag", "W/\"a\"")];
    let dated: Lines<'_> = &[("last-modified", OLD), ("date", NEW)];
    let just_made: Lines<'_> = &[("last-modified", OLD), ("date", OLD)];
    let cases: &[(Lines<'_>, Lines<'_>, bool)] = &[
        (strong, strong, true),
        (strong, &[("etag", "\"b\"")], false),
        (strong, weak, false),
        (weak, weak, false),
        (strong, &[], false),
        (&[("etag", "a")], &[("etag", "a")], false),
        (dated, dated, true),
        (dated, &[("last-modified", NEW), ("date", "Wed, 09 Nov 1994 08:49:37 GMT")], false),
        (dated, just_made, false),
        (just_made, just_made, false),
        (dated, &[("last-modified", OLD)], false),
        (dated, &[], false),
        // A date does not help where one of them has an entity tag.
        (dated, &[("etag", "\"a\""), ("last-modified", OLD), ("date", NEW)], false),
        (&[], &[], false),
    ];
    for (one, other, expected) in cases {
        let (first, second) = (headers(one), headers(other));
        assert_eq!(same_strong(&first, &second), *expected, "{one:?} {other:?}");
        assert_eq!(same_strong(&second, &first), *expected, "{other:?} {one:?}");
    }
}

#[test]
fn a_304_counts_only_for_the_response_it_is_about() {
    let both = &[("etag", "\"a\""), ("last-modified", OLD)][..];
    let weak = &[("etag", "W/\"a\"")][..];
    let dated = &[("last-modified", OLD)][..];
    let cases: &[(Lines<'_>, Lines<'_>, bool)] = &[
        (both, &[], true),
        (weak, &[("date", NEW)], true),
        (dated, &[], true),
        (both, &[("etag", "\"a\"")], true),
        (both, &[("etag", "W/\"a\"")], true),
        (weak, &[("etag", "W/\"a\"")], true),
        (weak, &[("etag", "\"a\"")], false),
        (both, &[("etag", "\"b\"")], false),
        (both, &[("etag", "W/\"b\"")], false),
        (both, &[("etag", "\"b\""), ("last-modified", OLD)], false),
        (both, &[("etag", "\"a\""), ("last-modified", NEW)], true),
        (dated, &[("etag", "\"a\"")], false),
        (dated, &[("etag", "\"a\""), ("last-modified", OLD)], false),
        (both, &[("last-modified", OLD)], true),
        (dated, &[("last-modified", OLD_850)], true),
        (dated, &[("last-modified", NEW)], false),
        (weak, &[("last-modified", OLD)], false),
        (both, &[("etag", "a")], false),
        (both, &[("etag", "a"), ("last-modified", OLD)], true),
        (both, &[("etag", "\"a\""), ("etag", "\"b\"")], false),
        (both, &[("last-modified", "x")], false),
    ];
    for (stored, fresh, expected) in cases {
        assert_eq!(confirms(&validators(stored), &headers(fresh)), *expected, "{stored:?} {fresh:?}");
    }
}

fn tag() -> impl Strategy<Value = String> {
    "(W/)?\"[ab,*]{0,3}\""
}

proptest! {
    #[test]
    fn a_listed_tag_is_found_wherever_it_stands(
        before in prop::collection::vec(tag(), 0..4),
        tag in tag(),
        after in prop::collection::vec(tag(), 0..4),
        glue in " ?,[, ]?",
    ) {
        let list = [&before[..], std::slice::from_ref(&tag), &after].concat();
        let (request, stored) = (headers(&[("if-none-match", &list.join(&glue))]), headers(&[("etag", &tag)]));
        prop_assert_eq!(client_condition(&request, &stored, StatusCode::OK), Condition::NotModified);

        let others = [&before[..], &after].concat();
        let strong = |tag: &str| tag.trim_start_matches("W/").to_owned();
        let listed = others.iter().any(|other| strong(other) == strong(&tag));
        let request = headers(&[("if-none-match", &others.join(&glue))]);
        prop_assert_eq!(client_condition(&request, &stored, StatusCode::OK) == Condition::NotModified, listed);
    }

    #[test]
    fn stored_headers_validate_themselves(etag in tag(), seconds in 0..4_000_000_000_u64) {
        let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        let (etag, date) = (("etag", etag.as_str()), ("last-modified", date.as_str()));
        for lines in [&[etag, date][..], &[etag], &[date]] {
            let stored = headers(lines);
            let validators = Validators::from_headers(&stored);
            let mut request = HeaderMap::new();
            validators.add_conditionals(&mut request);
            prop_assert!(confirms(&validators, &stored));
            prop_assert_eq!(client_condition(&request, &stored, StatusCode::OK), Condition::NotModified);
        }
    }
}
