//! A request that goes past the cache, and whose response is kept all the same: a POST, to answer GET (RFC 9110 §9.3.3), or a
//! GET while its route only observes.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{
    Job, Unstored,
    absorb::{self, Arriving, Producer},
};
use crate::{
    clock::Tick,
    entry::{Entry, Target},
    error::BoxError,
    event::Reason,
    key::Key,
    policy::verdict::{self, Arrival, Asker, Verdict},
    shared::{Route, SentHeaders},
    spool::{Spool, SpoolReader},
    store::Purge,
    telemetry,
};

/// A request under way that goes past the cache, and has a key.
pub(crate) struct PassingCall {
    job: Job,
    runtime: Handle,
    began: Tick,
}

/// A response that is being kept, and read by who asked for it.
pub(crate) struct Kept {
    pub(crate) entry: Arc<Entry>,
    pub(crate) reader: SpoolReader,
    pub(crate) unstored: Unstored,
}

impl PassingCall {
    /// For a request that is about to be made.
    pub(crate) fn new(
        route: &Arc<Route>,
        runtime: Handle,
        (key, target): (Key, Target),
        request: &HeaderMap,
        asker: Asker,
        began: Tick,
    ) -> Self {
        let job = Job {
            route: Arc::clone(route),
            key,
            target,
            asker,
            request: SentHeaders::of(request),
            stored: None,
            beginning: None,
            number: route.core.store.take_number(),
            lead: None,
            claim: None,
            call: None,
        };
        Self { job, runtime, began }
    }

    /// Carries out the purges that a response demands, and keeps the response itself, if it may be kept and nobody else has
    /// purged it since the request was made. From here on it belongs to no client.
    pub(crate) fn answered<B>(self, response: Response<B>, purges: &[Purge]) -> Result<Kept, Response<B>>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { job, runtime, began } = self;
        let core = Arc::clone(&job.route.core);
        let (head, body) = response.into_parts();
        let draft = || job.draft_passing(&head, &body, began);
        let drafted = catch_unwind(AssertUnwindSafe(draft));
        let Ok(Some((mut entry, unstored, shareable, permit))) = drafted else {
            core.purge_all(purges);
            return match drafted {
                // The callers' code, whose panic is this request's; the purges are demanded all the same.
                Err(panic) => resume_unwind(panic),
                Ok(_) => Err(Response::from_parts(head, body)),
            };
        };
        if !core.purge_before(purges, &job.key, &mut entry) {
            job.route.meter.uncacheable(Reason::Purged);
            return Err(Response::from_parts(head, body));
        }
        let entry = Arc::new(entry);
        let arriving = Arriving::whole(absorb::promised_length(&head, &body), body);
        let spool = Spool::new(arriving.length);
        let producer = Producer::new(&spool);
        // Nothing has been read yet.
        let Some(reader) = spool.reader() else { return Err(Response::from_parts(head, arriving.body)) };
        let route = Arc::clone(&job.route);
        let keep = job.absorb(Arc::clone(&entry), shareable, arriving, producer, permit);
        drop(runtime.spawn(telemetry::in_fetch_span(&route, keep)));
        Ok(Kept { entry, reader, unstored })
    }
}

impl Job {
    /// The entry of such a response, and whether others may have it unasked, if it may be kept and there is room for one more
    /// that is being read.
    fn draft_passing(
        &self,
        head: &http::response::Parts,
        body: &impl Body,
        began: Tick,
    ) -> Option<(Entry, Unstored, bool, OwnedSemaphorePermit)> {
        let Self { route, asker, .. } = self;
        if asker.post && head.status != StatusCode::OK {
            return None;
        }
        if route.settings.classifier.is_failure(head) {
            return None;
        }
        let arrival = Arrival::of(&head.headers, route.core.clock.wall(), self.now().since(began));
        let length = absorb::promised_length(head, body);
        let rules = &route.settings.rules;
        match verdict::judge(rules, route.max_body, *asker, head, length, arrival) {
            Verdict::Store(plan) => {
                let permit = Arc::clone(&route.core.fetches).try_acquire_owned().ok()?;
                let shareable = plan.limits.shareable();
                let (entry, unstored) = self.draft(plan, head.clone(), arrival);
                Some((entry, unstored, shareable, permit))
            }
            Verdict::Unstorable(_, reason) => {
                route.meter.uncacheable(reason);
                None
            }
            Verdict::Failed | Verdict::Throttled(_) => None,
        }
    }
}
