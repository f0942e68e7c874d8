//! A request that is answered by what is stored for another query of its URL (No-Vary-Search).

use std::sync::Arc;

use http::{HeaderMap, request};

use super::{Route, lookup::Question, may_use};
use crate::{
    clock::Tick,
    entry::Entry,
    event::Outcome,
    key::{self, Key},
    policy::{cache_control::RequestDirectives, reuse::Reuse, verdict::Asker},
};

/// A stored response that is the same for the request's query, and may answer it.
#[derive(Debug)]
pub(crate) struct Equivalent {
    pub(crate) key: Key,
    pub(crate) entry: Arc<Entry>,
    pub(crate) outcome: Outcome,
    /// The same request for the very URL of what is stored, where that is stale: its refresh is one of that.
    pub(crate) aimed: Option<request::Parts>,
}

impl Equivalent {
    /// The one that answers a request for whose own key there is none.
    pub(super) fn of(question: &Question<'_>) -> Option<Self> {
        let Question { route, key, parts, asked, asker, now, .. } = *question;
        let all = equivalents(route, key, &parts.headers, asker);
        let (outcome, entry, key) = answering(all, asked, now)?;
        let aimed = if outcome == Outcome::Hit { None } else { Some(aimed_at(question, &key, &entry)?) };
        Some(Self { key, entry, outcome, aimed })
    }
}

/// What is stored for other queries, says that it is the same for this one, and may answer a request with these headers;
/// each with its own key.
pub(crate) fn equivalents(
    route: &Route,
    key: &[u8],
    headers: &HeaderMap,
    asker: Asker,
) -> impl Iterator<Item = (Key, Arc<Entry>)> {
    // What is said of queries is said to GET.
    let has_any = route.settings.rules.no_vary_search && !asker.post;
    let all = has_any.then(|| route.core.store.equivalents(key));
    all.into_iter().flatten().filter_map(move |(own, slot)| {
        let entry = slot.select(headers)?;
        let fits = entry.is_same_for(&own, key) && may_use(entry, asker);
        fits.then(|| (own, Arc::clone(entry)))
    })
}

/// Those of them that stand in where a fetch fails.
pub(crate) fn on_error(
    all: impl Iterator<Item = (Key, Arc<Entry>)>,
    asked: Option<&RequestDirectives>,
    now: Tick,
) -> impl Iterator<Item = (Key, Arc<Entry>)> {
    all.filter(move |(_, entry)| entry.reuse_as_asked(asked, now) == Reuse::OnError)
}

/// The one of them that answers at once: one that is fresh, or the newest; and as what.
pub(crate) fn answering(
    all: impl Iterator<Item = (Key, Arc<Entry>)>,
    asked: Option<&RequestDirectives>,
    now: Tick,
) -> Option<(Outcome, Arc<Entry>, Key)> {
    all.filter_map(|(own, entry)| Some((entry.reuse_as_asked(asked, now).outcome()?, entry, own)))
        .max_by_key(|(outcome, entry, _)| (*outcome == Outcome::Hit, entry.origin.number))
}

/// The same request for the URL of a stored response; nothing where that has another key all the same.
fn aimed_at(question: &Question<'_>, own: &Key, entry: &Entry) -> Option<request::Parts> {
    let mut parts = question.parts.clone();
    let (_, query) = key::split_query(entry.origin.target.path());
    key::set_query(&mut parts, query)?;
    (question.route.key(&parts, question.facts).as_ref() == Some(own)).then_some(parts)
}
