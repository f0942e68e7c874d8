//! What a request finds in the store. It is decided here, once: for who answers with it, for who compares what comes with
//! it, and for who explains it.

use std::sync::Arc;

use http::{Method, header, request};

use super::{
    Route,
    equivalent::{self, Equivalent},
    may_use, part,
};
use crate::{
    clock::Tick,
    entry::Entry,
    event::{Outcome, Reason},
    key::Key,
    policy::{cache_control::RequestDirectives, request::RequestFacts, reuse::Reuse, verdict::Asker},
    store::Slot,
};

/// A request that has a key, as far as what is stored goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) route: &'a Route,
    pub(crate) key: &'a [u8],
    pub(crate) parts: &'a request::Parts,
    pub(crate) facts: RequestFacts,
    /// What it says of stored responses, where that counts.
    pub(crate) asked: Option<&'a RequestDirectives>,
    pub(crate) asker: Asker,
    pub(crate) now: Tick,
}

/// What it finds.
#[derive(Debug)]
pub(crate) enum Lookup<'a> {
    /// What stands under its key answers it: as a hit, stale, or stale after a fetch that failed.
    Own(&'a Arc<Entry>, Outcome),
    /// What is stored for another query of its URL does.
    Equivalent(Box<Equivalent>),
    /// Nothing does, and it wants nothing else (`only-if-cached`, RFC 9111 §5.2.1.7).
    NotCached,
    /// Nothing does, and what is fetched could not be kept: it goes alone.
    Alone(Reason),
    /// Nothing does: it is fetched.
    Fetch {
        /// What can be confirmed, or stand in where the fetch fails.
        stored: Option<(&'a Arc<Entry>, Reuse)>,
        /// Whether a part is kept as one.
        as_part: bool,
    },
}

impl Question<'_> {
    /// What it finds, where this stands under its own key. What answers most requests is looked at in place.
    #[inline]
    pub(crate) fn look_up<'a>(self, slot: Option<&'a Slot>) -> Lookup<'a> {
        let selected = slot.and_then(|slot| slot.select(&self.parts.headers));
        let usable = selected.filter(|entry| may_use(entry, self.asker));
        let stored = usable.map(|entry| (entry, entry.reuse_as_asked(self.asked, self.now)));
        match stored.and_then(|(entry, reuse)| Some((entry, reuse.outcome()?))) {
            Some((entry, outcome)) => Lookup::Own(entry, outcome),
            None => self.look_further(slot, stored),
        }
    }

    /// What would answer it if its fetch failed: what is stored under its own key, or is the same for its query.
    pub(crate) fn stands_in(self, stored: Option<(&Arc<Entry>, Reuse)>) -> Option<(Key, Arc<Entry>)> {
        if let Some((entry, Reuse::OnError)) = stored {
            return Some((Key::from_bytes(self.key), Arc::clone(entry)));
        }
        let all = equivalent::equivalents(self.route, self.key, &self.parts.headers, self.asker);
        equivalent::on_error(all, self.asked, self.now).max_by_key(|(_, entry)| entry.origin.number)
    }

    /// What else there is, where nothing that is stored under its own key as a whole answers it.
    #[inline(never)]
    fn look_further<'a>(self, slot: Option<&'a Slot>, stored: Option<(&'a Arc<Entry>, Reuse)>) -> Lookup<'a> {
        let Self { route, parts, facts, asked, asker, now, .. } = self;
        if let Some(equivalent) = Equivalent::of(&self) {
            return Lookup::Equivalent(Box::new(equivalent));
        }
        let is_over = stored.is_none_or(|(_, reuse)| reuse == Reuse::Gone);
        let wants_part = is_over && part::is_wanted(route, parts, facts);
        if let Some(slot) = slot.filter(|_| wants_part) {
            if let Some(part) = part::answering(slot, &parts.headers, asker, asked, now) {
                return Lookup::Own(part, Outcome::Hit);
            }
        }
        if asked.is_some_and(|asked| asked.only_if_cached) {
            return Lookup::NotCached;
        }
        // Where `If-Range` holds, a part may come without the fields of its whole (RFC 9110 §15.3.7).
        let as_part = wants_part && !parts.headers.contains_key(header::IF_RANGE);
        // Any other part, or a head alone, cannot be kept: with nothing stored it would be fetched for nobody else.
        let head = parts.method == Method::HEAD;
        if is_over && (facts.has_range() || head) && !as_part {
            return Lookup::Alone(if head { Reason::Head } else { Reason::Range });
        }
        Lookup::Fetch { stored, as_part }
    }
}
