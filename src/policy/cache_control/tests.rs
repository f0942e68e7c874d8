use http::HeaderValue;

use super::*;

mod properties;

fn headers(name: HeaderName, lines: &[&[u8]]) -> HeaderMap {
    lines.iter().map(|line| (name.clone(), HeaderValue::from_bytes(line).unwrap())).collect()
}

fn response(line: &str) -> ResponseDirectives {
    ResponseDirectives::from_headers(&headers(CACHE_CONTROL, &[line.as_bytes()]))
}

fn request(line: &str) -> RequestDirectives {
    RequestDirectives::from_headers(&headers(CACHE_CONTROL, &[line.as_bytes()]))
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn fields(names: &[&'static str]) -> FieldList {
    FieldList::Fields(names.iter().map(|name| HeaderName::from_static(name)).collect())
}

#[test]
fn every_response_directive_is_read() {
    let read = response(
        "no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, immutable, \
         no-transform, max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4, unknown, other=5",
    );
    let expected = ResponseDirectives {
        no_store: true,
        no_cache: FieldList::All,
        private: FieldList::All,
        public: true,
        must_revalidate: true,
        proxy_revalidate: true,
        must_understand: true,
        immutable: true,
        no_transform: true,
        shares_authorized: true,
        max_age: seconds(1),
        s_maxage: seconds(2),
        stale_while_revalidate: seconds(3),
        stale_if_error: seconds(4),
    };
    assert_eq!(read, expected);
    assert_eq!(response(""), ResponseDirectives::default());
    assert_eq!(response(" ,\t, ,"), ResponseDirectives::default());
}

#[test]
fn lines_are_one_list() {
    let lines: &[&[u8]] = &[b"max-age=60", b"", b"No-Store,", b"private=\"a\""];
    let read = ResponseDirectives::from_headers(&headers(CACHE_CONTROL, lines));
    assert!(read.no_store);
    assert_eq!(read.max_age, seconds(60));
    assert_eq!(read.private, fields(&["a"]));
}

#[test]
fn other_fields_are_read_only_by_name() {
    let name = HeaderName::from_static("cdn-cache-control");
    let headers = headers(name.clone(), &[b"max-age=60"]);
    assert_eq!(ResponseDirectives::from_headers(&headers), ResponseDirectives::default());
    assert_eq!(ResponseDirectives::from_field(&headers, &name).max_age, seconds(60));
}

#[test]
fn pragma_in_a_response_means_nothing() {
    let read = ResponseDirectives::from_headers(&headers(PRAGMA, &[b"no-cache, no-store"]));
    assert_eq!(read, ResponseDirectives::default());
}

#[test]
fn a_number_that_gives_freshness_is_0_if_it_cannot_be_read() {
    let cases = [
        ("max-age=0", 0),
        ("MaX-aGe=3600", 3600),
        ("max-age=003600", 3600),
        ("max-age=\"3600\"", 3600),
        ("max-age=2147483647", (1 << 31) - 1),
        ("max-age=2147483648", 1 << 31),
        ("max-age=99999999999999999999999999", 1 << 31),
        ("max-age=1800, max-age=1", 1),
        ("max-age=1, max-age=1800", 1),
        ("max-age=60, max-age=x", 0),
        ("extension=\"max-age=3600\", max-age=1", 1),
        ("max-age=3600, extension=\"max-age=1\"", 3600),
        ("foobar, max-age=3600", 3600),
        ("max-age=60,", 60),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age=\"\"", 0),
        ("max-age=-3600", 0),
        ("max-age=3600.0", 0),
        ("max-age=+5", 0),
        ("max-age=a3600", 0),
        ("max-age=3600a", 0),
        ("max-age='3600'", 0),
        ("max-age =3600", 0),
        ("max-age= 3600", 0),
        ("max-age=3600; public", 0),
        ("public; max-age=3600", 0),
        ("max-age=\"3600", 0),
        ("max-age=\"36\\00\"", 0),
        ("max-age=36\"00\"", 0),
        ("max-age:3600", 0),
        ("max-age=1 2", 0),
    ];
    for (line, expected) in cases {
        assert_eq!(response(line).max_age, seconds(expected), "{line}");
        let shared = line.replace("max-age", "s-maxage").replace("MaX-aGe", "S-MaXaGe");
        assert_eq!(response(&shared).s_maxage, seconds(expected), "{shared}");
        assert_eq!(request(line).max_age, seconds(expected), "{line}");
    }
}

#[test]
fn a_number_that_allows_stale_is_absent_if_it_cannot_be_read() {
    let cases = [
        ("stale-while-revalidate=60", seconds(60)),
        ("stale-while-revalidate=\"60\"", seconds(60)),
        ("stale-while-revalidate=60, Stale-While-Revalidate=0", seconds(0)),
        ("stale-while-revalidate=99999999999999999999", seconds(1 << 31)),
        ("stale-while-revalidate", None),
        ("stale-while-revalidate=", None),
        ("stale-while-revalidate=-1", None),
        ("stale-while-revalidate=1.5", None),
        ("stale-while-revalidate =60", None),
        ("stale-while-revalidate=60; public", None),
        ("stale-while-revalidate=60, stale-while-revalidate=x", None),
        ("stale-while-revalidate=x, stale-while-revalidate=60", None),
        ("foo=\"bar, stale-while-revalidate=60", None),
    ];
    for (line, expected) in cases {
        assert_eq!(response(line).stale_while_revalidate, expected, "{line}");
        let error = line.to_lowercase().replace("stale-while-revalidate", "stale-if-error");
        assert_eq!(response(&error).stale_if_error, expected, "{error}");
    }
}

#[test]
fn a_field_list_that_cannot_be_read_is_everything() {
    let many = format!("no-cache=\"{}\"", (0..40).map(|n| format!("x-{n},")).collect::<String>());
    let cases = [
        ("public", FieldList::Absent),
        ("no-cache", FieldList::All),
        ("no-cache=\"set-cookie\"", fields(&["set-cookie"])),
        ("no-cache=set-cookie", fields(&["set-cookie"])),
        ("No-Cache=\"Set-Cookie, X-A ,, x-a\"", fields(&["set-cookie", "x-a"])),
        ("no-cache=\"x-\\a\"", fields(&["x-a"])),
        ("no-cache=\"a\", no-cache=\"b, a\"", fields(&["a", "b"])),
        ("no-cache=\"a\", no-cache", FieldList::All),
        ("no-cache, no-cache=\"a\"", FieldList::All),
        ("no-cache=\"\"", FieldList::All),
        ("no-cache=\" , \"", FieldList::All),
        ("no-cache=", FieldList::All),
        ("no-cache=\"a b\"", FieldList::All),
        ("no-cache=\"a, @\"", FieldList::All),
        ("no-cache=\"a", FieldList::All),
        ("no-cache=\"a\"b", FieldList::All),
        ("no-cache= \"a\"", FieldList::All),
        ("no-cache =\"a\"", FieldList::All),
        ("no-cache='a'; foo", FieldList::All),
        (&many, FieldList::All),
    ];
    for (line, expected) in cases {
        assert_eq!(response(line).no_cache, expected, "{line}");
        let private = line.to_lowercase().replace("no-cache", "private");
        assert_eq!(response(&private).private, expected, "{private}");
    }
}

#[test]
fn more_than_32_fields_are_everything() {
    for (lists, counts) in [
        (&[(0, 32)][..], true),
        (&[(0, 33)], false),
        (&[(0, 6), (6, 12)], true),
        (&[(0, 31), (31, 32)], true),
        (&[(0, 32), (32, 33)], false),
    ] {
        let list = |(from, to): &(u32, u32)| (*from..*to).map(|n| format!("x-{n},")).collect::<String>();
        let line: String = lists.iter().map(|numbers| format!("private=\"{}\",", list(numbers))).collect();
        assert_eq!(matches!(response(&line).private, FieldList::Fields(_)), counts, "{lists:?}");
    }
}

#[test]
fn broken_text_restricts_and_never_grants() {
    let restricting = [
        "no-store; max-age=60",
        "max-age=60 no-store",
        "max-age=60; no-store",
        "foo=\"bar, no-store",
        "foo=\"bar, no-store, baz=\"qux\"",
        "foo=\"bar\\\", no-store",
        "foo\"bar, no-store, baz\"",
        "\"no-store\"",
        "no-store=1",
        "no-store=\"",
        "=no-store",
        "@no-store",
        "(no-store)",
        "no-store\u{e9}",
        "must-understand=1",
        "must-understand; foo",
    ];
    for line in restricting {
        assert!(response(line).no_store, "{line}");
    }
    let harmless =
        ["foo=\"no-store\"", "foo=\"a, no-store, b\"", "foo=\"a\\\", no-store\"", "no-store2", "x=no-store"];
    for line in harmless {
        assert!(!response(line).no_store, "{line}");
    }
    for line in
        ["public; foo", "foo=\"bar, public", "public=1", "immutable=\"\", x=\"", "immutable must-understand"]
    {
        let read = response(line);
        assert!(
            !read.public && !read.immutable && !read.must_understand && !read.shares_authorized,
            "{line}"
        );
    }
    for line in ["foo; must-revalidate", "foo; proxy-revalidate", "foo; private", "foo; no-transform"] {
        assert_ne!(response(line), ResponseDirectives::default(), "{line}");
    }
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    for line in [
        &b"\xff\xfe, no-store"[..],
        b"no-store, \xff",
        b"foo=\xff, no-store",
        b"foo=\"\xff\", no-store",
        b"\xffno-store",
    ] {
        assert!(ResponseDirectives::from_headers(&headers(CACHE_CONTROL, &[line])).no_store, "{line:?}");
    }
}

#[test]
fn what_authorization_guards_is_shared_only_beyond_doubt() {
    for line in ["public", "must-revalidate", "s-maxage=0", "s-maxage=\"60\"", "foo, PUBLIC"] {
        assert!(response(line).shares_authorized, "{line}");
    }
    for line in [
        "",
        "max-age=60",
        "proxy-revalidate",
        "s-maxage",
        "s-maxage=x",
        "foo; must-revalidate",
        "must-revalidate=1",
    ] {
        assert!(!response(line).shares_authorized, "{line}");
    }
}

/// RFC 9111 §5.2.2.8, §5.2.2.10.
#[test]
fn what_is_said_to_shared_caches_counts_for_them_alone() {
    let read = response("max-age=1, s-maxage=2, proxy-revalidate, must-revalidate").for_private_cache();
    assert_eq!(read, response("max-age=1, must-revalidate"));
}

/// RFC 9111 §5.2.1.5, §5.2.1.7.
#[test]
fn a_request_fetches_for_all_unless_it_forbids_to_store_or_to_fetch() {
    for (line, expected) in [
        ("", true),
        ("no-cache, max-age=0", true),
        ("no-store", false),
        ("only-if-cached", false),
        ("no-store, only-if-cached", false),
    ] {
        assert_eq!(request(line).may_fetch_for_all(), expected, "{line}");
    }
}

#[test]
fn every_request_directive_is_read() {
    let read = request("no-cache, no-store, only-if-cached, max-age=1, min-fresh=2, max-stale=3, foo=4");
    let expected = RequestDirectives {
        no_cache: true,
        no_store: true,
        only_if_cached: true,
        max_age: seconds(1),
        min_fresh: seconds(2),
        max_stale: Some(seconds(3)),
    };
    assert_eq!(read, expected);
    assert_eq!(request(""), RequestDirectives::default());
}

#[test]
fn request_numbers_are_read_strictly() {
    for (line, expected) in [
        ("max-stale", Some(None)),
        ("max-stale=0", Some(seconds(0))),
        ("max-stale, max-stale=5", Some(seconds(5))),
        ("max-stale=5, max-stale", Some(seconds(5))),
        ("max-stale=x", None),
        ("max-stale=5, max-stale=x", None),
        ("max-stale; foo", None),
    ] {
        assert_eq!(request(line).max_stale, expected, "{line}");
    }
    for (line, expected) in [
        ("min-fresh=5", seconds(5)),
        ("min-fresh=5, min-fresh=3", seconds(5)),
        ("min-fresh=x", seconds(1 << 31)),
        ("min-fresh", seconds(1 << 31)),
        ("max-age=5", None),
    ] {
        assert_eq!(request(line).min_fresh, expected, "{line}");
    }
}

#[test]
fn pragma_in_a_request_counts_without_cache_control() {
    let pragma = headers(PRAGMA, &[b"foo, No-Cache"]);
    assert!(RequestDirectives::from_headers(&pragma).no_cache);
    let mut both = pragma;
    both.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    assert!(!RequestDirectives::from_headers(&both).no_cache);
    assert!(!RequestDirectives::from_headers(&headers(PRAGMA, &[b"foo=\"no-cache\""])).no_cache);
}
