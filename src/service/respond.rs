//! Responses that the cache makes: from a stored entry, from one on its way, or from nothing.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::body::ResponseBody;
use crate::{
    clock::Tick,
    entry::{Content, Entry, FinalUri},
    error::CacheFailure,
    event::{Outcome, Reason},
    fetch::Kept,
    policy::{
        range::{self, Wanted},
        request::RequestFacts,
        status::{Forward, Told},
        validation::{self, Condition},
        verdict::Asker,
    },
    shared::{Failed, Route},
    spool::SpoolReader,
    sync::atomic::Ordering,
    telemetry::Source,
};

/// What a request is, as far as the answer goes.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) facts: RequestFacts,
    pub(crate) asker: Asker,
    /// The method is HEAD.
    pub(crate) head: bool,
    /// The printed form of its key, where that is told.
    pub(crate) shown_key: Option<Box<str>>,
}

impl Ask {
    /// Whether it wants a whole response whatever that is.
    #[inline]
    pub(super) fn wants_all(&self) -> bool {
        !(self.head || self.facts.has_conditionals() || self.facts.has_range())
    }
}

/// What is there of a response whose body is on its way.
pub(super) struct OnItsWay {
    pub(super) reader: SpoolReader,
    /// A copy of its stored headers that nobody has, if there is one.
    pub(super) copy: Option<HeaderMap>,
}

/// A request's answer from `entry`, whose body is stored, or `on_its_way`. It is a 304 if the request's own conditions
/// say so (RFC 9110 §13.2.2), and without a body for HEAD.
#[inline]
pub(crate) fn from_entry<B>(
    route: &Route,
    entry: &Entry,
    on_its_way: Option<OnItsWay>,
    ask: &Ask,
    request: &HeaderMap,
    now: Tick,
    told: Told,
) -> Response<ResponseBody<B>> {
    let stored = if on_its_way.is_some() { None } else { entry.content.get() };
    let (body, copy) = match (on_its_way, stored) {
        (Some(OnItsWay { reader, copy }), _) => (ResponseBody::shared(reader), copy),
        (None, Some(content)) => (ResponseBody::stored(content), None),
        (None, None) => (ResponseBody::none(), None),
    };
    let status = route
        .status_field()
        .map(|status| (&status.field, status.said(told, Some(entry.ttl(now)), ask.shown_key.as_deref())));
    let mut response = Response::new(body);
    *response.status_mut() = entry.status;
    match copy {
        None => entry.headers.copy_to(response.headers_mut(), entry.age(now), status),
        Some(copy) => {
            *response.headers_mut() = copy;
            entry.headers.fill(response.headers_mut(), entry.age(now), status);
        }
    }
    if let Some(uri) = &entry.final_uri {
        response.extensions_mut().insert(FinalUri::clone(uri));
    }
    if !ask.wants_all() {
        as_asked(&mut response, entry, stored, ask, request);
    }
    response
}

/// Makes of a whole response what the request wants of it.
#[cold]
fn as_asked<B>(
    response: &mut Response<ResponseBody<B>>,
    entry: &Entry,
    stored: Option<&Content>,
    ask: &Ask,
    request: &HeaderMap,
) {
    if ask.facts.has_conditionals()
        && validation::client_condition(request, entry.headers.as_map(), entry.status)
            == Condition::NotModified
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = validation::not_modified_headers(response.headers());
        *response.body_mut() = ResponseBody::none();
    } else if ask.head {
        // A 204 has no length (RFC 9110 §8.6).
        let has_length = entry.content.get().is_some() && entry.status != StatusCode::NO_CONTENT;
        if has_length && !response.headers().contains_key(header::CONTENT_LENGTH) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(entry.body_len()));
        }
        *response.body_mut() = ResponseBody::none();
    } else if ask.facts.has_range() && (entry.status == StatusCode::OK || entry.extent.is_some()) {
        if let Some(content) = stored {
            to_part(response, entry, content, request);
        }
    }
}

/// Makes of it the part of what is stored that a request with `Range` asks for (RFC 9110 §15.3.7, §15.5.17).
fn to_part<B>(
    response: &mut Response<ResponseBody<B>>,
    entry: &Entry,
    content: &Content,
    request: &HeaderMap,
) {
    let (start, length) = match &entry.extent {
        Some(extent) => (extent.bytes.start, extent.whole),
        None => (0, content.body.len()),
    };
    let (status, part, body) = match range::wanted(request, entry.headers.as_map(), length) {
        Wanted::Whole => return,
        Wanted::Part(part) => {
            let stored = part.start.saturating_sub(start)..part.end.saturating_sub(start);
            let body = ResponseBody::part(&content.body.part(&stored));
            (StatusCode::PARTIAL_CONTENT, Some(part), body)
        }
        Wanted::Unsatisfiable => {
            *response.headers_mut() = range::unsatisfiable_headers(response.headers());
            (StatusCode::RANGE_NOT_SATISFIABLE, None, ResponseBody::text(""))
        }
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_RANGE, range::content_range(part.as_ref(), length));
    let sent = part.map_or(0, |part| part.end - part.start);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(sent));
    *response.body_mut() = body;
}

/// How what is stored comes to be served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    outcome: Outcome,
    source: Source,
    told: Told,
}

impl Served {
    pub(crate) const HIT: Self = Self::of(Outcome::Hit, Source::Cache, Told::Hit);
    pub(crate) const STALE: Self = Self::of(Outcome::Stale, Source::Cache, Told::Stale);
    pub(crate) const STALE_ERROR: Self = Self::of(Outcome::StaleError, Source::Cache, Told::StaleError);
    /// After a fetch that this request started, or waited for, failed.
    pub(crate) const IN_VAIN: Self = Self::of(Outcome::StaleError, Source::Upstream, Told::InVain);

    /// From memory, which comes to this.
    #[inline]
    pub(crate) const fn from_memory(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stale => Self::STALE,
            Outcome::StaleError => Self::STALE_ERROR,
            _ => Self::HIT,
        }
    }

    /// After the inner service confirmed it to a request that went forward so, or waited for one.
    pub(crate) fn revalidated(forward: Forward) -> Self {
        let told = Told::Forwarded(forward.answered(StatusCode::NOT_MODIFIED));
        Self::of(Outcome::Revalidated, Source::Upstream, told)
    }

    const fn of(outcome: Outcome, source: Source, told: Told) -> Self {
        Self { outcome, source, told }
    }
}

/// A request's answer from what is stored, counted. Inlined with what it calls, as a response is not small: each step on
/// its way would move it once more.
#[inline]
pub(crate) fn from_store<B>(
    route: &Route,
    entry: &Entry,
    ask: &Ask,
    request: &HeaderMap,
    began: Tick,
    now: Tick,
    served: Served,
) -> Response<ResponseBody<B>> {
    let response = from_entry(route, entry, None, ask, request, now, served.told);
    let took = || route.core.clock.now().since(began);
    entry.hits.fetch_add(1, Ordering::Relaxed);
    let size = (entry.age(now), response.body().stored_len());
    route.meter.served(served.outcome, served.source, size, took, now);
    response
}

/// A response of the inner service on its way to the one who asked for it.
#[inline]
pub(crate) fn passed_on<B>(
    route: Arc<Route>,
    mut response: Response<B>,
    shown_key: Option<&str>,
    told: Told,
) -> Response<ResponseBody<B>> {
    if let Some(status) = route.status_field() {
        let said = status.said(told, None, shown_key);
        response.headers_mut().append(&status.field, said.into_value());
    }
    response.map(|body| ResponseBody::inner(body, route))
}

/// The answer to a request that went past the cache, and whose response is being kept: as it came, whatever the request's
/// conditions are.
pub(crate) fn kept<B>(route: &Route, kept: Kept, now: Tick, told: Told) -> Response<ResponseBody<B>> {
    let Kept { entry, reader, mut unstored } = kept;
    let on_its_way = OnItsWay { reader, copy: unstored.copy.take() };
    let ask = Ask { facts: RequestFacts::default(), asker: Asker::default(), head: false, shown_key: None };
    let mut response = from_entry(route, &entry, Some(on_its_way), &ask, &HeaderMap::new(), now, told);
    unstored.add_to(&mut response);
    response
}

/// The answer to a request that waited for a fetch which failed, or whose fetch was refused: 504 after a time-out or when
/// it wanted none, 503 when there was no room for it or the breaker is open, else 502. Always with `Retry-After` and a
/// reason.
pub(crate) fn refused<B>(route: &Route, failed: &Failed, ask: &Ask, told: Told) -> Response<ResponseBody<B>> {
    let code = match failed.reason {
        Reason::Timeout | Reason::BodyTimeout | Reason::OnlyIfCached => StatusCode::GATEWAY_TIMEOUT,
        Reason::Overload | Reason::Aborted | Reason::Throttled | Reason::BreakerOpen => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_GATEWAY,
    };
    let mut headers = HeaderMap::new();
    let wait = failed.retry_after.unwrap_or(Duration::from_secs(1)).as_secs().max(1);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(status) = route.status_field() {
        let said = status.said(told, None, ask.shown_key.as_deref());
        headers.append(&status.field, said.into_value());
    }
    let text = if ask.head { ResponseBody::none() } else { ResponseBody::text(failed.reason.as_str()) };
    let mut response = Response::new(text);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(CacheFailure::new(failed.reason));
    response
}

/// The answer to a request that wants what is stored, or nothing (RFC 9111 §5.2.1.7).
pub(crate) fn not_cached<B>(route: &Route, ask: &Ask, began: Tick) -> Response<ResponseBody<B>> {
    route.answered(Outcome::Rejected, Source::Cache, began);
    let failed = Failed::new(Reason::OnlyIfCached, None);
    refused(route, &failed, ask, Told::Unanswered(failed.reason))
}
