//! One fetch: the call of the inner service, the verdict at its head, and its body on the way into the store.
//!
//! It runs in a task of its own and belongs to no client. Every way out of it (an answer, an error, a panic, a time-out,
//! the end of the runtime) ends its flight and wakes those who wait, because a [`Job`] holds the flight's lead, and the
//! spool's producer, by guards.

mod absorb;
mod draft;
mod head;
mod passing;
mod rest;
mod settle;
mod within;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::OptionFuture};
use http::{Extensions, HeaderMap, Request, Response, StatusCode, header, request, response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tower::ServiceExt;

pub(crate) use head::HeadCall;
pub(crate) use passing::{Kept, PassingCall};
use rest::Completion;
use within::{Late, within};

use crate::{
    breaker,
    clock::Tick,
    entry::{Claim, Entry, Target},
    event::Reason,
    key::Key,
    policy::{validation, verdict::Asker},
    shared::{Failed, FlightLead, Route, SentHeaders, Upstream},
    spool::SpoolReader,
    telemetry::{self, CallKind, CallResult},
};

/// A fetch, and all that depends on how it goes.
pub(crate) struct Job {
    pub(crate) route: Arc<Route>,
    pub(crate) key: Key,
    pub(crate) target: Target,
    pub(crate) asker: Asker,
    /// What the request said: a variant is selected by it.
    pub(crate) request: SentHeaders,
    /// What is stored, and is to be confirmed or replaced.
    pub(crate) stored: Option<Arc<Entry>>,
    /// What is stored of it, where only the rest is to be asked for.
    pub(crate) beginning: Option<Arc<Entry>>,
    /// The fetch's sequence number.
    pub(crate) number: u64,
    /// The flight that it leads, unless it goes alone.
    pub(crate) lead: Option<FlightLead>,
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
    /// One that is being stored, made of a stored part and a response that brings the rest.
    Completed(Arc<Entry>, SpoolReader, Unstored),
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
    /// The first copy of the stored headers, to be answered with.
    pub(crate) copy: Option<HeaderMap>,
    /// Whether it was not made, nor confirmed, for this very request (RFC 9111 §5.1): some of it was in a cache, as its own
    /// `Age` says or because some of it was stored here.
    aged: bool,
}

impl Unstored {
    /// Gives it to them.
    pub(crate) fn add_to<B>(self, response: &mut Response<B>) {
        if !self.aged {
            response.headers_mut().remove(header::AGE);
        }
        response.extensions_mut().extend(self.extensions);
        if !self.fields.is_empty() {
            response.headers_mut().extend(self.fields);
        }
    }
}

/// Where the reply goes: to the request that asked for the fetch; nowhere, if it is a refresh.
pub(crate) type Replier<B, E> = Option<oneshot::Sender<Reply<B, E>>>;

/// What a call comes to: a panic, a time-out, an error or a response.
type Called<B, E> = Result<Result<Result<Response<B>, E>, Late>, Box<dyn Any + Send>>;

/// The inner service's answer to a fetch.
struct Answered<B> {
    head: response::Parts,
    body: B,
    /// How long it took.
    took: Duration,
    /// What it means together with what is stored, if it is the rest of that.
    completion: Option<Completion>,
    /// The fetch's place among those under way.
    permit: OwnedSemaphorePermit,
}

/// Why there is none.
enum Unanswered<E> {
    Error(E),
    Panicked(Box<dyn Any + Send>),
    /// It was too late, or never asked; and after what time to ask again.
    Refused(Reason, Option<Duration>),
}

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

/// Tells those who listen. They are the callers' code, and whatever becomes of it, the fetch goes on: it belongs to nobody
/// whose panic that could be, and there may be those who wait for it.
fn tell(what: impl FnOnce()) {
    drop(catch_unwind(AssertUnwindSafe(what)));
}

impl Job {
    /// Runs the fetch to its end; its request has these parts, and no body.
    #[expect(clippy::manual_async_fn, reason = "an async function holds what it is given twice")]
    pub(crate) fn run<S, ReqBody>(
        mut self,
        service: S,
        parts: request::Parts,
        reply: Replier<S::Body, S::Error>,
    ) -> impl Future<Output = ()> + Send
    where
        S: Upstream<ReqBody>,
        ReqBody: Default + Send + 'static,
    {
        async move {
            // Not the call alone is the callers' code: they choose the breaker, and what is cloned and dropped is theirs.
            let asked = AssertUnwindSafe(self.ask(service, parts)).catch_unwind().await;
            match asked.unwrap_or_else(|panic| Err(Unanswered::Panicked(panic))) {
                Ok(answered) => {
                    OptionFuture::from(self.settle(answered, reply)).await;
                }
                Err(Unanswered::Error(error)) => {
                    self.fail(Reason::Error, None);
                    answer(reply, Reply::Error(error));
                }
                Err(Unanswered::Panicked(panic)) => self.panicked(panic, reply),
                Err(Unanswered::Refused(reason, wait)) => {
                    let failed = self.fail(reason, wait);
                    answer(reply, Reply::Refused(failed));
                }
            }
        }
    }

    /// Asks the inner service, when it is the fetch's turn and the breaker agrees.
    async fn ask<S, ReqBody>(
        &mut self,
        mut service: S,
        parts: request::Parts,
    ) -> Result<Answered<S::Body>, Unanswered<S::Error>>
    where
        S: Upstream<ReqBody>,
        ReqBody: Default + Send + 'static,
    {
        let limit = self.route.settings.fetch_timeout;
        let turn = Arc::clone(&self.route.core.fetches).acquire_owned();
        let Ok(Ok(permit)) = within(limit, turn).await else {
            return Err(Unanswered::Refused(Reason::Overload, None));
        };
        let mut began = self.now();
        if let Some(breaker) = self.route.breaker(&parts) {
            let call = breaker.ask(began);
            self.call = Some(call.map_err(|wait| Unanswered::Refused(Reason::BreakerOpen, Some(wait)))?);
        }
        let mut request = Request::from_parts(parts, ReqBody::default());
        // What is kept as a part is asked for as one, and has no other condition.
        if !self.asker.part {
            validation::strip_conditionals(request.headers_mut());
        }
        let mut unasked = None;
        if let Some(stored) = self.stored.as_ref().filter(|stored| stored.validators().is_some()) {
            unasked = Some((service.clone(), copy(&request)));
            stored.validators().add_conditionals(request.headers_mut());
        } else if let Some(part) = &self.beginning {
            unasked = Some((service.clone(), copy(&request)));
            rest::ask_for_it(part, request.headers_mut());
        }
        loop {
            // The inner service is readied on the very clone that is called.
            let call = within(limit, service.oneshot(request));
            let called = AssertUnwindSafe(call).catch_unwind().await;
            let took = self.now().since(began);
            self.called(&called, took);
            let response = match called {
                Ok(Ok(answer)) => answer.map_err(Unanswered::Error)?,
                Ok(Err(Late)) => return Err(Unanswered::Refused(Reason::Timeout, None)),
                Err(panic) => return Err(Unanswered::Panicked(panic)),
            };
            let (head, body) = response.into_parts();
            let completion = self.completion(&head, &body, took);
            let is_no_answer = completion.is_none() && self.is_no_rest(head.status);
            match unasked.take() {
                Some(again) if is_no_answer || self.is_unrelated_304(&head) => {
                    // What is stored is not what it is about; it goes, and the question is put without it.
                    (service, request) = again;
                    self.forget_stored();
                    began = self.now();
                }
                _ => return Ok(Answered { head, body, took, completion, permit }),
            }
        }
    }

    /// Counts a call of the inner service.
    fn called<B, E>(&self, called: &Called<B, E>, took: Duration) {
        let kind = if self.claim.is_some() { CallKind::Refresh } else { CallKind::Fill };
        let result = match called {
            Ok(Ok(Ok(response))) if response.status() == StatusCode::NOT_MODIFIED => CallResult::NotModified,
            Ok(Ok(Ok(response))) if response.status().is_server_error() => CallResult::Failure,
            Ok(Ok(Ok(_))) => CallResult::Success,
            Ok(Ok(Err(_))) => CallResult::Failure,
            Ok(Err(Late)) => CallResult::TimedOut,
            Err(_) => CallResult::Panicked,
        };
        tell(|| self.route.meter.called(kind, result, took));
    }

    /// Whether a response confirms something else than what is stored (RFC 9111 §4.3.4).
    fn is_unrelated_304(&self, head: &response::Parts) -> bool {
        let unrelated = |stored: &Arc<Entry>| !validation::confirms(&stored.validators(), &head.headers);
        head.status == StatusCode::NOT_MODIFIED && self.stored.as_ref().is_some_and(unrelated)
    }

    /// The callers' code panicked: that is a failure, and the panic is for who asked for the fetch.
    pub(crate) fn panicked<B, E>(&mut self, panic: Box<dyn Any + Send>, reply: Replier<B, E>) {
        self.fail(Reason::Panic, None);
        answer(reply, Reply::Panicked(panic));
        tell(|| telemetry::fetch_panicked(&self.route, self.now()));
    }

    fn now(&self) -> Tick {
        self.route.core.clock.now()
    }
}
