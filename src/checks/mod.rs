//! What has to hold of each parser, whatever bytes it is given: called by property tests, and by the targets in `fuzz/`.
//!
//! A check takes any text and panics where one of its statements does not hold. The text is cut into field lines at its
//! line breaks, and into heads at its empty lines; what no header can hold is left out.

mod cache_control;
mod dates;
mod etag_lists;
mod headers;
mod judge;
mod keys;
mod ranges;
mod structured_fields;
#[cfg(test)]
mod tests;
mod vary;

pub use self::{
    cache_control::cache_control, dates::dates, etag_lists::etag_lists, headers::headers, judge::judge,
    keys::keys, ranges::ranges, structured_fields::structured_fields, vary::vary,
};

use http::{HeaderMap, HeaderName, HeaderValue};

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Each line as a value.
fn values(text: &[u8]) -> Vec<HeaderValue> {
    lines(text).filter_map(|line| HeaderValue::from_bytes(line).ok()).collect()
}

/// A head in which each value is a line of this field.
fn field<'a>(name: &HeaderName, values: impl IntoIterator<Item = &'a HeaderValue>) -> HeaderMap {
    values.into_iter().map(|value| (name.clone(), value.clone())).collect()
}

/// Each line as a `name: value`.
fn pairs(text: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
    let pair = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    };
    lines(text).filter_map(pair).collect()
}

/// The text up to its first empty line, and what comes after that.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&text[..end], &text[end + 2..]),
        None => (text, &[]),
    }
}

fn reversed<T: Clone>(of: &[T]) -> Vec<T> {
    of.iter().rev().cloned().collect()
}

fn mentions(line: &HeaderValue, name: &str) -> bool {
    line.as_bytes().to_ascii_lowercase().windows(name.len()).any(|part| part == name.as_bytes())
}
