//! The slow path: a request that nothing stored answers joins its key's flight, or starts it.

mod answers;

use std::{marker::PhantomData, mem, sync::Arc};

use http::{HeaderMap, Method, Request, Response, request};
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    ResponseBody,
    respond::{Ask, OnItsWay, Served},
};
use crate::{
    clock::Tick,
    entry::{Entry, Target},
    event::Reason,
    fetch::{Job, Reply},
    flight::{Join, Wait},
    key::Key,
    policy::{
        cache_control::RequestDirectives,
        reuse::Reuse,
        status::{Forward, Fwd, Told},
        vary::Selecting,
    },
    shared::{self, Core, Failed, FlightLead, Landing, Route, SentHeaders, Upstream, part},
    store::Slot,
    telemetry,
};

/// How often a request joins a flight that comes to nothing before it goes alone.
const MAX_FLIGHTS: u32 = 8;

/// One request on the slow path.
pub(super) struct Exchange<S, ReqBody> {
    route: Arc<Route>,
    service: S,
    runtime: Handle,
    parts: request::Parts,
    /// What it said, once it has gone on.
    sent: Option<SentHeaders>,
    key: Key,
    target: Target,
    ask: Ask,
    /// When the request came.
    began: Tick,
    /// What it says of stored responses, where that counts.
    asked: Option<RequestDirectives>,
    /// The number that the next fetch or purge had when the request came.
    arrived: u64,
    /// Whether it may still wait for another one's fetch.
    may_wait: bool,
    /// Flights up to this number are no good for it.
    floor: u64,
    /// The variant it is known to select, if that is not known from the store.
    selecting: Option<Selecting>,
    /// Whether it has waited for a fetch that failed, and taken the second turn.
    second_turn: bool,
    body: PhantomData<fn() -> ReqBody>,
}

type Answer<S, ReqBody> = Result<
    Response<ResponseBody<<S as Upstream<ReqBody>>::Body>>,
    <S as tower::Service<Request<ReqBody>>>::Error,
>;

/// What a request has come to.
enum Step<S: Upstream<ReqBody>, ReqBody> {
    Answer(Response<ResponseBody<S::Body>>),
    /// Its fetch has begun; the reply will come.
    Lead(oneshot::Receiver<Reply<S::Body, S::Error>>, Fwd),
    /// Another one's fetch is under way.
    Wait(Wait<Landing>, Fwd),
}

/// What a request that waited does next.
enum Next<R> {
    Answer(R),
    /// It looks again.
    Again,
}

impl<S, ReqBody> Exchange<S, ReqBody>
where
    S: Upstream<ReqBody>,
    ReqBody: Default + Send + 'static,
{
    pub(super) fn new(
        route: Arc<Route>,
        service: S,
        runtime: Handle,
        parts: request::Parts,
        key: Key,
        ask: Ask,
        began: Tick,
    ) -> Self {
        Self {
            target: Target::of(&parts),
            arrived: route.core.store.next_number(),
            may_wait: route.collapses(ask.asker),
            floor: 0,
            selecting: None,
            second_turn: false,
            body: PhantomData,
            route,
            service,
            runtime,
            parts,
            sent: None,
            key,
            ask,
            began,
            asked: None,
        }
    }

    /// For a request that says something of stored responses.
    pub(super) fn heeding(self, asked: Option<RequestDirectives>) -> Self {
        Self { asked, ..self }
    }

    /// The request's answer. Dropping this future leaves the fetch it may have started to itself.
    #[expect(clippy::manual_async_fn, reason = "an async function holds what it is given twice")]
    pub(super) fn answer(mut self) -> impl Future<Output = Answer<S, ReqBody>> + Send {
        async move {
            let mut flights = 0;
            loop {
                match self.next_step(flights) {
                    Step::Answer(response) => return Ok(response),
                    Step::Lead(reply, fwd) => {
                        let aborted = |_| Reply::Refused(Arc::new(Failed::new(Reason::Aborted, None)));
                        let reply = reply.await.unwrap_or_else(aborted);
                        return self.conclude(reply, fwd);
                    }
                    Step::Wait(wait, fwd) => {
                        let before = wait.has_landed();
                        let landing = wait.landed().await;
                        if let Next::Answer(response) = self.land(landing, before, fwd) {
                            return Ok(response);
                        }
                        flights += 1;
                    }
                }
            }
        }
    }

    /// Looks at what there is, and begins what it takes, after so many flights that it has waited for. A function of its own:
    /// what it needs on its way takes no place in the future.
    fn next_step(&mut self, flights: u32) -> Step<S, ReqBody> {
        let core = &self.route.core;
        let now = core.clock.now();
        let slot = core.store.get(self.key.as_bytes());
        let stored = slot.as_ref().and_then(|slot| slot.select(&self.parts.headers));
        let usable = stored.filter(|entry| shared::may_use(entry, self.ask.asker)).cloned();
        if let Some(response) = usable.as_ref().and_then(|entry| self.stored_answer(entry, flights > 0)) {
            return Step::Answer(response);
        }
        let fwd = why_forward(slot.as_ref(), stored, usable.as_ref(), &self.parts.headers, now);
        let number = core.store.take_number();
        let uncollapsed = slot.as_ref().is_some_and(|slot| slot.is_uncollapsed(now));
        if !self.may_wait || uncollapsed || flights >= MAX_FLIGHTS {
            return Step::Lead(self.fetch(None, number, usable, fwd), fwd);
        }
        let (known, by) =
            (self.selecting(slot.as_ref()), |like: &Selecting| like.reselect(&self.parts.headers));
        match core.flights.join(&self.key, known, by, number, |other| self.may_join(other)) {
            // Who led before may have stored just now. If so, those who wait for this one look again, too.
            Join::Lead(lead) => match self.look_up(flights > 0) {
                Some(response) => Step::Answer(response),
                None => Step::Lead(self.fetch(Some(lead), number, usable, fwd), fwd),
            },
            Join::Wait(wait) => Step::Wait(wait, fwd),
        }
    }

    /// Whether a flight of this number can have something for this request: no purge has passed it since.
    fn may_join(&self, number: u64) -> bool {
        let store = &self.route.core.store;
        number > self.floor
            && store.purged_since(number, &self.key, &self.target, self.route.name()).is_none()
    }

    /// The variant it selects, as far as the fields that select are known.
    fn selecting(&self, slot: Option<&Slot>) -> Option<Selecting> {
        self.selecting.clone().or_else(|| Some(slot?.newest_selecting()?.reselect(&self.parts.headers)))
    }

    /// What it makes of another one's fetch, which landed after this request joined it or `before`.
    fn land(
        &mut self,
        landing: Option<Landing>,
        before: bool,
        fwd: Fwd,
    ) -> Next<Response<ResponseBody<S::Body>>> {
        match landing {
            Some(Landing::Shared(entry, spool)) => {
                if !self.accepts(&entry, before) {
                    return Next::Again;
                }
                let Some(reader) = spool.reader() else {
                    self.may_wait = false;
                    return Next::Again;
                };
                self.route.meter.collapsed();
                let told = Told::Forwarded(Forward::new(fwd).stored().collapsed(true));
                Next::Answer(self.arriving(&entry, OnItsWay { reader, copy: None }, told))
            }
            Some(Landing::Confirmed(entry)) => {
                if !self.accepts(&entry, before) {
                    return Next::Again;
                }
                self.route.meter.collapsed();
                let forward = Forward::new(fwd).collapsed(true);
                Next::Answer(self.stored(&entry, Served::revalidated(forward)))
            }
            Some(Landing::Released) => {
                self.may_wait = false;
                Next::Again
            }
            Some(Landing::Failed(failed)) => {
                if let Some(response) = self.look_up_in_vain() {
                    return Next::Answer(response);
                }
                if !self.second_turn && failed.take_second_turn() {
                    self.second_turn = true;
                    return Next::Again;
                }
                Next::Answer(self.refuse(&failed, fwd, true))
            }
            // Its leader is gone, or found something stored.
            None => Next::Again,
        }
    }

    /// Whether another one's response may answer this request; if not, what is to be different next time. One that came
    /// while this request waited is the inner service's word, as if this request had led; one that was there `before` is
    /// a stored one, and has to be what the request asks for.
    fn accepts(&mut self, entry: &Entry, before: bool) -> bool {
        let core = &self.route.core;
        let purged = core.store.entry_purged_before(&self.key, entry, self.arrived);
        let asked = self.asked.as_ref().filter(|_| before);
        let fresh = matches!(entry.reuse_as_asked(asked, core.clock.now()), Reuse::Fresh | Reuse::Stale);
        if purged || !fresh {
            self.floor = entry.origin.number;
            return false;
        }
        if !entry.selecting.matches(&self.parts.headers) {
            self.selecting = Some(entry.selecting.reselect(&self.parts.headers));
            return false;
        }
        if !shared::may_use(entry, self.ask.asker) {
            self.may_wait = false;
            return false;
        }
        true
    }

    /// Runs a fetch, in a task of its own, and gives the place where its reply arrives.
    fn fetch(
        &mut self,
        lead: Option<FlightLead>,
        number: u64,
        stored: Option<Arc<Entry>>,
        fwd: Fwd,
    ) -> oneshot::Receiver<Reply<S::Body, S::Error>> {
        let (reply, answer) = oneshot::channel();
        let core = &self.route.core;
        // A 304 must not bring back what is over, or what a purge has taken since: the fetch's number is newer than that.
        let stored = stored.filter(|stored| {
            stored.reuse(core.clock.now()) != Reuse::Gone
                && core.store.entry_purged(&self.key, stored).is_none()
        });
        let beginning = (fwd == Fwd::Partial).then(|| self.beginning()).flatten();
        let sent = self.sent.insert(SentHeaders::of(&self.parts.headers)).clone();
        let job = Job {
            route: Arc::clone(&self.route),
            key: self.key.clone(),
            target: self.target.clone(),
            asker: self.ask.asker,
            request: sent,
            stored,
            beginning,
            number,
            lead,
            claim: None,
            call: None,
        };
        let (mut parts, ()) = Request::new(()).into_parts();
        mem::swap(&mut parts, &mut self.parts);
        parts.method = Method::GET;
        let run = job.run(self.service.clone(), parts, Some(reply));
        drop(self.runtime.spawn(telemetry::in_fetch_span(&self.route, run)));
        answer
    }

    /// What is stored of the whole that it asks for, if nothing but the rest is missing and no purge has passed it.
    fn beginning(&self) -> Option<Arc<Entry>> {
        let Core { store, clock, .. } = &*self.route.core;
        let slot = store.peek(self.key.as_bytes())?;
        let (asker, asked) = (self.ask.asker, self.asked.as_ref());
        let part = part::beginning(
            &self.route,
            &slot,
            &self.target,
            &self.parts.headers,
            asker,
            asked,
            clock.now(),
        )?;
        store.entry_purged(&self.key, part).is_none().then(|| Arc::clone(part))
    }
}

/// Why a request goes forward (RFC 9211 §2.2), by what stands under its key, what of that it selects, and what of that it
/// may use.
fn why_forward(
    slot: Option<&Slot>,
    selected: Option<&Arc<Entry>>,
    usable: Option<&Arc<Entry>>,
    request: &HeaderMap,
    now: Tick,
) -> Fwd {
    match (slot, selected, usable) {
        (_, _, Some(entry)) if entry.reuse(now) == Reuse::Fresh => Fwd::Request,
        (_, _, Some(_)) => Fwd::Stale,
        (_, Some(_), None) => Fwd::Request,
        (Some(slot), None, None) if slot.parts(request).next().is_some() => Fwd::Partial,
        (Some(slot), None, None) if !slot.variants().is_empty() => Fwd::VaryMiss,
        _ => Fwd::UriMiss,
    }
}
