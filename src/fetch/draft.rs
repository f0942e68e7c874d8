//! The entry of a response, made at its head.

use std::{
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use http::{HeaderMap, HeaderValue, header, response};

use super::{Job, Unstored};
use crate::{
    entry::{Entry, FinalUri, Origin, RefreshState, StoredHeaders, Times},
    key::SearchVariance,
    policy::{
        hop,
        status::Told,
        vary::{Selecting, Vary},
        verdict::{Arrival, Plan},
        withheld,
    },
    tag,
};

impl Job {
    /// Makes the entry of a response, but for its content; and what of the head is not stored.
    pub(super) fn draft(&self, plan: Plan, mut head: response::Parts, arrival: Arrival) -> (Entry, Unstored) {
        let rules = &self.route.settings.rules;
        let limits = plan.limits;
        let aged = head.headers.contains_key(header::AGE);
        let now = self.now();
        let jitter = if limits.hard > limits.soft { rules.soft_jitter * fastrand::f64() } else { 0.0 };
        let times = Times::new(
            now,
            arrival.wall,
            now.after(limits.soft.mul_f64(1.0 - jitter)),
            now.after(limits.hard),
            now.after(limits.error),
            now.after(limits.keep),
        );
        hop::strip_hop_by_hop(&mut head.headers);
        let fields = withheld::remove(&plan.withheld, &mut head.headers);
        if !self.route.settings.forward_tags {
            tag::TAG_FIELDS.iter().for_each(|field| drop(head.headers.remove(field)));
        }
        with_date(&mut head.headers, arrival.wall);
        let (stored, copy) = self.stored_headers(&head.headers);
        let entry = Entry {
            status: head.status,
            headers: stored,
            content: OnceLock::new(),
            times,
            born: now.before(plan.initial_age),
            stale_allowed: limits.stale_allowed,
            emergency: limits.emergency,
            fresh_by: limits.by,
            immutable: limits.immutable,
            route_alone: limits.route_alone,
            for_authorized: plan.for_authorized,
            final_uri: head.extensions.get().and_then(FinalUri::owned).map(Box::new),
            selecting: self.selecting(&plan.vary),
            search: self.search_variance(&head.headers),
            extent: plan.extent.map(Box::new),
            origin: Origin {
                number: self.number,
                route: self.route.mark.clone(),
                target: self.target.clone(),
                tags: plan.tags,
                groups: plan.groups,
            },
            refresh: RefreshState::default(),
            hits: Default::default(),
        };
        (entry, Unstored { extensions: head.extensions, fields, copy: Some(copy), aged })
    }

    /// The variant that a response to this request is.
    pub(super) fn selecting(&self, vary: &Vary) -> Selecting {
        vary.select(&self.request.only(vary.fields())).unwrap_or_default()
    }

    /// For which other queries the response is the same, where the route goes by that.
    fn search_variance(&self, received: &HeaderMap) -> Option<Arc<SearchVariance>> {
        let counts = self.route.settings.rules.no_vary_search;
        counts.then(|| SearchVariance::from_headers(received))?.map(Arc::new)
    }

    /// The headers with a slot for what the cache says of itself, which mostly is that it was a hit; and a copy of them.
    fn stored_headers(&self, received: &HeaderMap) -> (StoredHeaders, HeaderMap) {
        let status = self.route.status_field().map(|status| (&status.field, status.values.value(Told::Hit)));
        StoredHeaders::with_copy(received, status.as_ref().map(|(field, usual)| (*field, &**usual)))
    }
}

/// Adds when a message came, where it does not say when it was sent (RFC 9110 §6.6.1).
pub(super) fn with_date(headers: &mut HeaderMap, came: SystemTime) {
    if !headers.contains_key(header::DATE) {
        if let Some(date) = http_date(came) {
            headers.insert(header::DATE, date);
        }
    }
}

/// A time as `Date` shows it; none before 1970 or after the year 9999, which it cannot show.
fn http_date(wall: SystemTime) -> Option<HeaderValue> {
    const LAST: u64 = 253_402_300_799;
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    if since.as_secs() > LAST {
        return None;
    }
    HeaderValue::try_from(httpdate::fmt_http_date(wall)).ok()
}
