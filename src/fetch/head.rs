//! What a response to a HEAD that went past the cache says of what is stored (RFC 9111 §4.3.5).

use std::{convert::Infallible, sync::Arc};

use http::{HeaderMap, Response, StatusCode};

use super::Job;
use crate::{
    clock::Tick,
    entry::Entry,
    key::Key,
    policy::{
        validation::{self, Agreement},
        verdict::{Arrival, Asker},
    },
    shared::{Route, SentHeaders},
};

/// A HEAD under way, and the stored response that a GET in its place would have selected.
pub(crate) struct HeadCall {
    job: Job,
    began: Tick,
}

impl HeadCall {
    /// For a request whose response is about to be asked for; nothing where a purge is about to take what is stored.
    pub(crate) fn new(
        route: &Arc<Route>,
        key: Key,
        stored: &Arc<Entry>,
        request: &HeaderMap,
        asker: Asker,
        now: Tick,
    ) -> Option<Self> {
        let store = &route.core.store;
        // Taken first: a purge that comes after this look at the store is newer.
        let number = store.take_number();
        if store.entry_purged(&key, stored).is_some() {
            return None;
        }
        let job = Job {
            route: Arc::clone(route),
            key,
            target: stored.origin.target.clone(),
            asker,
            request: SentHeaders::of(request),
            stored: Some(Arc::clone(stored)),
            beginning: None,
            number,
            lead: None,
            claim: None,
            call: None,
        };
        Some(Self { job, began: now })
    }

    /// A 200 that agrees with what is stored freshens it, and one that differs makes it stale.
    pub(crate) fn answered<B>(self, response: &Response<B>) {
        let Self { job, began } = self;
        let Some(stored) = job.stored.clone() else { return };
        if response.status() != StatusCode::OK {
            return;
        }
        let agreement = match stored.status {
            StatusCode::OK => {
                validation::compare(&stored.validators(), stored.body_len(), response.headers())
            }
            _ => Agreement::Differs,
        };
        let now = job.now();
        match agreement {
            Agreement::Agrees => {
                let mut head = Response::new(()).into_parts().0;
                head.headers = response.headers().clone();
                let arrival = Arrival::of(&head.headers, job.route.core.clock.wall(), now.since(began));
                job.confirm::<(), Infallible>(&stored, head, arrival, None);
            }
            Agreement::Differs => stored.times.make_stale(now),
            Agreement::Unknown => {}
        }
    }
}
