//! Validators and conditional requests, in both directions (RFC 9110 §8.8 and §13, RFC 9111 §3.2 and §4.3).

use std::time::SystemTime;

use http::header::{self, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::date::{http_date, only_date, only_value};
use super::hop::strip_hop_by_hop;

#[cfg(test)]
mod tests;

/// What a stored response can be validated with (RFC 9110 §8.8). What is no valid entity tag or date, or there more
/// than once, is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Validators {
    pub(crate) etag: Option<HeaderValue>,
    pub(crate) last_modified: Option<HeaderValue>,
}

impl Validators {
    /// Reads `ETag` and `Last-Modified` (RFC 9110 §8.8.2, §8.8.3).
    pub(crate) fn from_headers(response: &HeaderMap) -> Self {
        Self { etag: etag(response).cloned(), last_modified: last_modified(response).cloned() }
    }

    /// Whether a response has anything to validate it with.
    pub(crate) fn are_in(response: &HeaderMap) -> bool {
        etag(response).is_some() || last_modified(response).is_some()
    }

    /// Whether there is anything to validate with.
    pub(crate) fn is_some(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// Makes a request conditional on these validators (RFC 9111 §4.3.1).
    pub(crate) fn add_conditionals(&self, request: &mut HeaderMap) {
        if let Some(etag) = &self.etag {
            request.insert(IF_NONE_MATCH, etag.clone());
        }
        if let Some(last_modified) = &self.last_modified {
            request.insert(IF_MODIFIED_SINCE, last_modified.clone());
        }
    }
}

fn etag(response: &HeaderMap) -> Option<&HeaderValue> {
    only_value(response, &ETAG).filter(|value| EntityTag::from_value(value).is_some())
}

fn last_modified(response: &HeaderMap) -> Option<&HeaderValue> {
    only_value(response, &LAST_MODIFIED).filter(|value| http_date(value).is_some())
}

/// Removes what makes a request conditional or partial (RFC 9110 §13.1, §14.2), so that its answer is a whole
/// response.
pub(crate) fn strip_conditionals(request: &mut HeaderMap) {
    // Most have none, and to look at all names is less than to look for six.
    while let Some(name) = request.keys().find(|name| makes_conditional(name)).cloned() {
        request.remove(name);
    }
}

fn makes_conditional(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::IF_MATCH
            | header::IF_MODIFIED_SINCE
            | header::IF_NONE_MATCH
            | header::IF_RANGE
            | header::IF_UNMODIFIED_SINCE
            | header::RANGE
    )
}

/// What a client's own conditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The stored response as it is.
    Proceed,
    /// A 304 made from the stored response.
    NotModified,
    /// The origin must judge: `If-Match` and `If-Unmodified-Since` are not for caches (RFC 9111 §4.3.2).
    Forward,
}

/// Evaluates a GET or HEAD request's conditions against a stored response, in the order of RFC 9110 §13.2.2 and with
/// the rules for caches of RFC 9111 §4.3.2.
pub(crate) fn client_condition(request: &HeaderMap, stored: &HeaderMap, status: StatusCode) -> Condition {
    if request.contains_key(header::IF_MATCH) || request.contains_key(header::IF_UNMODIFIED_SINCE) {
        return Condition::Forward;
    }
    let not_modified = if request.contains_key(IF_NONE_MATCH) {
        status.is_success() && is_listed(request, stored)
    } else {
        status == StatusCode::OK && is_unmodified(request, stored)
    };
    if not_modified { Condition::NotModified } else { Condition::Proceed }
}

/// Whether `If-None-Match` lists the stored response's entity tag, by weak comparison, or is `*` (RFC 9110 §13.1.2).
/// What is no entity tag matches nothing, so that the client gets the whole response.
fn is_listed(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if only_value(request, &IF_NONE_MATCH).is_some_and(|value| value.as_bytes().trim_ascii() == b"*") {
        return true;
    }
    let Some(stored) = only_value(stored, &ETAG).and_then(EntityTag::from_value) else { return false };
    let mut lines = request.get_all(IF_NONE_MATCH).iter();
    lines.any(|line| EntityTag::listed(line.as_bytes()).any(|tag| tag.opaque == stored.opaque))
}

/// Whether the stored response is no newer than `If-Modified-Since` (RFC 9110 §13.1.3). Without `Last-Modified` its
/// `Date` counts (RFC 9111 §4.3.2).
fn is_unmodified(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let name = if stored.contains_key(LAST_MODIFIED) { LAST_MODIFIED } else { header::DATE };
    match (only_date(stored, &name), only_date(request, &IF_MODIFIED_SINCE)) {
        (Some(modified), Some(since)) => modified <= since,
        _ => false,
    }
}

/// The headers of a 304 made from a stored response: all but those that describe content, which it has not
/// (RFC 9110 §15.4.5).
pub(crate) fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    for name in [
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
    headers
}

/// The stored headers as a 304 that [confirms] them updates them (RFC 9111 §3.2): each of its fields
/// replaces all stored lines of that name. The stored `Age` goes in any case, as age counts from the last validation
/// (§4.2.3).
pub(crate) fn update_stored(stored: &HeaderMap, fresh304: &HeaderMap) -> HeaderMap {
    let mut fresh = fresh304.clone();
    strip_hop_by_hop(&mut fresh);
    for name in &KEPT {
        fresh.remove(name);
    }
    let mut updated = stored.clone();
    updated.remove(header::AGE);
    for name in fresh.keys() {
        updated.remove(name);
        for value in fresh.get_all(name) {
            updated.append(name, value.clone());
        }
    }
    updated
}

/// What says how the stored bytes are to be read. Only `Content-Length` is named by RFC 9111 §3.2, which allows to
/// keep the others for the integrity of what is stored; a 304 that a framework made by itself often has a
/// `Content-Type` of its own.
static KEPT: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_RANGE, header::CONTENT_TYPE];

/// Whether a 304 is about the stored response whose validators were sent (RFC 9111 §4.3.4). A strong entity tag has
/// to be the stored one; a weak one, or else `Last-Modified`, has to agree with it. One without validators is taken
/// for an answer to what we asked.
pub(crate) fn confirms(stored: &Validators, fresh304: &HeaderMap) -> bool {
    let fresh = Validators::from_headers(fresh304);
    if let Some(fresh) = fresh.etag.as_ref().and_then(EntityTag::from_value) {
        let stored = stored.etag.as_ref().and_then(EntityTag::from_value);
        return stored.is_some_and(|stored| stored.opaque == fresh.opaque && (fresh.weak || !stored.weak));
    }
    match &fresh.last_modified {
        Some(date) => stored.last_modified.as_ref().and_then(http_date) == http_date(date),
        None => !fresh304.contains_key(ETAG) && !fresh304.contains_key(LAST_MODIFIED),
    }
}

/// Whether two responses have the same strong validator (RFC 9110 §8.8.1): then they are parts of the same content, and may
/// be put together (RFC 9111 §3.4).
pub(crate) fn same_strong(one: &HeaderMap, other: &HeaderMap) -> bool {
    if one.contains_key(ETAG) || other.contains_key(ETAG) {
        let etag = |headers| Validators::from_headers(headers).etag;
        return etag(one).is_some_and(|tag| tag.as_bytes().starts_with(b"\"") && Some(tag) == etag(other));
    }
    strong_date(one).is_some_and(|date| Some(date) == strong_date(other))
}

/// `Last-Modified` where it is old enough to be a strong validator (RFC 9110 §8.8.2.2).
pub(crate) fn strong_date(headers: &HeaderMap) -> Option<SystemTime> {
    let modified = only_date(headers, &LAST_MODIFIED)?;
    let sent = only_date(headers, &header::DATE)?;
    sent.duration_since(modified).is_ok_and(|age| age.as_secs() >= 1).then_some(modified)
}

/// What a response to HEAD says of a stored response to GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// It is about the same content.
    Agrees,
    /// It is about other content.
    Differs,
    /// It has nothing that tells.
    Unknown,
}

/// Compares a 200 to HEAD with a stored 200 of `length` bytes (RFC 9111 §4.3.5): each validator that it has must be the
/// stored one, and its `Content-Length`, if it has one, the stored length. Without a validator nothing is confirmed, which
/// is stricter than the section: content may change and keep its length.
pub(crate) fn compare(stored: &Validators, length: u64, head: &HeaderMap) -> Agreement {
    let received = Validators::from_headers(head);
    let same_etag = !head.contains_key(ETAG) || (received.etag.is_some() && received.etag == stored.etag);
    let date = |validators: &Validators| validators.last_modified.as_ref().and_then(http_date);
    let same_date = !head.contains_key(LAST_MODIFIED)
        || (received.last_modified.is_some() && date(&received) == date(stored));
    let same_length = !head.contains_key(header::CONTENT_LENGTH)
        || only_value(head, &header::CONTENT_LENGTH).is_some_and(|value| *value == length.to_string());
    if !(same_etag && same_date && same_length) {
        Agreement::Differs
    } else if received.is_some() {
        Agreement::Agrees
    } else {
        Agreement::Unknown
    }
}

/// An entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Copy, Debug, PartialEq)]
struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    fn from_value(value: &'a HeaderValue) -> Option<Self> {
        Self::read(value.as_bytes().trim_ascii()).and_then(|(tag, rest)| rest.is_empty().then_some(tag))
    }

    /// The entity tags in a line of a list (RFC 9110 §5.6.1), up to the first member that is none: behind a stray
    /// quote nobody can tell what is quoted.
    fn listed(line: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut rest = line;
        std::iter::from_fn(move || {
            let start = rest.iter().position(|b| !matches!(b, b',' | b' ' | b'\t'))?;
            let (tag, after) = Self::read(rest.get(start..)?)?;
            rest = after.trim_ascii_start();
            matches!(rest.first(), None | Some(b',')).then_some(tag)
        })
    }

    fn read(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, text) = text.strip_prefix(b"W/").map_or((false, text), |strong| (true, strong));
        let text = text.strip_prefix(b"\"")?;
        let end = text.iter().position(|b| !matches!(b, 0x21 | 0x23..=0x7e | 0x80..))?;
        let (opaque, rest) = text.split_at_checked(end)?;
        Some((Self { weak, opaque }, rest.strip_prefix(b"\"")?))
    }
}
