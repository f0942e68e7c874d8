//! Whether a response may be stored at all (RFC 9111 §3).

use http::{HeaderMap, StatusCode, header};

use super::{
    CacheOverride, Rules,
    cache_control::{FieldList, ResponseDirectives},
    vary::Vary,
    withheld::Withheld,
};
use crate::event::Reason;

/// Whose word it is that a response may not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The response's own: it holds for everybody who asks for it.
    Response,
    /// The request's: another one might get a response that can be stored.
    Request,
}

/// What in the request bears on storing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asker {
    pub(crate) authorization: bool,
    /// A `Cookie` that is neither keyed nor ignored.
    pub(crate) cookie: bool,
    /// `no-store`, where what requests say counts (RFC 9111 §5.2.1.5).
    pub(crate) no_store: bool,
    /// It asks for a part, to be kept as one. What it gets says nothing to others.
    pub(crate) part: bool,
    /// It is a POST, whose response may answer GET. What it gets says nothing to others.
    pub(crate) post: bool,
}

/// What forbids to store a response without its `withheld` fields, before any question of freshness.
pub(crate) fn forbidden(
    rules: &Rules,
    asker: Asker,
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    withheld: &Withheld,
    overrides: Option<&CacheOverride>,
) -> Option<(Whose, Reason)> {
    let own = |reason| Some((Whose::Response, reason));
    if overrides.is_some_and(CacheOverride::forbids_storing) {
        return own(Reason::Override);
    }
    match status {
        StatusCode::PARTIAL_CONTENT if !asker.part => return own(Reason::Partial),
        StatusCode::NOT_MODIFIED => return own(Reason::Unrequested304),
        // What else there is to say to a range, a 416 above all, is no answer to those who ask for the whole.
        status if asker.part && status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT => {
            return Some((Whose::Request, Reason::Range));
        }
        _ => {}
    }
    // §5.2.2.3: `must-understand` lifts `no-store` for the statuses that a cache understands, and forbids all others.
    let understood = directives.must_understand && is_understood(status);
    if directives.must_understand && !understood {
        return own(Reason::Status);
    }
    if directives.no_store && !understood && !rules.ignore_no_store {
        return own(Reason::NoStore);
    }
    if directives.private != FieldList::Absent && !rules.store_private {
        return own(Reason::Private);
    }
    let sets_cookie = headers.contains_key(header::SET_COOKIE) && !withheld.contains(&header::SET_COOKIE);
    if sets_cookie && !rules.store_set_cookie {
        return own(Reason::SetCookie);
    }
    if matches!(Vary::from_headers(headers), Vary::Any) {
        return own(Reason::VaryStar);
    }
    if is_endless(headers) {
        return own(Reason::Streaming);
    }
    if asker.authorization && !rules.share_authorized && !allows_authorized(directives) {
        return Some((Whose::Request, Reason::Authorization));
    }
    if asker.no_store {
        return Some((Whose::Request, Reason::RequestNoStore));
    }
    None
}

/// Whether a response to a request with `Authorization` may be shared (RFC 9111 §3.5).
pub(crate) fn allows_authorized(directives: &ResponseDirectives) -> bool {
    directives.shares_authorized
}

/// Whether what the status means for caching is known here: those of RFC 9110 §15 that are final.
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505)
}

/// Whether the content type is one of a stream that does not end by itself.
fn is_endless(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return false };
    let content_type = content_type.as_bytes();
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"text/event-stream")
        || essence.eq_ignore_ascii_case(b"multipart/x-mixed-replace")
        || essence.get(..16).is_some_and(|start| start.eq_ignore_ascii_case(b"application/grpc"))
}

#[cfg(test)]
mod tests;
