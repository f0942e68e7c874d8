//! Cache directives for some caches only (RFC 9213), such as `CDN-Cache-Control`.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::cache_control::{FieldList, MAX_SECONDS, ResponseDirectives};

/// What governs a response, and whether it is a targeted field: then neither `Cache-Control` nor `Expires` counts, nor what
/// a route says in general.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Governing {
    pub(crate) directives: ResponseDirectives,
    pub(crate) targeted: bool,
}

impl Governing {
    /// The first of the `targets` that a response has and that can be read; else its `Cache-Control` (RFC 9213 §2.2).
    pub(crate) fn of(headers: &HeaderMap, targets: &[HeaderName]) -> Self {
        match first(headers, targets) {
            Some((_, directives)) => Self { directives, targeted: true },
            None => Self { directives: ResponseDirectives::from_headers(headers), targeted: false },
        }
    }
}

/// The field that governs a response, where it is one of the `targets`.
pub(crate) fn governing_field<'a>(headers: &HeaderMap, targets: &'a [HeaderName]) -> Option<&'a HeaderName> {
    first(headers, targets).map(|(target, _)| target)
}

fn first<'a>(headers: &HeaderMap, targets: &'a [HeaderName]) -> Option<(&'a HeaderName, ResponseDirectives)> {
    targets.iter().find_map(|target| Some((target, read(headers, target)?)))
}

/// Reads a targeted field: a dictionary (RFC 9213 §2.1). One that is empty or cannot be parsed is none; a member of the
/// wrong type is ignored, unless what it would do is restrict.
fn read(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
    if lines.is_empty() {
        return None;
    }
    let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let value = |name: &str| match members.get(name) {
        Some(ListEntry::Item(item)) => Some(&item.bare_item),
        Some(ListEntry::InnerList(_)) | None => None,
    };
    let has = |name: &str| matches!(value(name), Some(BareItem::Boolean(true)));
    // Anything but a plain "no" restricts.
    let restricts =
        |name: &str| members.contains_key(name) && !matches!(value(name), Some(BareItem::Boolean(false)));
    let list = |name: &str| if restricts(name) { FieldList::All } else { FieldList::Absent };
    let seconds = |name: &str| match value(name) {
        Some(BareItem::Integer(seconds)) => {
            let seconds = u64::try_from(i64::from(*seconds)).unwrap_or(0);
            Some(Duration::from_secs(seconds).min(MAX_SECONDS))
        }
        _ => None,
    };
    let s_maxage = seconds("s-maxage");
    Some(ResponseDirectives {
        no_store: restricts("no-store"),
        no_cache: list("no-cache"),
        private: list("private"),
        public: has("public"),
        must_revalidate: restricts("must-revalidate"),
        proxy_revalidate: restricts("proxy-revalidate"),
        must_understand: has("must-understand"),
        immutable: has("immutable"),
        no_transform: restricts("no-transform"),
        shares_authorized: has("public") || has("must-revalidate") || s_maxage.is_some(),
        max_age: seconds("max-age"),
        s_maxage,
        stale_while_revalidate: seconds("stale-while-revalidate"),
        stale_if_error: seconds("stale-if-error"),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TARGET: HeaderName = HeaderName::from_static("cdn-cache-control");

    fn governing(lines: &[&'static str]) -> Governing {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        for line in lines {
            headers.append(TARGET, HeaderValue::from_static(line));
        }
        Governing::of(&headers, &[TARGET])
    }

    #[test]
    fn a_targeted_field_governs_alone_if_it_can_be_read() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (lines, targeted, max_age) in [
            (&["max-age=60"][..], true, seconds(60)),
            (&["max-age=60; extension=1, other"], true, seconds(60)),
            (&["max-age=1", "max-age=60"], true, seconds(60)),
            (&["max-age=99999999999"], true, Some(MAX_SECONDS)),
            (&["max-age=-1"], true, seconds(0)),
            (&["max-age=\"60\""], true, None),
            (&["max-age=60.5"], true, None),
            (&["MAX-AGE=60"], false, seconds(5)),
            (&["max-age=60,"], false, seconds(5)),
            (&["max-age=&60"], false, seconds(5)),
            (&[""], false, seconds(5)),
            (&[], false, seconds(5)),
        ] {
            let Governing { directives, targeted: found } = governing(lines);
            assert_eq!((found, directives.max_age), (targeted, max_age), "{lines:?}");
        }
    }

    /// RFC 9111 §3.5.
    #[test]
    fn each_of_three_shares_what_authorization_guards() {
        for line in ["public", "must-revalidate", "s-maxage=0"] {
            assert!(governing(&[line]).directives.shares_authorized, "{line}");
        }
        for line in ["max-age=60", "public=?0", "must-revalidate=1", "s-maxage=\"60\""] {
            assert!(!governing(&[line]).directives.shares_authorized, "{line}");
        }
    }

    #[test]
    fn what_restricts_does_so_whatever_its_type() {
        for line in ["no-store", "no-store=1", "no-store=(a)", "no-store=?1;a"] {
            assert!(governing(&[line]).directives.no_store, "{line}");
        }
        assert!(!governing(&["no-store=?0"]).directives.no_store);
        assert_eq!(governing(&["private=\"set-cookie\""]).directives.private, FieldList::All);
        assert!(!governing(&["public=1"]).directives.public);
    }
}
