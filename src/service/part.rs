//! Parts that are stored as such (RFC 9111 §3.3): which one answers a request, and which one is to be completed.

use std::sync::Arc;

use http::HeaderMap;

use super::respond::Ask;
use crate::{
    clock::Tick,
    entry::{Entry, Target},
    policy::{cache_control::RequestDirectives, range, reuse::Reuse},
    shared::{self, Route},
    store::Slot,
};

/// Whether a request asks for a part, without a condition that is about the whole, on a route that keeps parts.
pub(super) fn is_wanted(route: &Route, ask: &Ask, request: &HeaderMap) -> bool {
    let unconditional = ask.facts.has_range() && !ask.facts.has_conditionals();
    route.settings.rules.store_parts && !ask.head && unconditional && range::asks_for_part(request)
}

/// The stored part that has all a request asks for.
pub(super) fn answering<'a>(
    slot: &'a Slot,
    ask: &Ask,
    asked: Option<&RequestDirectives>,
    request: &HeaderMap,
    now: Tick,
) -> Option<&'a Arc<Entry>> {
    fresh(slot, ask, asked, request, now).find(|part| part.has_part_for(request))
}

/// The stored part that is the beginning of the whole that a request asks for, so that nothing but the rest is missing.
pub(super) fn beginning<'a>(
    route: &Route,
    slot: &'a Slot,
    (ask, target): (&Ask, &Target),
    asked: Option<&RequestDirectives>,
    request: &HeaderMap,
    now: Tick,
) -> Option<&'a Arc<Entry>> {
    // What comes may not be kept, whatever it is.
    if ask.asker.no_store || ask.asker.part {
        return None;
    }
    let own = |part: &Entry| Arc::ptr_eq(&part.origin.route, &route.mark) && part.origin.target == *target;
    fresh(slot, ask, asked, request, now).find(|part| own(part) && part.begins_whole(route.max_body))
}

/// The parts that may answer a request.
fn fresh<'a>(
    slot: &'a Slot,
    ask: &Ask,
    asked: Option<&RequestDirectives>,
    request: &HeaderMap,
    now: Tick,
) -> impl Iterator<Item = &'a Arc<Entry>> {
    let may_use = move |part: &&Arc<Entry>| {
        shared::may_use(part, ask.asker) && part.reuse_as_asked(asked, now) == Reuse::Fresh
    };
    slot.parts(request).filter(may_use)
}
