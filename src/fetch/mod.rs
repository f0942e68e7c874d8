//! One fetch: the call of the inner service, the verdict at its head, and its body on the way into the store.
//!
//! It runs in a task of its own and belongs to no client. Every way out of it (an answer, an error, a panic, a time-out,
//! the end of the runtime) ends its flight and wakes those who wait, because a [`Job`] holds the flight's lead, and the
//! spool's producer, by guards.

mod absorb;
mod draft;
mod settle;

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use http::{Extensions, HeaderMap, Request, Response};
use tokio::{sync::oneshot, time::timeout};
use tower::ServiceExt;

use crate::{
    clock::Tick,
    entry::{Claim, Entry, Target},
    event::Reason,
    flight::Lead,
    key::Key,
    policy::{validation, verdict::Asker},
    shared::{Failed, FlightKey, Landing, Route, Upstream},
    spool::SpoolReader,
    telemetry,
};

/// A fetch, and all that depends on how it goes.
pub(crate) struct Job {
    pub(crate) route: Arc<Route>,
    pub(crate) key: Key,
    pub(crate) target: Target,
    pub(crate) asker: Asker,
    /// Whether the response says something about the key: not if the request shares with nobody, whatever comes.
    pub(crate) for_all: bool,
    /// The request's headers as they came: a variant is selected by them.
    pub(crate) request: Arc<HeaderMap>,
    /// What is stored, and is to be confirmed or replaced.
    pub(crate) stored: Option<Arc<Entry>>,
    /// The fetch's sequence number.
    pub(crate) number: u64,
    /// The flight that it leads, unless it goes alone.
    pub(crate) lead: Option<Lead<FlightKey, Landing>>,
    /// The claim on what is stored, if it is a refresh.
    pub(crate) claim: Option<Claim>,
}

/// What the one who asked for a fetch gets of it.
pub(crate) enum Reply<B, E> {
    /// The inner service's response, which is not stored, and why.
    Own(Response<B>, Reason),
    /// A response that is being stored.
    Stored(Arc<Entry>, SpoolReader, Extensions),
    /// The stored response was confirmed.
    Confirmed(Arc<Entry>),
    /// The inner service failed with a response, to be passed on if there is nothing better.
    Failed(Response<B>, Reason),
    /// It failed with an error.
    Error(E),
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
    /// It gave nothing that could be passed on.
    Refused(Arc<Failed>),
}

/// Where the reply goes: to the request that asked for the fetch; nowhere, if it is a refresh.
pub(crate) type Replier<B, E> = Option<oneshot::Sender<Reply<B, E>>>;

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
        service: S,
        mut request: Request<ReqBody>,
        reply: Replier<S::Body, S::Error>,
    ) where
        S: Upstream<ReqBody>,
        ReqBody: Send + 'static,
    {
        let limit = self.route.settings.fetch_timeout;
        let turn = Arc::clone(&self.route.core.fetches).acquire_owned();
        let Ok(Ok(permit)) = timeout(limit, turn).await else {
            let failed = self.fail(Reason::Overload, None);
            return answer(reply, Reply::Refused(failed));
        };
        validation::strip_conditionals(request.headers_mut());
        if let Some(stored) = &self.stored {
            stored.validators.add_conditionals(request.headers_mut());
        }
        let began = self.now();
        // The inner service is readied on the very clone that is called.
        let call = AssertUnwindSafe(service.oneshot(request)).catch_unwind();
        match timeout(limit, call).await {
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

    fn panicked<B, E>(&mut self, panic: Box<dyn Any + Send>, reply: Replier<B, E>) {
        telemetry::fetch_panicked(&self.route, self.now());
        self.fail(Reason::Panic, None);
        answer(reply, Reply::Panicked(panic));
    }

    fn now(&self) -> Tick {
        self.route.core.clock.now()
    }
}
