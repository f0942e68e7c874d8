//! The headers of a stored response, with slots for what each answer fills in.

use std::ptr;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, header::AGE};

use crate::policy::status::Said;

/// The headers of a stored response. The first place is `Age`'s and the second one that of the cache's status, so that an
/// answer finds both without hashing a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredHeaders {
    map: HeaderMap,
    /// Whether there is the second slot. There is none where a cache further up speaks in its field already.
    has_status: bool,
}

impl StoredHeaders {
    /// Keeps what was received. The values are copied into one piece of memory, since a slice of a connection's buffer would
    /// keep all of that.
    /// `status` is the field that the cache speaks in, and what it says most of the time.
    pub(crate) fn new(received: &HeaderMap, status: Option<(&HeaderName, &HeaderValue)>) -> Self {
        Self::with_copy(received, status).0
    }

    /// The same, and a first copy for an answer.
    pub(crate) fn with_copy(
        received: &HeaderMap,
        status: Option<(&HeaderName, &HeaderValue)>,
    ) -> (Self, HeaderMap) {
        let status = status.filter(|(field, _)| !received.contains_key(*field));
        let mut map = HeaderMap::with_capacity(received.len() + 2);
        map.insert(AGE, HeaderValue::from_static("0"));
        if let Some((field, usual)) = status {
            map.insert(field, usual.clone());
        }
        let kept = || received.iter().filter(|(name, _)| *name != AGE);
        let mut text = BytesMut::with_capacity(kept().map(|(_, value)| value.len()).sum());
        kept().for_each(|(_, value)| text.extend_from_slice(value.as_bytes()));
        let mut text = text.freeze();
        for (name, value) in kept() {
            let copy = HeaderValue::from_maybe_shared(text.split_to(value.len()));
            // The bytes are those of a value, so they are one.
            let mut copy = copy.unwrap_or_else(|_| value.clone());
            copy.set_sensitive(value.is_sensitive());
            map.append(name.clone(), copy);
        }
        // The first clone of a name may allocate; let it be this one and not the first hit's. And it takes no more than it
        // needs, where a map that grew has room for more.
        (Self { map: map.clone(), has_status: status.is_some() }, map)
    }

    /// These headers, with the slots that `self` has.
    pub(crate) fn with_slots_for(&self, received: &HeaderMap) -> Self {
        Self::new(received, self.status())
    }

    /// The second slot: its field, and what the cache says most of the time.
    fn status(&self) -> Option<(&HeaderName, &HeaderValue)> {
        self.map.iter().nth(1).filter(|_| self.has_status)
    }

    /// As they are kept; what the slots hold means nothing.
    pub(crate) fn as_map(&self) -> &HeaderMap {
        &self.map
    }

    /// Makes `map` that of a response at this age, from a cache that says `said`. It is written where it stays: what is
    /// moved just after it was written is waited for.
    pub(crate) fn copy_to(&self, map: &mut HeaderMap, age: u64, said: Option<(&HeaderName, Said<'_>)>) {
        map.clone_from(&self.map);
        self.fill(map, age, said);
    }

    /// Makes a copy that there is already that of such a response.
    #[inline]
    pub(crate) fn fill(&self, map: &mut HeaderMap, age: u64, said: Option<(&HeaderName, Said<'_>)>) {
        let mut slots = map.iter_mut();
        if let Some((_, slot)) = slots.next() {
            *slot = age_value(age);
        }
        match (said, slots.next().filter(|_| self.has_status)) {
            (Some((field, said)), Some((own, slot))) if field == own => {
                if !is_same(slot, &said) {
                    *slot = said.into_value();
                }
            }
            // It was stored by a route that speaks in another field, or in one that a cache further up has spoken in.
            (said, own) => {
                if let Some(own) = own.map(|(own, _)| own.clone()) {
                    map.remove(own);
                }
                if let Some((field, said)) = said {
                    map.append(field, said.into_value());
                }
            }
        }
    }

    /// As they came.
    pub(crate) fn without_slots(&self) -> HeaderMap {
        let mut map = self.as_map().clone();
        map.remove(AGE);
        if let Some((field, _)) = self.status() {
            map.remove(field);
        }
        map
    }

    /// An estimate of the bytes they take.
    pub(super) fn weight(&self) -> usize {
        weight(self.as_map())
    }
}

/// Whether two values are clones of one, which is known without a look at their text.
fn is_same(a: &HeaderValue, b: &HeaderValue) -> bool {
    ptr::eq(a.as_bytes(), b.as_bytes())
}

/// The same headers, with values that are no slices of a larger buffer.
pub(crate) fn owned(mut headers: HeaderMap) -> HeaderMap {
    for value in headers.values_mut() {
        // The bytes are those of a value, so they are one.
        if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
            copy.set_sensitive(value.is_sensitive());
            *value = copy;
        }
    }
    headers
}

/// An estimate of the bytes that headers take.
pub(super) fn weight(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_COST).sum()
}

/// What a header takes beyond its text: its places in the map, and its allocation's.
const HEADER_COST: usize = 112;
/// The number of ages, from 0 on, whose text exists from the start: a hit younger than this allocates nothing for it.
const AGES: usize = 10_000;

/// All of them in four digits, one after the other.
static AGE_DIGITS: [u8; 4 * AGES] = {
    let mut digits = [b'0'; 4 * AGES];
    let mut i = 0;
    while i < AGES {
        digits[4 * i] += (i / 1000) as u8;
        digits[4 * i + 1] += (i / 100 % 10) as u8;
        digits[4 * i + 2] += (i / 10 % 10) as u8;
        digits[4 * i + 3] += (i % 10) as u8;
        i += 1;
    }
    digits
};
static AGE_TEXT: &str = match std::str::from_utf8(&AGE_DIGITS) {
    Ok(text) => text,
    Err(_) => "",
};

/// An age as a header's value.
fn age_value(seconds: u64) -> HeaderValue {
    let zeros = match seconds {
        0..10 => 3,
        10..100 => 2,
        100..1000 => 1,
        _ => 0,
    };
    let place = usize::try_from(seconds).unwrap_or(usize::MAX).saturating_mul(4);
    let known = AGE_TEXT.get(place.saturating_add(zeros)..place.saturating_add(4));
    known.map_or_else(|| HeaderValue::from(seconds), HeaderValue::from_static)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_numbers() {
        for seconds in [0, 9, 10, 99, 100, 999, 1000, 9_999, 10_000, u64::MAX] {
            assert_eq!(age_value(seconds).to_str().ok(), Some(&*seconds.to_string()));
        }
    }

    const CACHE: HeaderName = HeaderName::from_static("cache-status");

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn an_answer_has_its_age_and_what_its_route_says() {
        let x = HeaderName::from_static("x-cache");
        let said = HeaderValue::from_static("said");
        let came = map(&[("a", "1"), ("age", "7"), ("a", "2"), ("b", "3")]);
        let prior = map(&[("a", "1"), ("cache-status", "prior")]);
        for (received, stored_by, served_by, expected) in [
            (
                &came,
                Some(&CACHE),
                Some(&CACHE),
                map(&[("age", "9"), ("cache-status", "said"), ("a", "1"), ("a", "2"), ("b", "3")]),
            ),
            (&came, None, None, map(&[("age", "9"), ("a", "1"), ("a", "2"), ("b", "3")])),
            (
                &came,
                Some(&CACHE),
                Some(&x),
                map(&[("age", "9"), ("x-cache", "said"), ("a", "1"), ("a", "2"), ("b", "3")]),
            ),
            (&came, Some(&CACHE), None, map(&[("age", "9"), ("a", "1"), ("a", "2"), ("b", "3")])),
            (
                &came,
                None,
                Some(&x),
                map(&[("age", "9"), ("x-cache", "said"), ("a", "1"), ("a", "2"), ("b", "3")]),
            ),
            (
                &prior,
                Some(&CACHE),
                Some(&CACHE),
                map(&[("age", "9"), ("a", "1"), ("cache-status", "prior"), ("cache-status", "said")]),
            ),
            (&prior, Some(&CACHE), None, map(&[("age", "9"), ("a", "1"), ("cache-status", "prior")])),
        ] {
            for usual in ["said", "hit"] {
                let usual = HeaderValue::from_static(usual);
                let (stored, mut copy) =
                    StoredHeaders::with_copy(received, stored_by.map(|field| (field, &usual)));
                let status = || served_by.map(|field| (field, Said::Ready(&said)));
                let mut headers = HeaderMap::new();
                stored.copy_to(&mut headers, 9, status());
                stored.fill(&mut copy, 9, status());
                assert_eq!(copy, expected, "{received:?} {stored_by:?} {served_by:?}");
                assert_eq!(headers, expected, "{received:?} {stored_by:?} {served_by:?}");
                let mut came = received.clone();
                came.remove(AGE);
                assert_eq!(stored.without_slots(), came);
            }
        }
    }
}
