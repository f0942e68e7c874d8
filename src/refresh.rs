//! The refresh of a stale response: claimed by one reader, run in a task that nobody waits for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{Method, request};
use tokio::runtime::Handle;

use crate::{
    clock::Tick,
    entry::{Claim, Entry, Target},
    fetch::Job,
    flight::Join,
    key::Key,
    policy::{vary::Selecting, verdict::Asker},
    shared::{Route, SentHeaders, Upstream},
    telemetry::{self, RefreshResult},
};

/// Refreshes `entry` by the request that found it stale, unless somebody does already, a failed refresh makes it pause, or
/// too many are under way: then the stale response simply stays.
pub(crate) fn refresh<S, ReqBody>(
    route: &Arc<Route>,
    service: &S,
    mut parts: request::Parts,
    key: &[u8],
    entry: &Arc<Entry>,
    asker: Asker,
    now: Tick,
) where
    S: Upstream<ReqBody>,
    ReqBody: Default + Send + 'static,
{
    let Some(claim) = Claim::take(entry, now) else { return };
    let core = &route.core;
    let Ok(runtime) = Handle::try_current() else { return };
    let Ok(permit) = Arc::clone(&core.refreshes).try_acquire_owned() else {
        // Not for every reader that comes while there is no room.
        entry.refresh.postpone(now);
        return route.meter.refreshed(RefreshResult::Shed);
    };
    core.keep_publishing(&runtime);
    let key = Key::from_bytes(key);
    let number = core.store.take_number();
    let target = Target::of(&parts);
    let of_today = |other: u64| core.store.purged_since(other, &key, &target, route.name()).is_none();
    let (known, by) = (Some(entry.selecting.clone()), |like: &Selecting| like.reselect(&parts.headers));
    let Join::Lead(lead) = core.flights.join(&key, known, by, number, of_today) else { return };
    // Who led before may have replaced it just now; and a 304 must not bring back what a purge is about to take.
    let stands = core
        .store
        .peek(key.as_bytes())
        .is_some_and(|slot| slot.select(&parts.headers).is_some_and(|stored| Arc::ptr_eq(stored, entry)));
    if !stands || core.store.entry_purged(&key, entry).is_some() {
        return;
    }
    let mut job = Job {
        route: Arc::clone(route),
        target,
        key,
        asker,
        request: SentHeaders::of(&parts.headers),
        stored: Some(Arc::clone(entry)),
        beginning: None,
        number,
        lead: Some(lead),
        claim: Some(claim),
        call: None,
    };
    parts.method = Method::GET;
    let service = match catch_unwind(AssertUnwindSafe(|| service.clone())) {
        Ok(service) => service,
        // The reader has its answer, whatever becomes of the refresh.
        Err(panic) => return job.panicked::<S::Body, S::Error>(panic, None),
    };
    let task = async move {
        job.run(service, parts, None).await;
        drop(permit);
    };
    drop(runtime.spawn(telemetry::in_fetch_span(route, task)));
}
