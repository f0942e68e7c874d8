//! The part of `Forwarded` (RFC 7239 §4) that tells an origin what it was asked for.

use http::HeaderMap;
use http::header::FORWARDED;

use crate::policy::cache_control::is_tchar;

/// Calls back with what matters in `Forwarded`: nothing where no line has `host` or `proto`; otherwise these pairs as
/// they are written, with an empty value before each line and a comma before each further element, since origins
/// differ in which element they believe. Where anything cannot be read, with every line as it is.
pub(super) fn for_each_pair(headers: &HeaderMap, on: &mut impl FnMut(&[u8])) {
    let lines = || headers.get_all(FORWARDED).iter().map(|line| line.as_bytes());
    if !lines().all(|line| parts(line).all(|part| part != Part::Unreadable)) {
        lines().for_each(on);
    } else if lines().flat_map(parts).any(|part| matches!(part, Part::Matters(_))) {
        for line in lines() {
            on(b"");
            for part in parts(line) {
                match part {
                    Part::Matters(pair) => on(pair),
                    Part::NextElement => on(b","),
                    Part::Other | Part::Unreadable => {}
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part<'a> {
    /// A `host` or `proto` with its value.
    Matters(&'a [u8]),
    /// Another pair, or nothing between two semicolons.
    Other,
    NextElement,
    Unreadable,
}

fn parts(line: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let elements = line.split(|b| *b == b',').enumerate();
    elements.flat_map(|(place, element)| {
        let next = (place > 0).then_some(Part::NextElement);
        next.into_iter().chain(element.split(|b| *b == b';').map(pair))
    })
}

/// One `name=value`. A separator within a quoted value has cut it in two, neither of which can be read: an origin
/// that splits as carelessly as this may find a `host` there.
fn pair(text: &[u8]) -> Part<'_> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Part::Other;
    }
    let Some(equals) = text.iter().position(|b| *b == b'=') else { return Part::Unreadable };
    let Some((name, value)) = text.split_at_checked(equals) else { return Part::Unreadable };
    let value = value.strip_prefix(b"=").unwrap_or_default();
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    let readable = |b: &u8| !matches!(b, b'"' | b'\\' | b'=' | b' ' | b'\t');
    if name.is_empty() || !name.iter().all(|b| is_tchar(*b)) || !inner.iter().all(readable) {
        Part::Unreadable
    } else if name.eq_ignore_ascii_case(b"host") || name.eq_ignore_ascii_case(b"proto") {
        Part::Matters(text)
    } else {
        Part::Other
    }
}
