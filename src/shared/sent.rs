//! The headers of a request that has gone on to the inner service, for what is still asked of them.

use std::{fmt, iter, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// What a request said, in one piece of memory. A copy of a header map takes two, and one for nearly every line; and of
/// most requests nobody asks again.
#[derive(Clone)]
pub(crate) struct SentHeaders(Arc<[u8]>);

/// Most requests take no more.
const USUAL: usize = 1 << 10;

impl SentHeaders {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut packed = SmallVec::<[u8; USUAL]>::new();
        for (name, value) in headers {
            for text in [name.as_str().as_bytes(), value.as_bytes()] {
                packed.extend_from_slice(&text.len().to_ne_bytes());
                packed.extend_from_slice(text);
            }
        }
        Self(packed.as_slice().into())
    }

    /// All of them, as they were.
    pub(crate) fn all(&self) -> HeaderMap {
        self.such(|_| true)
    }

    /// Those of these names.
    pub(crate) fn only(&self, names: &[HeaderName]) -> HeaderMap {
        if names.is_empty() {
            return HeaderMap::new();
        }
        self.such(|line| names.iter().any(|name| name.as_str().as_bytes() == line))
    }

    fn such(&self, is_asked_for: impl Fn(&[u8]) -> bool) -> HeaderMap {
        let lines = self.lines().filter(|(name, _)| is_asked_for(name));
        // Each was a line before.
        lines
            .filter_map(|(name, value)| {
                Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
            })
            .collect()
    }

    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.0;
        iter::from_fn(move || Some((next_text(&mut rest)?, next_text(&mut rest)?)))
    }
}

/// Takes the next text off, which comes after its length.
fn next_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, texts) = rest.split_first_chunk()?;
    let (text, left) = texts.split_at_checked(usize::from_ne_bytes(*length))?;
    *rest = left;
    Some(text)
}

/// Names only: the values may be a `Cookie` or an `Authorization`.
impl fmt::Debug for SentHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.lines().map(|(name, _)| String::from_utf8_lossy(name));
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        let lines = [
            ("accept", value(b"a, b")),
            ("x-own-name", value(b"")),
            ("accept", value(b"c")),
            ("x-latin", value(b"\xe9")),
            ("cookie", value(&[b'x'; 3 * USUAL])),
        ];
        lines.into_iter().map(|(name, value)| (HeaderName::from_static(name), value)).collect()
    }

    #[test]
    fn what_was_sent_is_there_as_it_was() {
        for headers in [HeaderMap::new(), headers()] {
            assert_eq!(SentHeaders::of(&headers).all(), headers);
        }
    }

    #[test]
    fn all_lines_of_a_name_are_there_and_no_others() {
        let mut expected = headers();
        expected.remove("cookie");
        expected.remove("x-latin");
        let names = ["accept", "x-own-name", "x-absent"].map(HeaderName::from_static);
        assert_eq!(SentHeaders::of(&headers()).only(&names), expected);
        assert!(SentHeaders::of(&headers()).only(&[]).is_empty());
    }

    #[test]
    fn no_values_are_shown() {
        let shown = format!("{:?}", SentHeaders::of(&headers()));
        assert_eq!(shown, r#"["accept", "accept", "x-own-name", "x-latin", "cookie"]"#);
    }
}
