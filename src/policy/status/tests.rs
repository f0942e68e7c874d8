use proptest::prelude::*;

use super::*;

fn text(value: HeaderValue) -> String {
    value.to_str().unwrap().to_owned()
}

#[test]
fn values_from_memory() {
    let status = CacheStatus::new("odds").unwrap();
    assert_eq!(text(status.hit()), "odds; hit");
    assert_eq!(text(status.stale()), "odds; hit; detail=stale");
    assert_eq!(text(status.stale_error()), "odds; hit; detail=stale_error");
    assert_eq!(text(status.revalidated()), "odds; fwd=stale; fwd-status=304");
    assert_eq!(text(status.revalidated_on_request()), "odds; fwd=request; fwd-status=304");
    assert_eq!(text(status.unanswered(Reason::OnlyIfCached)), "odds; detail=only_if_cached");
}

#[test]
fn values_of_forwarded_requests() {
    let status = CacheStatus::new("odds").unwrap();
    let cases = [
        (status.forwarded(Fwd::UriMiss, None, true, None, None), "odds; fwd=uri-miss; stored"),
        (status.forwarded(Fwd::UriMiss, None, false, Some(true), None), "odds; fwd=uri-miss; collapsed"),
        (
            status.forwarded(Fwd::VaryMiss, None, false, Some(false), Some(Reason::Private)),
            "odds; fwd=vary-miss; collapsed=?0; detail=private",
        ),
        (
            status.forwarded(Fwd::Stale, Some(StatusCode::BAD_GATEWAY), false, None, Some(Reason::Failure)),
            "odds; fwd=stale; fwd-status=502; detail=failure",
        ),
        (
            status.forwarded(Fwd::Stale, Some(StatusCode::OK), true, Some(true), None),
            "odds; fwd=stale; fwd-status=200; stored; collapsed",
        ),
        (
            status.forwarded(Fwd::Method, None, false, None, Some(Reason::Method)),
            "odds; fwd=method; detail=method",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(text(value), expected);
    }
}

#[test]
fn names_are_tokens_or_strings() {
    for (name, expected) in [
        ("odds", "odds"),
        ("*odds/v1:eu", "*odds/v1:eu"),
        ("1odds", "\"1odds\""),
        ("my cache", "\"my cache\""),
        ("a;b,c", "\"a;b,c\""),
        ("a\"b\\c", "\"a\\\"b\\\\c\""),
    ] {
        assert_eq!(text(CacheStatus::new(name).unwrap().hit()), format!("{expected}; hit"));
    }
    for name in ["", "caf\u{e9}", "a\nb", "a\rb", "a\0b", "a\tb", "\u{7f}"] {
        assert!(CacheStatus::new(name).is_none(), "{name:?}");
    }
}

/// A bare item, from its start to what follows it (RFC 9651 §4.2.3.1, as far as these values need it).
fn bare_item(text: &str) -> Option<&str> {
    if let Some(mut string) = text.strip_prefix('"') {
        loop {
            string = match string.chars().next()? {
                '"' => return string.get(1..),
                '\\' if matches!(string.get(1..2)?, "\"" | "\\") => string.get(2..)?,
                ' '..='[' | ']'..='~' => string.get(1..)?,
                _ => return None,
            };
        }
    }
    if let Some(boolean) = text.strip_prefix('?') {
        return boolean.strip_prefix(['0', '1']);
    }
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c);
    let (end, digits) =
        (text.find(|c| !token(c)).unwrap_or(text.len()), text.starts_with(|c: char| c.is_ascii_digit()));
    let item = text.get(..end)?;
    let valid = if digits { item.len() <= 15 && item.bytes().all(|b| b.is_ascii_digit()) } else { true };
    (valid && item.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '*')).then(|| &text[end..])
}

/// One list member whose parameters are those of RFC 9211 §2, each at most once, and which has either `hit` or `fwd`.
fn is_valid(value: &HeaderValue) -> bool {
    let Some(mut rest) = value.to_str().ok().and_then(bare_item) else { return false };
    let mut names = Vec::new();
    while let Some(parameter) = rest.strip_prefix("; ") {
        let end = parameter.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(parameter.len());
        let (name, after) = parameter.split_at(end);
        names.push(name);
        rest = match after.strip_prefix('=') {
            Some(item) => match bare_item(item) {
                Some(rest) => rest,
                None => return false,
            },
            None => after,
        };
    }
    let known = ["hit", "fwd", "fwd-status", "stored", "collapsed", "detail"];
    let once =
        names.iter().all(|name| known.contains(name) && names.iter().filter(|n| n == &name).count() == 1);
    rest.is_empty() && once && names.contains(&"hit") != names.contains(&"fwd")
}

#[test]
fn every_value_is_a_structured_field() {
    let status = CacheStatus::new("odds").unwrap();
    let reasons = Reason::ALL.iter().copied().map(Some).chain([None]);
    for reason in reasons {
        for fwd in
            [Fwd::Bypass, Fwd::Method, Fwd::UriMiss, Fwd::VaryMiss, Fwd::UriMiss, Fwd::Request, Fwd::Stale]
        {
            for collapsed in [None, Some(true), Some(false)] {
                let value = status.forwarded(fwd, StatusCode::from_u16(599).ok(), true, collapsed, reason);
                assert!(is_valid(&value), "{value:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_name_makes_a_structured_field_or_none(name in prop_oneof!["[ -~]{0,12}", "\\PC{0,6}", ".{0,6}"]) {
        if let Some(status) = CacheStatus::new(&name) {
            let forwarded = status.forwarded(Fwd::UriMiss, None, false, None, Some(Reason::Range));
            for value in [status.hit(), status.stale(), status.stale_error(), status.forwarded_in_vain(), status.revalidated(), forwarded] {
                prop_assert!(is_valid(&value), "{:?}", value);
            }
        } else {
            prop_assert!(name.is_empty() || name.bytes().any(|b| !matches!(b, b' '..=b'~')));
        }
    }
}
