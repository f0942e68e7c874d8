//! The service: looks up, answers from memory, and sends everything else on its way.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response, request};
use http_body::Body;
use tokio::runtime::Handle;
use tower::{Service, ServiceExt};

use super::{
    ResponseBody, ResponseFuture,
    exchange::Exchange,
    future::After,
    respond::{self, Ask, Served},
    spoils::Spoils,
};
use crate::{
    config::Mode,
    entry::{Entry, Target},
    error::BoxError,
    event::{Outcome, Reason},
    fetch::{HeadCall, PassingCall},
    key::{Key, KeyWriter},
    policy::{cache_control::RequestDirectives, request::RequestFacts, verdict::Asker},
    refresh::refresh,
    shared::{self, Equivalent, Lookup, Question, Route},
};

/// A service whose responses are cached. Made by [`SwrCacheLayer`](super::SwrCacheLayer).
///
/// It is always ready: a response from memory must not wait for the inner service. That one is made ready on the clone
/// that is called, so no clone inherits another's readiness or permit.
#[derive(Clone, Debug)]
pub struct SwrCache<S> {
    pub(super) inner: S,
    pub(super) route: Arc<Route>,
}

impl<S> SwrCache<S> {
    pub(super) fn new(inner: S, route: Arc<Route>) -> Self {
        Self { inner, route }
    }
}

impl<S, ReqBody, B> Service<Request<ReqBody>> for SwrCache<S>
where
    S: Service<Request<ReqBody>, Response = Response<B>, Error: Send + 'static, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
    ReqBody: Body + Default + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let route = &self.route;
        let facts = RequestFacts::scan(request.headers());
        let body = request.body();
        let has_body = !(body.is_end_stream() || body.size_hint().exact() == Some(0));
        if let Some(reason) = facts.ineligible(request.method(), has_body) {
            return self.bypass(request, facts, reason);
        }
        let mode = route.mode();
        if mode == Mode::Bypass {
            return self.bypass(request, facts, Reason::Mode);
        }
        let (mut parts, body) = request.into_parts();
        route.settings.negotiation.reduce(&mut parts.headers);
        let mut key = KeyWriter::empty();
        if !route.write_key(&parts, facts, &mut key) {
            return self.bypass(Request::from_parts(parts, body), facts, Reason::Extractor);
        }
        let asked = route.asked(&parts.headers, facts);
        let asker = route.asker(facts, asked.as_ref());
        let head = parts.method == Method::HEAD;
        let ask = Ask { facts, asker, head, shown_key: route.shown_key(&key) };
        let now = route.core.clock.now();
        let (key, asked) = (key.as_bytes(), asked.as_ref());
        let slot = route.core.store.get(key);
        let question = Question { route, key, parts: &parts, facts, asked, asker, now };
        let lookup = question.look_up(slot.as_ref());
        if mode == Mode::Observe {
            return self.observe(parts, body, key, &ask, asked, lookup, now);
        }
        let answer = |entry: &Entry, served| {
            let response = respond::from_store(route, entry, &ask, &parts.headers, now, now, served);
            ResponseFuture::ready(response)
        };
        match lookup {
            Lookup::Own(entry, Outcome::Hit) => answer(entry, Served::HIT),
            Lookup::Own(entry, outcome) => {
                let response = answer(entry, Served::from_memory(outcome));
                if may_refresh(asked) {
                    refresh(route, &self.inner, parts, key, entry, asker, now);
                }
                response
            }
            Lookup::Equivalent(equivalent) => {
                let Equivalent { key, entry, outcome, aimed } = *equivalent;
                route.core.store.used(key.as_bytes());
                let response = answer(&entry, Served::from_memory(outcome));
                if let Some(parts) = aimed.filter(|_| may_refresh(asked)) {
                    refresh(route, &self.inner, parts, key.as_bytes(), &entry, asker, now);
                }
                response
            }
            Lookup::NotCached => ResponseFuture::ready(respond::not_cached(route, &ask, now)),
            Lookup::Alone(reason) => self.bypass(Request::from_parts(parts, body), facts, reason),
            Lookup::Fetch { as_part, .. } => {
                let Ok(runtime) = Handle::try_current() else {
                    return self.bypass(Request::from_parts(parts, body), facts, Reason::NoRuntime);
                };
                route.core.keep_publishing(&runtime);
                let ask = Ask { asker: Asker { part: as_part, ..asker }, ..ask };
                let (route, service, key) = (Arc::clone(route), self.inner.clone(), Key::from_bytes(key));
                let exchange = Exchange::new(route, service, runtime, parts, key, ask, now);
                ResponseFuture::fetch(Box::pin(exchange.heeding(asked.cloned()).answer()))
            }
        }
    }
}

impl<S> SwrCache<S> {
    /// Hands the request to the inner service as it is.
    fn bypass<ReqBody, B>(
        &self,
        mut request: Request<ReqBody>,
        facts: RequestFacts,
        reason: Reason,
    ) -> ResponseFuture<S, ReqBody, B>
    where
        S: Service<Request<ReqBody>> + Clone,
    {
        let mut after = None;
        if !request.method().is_safe() || request.method() == Method::HEAD {
            let (mut parts, body) = request.into_parts();
            after = self.after(&mut parts, facts, reason).map(Box::new);
            request = Request::from_parts(parts, body);
        }
        ResponseFuture::bypass(self.inner.clone().oneshot(request), Arc::clone(&self.route), reason, after)
    }

    /// What the response to an unsafe method or a HEAD may mean for what is stored.
    fn after(&self, parts: &mut request::Parts, facts: RequestFacts, reason: Reason) -> Option<After> {
        if !parts.method.is_safe() {
            let spoils = self.spoils(parts, facts);
            let post = self.post_call(parts, facts, &spoils);
            return Some(After::Unsafe(spoils, post));
        }
        let is_plain =
            matches!(reason, Reason::Head | Reason::Precondition) && self.route.mode() != Mode::Bypass;
        let call = if is_plain { self.head_call(parts, facts) } else { None };
        call.map(After::Head)
    }

    /// A HEAD for which something is stored. Its response says nothing to others if it is for this request's eyes.
    fn head_call(&self, parts: &request::Parts, facts: RequestFacts) -> Option<HeadCall> {
        let route = &self.route;
        let asker = route.asker(facts, route.asked(&parts.headers, facts).as_ref());
        if !route.collapses(asker) {
            return None;
        }
        let key = route.key(parts, facts)?;
        let slot = route.core.store.peek(key.as_bytes())?;
        let entry = slot.select(&parts.headers).filter(|entry| shared::may_use(entry, asker))?;
        HeadCall::new(route, key, entry, &parts.headers, asker, route.core.clock.now())
    }

    /// A POST whose response may be kept.
    fn post_call(&self, parts: &request::Parts, facts: RequestFacts, spoils: &Spoils) -> Option<PassingCall> {
        let route = &self.route;
        let stores = route.settings.rules.store_post && route.mode() != Mode::Bypass;
        let is_plain = !(facts.has_method_override() || facts.has_upgrade() || facts.has_range());
        if !stores || parts.method != Method::POST || !is_plain {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let place = (spoils.key.clone()?, spoils.target.clone());
        let asker = route.asker(facts, route.asked(&parts.headers, facts).as_ref());
        let asker = Asker { post: true, ..asker };
        let began = route.core.clock.now();
        Some(PassingCall::new(route, runtime, place, &parts.headers, asker, began))
    }

    /// What an unsafe method invalidates if it succeeds: its URL, and the key that a GET for it would have.
    fn spoils(&self, parts: &mut request::Parts, facts: RequestFacts) -> Spoils {
        let method = std::mem::replace(&mut parts.method, Method::GET);
        let key = self.route.key(parts, facts);
        parts.method = method;
        Spoils { scheme: parts.uri.scheme().cloned(), target: Target::of(parts), key }
    }
}

/// Whether a request that says this can have what is stale refreshed for all.
pub(super) fn may_refresh(asked: Option<&RequestDirectives>) -> bool {
    asked.is_none_or(RequestDirectives::may_fetch_for_all)
}
