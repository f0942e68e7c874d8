//! What matters in a request's headers, found in one pass over their names. It runs for every request, hits included,
//! and allocates nothing.

use http::{
    Method,
    header::{self, FORWARDED, HeaderMap, HeaderName},
};

use self::forwarded::for_each_pair;
use super::date::only_value;
use crate::event::Reason;

mod forwarded;
#[cfg(test)]
mod tests;

/// Which of the headers that matter a request has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestFacts(u32);

const AUTHORIZATION: u32 = 1 << 16;
const COOKIE: u32 = 1 << 17;
const CONDITIONAL: u32 = 1 << 18;
const PRECONDITION: u32 = 1 << 19;
const RANGE: u32 = 1 << 20;
const UPGRADE: u32 = 1 << 21;
const METHOD_OVERRIDE: u32 = 1 << 22;
const BODY: u32 = 1 << 23;
const CACHE_CONTROL: u32 = 1 << 24;
const GUARDED: u32 = (1 << GUARDED_NAMES.len()) - 1;

/// The headers that are known to change what an origin answers although no cache keys them, sorted by name: the place
/// of each is its bit.
static GUARDED_NAMES: [HeaderName; 11] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-scheme"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

impl RequestFacts {
    /// Reads the names of a request's headers, and of the values only `Content-Length`.
    pub(crate) fn scan(headers: &HeaderMap) -> Self {
        let mut facts = headers.keys().fold(0, |facts, name| facts | fact(name.as_str()));
        if facts & BODY != 0 && !headers.contains_key(header::TRANSFER_ENCODING) {
            let length = only_value(headers, &header::CONTENT_LENGTH);
            if length.is_some_and(|length| length == "0") {
                facts &= !BODY;
            }
        }
        Self(facts)
    }

    /// Why a request has nothing to do with a cache, as far as that shows without its key.
    pub(crate) fn ineligible(self, method: &Method, has_body: bool) -> Option<Reason> {
        if method != Method::GET && method != Method::HEAD {
            return Some(Reason::Method);
        }
        if self.declares_body() || has_body {
            return Some(Reason::RequestBody);
        }
        if self.has_upgrade() {
            return Some(Reason::Upgrade);
        }
        if self.has_method_override() {
            return Some(Reason::MethodOverride);
        }
        self.has_preconditions().then_some(Reason::Precondition)
    }

    /// `Authorization` (RFC 9111 §3.5).
    pub(crate) fn has_authorization(self) -> bool {
        self.has(AUTHORIZATION)
    }

    /// `Cookie` (RFC 6265 §5.4).
    pub(crate) fn has_cookie(self) -> bool {
        self.has(COOKIE)
    }

    /// `If-None-Match` or `If-Modified-Since`: a cache may answer them (RFC 9111 §4.3.2).
    pub(crate) fn has_conditionals(self) -> bool {
        self.has(CONDITIONAL)
    }

    /// `If-Match` or `If-Unmodified-Since`: only the origin may (RFC 9111 §4.3.2).
    pub(crate) fn has_preconditions(self) -> bool {
        self.has(PRECONDITION)
    }

    /// `Range` (RFC 9110 §14.2).
    pub(crate) fn has_range(self) -> bool {
        self.has(RANGE)
    }

    /// `Upgrade` (RFC 9110 §7.8).
    pub(crate) fn has_upgrade(self) -> bool {
        self.has(UPGRADE)
    }

    /// A header by which frameworks take another method than the request's.
    pub(crate) fn has_method_override(self) -> bool {
        self.has(METHOD_OVERRIDE)
    }

    /// `Transfer-Encoding`, or a `Content-Length` that is not one `0` (RFC 9112 §6).
    pub(crate) fn declares_body(self) -> bool {
        self.has(BODY)
    }

    /// `Cache-Control` or `Pragma` (RFC 9111 §5.2.1, §5.4).
    pub(crate) fn has_cache_control(self) -> bool {
        self.has(CACHE_CONTROL)
    }

    /// A guarded header, of which `Forwarded` may turn out to have nothing that matters.
    pub(crate) fn has_guarded(self) -> bool {
        self.has(GUARDED)
    }

    /// Calls back with the name and value of each guarded header that was found, by name and then by line, so that a
    /// key made of them is the same whatever order the names came in. Of `Forwarded` (RFC 7239) only its `host` and
    /// `proto` are passed, as `name=value` and with a mark wherever an element or a line begins; all of it where it
    /// cannot be read.
    pub(crate) fn for_each_guarded(self, headers: &HeaderMap, mut on: impl FnMut(&[u8], &[u8])) {
        if !self.has_guarded() {
            return;
        }
        for (place, name) in GUARDED_NAMES.iter().enumerate().filter(|(place, _)| self.has(1 << place)) {
            let mut on = |value: &[u8]| on(name.as_str().as_bytes(), value);
            if place == 0 {
                for_each_pair(headers, &mut on);
            } else {
                headers.get_all(name).iter().for_each(|value| on(value.as_bytes()));
            }
        }
    }

    fn has(self, facts: u32) -> bool {
        self.0 & facts != 0
    }
}

/// What a header of this name means. By length first, which is one jump where a flat match would compare one by one.
fn fact(name: &str) -> u32 {
    match name.len() {
        5 if name == "range" => RANGE,
        6 => match name {
            "cookie" => COOKIE,
            "pragma" => CACHE_CONTROL,
            "x-host" => 1 << 7,
            _ => 0,
        },
        7 if name == "upgrade" => UPGRADE,
        8 if name == "if-match" => PRECONDITION,
        9 if name == "forwarded" => 1,
        13 => match name {
            "authorization" => AUTHORIZATION,
            "cache-control" => CACHE_CONTROL,
            "if-none-match" => CONDITIONAL,
            "x-http-method" => METHOD_OVERRIDE,
            "x-rewrite-url" => 1 << 10,
            _ => 0,
        },
        14 => match name {
            "content-length" => BODY,
            "x-original-url" => 1 << 9,
            _ => 0,
        },
        15 if name == "x-original-host" => 1 << 8,
        16 => match name {
            "x-forwarded-host" => 1 << 1,
            "x-forwarded-port" => 1 << 2,
            _ => 0,
        },
        17 => match name {
            "if-modified-since" => CONDITIONAL,
            "transfer-encoding" => BODY,
            "x-forwarded-proto" => 1 << 4,
            "x-method-override" => METHOD_OVERRIDE,
            _ => 0,
        },
        18 => match name {
            "x-forwarded-prefix" => 1 << 3,
            "x-forwarded-scheme" => 1 << 5,
            "x-forwarded-server" => 1 << 6,
            _ => 0,
        },
        19 if name == "if-unmodified-since" => PRECONDITION,
        22 if name == "x-http-method-override" => METHOD_OVERRIDE,
        _ => 0,
    }
}
