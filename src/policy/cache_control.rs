//! `Cache-Control` and `Pragma` (RFC 9111 §5.2, §5.4), read once into small values.
//!
//! Ambiguous and broken input is read the strictest way, and for each directive that is another one: a number that
//! gives freshness counts as 0 where it cannot be read, one that allows stale as absent, and a list of fields as all
//! of them. A word in text that does not follow the grammar may still restrict, and never grants.

use std::mem;
use std::time::Duration;

use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

#[cfg(test)]
mod tests;

/// What a number of seconds is clamped to (RFC 9111 §1.2.2).
pub(crate) const MAX_SECONDS: Duration = Duration::from_secs(1 << 31);

/// A list of more names than this counts as all of them, which bounds what one response can make us compare and keep.
const MAX_FIELDS: usize = 32;

/// What a response says about its storing and reuse (RFC 9111 §5.2.2, RFC 5861, RFC 8246).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ResponseDirectives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: FieldList,
    pub(crate) private: FieldList,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) immutable: bool,
    pub(crate) no_transform: bool,
    /// One of the directives of RFC 9111 §3.5 stands there, and beyond doubt: `public`, `must-revalidate`,
    /// `s-maxage`. It is apart from them because broken text can make them true, and may not share what
    /// `Authorization` guards.
    pub(crate) shares_authorized: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
}

impl ResponseDirectives {
    /// Reads every `Cache-Control` line (RFC 9111 §5.2.2). `Pragma` means nothing in a response (§5.4).
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        Self::from_field(headers, &CACHE_CONTROL)
    }

    /// Reads another field of the same form, such as `CDN-Cache-Control` (RFC 9213 §2.1).
    pub(crate) fn from_field(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut read = Self::default();
        let (mut revalidate, mut error) = (Grant::default(), Grant::default());
        for line in headers.get_all(name) {
            for_each_directive(line.as_bytes(), |name, argument| match name {
                b"no-store" => read.no_store = true,
                b"no-cache" => read.no_cache.add(argument),
                b"private" => read.private.add(argument),
                b"must-revalidate" => {
                    read.must_revalidate = true;
                    read.shares_authorized |= argument.is_none();
                }
                b"proxy-revalidate" => read.proxy_revalidate = true,
                b"no-transform" => read.no_transform = true,
                b"public" if argument.is_none() => {
                    read.public = true;
                    read.shares_authorized = true;
                }
                b"immutable" => read.immutable |= argument.is_none(),
                // It lifts `no-store` where it can be relied on, and so where it cannot it has to be one.
                b"must-understand" if argument.is_none() => read.must_understand = true,
                b"must-understand" => read.no_store = true,
                b"max-age" => least(&mut read.max_age, argument.seconds().unwrap_or_default()),
                b"s-maxage" => {
                    read.shares_authorized |= argument.seconds().is_some();
                    least(&mut read.s_maxage, argument.seconds().unwrap_or_default());
                }
                b"stale-while-revalidate" => revalidate.add(argument.seconds()),
                b"stale-if-error" => error.add(argument.seconds()),
                _ => {}
            });
        }
        Self { stale_while_revalidate: revalidate.given(), stale_if_error: error.given(), ..read }
    }

    /// What of it counts for a cache with one user: not `s-maxage` (RFC 9111 §5.2.2.10), nor `proxy-revalidate`
    /// (§5.2.2.8).
    pub(crate) fn for_private_cache(self) -> Self {
        Self { s_maxage: None, proxy_revalidate: false, ..self }
    }
}

/// The argument of `no-cache` and `private` (RFC 9111 §5.2.2.4, §5.2.2.7).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum FieldList {
    /// The directive is not there.
    #[default]
    Absent,
    /// It is about the whole response: without a list, or with one that is empty or cannot be read.
    All,
    /// It is about these fields.
    Fields(SmallVec<[HeaderName; 2]>),
}

impl FieldList {
    fn add(&mut self, argument: Argument<'_>) {
        *self = match (mem::take(self), argument.fields()) {
            (Self::Absent, Some(fields)) => Self::Fields(fields),
            (Self::Fields(mut known), Some(fields)) if known.len() + fields.len() <= MAX_FIELDS => {
                for field in fields {
                    if !known.contains(&field) {
                        known.push(field);
                    }
                }
                Self::Fields(known)
            }
            _ => Self::All,
        };
    }
}

/// What a request asks of a cache (RFC 9111 §5.2.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RequestDirectives {
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// `Some(None)` is a `max-stale` without a number: any staleness will do (§5.2.1.2).
    pub(crate) max_stale: Option<Option<Duration>>,
}

impl RequestDirectives {
    /// Reads every `Cache-Control` line, or where there is none, `Pragma: no-cache` (RFC 9111 §5.2.1, §5.4).
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        let mut stale = Grant::default();
        for line in headers.get_all(CACHE_CONTROL) {
            for_each_directive(line.as_bytes(), |name, argument| match name {
                b"no-cache" => read.no_cache = true,
                b"no-store" => read.no_store = true,
                b"only-if-cached" => read.only_if_cached |= argument.is_none(),
                b"max-age" => least(&mut read.max_age, argument.seconds().unwrap_or_default()),
                b"min-fresh" => {
                    read.min_fresh = read.min_fresh.max(Some(argument.seconds().unwrap_or(MAX_SECONDS)));
                }
                b"max-stale" if argument.is_none() => stale.add(Some(Duration::MAX)),
                b"max-stale" => stale.add(argument.seconds()),
                _ => {}
            });
        }
        read.max_stale = stale.given().map(|limit| (limit != Duration::MAX).then_some(limit));
        if !headers.contains_key(CACHE_CONTROL) {
            for line in headers.get_all(PRAGMA) {
                for_each_directive(line.as_bytes(), |name, _| read.no_cache |= name == b"no-cache");
            }
        }
        read
    }

    /// Whether a fetch by this request can be of use to others.
    pub(crate) fn may_fetch_for_all(&self) -> bool {
        !(self.no_store || self.only_if_cached)
    }
}

/// A directive that allows stale: the smallest number counts, and one that cannot be read takes back the others.
#[derive(Default)]
struct Grant {
    least: Option<Duration>,
    unreadable: bool,
}

impl Grant {
    fn add(&mut self, seconds: Option<Duration>) {
        match seconds {
            Some(seconds) => least(&mut self.least, seconds),
            None => self.unreadable = true,
        }
    }

    fn given(&self) -> Option<Duration> {
        self.least.filter(|_| !self.unreadable)
    }
}

fn least(known: &mut Option<Duration>, seconds: Duration) {
    *known = Some(known.map_or(seconds, |known| known.min(seconds)));
}

/// What comes with a directive's name.
#[derive(Clone, Copy)]
enum Argument<'a> {
    None,
    Token(&'a [u8]),
    /// Without its quotes, escapes as they are.
    Quoted(&'a [u8]),
    /// The name is a word in text that does not follow the grammar, and may be no directive at all.
    Doubtful,
}

impl Argument<'_> {
    fn is_none(self) -> bool {
        matches!(self, Self::None)
    }

    /// Both forms of an argument are to be accepted (RFC 9111 §5.2).
    fn seconds(self) -> Option<Duration> {
        match self {
            Self::Token(digits) | Self::Quoted(digits) => delta_seconds(digits),
            Self::None | Self::Doubtful => None,
        }
    }

    /// The field names, unless there are none or one of them cannot be read.
    fn fields(self) -> Option<SmallVec<[HeaderName; 2]>> {
        let text: SmallVec<[u8; 64]> = match self {
            Self::Token(text) => text.into(),
            Self::Quoted(text) => unescape(text).collect(),
            Self::None | Self::Doubtful => return None,
        };
        let mut fields = SmallVec::new();
        for member in text.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|m| !m.is_empty()) {
            let field = HeaderName::from_bytes(member).ok()?;
            if !fields.contains(&field) {
                fields.push(field);
            }
            if fields.len() > MAX_FIELDS {
                return None;
            }
        }
        (!fields.is_empty()).then_some(fields)
    }
}

/// A non-negative number of seconds, clamped (RFC 9111 §1.2.2).
pub(super) fn delta_seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let clamped =
        digits.iter().fold(0, |sum, digit| (sum * 10 + u64::from(digit - b'0')).min(MAX_SECONDS.as_secs()));
    Some(Duration::from_secs(clamped))
}

/// A character of a token (RFC 9110 §5.6.2).
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Calls back with each directive of a line, its name in lower case (RFC 9111 §5.2, RFC 9110 §5.6.1).
fn for_each_directive(line: &[u8], mut on: impl FnMut(&[u8], Argument<'_>)) {
    let mut on = |name: &[u8], argument: Argument<'_>| {
        let name: SmallVec<[u8; 24]> = name.iter().map(u8::to_ascii_lowercase).collect();
        on(&name, argument);
    };
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = if matches!(first, b',' | b' ' | b'\t') {
            after
        } else if let Some((name, argument, after)) = member(rest) {
            on(name, argument);
            after
        } else {
            let (text, after) = doubtful(rest);
            for word in text.split(|b| !is_tchar(*b)).filter(|word| !word.is_empty()) {
                on(word, Argument::Doubtful);
            }
            after
        };
    }
}

/// A list member that follows the grammar up to its comma, and what comes after it.
fn member(text: &[u8]) -> Option<(&[u8], Argument<'_>, &[u8])> {
    let (name, rest) = token(text)?;
    let (argument, rest) = match rest.strip_prefix(b"=") {
        None => (Argument::None, rest),
        Some(value) => match value.strip_prefix(b"\"") {
            None => token(value).map(|(token, rest)| (Argument::Token(token), rest))?,
            Some(open) => quoted(open).map(|(quoted, rest)| (Argument::Quoted(quoted), rest))?,
        },
    };
    let rest = rest.trim_ascii_start();
    matches!(rest.first(), None | Some(b',')).then_some((name, argument, rest))
}

fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|b| !is_tchar(*b)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// The rest of a quoted string whose opening quote has been read (RFC 9110 §5.6.4).
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let end = text.iter().position(|b| {
        let end = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        end
    })?;
    let (inner, rest) = text.split_at_checked(end)?;
    Some((inner, rest.strip_prefix(b"\"")?))
}

fn unescape(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut escaped = false;
    text.iter().copied().filter(move |b| {
        escaped = *b == b'\\' && !escaped;
        !escaped
    })
}

/// How far the doubt about a member that does not follow the grammar reaches: to the next comma, but where it has a
/// quote nobody can tell which commas are quoted, and it is the rest of the line.
fn doubtful(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|b| matches!(b, b',' | b'"')) {
        Some(comma) if text.get(comma) == Some(&b',') => text.split_at_checked(comma).unwrap_or((text, &[])),
        _ => (text, &[]),
    }
}
