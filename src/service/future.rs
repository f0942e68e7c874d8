//! The future of a response.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Service, util::Oneshot};

use super::{body::ResponseBody, respond};
use crate::{event::Reason, key::Key, policy::status::Fwd, shared::Route, store::Purge};

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
        Bypass { #[pin] call: Oneshot<S, Request<ReqBody>>, route: Arc<Route>, reason: Reason, spoils: Option<Box<Spoils>> },
        // Through a fetch, or another one's.
        Fetch { answer: Answer<B, S::Error> },
    }
}

/// What a successful unsafe method invalidates (RFC 9111 §4.4).
#[derive(Debug)]
pub(super) struct Spoils {
    pub(super) purges: [Option<Purge>; 2],
}

impl Spoils {
    pub(super) fn new(key: Option<Key>, url: Option<Purge>) -> Self {
        Self { purges: [key.map(Purge::key), url] }
    }

    fn invalidate(&self, route: &Route) {
        let now = route.core.clock.now();
        for purge in self.purges.iter().flatten() {
            route.core.store.purge(purge, &[], now);
        }
    }
}

impl<S, ReqBody, B> ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn ready(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Ready { response: Some(response) } }
    }

    pub(super) fn bypass(
        call: Oneshot<S, Request<ReqBody>>,
        route: Arc<Route>,
        reason: Reason,
        spoils: Option<Spoils>,
    ) -> Self {
        Self { state: State::Bypass { call, route, reason, spoils: spoils.map(Box::new) } }
    }

    pub(super) fn fetch(answer: Answer<B, S::Error>) -> Self {
        Self { state: State::Fetch { answer } }
    }
}

impl<S, ReqBody, B> Future for ResponseFuture<S, ReqBody, B>
where
    S: Service<Request<ReqBody>, Response = Response<B>>,
{
    type Output = Result<Response<ResponseBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            // Polled again after it was ready: a future's user must not, and a panic would not help them.
            StateProj::Ready { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProj::Bypass { call, route, reason, spoils } => {
                let response = ready!(call.poll(cx))?;
                let status = response.status();
                if let Some(spoils) = spoils.take().filter(|_| status.is_success() || status.is_redirection())
                {
                    spoils.invalidate(route);
                }
                let fwd = if *reason == Reason::Method { Fwd::Method } else { Fwd::Bypass };
                let reason = *reason;
                Poll::Ready(Ok(respond::passed_on(route, response, |values| {
                    values.forwarded(fwd, None, false, None, Some(reason))
                })))
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
