//! A request that is answered by what is stored for another query of its URL (No-Vary-Search).

use std::sync::Arc;

use http::request;

use super::{lookup::Question, may_use};
use crate::{
    entry::Entry,
    event::Outcome,
    key::{self, Key},
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
    /// The stored response that answers a request for whose own key there is none: one that is fresh, or the newest.
    pub(super) fn of(question: &Question<'_>) -> Option<Self> {
        let Question { route, key, parts, asked, asker, now, .. } = *question;
        if !route.settings.rules.no_vary_search {
            return None;
        }
        let found = route.core.store.equivalents(key).into_iter().filter_map(|(own, slot)| {
            let entry = slot.select(&parts.headers)?;
            let fits = entry.is_same_for(&own, key) && may_use(entry, asker);
            let outcome = entry.reuse_as_asked(asked, now).outcome().filter(|_| fits)?;
            Some((outcome == Outcome::Hit, Arc::clone(entry), own, outcome))
        });
        let (fresh, entry, key, outcome) =
            found.max_by_key(|(fresh, entry, ..)| (*fresh, entry.origin.number))?;
        let aimed = if fresh { None } else { Some(aimed_at(question, &key, &entry)?) };
        Some(Self { key, entry, outcome, aimed })
    }
}

/// The same request for the URL of a stored response; nothing where that has another key all the same.
fn aimed_at(question: &Question<'_>, own: &Key, entry: &Entry) -> Option<request::Parts> {
    let mut parts = question.parts.clone();
    let (_, query) = key::split_query(entry.origin.target.path());
    key::set_query(&mut parts, query)?;
    (question.route.key(&parts, question.facts).as_ref() == Some(own)).then_some(parts)
}
