//! The last notable events of a cache, for whoever looks, and for the caller's own function.

use std::{
    array,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::SystemTime,
};

use super::gate::Gate;
use crate::{
    clock::Clock,
    event::{EventKind, Reason},
    hook::Hook,
    store::ScopeKind,
};

/// Something that an operator should know of: [`CacheHandle::events`](crate::CacheHandle::events).
///
/// It never has a key, a URL, a tag or a header in it. What a bad day makes many of is told at most once in ten seconds, for
/// each route and kind; `suppressed` says how many there were in the meantime.
///
/// With feature `serde` it serializes to
/// `{"at": "2026-11-24T11:28:54Z", "event": "breaker_opened", "route": null, "breaker": "odds", "reason": "timeout", …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Event {
    /// When it happened, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub at: SystemTime,
    /// What happened.
    #[cfg_attr(feature = "serde", serde(rename = "event"))]
    pub kind: EventKind,
    /// The route that it is about, if it is about one.
    pub route: Option<String>,
    /// The breaker that it is about, if it is about one.
    pub breaker: Option<String>,
    /// Why it happened, if there is a word for it.
    pub reason: Option<Reason>,
    /// How many like it were not told since the last one.
    pub suppressed: u32,
    /// What else there is to say, in a few words: by how much, how many, to what.
    pub detail: Option<String>,
}

/// So many events are remembered.
const REMEMBERED: usize = 64;

/// The last events of a cache.
#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    /// The newest first.
    last: Mutex<VecDeque<Event>>,
    on_event: Hook<Event>,
    /// A gate for each kind of purge: unsafe requests purge as often as they come.
    pub(super) purges: [Gate; ScopeKind::COUNT],
    pub(super) evictions: Gate,
    /// Of how many evictions it has told.
    pub(super) evicted: AtomicU64,
}

/// An event that is about to be recorded.
#[derive(Debug)]
pub(super) struct Note<'a> {
    pub(super) kind: EventKind,
    pub(super) route: Option<&'a str>,
    pub(super) breaker: Option<&'a str>,
    pub(super) reason: Option<Reason>,
    pub(super) suppressed: u32,
    pub(super) detail: Option<String>,
}

impl Note<'_> {
    pub(super) fn of(kind: EventKind) -> Self {
        Self { kind, route: None, breaker: None, reason: None, suppressed: 0, detail: None }
    }
}

impl Journal {
    pub(crate) fn new(clock: Clock, on_event: Hook<Event>) -> Self {
        Self {
            clock,
            last: Mutex::default(),
            on_event,
            purges: array::from_fn(|_| Gate::default()),
            evictions: Gate::default(),
            evicted: AtomicU64::new(0),
        }
    }

    /// The last events, the newest first.
    pub(crate) fn last(&self) -> Vec<Event> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Records an event, and then tells of it.
    pub(super) fn record(&self, note: Note<'_>) {
        // The wall clock is the caller's, too: without a time there is no event, and nothing else ends.
        let Ok(at) = catch_unwind(AssertUnwindSafe(|| self.clock.wall())) else { return };
        let Note { kind, route, breaker, reason, suppressed, detail } = note;
        let [route, breaker] = [route, breaker].map(|name| name.map(str::to_owned));
        let event = Event { at, kind, route, breaker, reason, suppressed, detail };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.truncate(REMEMBERED - 1);
        last.push_front(event.clone());
        drop(last);
        self.on_event.tell(&event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_last_ones_are_remembered_the_newest_first() {
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let hook = Hook::new(move |event: &Event| {
            *count.lock().expect("whole") += event.suppressed;
            panic!("it is not to end what is told of");
        });
        let journal = Journal::new(Clock::new(None), hook);
        for suppressed in 0..100 {
            journal.record(Note { suppressed, ..Note::of(EventKind::Panicked) });
        }
        let last: Vec<u32> = journal.last().iter().map(|event| event.suppressed).collect();
        assert_eq!(last, (36..100).rev().collect::<Vec<_>>());
        assert_eq!(*told.lock().expect("whole"), (0..100).sum::<u32>());
    }

    #[test]
    fn without_a_time_there_is_no_event() {
        let wall = Arc::new(|| panic!("no time"));
        let journal = Journal::new(Clock::new(Some(wall)), Hook::default());
        journal.record(Note::of(EventKind::Panicked));
        assert!(journal.last().is_empty());
    }
}
