//! What a fetch comes to: each verdict, carried out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use http::{Response, StatusCode, response};
use http_body::Body;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Answered, Job, Replier, Reply,
    absorb::{self, Absorbed, Arriving, Producer},
    answer, draft, tell,
};
use crate::{
    breaker::{self, Report},
    clock::Tick,
    entry::Entry,
    error::{BodyError, BoxError},
    event::Reason,
    policy::{
        CacheOverride,
        extent::Extent,
        validation,
        verdict::{self, Arrival, Plan, Verdict, Whose},
    },
    shared::{Failed, Landing, Share, equivalent},
    spool::Spool,
    store::Uncollapsed,
    tag,
    telemetry::{self, RefreshResult},
};

/// How long requests for a key do not wait for each other after a response that could not be shared.
const UNCOLLAPSED: Duration = Duration::from_secs(120);

impl Job {
    /// Decides at its head what a response means, and acts on it. What is to be kept is so by the future that this gives:
    /// all before it is done at once, and takes no place in a fetch's task.
    pub(super) fn settle<B, E>(
        mut self,
        answered: Answered<B>,
        reply: Replier<B, E>,
    ) -> Option<impl Future<Output = ()> + Send + use<B, E>>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Answered { head, body, took, completion, permit } = answered;
        let route = Arc::clone(&self.route);
        let arrive = || Arrival::of(&head.headers, route.core.clock.wall(), took);
        let arrival = match catch_unwind(AssertUnwindSafe(arrive)) {
            Ok(arrival) => arrival,
            Err(panic) => {
                self.panicked(panic, reply);
                return None;
            }
        };
        if let Some(completion) = completion {
            let (plan, head, arriving) = completion.whole(head, body, arrival);
            return Some(self.store(plan, head, arriving, arrival, permit, reply));
        }
        let asked = self.stored.clone().filter(|stored| stored.validators().is_some());
        if let (StatusCode::NOT_MODIFIED, Some(stored)) = (head.status, asked) {
            self.confirm(&stored, head, arrival, reply);
            return None;
        }
        let classify = || {
            let is_failure = route.settings.classifier.is_failure(&head);
            (is_failure, absorb::promised_length(&head, &body))
        };
        let (is_failure, length) = match catch_unwind(AssertUnwindSafe(classify)) {
            Ok(classified) => classified,
            Err(panic) => {
                self.panicked(panic, reply);
                return None;
            }
        };
        let verdict = if is_failure {
            Verdict::Failed
        } else {
            verdict::judge(&route.settings.rules, route.max_body, self.asker, &head, length, arrival)
        };
        match verdict {
            Verdict::Store(plan) => {
                let arriving = Arriving::whole(length, body);
                return Some(self.store(plan, head, arriving, arrival, permit, reply));
            }
            Verdict::Failed => {
                self.fail(Reason::Failure, None);
                answer(reply, Reply::Failed(Response::from_parts(head, body), Reason::Failure));
            }
            Verdict::Throttled(pause) => {
                self.fail(Reason::Throttled, pause);
                answer(reply, Reply::Failed(Response::from_parts(head, body), Reason::Throttled));
            }
            Verdict::Unstorable(whose, reason) => {
                self.uncacheable(reason);
                self.release(whose, reason);
                answer(reply, Reply::Own(Response::from_parts(head, body), reason));
            }
        }
        None
    }

    /// Keeps a response while it is read.
    fn store<B, E>(
        mut self,
        plan: Plan,
        head: response::Parts,
        arriving: Arriving<B>,
        arrival: Arrival,
        permit: OwnedSemaphorePermit,
        reply: Replier<B, E>,
    ) -> impl Future<Output = ()> + Send + use<B, E>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let shareable = plan.limits.shareable();
        let (entry, mut unstored) = self.draft(plan, head, arrival);
        let entry = Arc::new(entry);
        if self.call.as_ref().is_some_and(breaker::Permit::is_probe) {
            // All others wait for the probe: its head is enough for them, a long body is not to hold them up.
            self.report(Report::Success, None, self.now());
        }
        let spool = Spool::new(arriving.length);
        let producer = Producer::new(&spool);
        let reader = spool.reader();
        if let Some(lead) = &mut self.lead {
            // Those who come while its body arrives are told apart by what it says.
            lead.turns_out(entry.selecting.clone());
            let shared = Landing::Shared(Arc::clone(&entry), Arc::clone(&spool));
            lead.publish(if shareable { shared } else { Landing::Released });
        }
        if let Some(reader) = reader {
            unstored.aged |= arriving.has_begun();
            let answered = if arriving.has_begun() { Reply::Completed } else { Reply::Stored };
            answer(reply, answered(Arc::clone(&entry), reader, unstored));
        }
        self.absorb(entry, shareable, arriving, producer, permit)
    }

    /// Reads a body to its end, and keeps it with its entry.
    #[expect(clippy::manual_async_fn, reason = "an async function holds what it is given twice")]
    pub(super) fn absorb<B>(
        mut self,
        entry: Arc<Entry>,
        shareable: bool,
        arriving: Arriving<B>,
        producer: Producer,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<B>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        async move {
            let route = Arc::clone(&self.route);
            let mut share = Share::none(&route.core);
            // It cannot be kept: from here on it is only passed on, and nobody can join.
            let overflow = |reason| {
                self.uncacheable(reason);
                // Want of room for it is no word of the response.
                let whose = if reason == Reason::NoRoom { Whose::Request } else { Whose::Response };
                self.release(whose, reason);
            };
            let absorb = absorb::absorb(arriving, producer.spool(), &route, &mut share, overflow);
            match AssertUnwindSafe(absorb).catch_unwind().await {
                Ok(Absorbed::Whole(content)) => {
                    // The only one to set it.
                    drop(entry.content.set(content.clone()));
                    self.keep(&entry, shareable);
                    // The flight ends before the readers' bodies do, so that who has read it all finds it stored.
                    drop(self);
                    producer.end_stored(&content);
                }
                Ok(Absorbed::PassedOn(end)) => producer.end(end),
                Ok(Absorbed::Failed(error)) => {
                    self.fail(error.reason(), None);
                    producer.end(Err(error));
                }
                Err(_panic) => {
                    self.fail(Reason::Panic, None);
                    producer.end(Err(BodyError::new(Reason::Panic)));
                    tell(|| telemetry::fetch_panicked(&route, route.core.clock.now()));
                }
            }
            drop(permit);
        }
    }

    /// Makes a new generation of a stored response that a 304 confirmed (RFC 9111 §4.3.4).
    pub(super) fn confirm<B, E>(
        mut self,
        stored: &Arc<Entry>,
        head: response::Parts,
        arrival: Arrival,
        reply: Replier<B, E>,
    ) {
        self.report(Report::Success, None, self.now());
        let rules = &self.route.settings.rules;
        let mut head = head;
        head.status = stored.status;
        let names_tags =
            tag::names_any(&head.headers, head.extensions.get().map_or(&[], CacheOverride::tags));
        // The stored one's is that of another message: what expires then would be fresh for longer than was said.
        draft::with_date(&mut head.headers, arrival.wall);
        head.headers = validation::update_stored(&stored.headers.without_slots(), &head.headers);
        let length = Some(stored.body_len());
        let judged = verdict::judge(rules, self.route.max_body, self.asker, &head, length, arrival);
        let (mut plan, unstorable) = match judged {
            Verdict::Store(plan) => (plan, None),
            Verdict::Unstorable(whose, reason) => (Plan::for_nobody_else(arrival.age), Some((whose, reason))),
            Verdict::Failed => (Plan::for_nobody_else(arrival.age), Some((Whose::Response, Reason::Failure))),
            Verdict::Throttled(_) => {
                (Plan::for_nobody_else(arrival.age), Some((Whose::Response, Reason::Throttled)))
            }
        };
        if !names_tags {
            // They are not among the stored headers, and most 304s do not name them again.
            plan.tags = tag::union(&stored.origin.tags, &plan.tags);
        }
        let shareable = plan.limits.shareable();
        let (entry, unstored) = self.draft(plan, head, arrival);
        if let Some(content) = stored.content.get() {
            drop(entry.content.set(content.clone()));
        }
        let entry = Arc::new(entry);
        match unstorable {
            None => {
                self.refreshed(RefreshResult::NotModified);
                self.keep(&entry, shareable);
                if let Some(lead) = self.lead.take() {
                    let confirmed = Landing::Confirmed(Arc::clone(&entry));
                    lead.end(if shareable { confirmed } else { Landing::Released });
                }
            }
            Some((whose, reason)) => self.release(whose, reason),
        }
        answer(reply, Reply::Confirmed(entry, unstored));
    }

    /// Tells the breaker what came of the call.
    fn report(&mut self, report: Report, why: Option<Reason>, now: Tick) {
        if let Some(call) = &mut self.call {
            tell(|| call.report(report, why, now));
        }
    }

    /// Stores a response whose content is whole.
    fn keep(&mut self, entry: &Arc<Entry>, shareable: bool) {
        let now = self.now();
        self.report(Report::Success, None, now);
        let differs = |extent: &Extent| extent.len() != entry.body_len();
        if entry.extent.as_deref().is_some_and(differs) {
            // It did not say before how long it would be.
            self.uncacheable(Reason::BodyMismatch);
            return self.release(Whose::Request, Reason::BodyMismatch);
        }
        // Who asked for a part does not say how others are to ask.
        let uncollapsed = (!shareable && !self.asker.part)
            .then(|| Uncollapsed { until: now.after(UNCOLLAPSED), reason: None });
        let store = &self.route.core.store;
        let joined = self.with_stored_parts(entry, now);
        if joined.is_some_and(|joined| store.insert(&self.key, &joined, None, now).is_ok()) {
            self.route.newest.stored(entry);
        } else if let Err(reason) = store.insert(&self.key, entry, uncollapsed, now) {
            tell(|| tracing::debug!(route = self.route.name(), %reason, "not stored"));
            self.uncacheable(reason);
            if reason == Reason::TooLarge {
                return self.release(Whose::Response, reason);
            }
        } else {
            self.route.newest.stored(entry);
        }
        tell(|| telemetry::evictions(&self.route.core, now));
        self.route.failing.went_well();
        self.refreshed(RefreshResult::Success);
    }

    /// What a new part makes together with those that are stored, if any of them fits.
    fn with_stored_parts(&self, part: &Arc<Entry>, now: Tick) -> Option<Arc<Entry>> {
        part.extent.as_ref()?;
        let slot = self.route.core.store.peek(self.key.as_bytes())?;
        let mut joined: Option<Arc<Entry>> = None;
        // Each that joins may close the gap to another; they are few.
        let mut stored: Vec<_> = slot.parts(&self.request.all()).collect();
        while let Some((place, larger)) = stored.iter().enumerate().find_map(|(place, old)| {
            let larger = joined.as_ref().unwrap_or(part).joined(old, self.route.max_body, now)?;
            Some((place, larger))
        }) {
            stored.swap_remove(place);
            joined = Some(Arc::new(larger));
        }
        joined
    }

    /// The refresh, if it is one, came to this; the first word counts.
    fn refreshed(&mut self, result: RefreshResult) {
        if self.claim.take().is_some() {
            tell(|| self.route.meter.refreshed(result));
            if matches!(result, RefreshResult::Success | RefreshResult::NotModified) {
                tell(|| telemetry::refresh_success(&self.route));
            }
        }
    }

    /// The response is not stored, or nothing came that could be.
    fn uncacheable(&self, reason: Reason) {
        tell(|| self.route.meter.uncacheable(reason));
    }

    /// What is stored is not what the inner service has.
    pub(super) fn forget_stored(&mut self) {
        for stored in [self.stored.take(), self.beginning.take()].into_iter().flatten() {
            self.route.core.store.remove(&self.key, &stored, self.now());
        }
    }

    /// The fetch failed: what is stored serves longer, and those who wait are told.
    pub(super) fn fail(&mut self, reason: Reason, pause: Option<Duration>) -> Arc<Failed> {
        let now = self.now();
        if is_the_upstreams(reason) {
            self.report(Report::Failure(self.route.core.store.hash(&self.key)), Some(reason), now);
        }
        if reason != Reason::Overload {
            let hard = self.stored.as_ref().map(|stored| stored.times.hard_at.since(stored.times.cached_at));
            self.route.failing.failed(now, hard);
        }
        // What is stored for other queries and is the same for this one stands in, too.
        let request = self.request.all();
        let all = equivalent::equivalents(&self.route, self.key.as_bytes(), &request, self.asker);
        let stands_in = equivalent::on_error(all, None, now).map(|(_, entry)| entry);
        for stored in self.stored.take().into_iter().chain(stands_in) {
            let first = stored.refresh.fail(now, pause);
            tell(|| telemetry::refresh_failure(&self.route, reason, now));
            let by = stored.times.error_at.since(stored.times.hard_at);
            if first && !by.is_zero() {
                tell(|| self.route.meter.extended());
                tell(|| telemetry::extension(&self.route, reason, by, now));
            }
        }
        if !matches!(
            reason,
            Reason::Error | Reason::Timeout | Reason::Panic | Reason::Overload | Reason::BreakerOpen
        ) {
            self.uncacheable(reason);
        }
        self.refreshed(match reason {
            Reason::Timeout | Reason::BodyTimeout => RefreshResult::TimedOut,
            Reason::Panic => RefreshResult::Panicked,
            Reason::BreakerOpen => RefreshResult::BreakerOpen,
            Reason::Overload => RefreshResult::Shed,
            _ => RefreshResult::Failure,
        });
        let failed = Arc::new(Failed::new(reason, pause));
        if let Some(lead) = self.lead.take() {
            lead.end(Landing::Failed(Arc::clone(&failed)));
        }
        failed
    }

    /// The response is for nobody but who asked for it: those who wait go on alone.
    fn release(&mut self, whose: Whose, reason: Reason) {
        let now = self.now();
        self.report(Report::Success, None, now);
        self.route.failing.went_well();
        let store = &self.route.core.store;
        let stored = self.stored.take();
        // Who shares with nobody gets responses that say nothing about the key, whatever they are.
        let whose = if self.route.collapses(self.asker) { whose } else { Whose::Request };
        match (whose, &stored) {
            (Whose::Response, stored) => {
                if let Some(stored) = stored {
                    store.remove(&self.key, stored, now);
                }
                let note = Uncollapsed { until: now.after(UNCOLLAPSED), reason: Some(reason) };
                store.mark_uncollapsed(&self.key, note, now);
            }
            // Another request may fare better; this one's like are not to ask without a pause.
            (Whose::Request, Some(stored)) => stored.refresh.postpone(now),
            (Whose::Request, None) => {}
        }
        self.refreshed(RefreshResult::Success);
        if let Some(lead) = self.lead.take() {
            lead.end(Landing::Released);
        }
    }
}

/// Whether a failure is one of the upstream: not if it was never asked, or asks for patience.
fn is_the_upstreams(reason: Reason) -> bool {
    !matches!(reason, Reason::Overload | Reason::BreakerOpen | Reason::Throttled)
}
