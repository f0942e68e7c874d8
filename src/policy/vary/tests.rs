use proptest::prelude::*;

use super::*;

type Lines<'a> = &'a [(&'static str, &'a str)];

fn headers(lines: Lines<'_>) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        })
        .collect()
}

fn vary(lines: &[&str]) -> Vary {
    Vary::from_headers(&headers(&lines.iter().map(|line| ("vary", *line)).collect::<Vec<_>>()))
}

#[test]
fn names_are_sorted_and_each_there_once() {
    let names = |names: &[&'static str]| {
        Vary::Fields(names.iter().map(|name| HeaderName::from_static(name)).collect())
    };
    let cases: &[(&[&str], Vary)] = &[
        (&[], Vary::None),
        (&[""], Vary::None),
        (&[" , ,\t"], Vary::None),
        (&["Accept-Encoding"], names(&["accept-encoding"])),
        (&["x-b, Accept ,,x-a", "ACCEPT"], names(&["accept", "x-a", "x-b"])),
        (&["*"], Vary::Any),
        (&["*, *"], Vary::Any),
        (&[", *"], Vary::Any),
        (&["", "*"], Vary::Any),
        (&["*, foo"], Vary::Any),
        (&["foo,*"], Vary::Any),
        (&["foo", "bar", " * "], Vary::Any),
        (&["foo bar"], Vary::Any),
        (&["\"foo\""], Vary::Any),
        (&["foo;q=1"], Vary::Any),
        (&["fo\u{e9}"], Vary::Any),
    ];
    for (lines, expected) in cases {
        assert_eq!(vary(lines), *expected, "{lines:?}");
    }
}

#[test]
fn requests_match_by_normalised_values() {
    let cases: &[(Lines<'_>, Lines<'_>, bool)] = &[
        (&[], &[], true),
        (&[("foo", "1")], &[("foo", "1")], true),
        (&[("foo", "1")], &[("foo", " 1\t"), ("baz", "2")], true),
        (&[("foo", "1")], &[("foo", "2")], false),
        (&[("foo", "1")], &[("foo", "1x")], false),
        (&[("foo", "1x")], &[("foo", "1")], false),
        (&[("foo", "a")], &[("foo", "A")], false),
        (&[("foo", "1")], &[], false),
        (&[], &[("foo", "1")], false),
        (&[("foo", "")], &[], false),
        (&[], &[("foo", "")], false),
        (&[("foo", "")], &[("foo", " ")], true),
        (&[("foo", "1, 2")], &[("foo", "1"), ("foo", "2 ")], true),
        (&[("foo", "1"), ("foo", "2")], &[("foo", "1, 2")], true),
        (&[("foo", "1"), ("foo", "2")], &[("foo", "2"), ("foo", "1")], false),
        (&[("foo", "1"), ("foo", "2")], &[("foo", "1")], false),
        (&[("foo", "1")], &[("foo", "1"), ("foo", "")], false),
        (&[("foo", "1"), ("bar", "2")], &[("bar", "2"), ("foo", "1")], true),
        (&[("foo", "1"), ("bar", "2")], &[("bar", "1"), ("foo", "2")], false),
        (&[("foo", "12"), ("bar", "")], &[("foo", "1"), ("bar", "2")], false),
        (&[("foo", "\u{e9}")], &[("foo", "\u{e9}")], true),
    ];
    for (first, second, expected) in cases {
        let selecting = vary(&["foo, bar"]).select(&headers(first)).unwrap();
        assert_eq!(selecting.matches(&headers(second)), *expected, "{first:?} {second:?}");
    }
}

#[test]
fn fields_of_a_known_grammar_match_in_all_their_spellings() {
    let cases: &[(&'static str, &str, &[&str], bool)] = &[
        ("accept-language", "en, de", &["en,de"], true),
        ("accept-language", "en, de", &[" en ,\t de "], true),
        ("accept-language", "eN, De", &["EN", "dE"], true),
        ("accept-language", "en,,de,", &["en, de"], true),
        ("accept-language", "en;q=0.5", &["en ; Q=0.5"], true),
        ("accept-language", "en, de", &["de, en"], false),
        ("accept-language", "en, de", &["en; de"], false),
        ("accept-language", "en de", &["ende"], false),
        ("accept-language", "en, de", &["ende"], false),
        ("accept-language", "en;q=0.5", &["enq=0.5"], false),
        ("accept-language", "", &[" , "], true),
        ("accept-language", "", &["en"], false),
        ("accept-language", "", &[], false),
        ("accept-encoding", "gzip, BR", &["gzip,br"], true),
        ("accept-encoding", "gzip;q=1", &["gzip"], false),
        ("accept-charset", "UTF-8", &["utf-8"], true),
        ("accept", "text/html; level=1,a/b", &["text/html;level=1, a/b"], true),
        ("accept", "a/b;p=X", &["a/b;p=x"], false),
        ("accept", "a/b;p=\"x, y\"", &["a/b;p=\"x,y\""], false),
        ("accept", "a/b;p=\"x\"", &["a/b;p=\"x\""], true),
        ("accept", "a/b;p=\"x\"", &["a/b; p=\"x\""], false),
        ("foo", "1, 2", &["1,2"], false),
        ("foo", "A", &["a"], false),
    ];
    for (name, first, second, expected) in cases {
        let selecting = vary(&[name]).select(&headers(&[(name, first)])).unwrap();
        let second: Vec<_> = second.iter().map(|value| (*name, *value)).collect();
        let second = headers(&second);
        assert_eq!(selecting.matches(&second), *expected, "{name}: {first:?} {second:?}");
        assert_eq!(selecting == selecting.reselect(&second), *expected, "{name}: {first:?} {second:?}");
    }
}

/// The short cut says yes only where the whole comparison does.
#[test]
fn what_is_spelled_as_it_is_kept_matches_as_it_is() {
    let selecting =
        vary(&["foo, accept-language"]).select(&headers(&[("accept-language", "EN,de")])).unwrap();
    for (request, expected) in [
        (&[("accept-language", "en, de")][..], true),
        (&[("accept-language", "en"), ("accept-language", " de")], true),
        (&[("accept-language", "en,de")], false),
        (&[("accept-language", "en, de"), ("foo", "")], false),
        (&[], false),
    ] {
        assert_eq!(selecting.matches_as_it_is(&headers(request)), expected, "{request:?}");
    }
}

#[test]
fn nothing_selects_what_varies_on_anything_and_all_selects_what_varies_on_nothing() {
    assert_eq!(Vary::Any.select(&headers(&[("foo", "1")])), None);
    let selecting = Vary::None.select(&headers(&[("foo", "1")])).unwrap();
    assert!(selecting == Selecting::default() && selecting.matches(&headers(&[("bar", "1")])));
    assert_eq!(selecting.bytes(), 0);
}

#[test]
fn fields_compare_without_values() {
    let select = |names, request: &[_]| vary(&[names]).select(&headers(request)).unwrap();
    assert!(select("a, b", &[("a", "1")]).same_fields(&select("B, A", &[("a", "2"), ("b", "3")])));
    assert!(!select("a, b", &[]).same_fields(&select("a", &[])));
    assert!(!select("a", &[]).same_fields(&select("b", &[])));
}

#[test]
fn debug_shows_no_values() {
    let selecting = vary(&["cookie"]).select(&headers(&[("cookie", "session=secret")])).unwrap();
    assert_eq!(format!("{selecting:?}"), "{\"cookie\"}");
}

#[test]
fn all_that_it_takes_counts() {
    let selecting = vary(&["foo, bar"]).select(&headers(&[("foo", "1")])).unwrap();
    assert_eq!(selecting.bytes(), 2 * size_of::<Selected>() + "foobar1".len());
}

fn request() -> impl Strategy<Value = HeaderMap> {
    let value = prop_oneof!["[abA,; \"]{0,5}", "\\PC{0,3}"];
    let line = (prop::sample::select(vec!["foo", "accept-language", "accept"]), value).prop_filter_map(
        "a header value",
        |(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).ok()?))
        },
    );
    prop::collection::vec(line, 0..4).prop_map(|lines| lines.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn matching_is_equality(names in "(foo|accept|accept-language|foo,accept-language)", first in request(), second in request()) {
        let vary = vary(&[&names]);
        let (a, b) = (vary.select(&first).unwrap(), vary.select(&second).unwrap());
        prop_assert!(a.matches(&first));
        prop_assert_eq!(a.matches(&second), a == b);
    }
}
