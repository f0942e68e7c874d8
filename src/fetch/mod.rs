//! One fetch: the call of the inner service, the verdict at its head, and its body on the way into the store.
//!
//! It runs in a task of its own and belongs to no client. Every way out of it (an answer, an error, a panic, a time-out,
//! the end of the runtime) ends its flight and wakes those who wait, because a [`Job`] holds the flight's lead, and the
//! spool's producer, by guards.

mod absorb;
mod draft;
mod head;
mod settle;

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{error::Elapsed, timeout},
};
use tower::ServiceExt;

pub(crate) use head::HeadCall;

use crate::{
    breaker::{self, Breaker},
    clock::Tick,
    entry::{Claim, Entry, Target},
    error::BoxError,
    event::Reason,
    flight::Lead,
    key::Key,
    policy::{validation, verdict::Asker},
    shared::{Failed, FlightKey, Landing, Route, Upstream},
    spool::SpoolReader,
    telemetry::{self, CallKind, CallResult},
};

/// A fetch, and all that depends on how it goes.
pub(crate) struct Job {
    pub(crate) route: Arc<Route>,
    pub(crate) key: Key,
    pub(crate) target: Target,
    pub(crate) asker: Asker,
    /// The request's headers as they came: a variant is selected by them.
    pub(crate) request: Arc<HeaderMap>,
    /// What is stored, and is to be confirmed or replaced.
    pub(crate) stored: Option<Arc<Entry>>,
    /// The fetch's sequence number.
    pub(crate) number: u64,
    /// The flight that it leads, unless it goes alone.
    pub(crate) lead: Option<Lead<FlightKey, Landing>>,
    /// The breaker that it asks.
    pub(crate) breaker: Option<Arc<Breaker>>,
    /// The claim on what is stored, if it is a refresh.
    pub(crate) claim: Option<Claim>,
    /// What the breaker gave; it is told what comes of the call.
    pub(crate) call: Option<breaker::Permit>,
}

/// What the one who asked for a fetch gets of it.
pub(crate) enum Reply<B, E> {
    /// The inner service's response, which is not stored, and why.
    Own(Response<B>, Reason),
    /// A response that is being stored.
    Stored(Arc<Entry>, SpoolReader, Unstored),
    /// The stored response was confirmed.
    Confirmed(Arc<Entry>, Unstored),
    /// The inner service failed with a response, to be passed on if there is nothing better.
    Failed(Response<B>, Reason),
    /// It failed with an error.
    Error(E),
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
    /// It gave nothing that could be passed on.
    Refused(Arc<Failed>),
}

/// What of a response is for the one who asked for it, and is not stored.
#[derive(Debug, Default)]
pub(crate) struct Unstored {
    extensions: Extensions,
    fields: HeaderMap,
}

impl Unstored {
    /// Gives it to them.
    pub(crate) fn add_to<B>(self, response: &mut Response<B>) {
        response.extensions_mut().extend(self.extensions);
        response.headers_mut().extend(self.fields);
    }
}

/// Where the reply goes: to the request that asked for the fetch; nowhere, if it is a refresh.
pub(crate) type Replier<B, E> = Option<oneshot::Sender<Reply<B, E>>>;

/// What a call comes to: a time-out, a panic, an error or a response.
type Answered<B, E> = Result<Result<Result<Response<B>, E>, Box<dyn Any + Send>>, Elapsed>;

/// The same request once more; a fetch has no body.
fn copy<ReqBody: Default>(request: &Request<ReqBody>) -> Request<ReqBody> {
    let mut copy = Request::new(ReqBody::default());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    copy
}

/// Answers whoever asked. Who left in the meantime is nobody's loss: the fetch was not theirs.
fn answer<B, E>(reply: Replier<B, E>, with: Reply<B, E>) {
    if let Some(reply) = reply {
        drop(reply.send(with));
    }
}

impl Job {
    /// Runs the fetch to its end.
    pub(crate) async fn run<S, ReqBody>(
        mut self,
        mut service: S,
        mut request: Request<ReqBody>,
        reply: Replier<S::Body, S::Error>,
    ) where
        S: Upstream<ReqBody>,
        ReqBody: Default + Send + 'static,
    {
        let limit = self.route.settings.fetch_timeout;
        let turn = Arc::clone(&self.route.core.fetches).acquire_owned();
        let Ok(Ok(permit)) = timeout(limit, turn).await else {
            let failed = self.fail(Reason::Overload, None);
            return answer(reply, Reply::Refused(failed));
        };
        match self.breaker.take().map(|breaker| breaker.ask(self.now())).transpose() {
            Ok(call) => self.call = call,
            Err(wait) => {
                let failed = self.fail(Reason::BreakerOpen, Some(wait));
                return answer(reply, Reply::Refused(failed));
            }
        }
        validation::strip_conditionals(request.headers_mut());
        let mut unasked = None;
        if let Some(stored) = self.stored.as_ref().filter(|stored| stored.validators.is_some()) {
            unasked = Some((service.clone(), copy(&request)));
            stored.validators.add_conditionals(request.headers_mut());
        }
        loop {
            let began = self.now();
            // The inner service is readied on the very clone that is called.
            let call = AssertUnwindSafe(service.oneshot(request)).catch_unwind();
            let answered = timeout(limit, call).await;
            self.called(&answered, began);
            if let (Ok(Ok(Ok(response))), Some(again)) = (&answered, unasked.take()) {
                if self.is_unrelated_304(response) {
                    // What is stored is not what it confirms; it goes, and the question is put without it.
                    (service, request) = again;
                    self.forget_stored();
                    continue;
                }
            }
            return self.conclude(answered, began, permit, reply).await;
        }
    }

    /// Counts a call of the inner service.
    fn called<B, E>(&self, answered: &Answered<B, E>, began: Tick) {
        let kind = if self.claim.is_some() { CallKind::Refresh } else { CallKind::Fill };
        let result = match answered {
            Ok(Ok(Ok(response))) if response.status() == StatusCode::NOT_MODIFIED => CallResult::NotModified,
            Ok(Ok(Ok(response))) if response.status().is_server_error() => CallResult::Failure,
            Ok(Ok(Ok(_))) => CallResult::Success,
            Ok(Ok(Err(_))) => CallResult::Failure,
            Ok(Err(_)) => CallResult::Panicked,
            Err(_) => CallResult::TimedOut,
        };
        self.route.meter.called(kind, result, self.now().since(began));
    }

    /// Carries out what the call came to.
    async fn conclude<B, E>(
        mut self,
        answered: Answered<B, E>,
        began: Tick,
        permit: OwnedSemaphorePermit,
        reply: Replier<B, E>,
    ) where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        match answered {
            Ok(Ok(Ok(response))) => self.settle(response, began, permit, reply).await,
            Ok(Ok(Err(error))) => {
                self.fail(Reason::Error, None);
                answer(reply, Reply::Error(error));
            }
            Ok(Err(panic)) => self.panicked(panic, reply),
            Err(_elapsed) => {
                let failed = self.fail(Reason::Timeout, None);
                answer(reply, Reply::Refused(failed));
            }
        }
    }

    /// Whether a response confirms something else than what is stored (RFC 9111 §4.3.4).
    fn is_unrelated_304<B>(&self, response: &Response<B>) -> bool {
        response.status() == StatusCode::NOT_MODIFIED
            && self
                .stored
                .as_ref()
                .is_some_and(|stored| !validation::confirms(&stored.validators, response.headers()))
    }

    fn panicked<B, E>(&mut self, panic: Box<dyn Any + Send>, reply: Replier<B, E>) {
        telemetry::fetch_panicked(&self.route, self.now());
        self.fail(Reason::Panic, None);
        answer(reply, Reply::Panicked(panic));
    }

    fn now(&self) -> Tick {
        self.route.core.clock.now()
    }
}
