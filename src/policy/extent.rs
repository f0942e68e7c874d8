//! Which bytes of a whole a part has (RFC 9110 §14.4).

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};

use super::date::only_value;

/// The bytes that a part has, one at least, and how many the whole has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) bytes: Range<u64>,
    pub(crate) whole: u64,
}

impl Extent {
    /// What a 206 with a body of `length` bytes, as far as that is known, has of its whole. `None` where it does not say so
    /// clearly, or says something else than its body: such a part can be passed on and no more.
    pub(crate) fn of(headers: &HeaderMap, length: Option<u64>) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        // Each of its parts has a `Content-Range` of its own (RFC 9110 §15.3.7.2).
        if content_type.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/")) {
            return None;
        }
        let (unit, spec) =
            only_value(headers, &header::CONTENT_RANGE)?.to_str().ok()?.trim().split_once(' ')?;
        let (range, whole) = spec.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last, whole) = (number(first)?, number(last)?, number(whole)?);
        let extent = Self { bytes: first..last.checked_add(1)?, whole };
        let is_right = unit.eq_ignore_ascii_case("bytes") && first <= last && last < whole;
        (is_right && length.is_none_or(|length| length == extent.len())).then_some(extent)
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.end.saturating_sub(self.bytes.start)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.bytes == (0..self.whole)
    }

    /// Whether it has all of these bytes.
    pub(crate) fn covers(&self, bytes: &Range<u64>) -> bool {
        self.bytes.start <= bytes.start && bytes.end <= self.bytes.end
    }

    /// What it has together with `other`, if they are of one length and nothing is missing between them.
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        let touch = self.bytes.start <= other.bytes.end && other.bytes.start <= self.bytes.end;
        let start = self.bytes.start.min(other.bytes.start);
        let end = self.bytes.end.max(other.bytes.end);
        (touch && self.whole == other.whole).then_some(Self { bytes: start..end, whole: self.whole })
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(bytes: Range<u64>, whole: u64) -> Extent {
        Extent { bytes, whole }
    }

    fn of(content_range: &str, length: Option<u64>) -> Option<Extent> {
        let value = HeaderValue::from_str(content_range).expect("a value");
        Extent::of(&HeaderMap::from_iter([(header::CONTENT_RANGE, value)]), length)
    }

    #[test]
    fn a_part_says_which_bytes_it_has() {
        for (line, expected) in [
            ("bytes 0-4/10", Some(0..5)),
            ("Bytes 9-9/10", Some(9..10)),
            ("bytes 0-9/10", Some(0..10)),
            ("bytes 0-4/*", None),
            ("bytes */10", None),
            ("bytes 4-10/10", None),
            ("bytes 5-4/10", None),
            ("bytes +0-4/10", None),
            ("bytes 0-4", None),
            ("bytes -/", None),
            ("lines 0-4/10", None),
            ("bytes=0-4/10", None),
            ("bytes 0-18446744073709551615/18446744073709551615", None),
            ("bytes 0-99999999999999999999/999999999999999999999", None),
        ] {
            assert_eq!(of(line, None), expected.map(|bytes| extent(bytes, 10)), "{line}");
        }
        assert_eq!(of("bytes 4-9/10", Some(6)), Some(extent(4..10, 10)));
        assert_eq!(of("bytes 4-9/10", Some(5)), None, "its body is shorter");
        assert_eq!(Extent::of(&HeaderMap::new(), None), None);
        let twice =
            ["bytes 0-4/10", "bytes 0-4/10"].map(|v| (header::CONTENT_RANGE, HeaderValue::from_static(v)));
        assert_eq!(Extent::of(&HeaderMap::from_iter(twice), None), None);
        let many = [
            (header::CONTENT_RANGE, HeaderValue::from_static("bytes 0-4/10")),
            (header::CONTENT_TYPE, HeaderValue::from_static("Multipart/byteranges; boundary=a")),
        ];
        assert_eq!(Extent::of(&HeaderMap::from_iter(many), None), None);
    }

    #[test]
    fn parts_that_touch_have_more_together() {
        for (one, other, expected) in [
            (0..5, 5..10, Some(0..10)),
            (0..5, 2..7, Some(0..7)),
            (0..5, 1..2, Some(0..5)),
            (0..5, 6..10, None),
            (0..1, 9..10, None),
        ] {
            let [one, other] = [one, other].map(|bytes| extent(bytes, 10));
            let expected = expected.map(|bytes| extent(bytes, 10));
            assert_eq!(one.joined(&other), expected);
            assert_eq!(other.joined(&one), expected);
        }
        assert_eq!(extent(0..5, 10).joined(&extent(5..10, 11)), None, "of wholes that differ");
        assert!(extent(0..10, 10).is_whole() && !extent(1..10, 10).is_whole());
        assert!(extent(2..5, 10).covers(&(2..5)) && !extent(2..5, 10).covers(&(2..6)));
    }
}
