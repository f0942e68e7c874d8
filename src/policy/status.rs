//! `Cache-Status` (RFC 9211): what the cache did with a request, for whoever reads the response.

use std::fmt::Write;

use http::{HeaderValue, StatusCode};

use super::cache_control::is_tchar;
use crate::event::{Outcome, Reason};

#[cfg(test)]
mod tests;

/// The values of one cache. Those of a response from memory are ready-made, so that giving one is a clone without a
/// copy.
#[derive(Clone, Debug)]
pub(crate) struct CacheStatus {
    /// The cache's name as it stands in the field.
    name: String,
    hit: HeaderValue,
    stale: HeaderValue,
    stale_error: HeaderValue,
    forwarded_in_vain: HeaderValue,
    revalidated: HeaderValue,
}

impl CacheStatus {
    /// The values of a cache of this name, or nothing if the name is empty or has characters that a structured field
    /// cannot show: it is a token or a string (RFC 9211 §2, RFC 9651 §3.3).
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = item(name)?;
        Some(Self {
            hit: HeaderValue::try_from(format!("{name}; hit")).ok()?,
            stale: HeaderValue::try_from(format!("{name}; hit; detail={}", Outcome::Stale)).ok()?,
            stale_error: HeaderValue::try_from(format!("{name}; hit; detail={}", Outcome::StaleError))
                .ok()?,
            forwarded_in_vain: HeaderValue::try_from(format!(
                "{name}; fwd=stale; detail={}",
                Outcome::StaleError
            ))
            .ok()?,
            revalidated: HeaderValue::try_from(format!("{name}; fwd=stale; fwd-status=304")).ok()?,
            name,
        })
    }

    /// A fresh stored response (RFC 9211 §2.1).
    pub(crate) fn hit(&self) -> HeaderValue {
        self.hit.clone()
    }

    /// A stale stored response that nothing was asked about: its refresh is not this request's (RFC 9211 §2.1).
    pub(crate) fn stale(&self) -> HeaderValue {
        self.stale.clone()
    }

    /// A stored response served because an earlier fetch failed, or the breaker refuses one. A request that went
    /// forward itself is [forwarded](Self::forwarded), as `hit` and `fwd` exclude each other (RFC 9211 §2.1).
    pub(crate) fn stale_error(&self) -> HeaderValue {
        self.stale_error.clone()
    }

    /// A stored response served to a request that went forward, or waited for one that did, and the fetch failed.
    pub(crate) fn forwarded_in_vain(&self) -> HeaderValue {
        self.forwarded_in_vain.clone()
    }

    /// A stored response that this request had confirmed by a 304 (RFC 9211 §2.3).
    pub(crate) fn revalidated(&self) -> HeaderValue {
        self.revalidated.clone()
    }

    /// The same, of a response that was fresh.
    pub(crate) fn revalidated_on_request(&self) -> HeaderValue {
        self.forwarded(Fwd::Request, Some(StatusCode::NOT_MODIFIED), false, None, None)
    }

    /// A request that went nowhere, and that nothing stored answers (RFC 9211 §2.8).
    pub(crate) fn unanswered(&self, detail: Reason) -> HeaderValue {
        HeaderValue::try_from(format!("{}; detail={detail}", self.name))
            .unwrap_or(HeaderValue::from_static("?0"))
    }

    /// A request that went forward (RFC 9211 §2.2 to §2.8). `fwd_status` is what the next hop answered, where that is
    /// not what the client gets; `collapsed` is whether a request that waited for another one's fetch could use its
    /// response, and nothing for one that did not wait.
    pub(crate) fn forwarded(
        &self,
        fwd: Fwd,
        fwd_status: Option<StatusCode>,
        stored: bool,
        collapsed: Option<bool>,
        detail: Option<Reason>,
    ) -> HeaderValue {
        let mut text = format!("{}; fwd={}", self.name, fwd.as_str());
        if let Some(status) = fwd_status {
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
        // All of it is printable, so this always is a value; `?0` is a valid one that says nothing.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("?0"))
    }
}

/// A value with what a route tells beyond it: for how many seconds the response is still fresh (RFC 9211 §2.6), and the
/// request's key (§2.7).
pub(crate) fn detailed(value: HeaderValue, ttl: Option<i64>, key: Option<&str>) -> HeaderValue {
    let (Ok(said), true) = (value.to_str(), ttl.is_some() || key.is_some()) else { return value };
    let mut text = said.to_owned();
    if let Some(ttl) = ttl {
        // Writing to a string cannot fail.
        let _ = write!(text, "; ttl={ttl}");
    }
    if let Some(key) = key.and_then(string) {
        let _ = write!(text, "; key={key}");
    }
    HeaderValue::try_from(text).unwrap_or(value)
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
