//! What a flight is for, and what it comes to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    entry::Entry,
    event::Reason,
    flight::{Lead, Variant},
    key::Key,
    policy::vary::Selecting,
    spool::Spool,
};

/// The lead of a key's flight, or of one of its variants'.
pub(crate) type FlightLead = Lead<Key, Selecting, Landing>;

impl Variant for Selecting {
    fn same_fields(&self, other: &Self) -> bool {
        self.same_fields(other)
    }
}

/// What those who wait for a fetch are told at its head.
#[derive(Clone, Debug)]
pub(crate) enum Landing {
    /// A response that may be shared with whom it suits; its body is on its way.
    Shared(Arc<Entry>, Arc<Spool>),
    /// A stored response that was confirmed.
    Confirmed(Arc<Entry>),
    /// A response for nobody else: everybody goes on alone.
    Released,
    /// No response.
    Failed(Arc<Failed>),
}

/// A fetch that failed, for those who waited for it.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) reason: Reason,
    pub(crate) retry_after: Option<Duration>,
    second_turn: AtomicBool,
}

impl Failed {
    pub(crate) fn new(reason: Reason, retry_after: Option<Duration>) -> Self {
        Self { reason, retry_after, second_turn: false.into() }
    }

    /// True for the one waiter who leads once more.
    pub(crate) fn take_second_turn(&self) -> bool {
        !self.second_turn.swap(true, Ordering::Relaxed)
    }
}
