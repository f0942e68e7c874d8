//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Service, util::Oneshot};

use super::{body::ResponseBody, observe::Expected, respond, spoils::Spoils};
use crate::{
    clock::Tick,
    error::BoxError,
    event::{Outcome, Reason},
    fetch::{HeadCall, PassingCall},
    policy::status::{Forward, Fwd, Told},
    shared::Route,
    telemetry::{CallKind, CallResult, Source},
};

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, E>> + Send>>;

pin_project! {
    /// The future of a response that comes from memory, from the inner service, or through a fetch.
    pub struct ResponseFuture<S, ReqBody, B>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, B>
    where
        S: Service<Request<ReqBody>>,
    {
        // From memory.
        Ready { response: Option<Response<ResponseBody<B>>> },
        // Straight from the inner service.
        Bypass { #[pin] call: Oneshot<S, Request<ReqBody>>, bypass: Bypass },
        // Through a fetch, or another one's.
        Fetch { answer: Answer<B, S::Error> },
    }
}

/// A request that the cache has no part in.
struct Bypass {
    route: Arc<Route>,
    reason: Reason,
    after: Option<Box<After>>,
    began: Tick,
}

/// What the response to such a request may mean for what is stored.
pub(super) enum After {
    /// An unsafe method invalidates, and of a POST the response may be kept.
    Unsafe(Spoils, Option<PassingCall>),
    /// A HEAD confirms, or tells that something has changed.
    Head(HeadCall),
    /// While the route only observes, it is kept.
    Observed(PassingCall),
    /// While the route only observes, it is compared with what would have been served.
    Compared(Expected),
}

impl Bypass {
    /// Makes of the inner service's answer what is passed on. What it means for what is stored comes first: a recorder
    /// that panics must not keep anything from being invalidated.
    fn conclude<B, E>(&mut self, answer: Result<Response<B>, E>) -> Result<Response<ResponseBody<B>>, E>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let now = self.route.core.clock.now();
        let failed = answer.as_ref().map_or(true, |response| response.status().is_server_error());
        let result = if failed { CallResult::Failure } else { CallResult::Success };
        let answer = answer.map(|response| self.carry_out(response, now));
        let Self { route, reason, began, .. } = self;
        let took = now.since(*began);
        route.meter.called(CallKind::Bypass, result, took);
        route.meter.bypassed(*reason);
        route.meter.answered(Outcome::Bypass, Source::Upstream, took, now);
        answer
    }

    /// Does to what is stored what a response means for it, and gives back what is passed on.
    fn carry_out<B>(&mut self, mut response: Response<B>, now: Tick) -> Response<ResponseBody<B>>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { route, reason, after, .. } = self;
        let status = response.status();
        let fwd = if *reason == Reason::Method { Fwd::Method } else { Fwd::Bypass };
        let forward = Forward::new(fwd);
        let told = Told::Bypassed(*reason);
        match after.take().map(|after| *after) {
            Some(After::Unsafe(spoils, post)) if status.is_success() || status.is_redirection() => {
                let purges = spoils.purges(route, response.headers());
                match post.filter(|_| spoils.is_in_place(response.headers())) {
                    Some(post) => match post.answered(response, &purges) {
                        Ok(kept) => {
                            return respond::kept(route, kept, now, Told::Forwarded(forward.stored()));
                        }
                        Err(unkept) => response = unkept,
                    },
                    None => _ = route.core.purge_all(&purges),
                }
            }
            Some(After::Head(call)) => call.answered(&response),
            Some(After::Observed(call)) => match call.answered(response, &[]) {
                Ok(kept) => {
                    let told = Told::Forwarded(forward.stored().because(*reason));
                    return respond::kept(route, kept, now, told);
                }
                Err(unkept) => response = unkept,
            },
            Some(After::Compared(expected)) => {
                let comparison = expected.compare(route, &response);
                let response = respond::passed_on(route, response, None, told);
                return response.map(|body| body.compared(comparison));
            }
            Some(After::Unsafe(..)) | None => {}
        }
        respond::passed_on(route, response, None, told)
    }
}

impl<S, ReqBody, B> ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>>,
{
    #[inline]
    pub(super) fn ready(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Ready { response: Some(response) } }
    }

    pub(super) fn bypass(
        call: Oneshot<S, Request<ReqBody>>,
        route: Arc<Route>,
        reason: Reason,
        after: Option<Box<After>>,
    ) -> Self {
        let began = route.core.clock.now();
        Self { state: State::Bypass { call, bypass: Bypass { route, reason, after, began } } }
    }

    pub(super) fn fetch(answer: Answer<B, S::Error>) -> Self {
        Self { state: State::Fetch { answer } }
    }
}

impl<S, ReqBody, B> Future for ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>, Response = Response<B>>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            // Polled again after it was ready: a future's user must not, and a panic would not help them.
            StateProj::Ready { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProj::Bypass { call, bypass } => {
                let answer = ready!(call.poll(cx));
                Poll::Ready(bypass.conclude(answer))
            }
            StateProj::Fetch { answer } => answer.as_mut().poll(cx),
        }
    }
}

impl<S, ReqBody, B> fmt::Debug for ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Ready { .. } => "ResponseFuture::Ready",
            State::Bypass { .. } => "ResponseFuture::Bypass",
            State::Fetch { .. } => "ResponseFuture::Fetch",
        })
    }
}
