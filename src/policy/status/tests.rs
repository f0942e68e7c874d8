use proptest::prelude::*;

use super::*;

fn text(told: Told) -> String {
    CacheStatus::new("odds").unwrap().value(told).to_str().unwrap().to_owned()
}

fn forward(fwd: Fwd) -> Forward {
    Forward::new(fwd)
}

#[test]
fn each_answer_has_its_value() {
    use Told::{Bypassed, Forwarded, Hit, InVain, Stale, StaleError, Unanswered};
    for (told, expected) in [
        (Hit, "odds; hit"),
        (Stale, "odds; hit; detail=stale"),
        (StaleError, "odds; hit; detail=stale_error"),
        (InVain, "odds; fwd=stale; detail=stale_error"),
        (Unanswered(Reason::OnlyIfCached), "odds; detail=only_if_cached"),
        (Forwarded(forward(Fwd::UriMiss).stored()), "odds; fwd=uri-miss; stored"),
        (Forwarded(forward(Fwd::UriMiss).stored().collapsed(true)), "odds; fwd=uri-miss; stored; collapsed"),
        (Forwarded(forward(Fwd::UriMiss).collapsed(true)), "odds; fwd=uri-miss; collapsed"),
        (
            Forwarded(forward(Fwd::VaryMiss).collapsed(false).because(Reason::Private)),
            "odds; fwd=vary-miss; collapsed=?0; detail=private",
        ),
        (
            Forwarded(forward(Fwd::Stale).answered(StatusCode::BAD_GATEWAY).because(Reason::Failure)),
            "odds; fwd=stale; fwd-status=502; detail=failure",
        ),
        (
            Forwarded(forward(Fwd::Stale).answered(StatusCode::OK).stored().collapsed(true)),
            "odds; fwd=stale; fwd-status=200; stored; collapsed",
        ),
        (Bypassed(Reason::Method), "odds; fwd=method; detail=method"),
        (Bypassed(Reason::Upgrade), "odds; fwd=bypass; detail=upgrade"),
    ] {
        assert_eq!(text(told), expected);
    }
}

/// They cost no allocation.
#[test]
fn the_usual_answers_are_ready_made() {
    use Told::{Bypassed, Forwarded, Hit, InVain, Stale, StaleError};
    let status = CacheStatus::new("odds").unwrap();
    let usual = [Hit, Stale, StaleError, InVain, Bypassed(Reason::Method), Forwarded(Forward::FILLED)];
    for told in usual {
        assert!(matches!(status.value(told), Said::Ready(_)), "{told:?}");
    }
}

#[test]
fn a_value_can_tell_more() {
    let status = CacheStatus::new("odds").unwrap();
    let hit = || status.value(Told::Hit);
    for (ttl, key, expected) in [
        (None, None, "odds; hit"),
        (Some(7), None, "odds; hit; ttl=7"),
        (Some(-7), Some("a|/b\"c"), "odds; hit; ttl=-7; key=\"a|/b\\\"c\""),
        (None, Some("caf\u{e9}"), "odds; hit"),
    ] {
        assert_eq!(*detailed(hit(), ttl, key), *expected);
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
        assert_eq!(*CacheStatus::new(name).unwrap().value(Told::Hit), *format!("{expected}; hit"));
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
        for fwd in [
            Fwd::Bypass,
            Fwd::Method,
            Fwd::UriMiss,
            Fwd::VaryMiss,
            Fwd::UriMiss,
            Fwd::Request,
            Fwd::Stale,
            Fwd::Partial,
        ] {
            for collapsed in [None, Some(true), Some(false)] {
                let status_599 = StatusCode::from_u16(599).unwrap();
                let forward =
                    Forward { collapsed, detail: reason, ..Forward::new(fwd).answered(status_599).stored() };
                let value = status.value(Told::Forwarded(forward));
                assert!(is_valid(&value), "{value:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_name_makes_a_structured_field_or_none(name in prop_oneof!["[ -~]{0,12}", "\\PC{0,6}", ".{0,6}"]) {
        if let Some(status) = CacheStatus::new(&name) {
            let forwarded = Told::Forwarded(forward(Fwd::UriMiss).because(Reason::Range));
            for told in [Told::Hit, Told::Stale, Told::StaleError, Told::InVain, forwarded] {
                let value = status.value(told);
                prop_assert!(is_valid(&value), "{:?}", value);
            }
        } else {
            prop_assert!(name.is_empty() || name.bytes().any(|b| !matches!(b, b' '..=b'~')));
        }
    }
}
