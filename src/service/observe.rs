//! The mode `observe`: every request is forwarded, and what would have been served is compared with what comes.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Buf, Bytes};
use http::{HeaderName, Method, Request, Response, StatusCode, header, request};
use http_body::{Body, Frame};
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::{ResponseFuture, SwrCache, future::After, respond::Ask, service::may_refresh};
use crate::{
    clock::Tick,
    entry::{Entry, Target},
    error::BoxError,
    event::{Outcome, Reason},
    fetch::PassingCall,
    key::Key,
    policy::cache_control::RequestDirectives,
    refresh::refresh,
    shared::{Equivalent, Lookup, Route, Upstream},
    telemetry::Verdict,
};

/// What of a response's head is compared: the fields that depend on the request, and not on when it came.
const COMPARED: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::LOCATION];

/// What would have been served.
pub(super) struct Expected {
    entry: Arc<Entry>,
    /// Without its body.
    head: bool,
}

/// A body on its way to the client, and what of the expected one has not come yet.
#[derive(Debug)]
pub(super) struct Comparison {
    route: Arc<Route>,
    rest: VecDeque<Bytes>,
    /// Nothing more is to be found out.
    over: bool,
}

impl<S> SwrCache<S> {
    /// Forwards a request, and looks at what comes in the light of what was found for it.
    #[expect(clippy::too_many_arguments, reason = "all that is known of one request")]
    #[inline(never)]
    pub(super) fn observe<ReqBody, B>(
        &self,
        parts: request::Parts,
        body: ReqBody,
        key: &[u8],
        ask: &Ask,
        asked: Option<&RequestDirectives>,
        lookup: Lookup<'_>,
        now: Tick,
    ) -> ResponseFuture<S, ReqBody, B>
    where
        S: Upstream<ReqBody, Body = B>,
        ReqBody: Default + Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let route = &self.route;
        let runtime = Handle::try_current().ok();
        if let Some(runtime) = &runtime {
            route.core.keep_publishing(runtime);
        }
        let after = match lookup {
            Lookup::Own(entry, outcome) => {
                if outcome != Outcome::Hit && may_refresh(asked) {
                    refresh(route, &self.inner, parts.clone(), key, entry, ask.asker, now);
                }
                Expected::of(entry, ask).map(After::Compared)
            }
            Lookup::Equivalent(equivalent) => {
                let Equivalent { key, entry, aimed, .. } = *equivalent;
                route.core.store.used(key.as_bytes());
                if let Some(parts) = aimed.filter(|_| may_refresh(asked)) {
                    refresh(route, &self.inner, parts, key.as_bytes(), &entry, ask.asker, now);
                }
                Expected::of(&entry, ask).map(After::Compared)
            }
            Lookup::NotCached | Lookup::Alone(_) | Lookup::Fetch { .. } => {
                runtime.filter(|_| parts.method == Method::GET).map(|runtime| {
                    let place = (Key::from_bytes(key), Target::of(&parts));
                    After::Observed(PassingCall::new(route, runtime, place, &parts.headers, ask.asker, now))
                })
            }
        };
        let call = self.inner.clone().oneshot(Request::from_parts(parts, body));
        ResponseFuture::bypass(call, Arc::clone(route), Reason::Observe, after.map(Box::new))
    }
}

impl Expected {
    /// Nothing where the request wants a part, or makes conditions: what comes may be another thing for that alone.
    fn of(entry: &Arc<Entry>, ask: &Ask) -> Option<Self> {
        let whole = !(ask.facts.has_conditionals() || ask.facts.has_range());
        whole.then(|| Self { entry: Arc::clone(entry), head: ask.head })
    }

    /// Compares the head of what came, and begins with its body if that is still to decide.
    pub(super) fn compare<B: Body>(self, route: &Arc<Route>, response: &Response<B>) -> Option<Comparison> {
        let Self { entry, head } = self;
        if is_failure(response.status()) {
            return None;
        }
        let (stored, came) = (entry.headers.as_map(), response.headers());
        let same = |name| stored.get_all(name).iter().eq(came.get_all(name));
        if entry.status != response.status() || !COMPARED.iter().all(same) {
            route.meter.observed(Verdict::Different);
            return None;
        }
        if head {
            route.meter.observed(Verdict::Same);
            return None;
        }
        let pieces = entry.content.get().map_or(&[][..], |content| content.body.pieces());
        let rest = pieces.iter().cloned().collect();
        let mut comparison = Comparison { route: Arc::clone(route), rest, over: false };
        if response.body().is_end_stream() {
            comparison.end();
        }
        (!comparison.over).then_some(comparison)
    }
}

/// Whether a status tells of trouble, and nothing of what was asked for.
fn is_failure(status: StatusCode) -> bool {
    let wants_patience = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    status.is_server_error() || wants_patience
}

impl Comparison {
    /// This came of the body, or its end; and whether nothing will come after it.
    pub(super) fn saw(
        &mut self,
        frame: Option<&Result<Frame<Bytes>, BoxError>>,
        is_end: impl FnOnce() -> bool,
    ) {
        match frame {
            None => return self.end(),
            Some(Err(_)) => return self.give_up(),
            Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| self.came(data)),
        }
        if is_end() {
            self.end();
        }
    }

    fn came(&mut self, mut data: &[u8]) {
        while !(self.over || data.is_empty()) {
            let Some(piece) = self.rest.front_mut() else { return self.conclude(Verdict::Different) };
            let (part, others) = data.split_at(piece.len().min(data.len()));
            if !piece.starts_with(part) {
                return self.conclude(Verdict::Different);
            }
            piece.advance(part.len());
            data = others;
            if piece.is_empty() {
                self.rest.pop_front();
            }
        }
    }

    /// That was all of it.
    fn end(&mut self) {
        let came_short = self.rest.iter().any(|piece| !piece.is_empty());
        self.conclude(if came_short { Verdict::Different } else { Verdict::Same });
    }

    /// It did not come to its end, which says nothing.
    fn give_up(&mut self) {
        self.over = true;
        self.rest.clear();
    }

    fn conclude(&mut self, verdict: Verdict) {
        if !self.over {
            self.give_up();
            self.route.meter.observed(verdict);
        }
    }
}
