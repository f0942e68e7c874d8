//! What a request on the slow path is answered with.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, Response, StatusCode};

use super::{Answer, Exchange};
use crate::{
    entry::Entry,
    event::Outcome,
    fetch::{Reply, Unstored},
    policy::{
        reuse::Reuse,
        status::{Forward, Fwd, Told},
    },
    service::{
        ResponseBody,
        respond::{self, OnItsWay, Served},
    },
    shared::{self, Failed, Upstream, equivalent},
    spool::SpoolReader,
    telemetry::Source,
};

impl<S, ReqBody> Exchange<S, ReqBody>
where
    S: Upstream<ReqBody>,
    ReqBody: Default + Send + 'static,
{
    /// The answer that a fetch's reply comes to.
    pub(super) fn conclude(&self, reply: Reply<S::Body, S::Error>, fwd: Fwd) -> Answer<S, ReqBody> {
        let forward = Forward::new(fwd);
        let own = |reason| Told::Forwarded(forward.because(reason));
        match reply {
            Reply::Own(response, reason) => Ok(self.pass_on(response, own(reason))),
            Reply::Stored(entry, reader, unstored) => {
                Ok(self.own_arriving(&entry, reader, unstored, forward.stored()))
            }
            Reply::Completed(entry, reader, unstored) => {
                let forward = forward.answered(StatusCode::PARTIAL_CONTENT).stored();
                Ok(self.own_arriving(&entry, reader, unstored, forward))
            }
            Reply::Confirmed(entry, unstored) => {
                let mut response = self.stored(&entry, Served::revalidated(forward));
                unstored.add_to(&mut response);
                Ok(response)
            }
            Reply::Failed(response, reason) => {
                Ok(self.look_up_in_vain().unwrap_or_else(|| self.pass_on(response, own(reason))))
            }
            Reply::Error(error) => self.look_up_in_vain().ok_or_else(|| {
                self.route.answered(Outcome::Uncacheable, Source::Upstream, self.began);
                error
            }),
            Reply::Panicked(panic) => Ok(self.look_up_in_vain().unwrap_or_else(|| {
                self.route.answered(Outcome::Uncacheable, Source::Upstream, self.began);
                // It is this request's panic, and nobody else's.
                std::panic::resume_unwind(panic)
            })),
            Reply::Refused(failed) => {
                Ok(self.look_up_in_vain().unwrap_or_else(|| self.refuse(&failed, fwd, false)))
            }
        }
    }

    /// The request's headers, wherever they are.
    fn headers(&self) -> Cow<'_, HeaderMap> {
        self.sent.as_ref().map_or(Cow::Borrowed(&self.parts.headers), |sent| Cow::Owned(sent.all()))
    }

    /// The same where the request's answer goes by them.
    fn conditions(&self) -> Cow<'_, HeaderMap> {
        if self.ask.wants_all() { Cow::Borrowed(&self.parts.headers) } else { self.headers() }
    }

    /// The answer from the store as it is now, if there is one, to a request that went forward or did not.
    pub(super) fn look_up(&self, forwarded: bool) -> Option<Response<ResponseBody<S::Body>>> {
        let slot = self.route.core.store.get(self.key.as_bytes())?;
        let entry = slot.select(&self.headers())?;
        shared::may_use(entry, self.ask.asker).then(|| self.stored_answer(entry, forwarded)).flatten()
    }

    /// The same for one that came to nothing: what is stored for another query may be the same for this one.
    pub(super) fn look_up_in_vain(&self) -> Option<Response<ResponseBody<S::Body>>> {
        self.look_up(true).or_else(|| {
            let (route, key, headers) = (&self.route, self.key.as_bytes(), self.headers());
            let all = equivalent::equivalents(route, key, &headers, self.ask.asker);
            let (_, entry, own) = equivalent::answering(all, self.asked.as_ref(), route.core.clock.now())?;
            route.core.store.used(own.as_bytes());
            self.stored_answer(&entry, true)
        })
    }

    /// The answer from a stored response, if it may serve now.
    pub(super) fn stored_answer(
        &self,
        entry: &Entry,
        forwarded: bool,
    ) -> Option<Response<ResponseBody<S::Body>>> {
        let served = match entry.reuse_as_asked(self.asked.as_ref(), self.route.core.clock.now()) {
            Reuse::Fresh => Served::HIT,
            Reuse::Stale => Served::STALE,
            Reuse::StaleError if forwarded => Served::IN_VAIN,
            Reuse::StaleError => Served::STALE_ERROR,
            Reuse::OnError | Reuse::Revalidate | Reuse::Gone => return None,
        };
        Some(self.stored(entry, served))
    }

    /// The answer from a stored response.
    pub(super) fn stored(&self, entry: &Entry, served: Served) -> Response<ResponseBody<S::Body>> {
        let now = self.route.core.clock.now();
        respond::from_store(&self.route, entry, &self.ask, &self.conditions(), self.began, now, served)
    }

    /// The answer from a response whose body is on its way.
    pub(super) fn arriving(
        &self,
        entry: &Entry,
        on_its_way: OnItsWay,
        told: Told,
    ) -> Response<ResponseBody<S::Body>> {
        let now = self.route.answered(Outcome::Miss, Source::Upstream, self.began);
        respond::from_entry(&self.route, entry, Some(on_its_way), &self.ask, &self.conditions(), now, told)
    }

    /// The same to the request whose fetch it is.
    fn own_arriving(
        &self,
        entry: &Entry,
        reader: SpoolReader,
        mut unstored: Unstored,
        forward: Forward,
    ) -> Response<ResponseBody<S::Body>> {
        let on_its_way = OnItsWay { reader, copy: unstored.copy.take() };
        let mut response = self.arriving(entry, on_its_way, Told::Forwarded(forward));
        unstored.add_to(&mut response);
        response
    }

    /// The inner service's own response to this request, which it saw as a GET.
    fn pass_on(&self, response: Response<S::Body>, told: Told) -> Response<ResponseBody<S::Body>> {
        self.route.answered(Outcome::Uncacheable, Source::Upstream, self.began);
        let shown_key = self.ask.shown_key.as_deref();
        let response = respond::passed_on(Arc::clone(&self.route), response, shown_key, told);
        if self.ask.head { response.map(|_| ResponseBody::none()) } else { response }
    }

    pub(super) fn refuse(&self, failed: &Failed, fwd: Fwd, waited: bool) -> Response<ResponseBody<S::Body>> {
        self.route.answered(Outcome::Rejected, Source::Upstream, self.began);
        let forward = Forward::new(fwd).because(failed.reason);
        let forward = if waited { forward.collapsed(false) } else { forward };
        respond::refused(&self.route, failed, &self.ask, Told::Forwarded(forward))
    }
}
