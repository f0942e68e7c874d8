//! Parts that are stored as such (RFC 9111 §3.3): which one answers a request, and which one is to be completed.

use std::sync::Arc;

use http::{HeaderMap, Method, request};

use super::{Route, may_use};
use crate::{
    clock::Tick,
    entry::{Entry, Target},
    policy::{cache_control::RequestDirectives, range, request::RequestFacts, reuse::Reuse, verdict::Asker},
    store::Slot,
};

/// Whether a request asks for a part, without a condition that is about the whole, on a route that keeps parts.
pub(crate) fn is_wanted(route: &Route, parts: &request::Parts, facts: RequestFacts) -> bool {
    let plain = facts.has_range() && !facts.has_conditionals() && parts.method != Method::HEAD;
    route.settings.rules.store_parts && plain && range::asks_for_part(&parts.headers)
}

/// The stored part that has all a request asks for.
pub(crate) fn answering<'a>(
    slot: &'a Slot,
    request: &HeaderMap,
    asker: Asker,
    asked: Option<&RequestDirectives>,
    now: Tick,
) -> Option<&'a Arc<Entry>> {
    fresh(slot, request, asker, asked, now).find(|part| part.has_part_for(request))
}

/// The stored part that is the beginning of the whole that a request asks for, so that nothing but the rest is missing.
pub(crate) fn beginning<'a>(
    route: &Route,
    slot: &'a Slot,
    target: &Target,
    request: &HeaderMap,
    asker: Asker,
    asked: Option<&RequestDirectives>,
    now: Tick,
) -> Option<&'a Arc<Entry>> {
    // What comes may not be kept, whatever it is.
    if asker.no_store || asker.part {
        return None;
    }
    let own = |part: &Entry| Arc::ptr_eq(&part.origin.route, &route.mark) && part.origin.target == *target;
    fresh(slot, request, asker, asked, now).find(|part| own(part) && part.begins_whole(route.max_body))
}

/// The parts that may answer a request.
fn fresh<'a>(
    slot: &'a Slot,
    request: &HeaderMap,
    asker: Asker,
    asked: Option<&RequestDirectives>,
    now: Tick,
) -> impl Iterator<Item = &'a Arc<Entry>> {
    let usable =
        move |part: &&Arc<Entry>| may_use(part, asker) && part.reuse_as_asked(asked, now) == Reuse::Fresh;
    slot.parts(request).filter(usable)
}
