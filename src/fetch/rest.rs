//! What is missing of a stored part, asked for by itself, and the whole that both make (RFC 9111 §3.3, §3.4).

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header, response};
use http_body::Body;

use super::{
    Job,
    absorb::{self, Arriving},
    draft,
};
use crate::{
    entry::{Entry, StoredBody},
    policy::{
        extent::Extent,
        validation,
        verdict::{self, Arrival, Asker, Plan, Verdict},
    },
    tag,
};

/// A stored part, and how the response is kept that brings its rest.
pub(super) struct Completion {
    part: Arc<Entry>,
    plan: Plan,
}

/// Asks for what comes after a stored beginning, and for the whole if that has changed (RFC 9110 §13.1.5).
pub(super) fn ask_for_it(part: &Entry, request: &mut HeaderMap) {
    let (Some(etag), Some(extent)) = (part.validators().etag, &part.extent) else { return };
    if let Ok(range) = HeaderValue::try_from(format!("bytes={}-", extent.bytes.end)) {
        request.insert(header::RANGE, range);
        request.insert(header::IF_RANGE, etag);
    }
}

impl Job {
    /// What a response to this means, if it is the rest of the stored beginning, and may be kept as any part.
    pub(super) fn completion(
        &self,
        head: &response::Parts,
        body: &impl Body,
        took: Duration,
    ) -> Option<Completion> {
        let part = self.beginning.as_ref().filter(|_| head.status == StatusCode::PARTIAL_CONTENT)?;
        let Self { route, asker, .. } = self;
        if route.settings.classifier.is_failure(head) {
            return None;
        }
        let arrival = Arrival::of(&head.headers, route.core.clock.wall(), took);
        let length = absorb::promised_length(head, body);
        let asker = Asker { part: true, ..*asker };
        let verdict = verdict::judge(&route.settings.rules, route.max_body, asker, head, length, arrival);
        let Verdict::Store(plan) = verdict else { return None };
        let extent = part.extent.as_ref()?;
        let rest = Extent { bytes: extent.bytes.end..extent.whole, whole: extent.whole };
        let fits = plan.extent.as_ref() == Some(&rest)
            && validation::same_strong(part.headers.as_map(), &head.headers)
            && self.selecting(&plan.vary) == part.selecting;
        fits.then(|| Completion { part: Arc::clone(part), plan })
    }

    /// Whether a response says nothing but that the stored beginning is none: to be asked for the whole instead.
    pub(super) fn is_no_rest(&self, status: StatusCode) -> bool {
        let no_whole = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE);
        self.beginning.is_some() && no_whole
    }
}

impl Completion {
    /// The whole, what is stored of it first. Its fields and its freshness are those of the new part; fields that only the
    /// stored one has are kept, and what holds for one of them holds for both.
    pub(super) fn whole<B>(
        self,
        mut head: response::Parts,
        body: B,
        arrival: Arrival,
    ) -> (Plan, response::Parts, Arriving<B>) {
        let Self { part, mut plan } = self;
        let length = part.extent.as_ref().map(|extent| extent.whole);
        plan.extent = None;
        plan.tags = tag::union(&plan.tags, &part.origin.tags);
        plan.groups = tag::union(&plan.groups, &part.origin.groups);
        plan.for_authorized &= part.for_authorized;
        plan.limits.route_alone |= part.route_alone;
        plan.limits.stale_allowed &= part.stale_allowed;
        // The stored one's is that of another message.
        draft::with_date(&mut head.headers, arrival.wall);
        head.status = StatusCode::OK;
        head.headers = part.fields_with(head.headers);
        head.headers.remove(header::CONTENT_RANGE);
        if let Some(length) = length {
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let stored = part.content.get().map_or(StoredBody::EMPTY, |content| content.body.clone());
        (plan, head, Arriving { stored, body, length })
    }
}
