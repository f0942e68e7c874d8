//! `Cache-Status` (RFC 9211): what the cache did with a request, for whoever reads the response.

use std::{fmt::Write, ops::Deref};

use http::{HeaderValue, StatusCode};

use super::cache_control::is_tchar;
use crate::event::{Outcome, Reason};

#[cfg(test)]
mod tests;

/// What the cache tells of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A fresh stored response (RFC 9211 §2.1).
    Hit,
    /// A stale stored response that nothing was asked about: its refresh is not this request's (RFC 9211 §2.1).
    Stale,
    /// A stored response served because an earlier fetch failed, or the breaker refuses one. A request that went forward
    /// itself is forwarded, as `hit` and `fwd` exclude each other (RFC 9211 §2.1).
    StaleError,
    /// A stored response served to a request that went forward, or waited for one that did, and the fetch failed.
    InVain,
    /// A request that went nowhere, and that nothing stored answers (RFC 9211 §2.8).
    Unanswered(Reason),
    /// A request that the cache has no part in, and why.
    Bypassed(Reason),
    /// A request that went forward.
    Forwarded(Forward),
}

/// How a request went forward, and what came of it (RFC 9211 §2.2 to §2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    fwd: Fwd,
    status: Option<StatusCode>,
    stored: bool,
    collapsed: Option<bool>,
    detail: Option<Reason>,
}

impl Forward {
    /// The usual miss.
    const FILLED: Self = Self::new(Fwd::UriMiss).stored();
    /// One that waited for another one's fetch.
    const COLLAPSED: Self = Self::FILLED.collapsed(true);

    pub(crate) const fn new(fwd: Fwd) -> Self {
        Self { fwd, status: None, stored: false, collapsed: None, detail: None }
    }

    /// What the next hop answered, where that is not what the client gets.
    pub(crate) const fn answered(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The response is stored.
    pub(crate) const fn stored(self) -> Self {
        Self { stored: true, ..self }
    }

    /// It waited for another one's fetch, and could use its response or not.
    pub(crate) const fn collapsed(self, used: bool) -> Self {
        Self { collapsed: Some(used), ..self }
    }

    /// Why it is not stored, or not a response of the next hop.
    pub(crate) const fn because(self, reason: Reason) -> Self {
        Self { detail: Some(reason), ..self }
    }
}

/// The values of one cache. Those of a response from memory, of one that fills it or was waited for, and of one that the
/// cache has no part in, are ready-made.
#[derive(Clone, Debug)]
pub(crate) struct CacheStatus {
    /// The cache's name as it stands in the field.
    name: String,
    hit: HeaderValue,
    stale: HeaderValue,
    stale_error: HeaderValue,
    in_vain: HeaderValue,
    filled: HeaderValue,
    collapsed: HeaderValue,
    /// One for each reason.
    bypassed: Box<[HeaderValue]>,
}

/// A value that is ready-made, or was made for one answer. That one is boxed, so that the usual one is a pointer on its
/// way: a `Cow` is copied in pieces, which took a hit as long as its look-up.
#[derive(Debug)]
pub(crate) enum Said<'a> {
    Ready(&'a HeaderValue),
    Made(Box<HeaderValue>),
}

impl Said<'_> {
    pub(crate) fn into_value(self) -> HeaderValue {
        match self {
            Self::Ready(value) => value.clone(),
            Self::Made(value) => *value,
        }
    }
}

impl Deref for Said<'_> {
    type Target = HeaderValue;

    #[inline]
    fn deref(&self) -> &HeaderValue {
        match self {
            Self::Ready(value) => value,
            Self::Made(value) => value,
        }
    }
}

impl CacheStatus {
    /// The values of a cache of this name, or nothing if the name is empty or has characters that a structured field
    /// cannot show: it is a token or a string (RFC 9211 §2, RFC 9651 §3.3).
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = item(name)?;
        let stale_error = Outcome::StaleError;
        let bypassed = |reason: &Reason| {
            let fwd = if *reason == Reason::Method { Fwd::Method } else { Fwd::Bypass };
            HeaderValue::try_from(format!("{name}; fwd={}; detail={reason}", fwd.as_str())).ok()
        };
        Some(Self {
            hit: HeaderValue::try_from(format!("{name}; hit")).ok()?,
            stale: HeaderValue::try_from(format!("{name}; hit; detail={}", Outcome::Stale)).ok()?,
            stale_error: HeaderValue::try_from(format!("{name}; hit; detail={stale_error}")).ok()?,
            in_vain: HeaderValue::try_from(format!("{name}; fwd=stale; detail={stale_error}")).ok()?,
            filled: HeaderValue::try_from(format!("{name}; fwd=uri-miss; stored")).ok()?,
            collapsed: HeaderValue::try_from(format!("{name}; fwd=uri-miss; stored; collapsed")).ok()?,
            bypassed: Reason::ALL.iter().map(bypassed).collect::<Option<_>>()?,
            name,
        })
    }

    /// The value that tells this.
    #[inline]
    pub(crate) fn value(&self, told: Told) -> Said<'_> {
        match told {
            Told::Hit => Said::Ready(&self.hit),
            Told::Stale => Said::Ready(&self.stale),
            Told::StaleError => Said::Ready(&self.stale_error),
            Told::InVain => Said::Ready(&self.in_vain),
            Told::Unanswered(reason) => made(format!("{}; detail={reason}", self.name)),
            Told::Bypassed(reason) => match self.bypassed.get(reason as usize) {
                Some(value) => Said::Ready(value),
                None => self.forwarded(Forward::new(Fwd::Bypass).because(reason)),
            },
            Told::Forwarded(forward) if forward == Forward::FILLED => Said::Ready(&self.filled),
            Told::Forwarded(forward) if forward == Forward::COLLAPSED => Said::Ready(&self.collapsed),
            Told::Forwarded(forward) => self.forwarded(forward),
        }
    }

    fn forwarded(&self, Forward { fwd, status, stored, collapsed, detail }: Forward) -> Said<'_> {
        let mut text = format!("{}; fwd={}", self.name, fwd.as_str());
        if let Some(status) = status {
            // Writing to a string cannot fail.
            let _ = write!(text, "; fwd-status={}", status.as_u16());
        }
        if stored {
            text.push_str("; stored");
        }
        text.push_str(match collapsed {
            None => "",
            Some(true) => "; collapsed",
            Some(false) => "; collapsed=?0",
        });
        if let Some(reason) = detail {
            let _ = write!(text, "; detail={reason}");
        }
        made(text)
    }
}

/// All of the text is printable, so this always is a value; `?0` is a valid one that says nothing.
fn made(text: String) -> Said<'static> {
    Said::Made(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("?0")).into())
}

/// A value with what a route tells beyond it: for how many seconds the response is still fresh (RFC 9211 §2.6), and the
/// request's key (§2.7).
#[inline]
pub(crate) fn detailed<'a>(said: Said<'a>, ttl: Option<i64>, key: Option<&str>) -> Said<'a> {
    if ttl.is_none() && key.is_none() {
        return said;
    }
    let Ok(mut text) = said.to_str().map(str::to_owned) else { return said };
    if let Some(ttl) = ttl {
        // Writing to a string cannot fail.
        let _ = write!(text, "; ttl={ttl}");
    }
    if let Some(key) = key.and_then(string) {
        let _ = write!(text, "; key={key}");
    }
    made(text)
}

/// Why a request went forward (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fwd {
    /// The cache was configured not to handle the request.
    Bypass,
    /// The method's semantics require it.
    Method,
    /// Nothing is stored under the key.
    UriMiss,
    /// Something is stored under the key, and the request headers named by `Vary` select none of it.
    VaryMiss,
    /// What is stored is fresh, and the request's own directives did not allow it.
    Request,
    /// What is stored is stale.
    Stale,
    /// Parts of it are stored, and not all that is asked for.
    Partial,
}

impl Fwd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

/// A name as a token where it is one, and else as a string (RFC 9651 §3.3.3, §3.3.4).
fn item(name: &str) -> Option<String> {
    let first = name.bytes().next()?;
    let token = |byte| is_tchar(byte) || matches!(byte, b':' | b'/');
    if (first.is_ascii_alphabetic() || first == b'*') && name.bytes().all(token) {
        return Some(name.to_owned());
    }
    string(name)
}

/// A text as a string, if it can be one (RFC 9651 §3.3.3).
fn string(text: &str) -> Option<String> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    printable.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
