//! A part of a stored whole (RFC 9110 §14, RFC 9111 §3.3 and §4).

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};

use super::{date, validation};

/// What a request with `Range` gets of a stored 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: the range cannot be read, is not of bytes, is one of several, or `If-Range` does not hold. A server may
    /// always answer so (RFC 9110 §14.2).
    Whole,
    /// These bytes: at least one, and none beyond its end.
    Part(Range<u64>),
    /// Nothing: no byte of the range is there (416).
    Unsatisfiable,
}

/// What a request wants of a stored response of `length` bytes.
pub(crate) fn wanted(request: &HeaderMap, stored: &HeaderMap, length: u64) -> Wanted {
    let Some(asked) = asked(request).filter(|_| holds(request, stored)) else { return Wanted::Whole };
    let part = match asked {
        Asked::Last(suffix) => length.saturating_sub(suffix)..length,
        Asked::From(first) => first..length,
        Asked::Between(first, last) => first..length.min(last.saturating_add(1)),
    };
    if part.is_empty() { Wanted::Unsatisfiable } else { Wanted::Part(part) }
}

/// Whether a request asks for one range of bytes.
pub(crate) fn asks_for_part(request: &HeaderMap) -> bool {
    asked(request).is_some()
}

/// One range of bytes, as it is asked for (RFC 9110 §14.1.2).
enum Asked {
    /// So many at the end.
    Last(u64),
    /// All from this one on.
    From(u64),
    /// From the first to the last, both included.
    Between(u64, u64),
}

/// The range of bytes that a request asks for, if it is one and can be read.
fn asked(request: &HeaderMap) -> Option<Asked> {
    let (unit, spec) = single(request, header::RANGE)?.to_str().ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    match (number(first)?, number(last)?) {
        (None, Some(suffix)) => Some(Asked::Last(suffix)),
        (Some(first), None) => Some(Asked::From(first)),
        (Some(first), Some(last)) if first <= last => Some(Asked::Between(first, last)),
        _ => None,
    }
}

/// `Content-Range` of a part, or of what is not there (RFC 9110 §14.4).
pub(crate) fn content_range(part: Option<&Range<u64>>, length: u64) -> HeaderValue {
    let text = match part {
        Some(part) => format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1)),
        None => format!("bytes */{length}"),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// The headers of a 416 in the place of a stored response. It has not the content that they describe, and is not as fresh:
/// a cache further down, whose key has no `Range`, must not answer others with it.
pub(crate) fn unsatisfiable_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = validation::not_modified_headers(stored);
    for name in [header::CDN_CACHE_CONTROL, header::EXPIRES] {
        headers.remove(name);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
}

/// Whether `If-Range` holds, or is not there: by a strong entity tag, or by a date that is the stored one exactly and old
/// enough to be a strong validator (RFC 9110 §13.1.5, §8.8.2.2).
fn holds(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if !request.contains_key(header::IF_RANGE) {
        return true;
    }
    let Some(condition) = single(request, header::IF_RANGE) else { return false };
    if condition.as_bytes().starts_with(b"\"") {
        return validation::Validators::from_headers(stored).etag.as_ref() == Some(condition);
    }
    let date = date::http_date(condition);
    date.is_some() && date == validation::strong_date(stored)
}

/// A number, none, or something else.
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Some(text.parse().unwrap_or(u64::MAX)))
}

fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
            })
            .collect()
    }

    #[test]
    fn a_range_is_a_part_of_what_is_there() {
        for (range, expected) in [
            ("bytes=0-4", Wanted::Part(0..5)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=9-99", Wanted::Part(9..10)),
            ("bytes=0-18446744073709551615", Wanted::Part(0..10)),
            ("bytes=99999999999999999999-", Wanted::Unsatisfiable),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("BYTES = 0-0", Wanted::Part(0..1)),
            ("bytes=4-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=a-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            let request = headers(&[("range", range)]);
            assert_eq!(asks_for_part(&request), expected != Wanted::Whole, "{range}");
            assert_eq!(wanted(&request, &HeaderMap::new(), 10), expected, "{range}");
        }
        assert_eq!(wanted(&headers(&[("range", "bytes=0-")]), &HeaderMap::new(), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(&HeaderMap::new(), &HeaderMap::new(), 10), Wanted::Whole);
    }

    #[test]
    fn a_condition_that_does_not_hold_asks_for_the_whole() {
        let tagged = headers(&[("etag", "\"a\"")]);
        let weak = headers(&[("etag", "W/\"a\"")]);
        let old = headers(&[("last-modified", MODIFIED), ("date", "Sun, 06 Nov 1994 08:49:38 GMT")]);
        let fresh = headers(&[("last-modified", MODIFIED), ("date", MODIFIED)]);
        for (stored, condition, holds) in [
            (&tagged, "\"a\"", true),
            (&tagged, "\"b\"", false),
            (&weak, "\"a\"", false),
            (&weak, "W/\"a\"", false),
            (&old, MODIFIED, true),
            (&old, "Sun, 06 Nov 1994 08:49:36 GMT", false),
            (&fresh, MODIFIED, false),
            (&tagged, "nonsense", false),
        ] {
            let request = headers(&[("range", "bytes=0-0"), ("if-range", condition)]);
            assert_eq!(wanted(&request, stored, 10) != Wanted::Whole, holds, "{condition}");
        }
    }

    /// RFC 9110 §15.5.17.
    #[test]
    fn what_is_said_of_content_and_freshness_is_not_said_of_a_416() {
        let stored = headers(&[
            ("etag", "\"a\""),
            ("vary", "accept"),
            ("content-type", "text/plain"),
            ("content-length", "10"),
            ("cache-control", "max-age=60"),
            ("cdn-cache-control", "max-age=600"),
            ("expires", MODIFIED),
        ]);
        let expected = headers(&[("etag", "\"a\""), ("vary", "accept"), ("cache-control", "no-store")]);
        assert_eq!(unsatisfiable_headers(&stored), expected);
    }

    #[test]
    fn a_content_range_says_what_it_is() {
        assert_eq!(content_range(Some(&(2..5)), 10), "bytes 2-4/10");
        assert_eq!(content_range(None, 10), "bytes */10");
    }
}
