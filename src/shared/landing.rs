//! What a flight is for, and what it comes to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{entry::Entry, event::Reason, key::Key, policy::vary::Selecting, spool::Spool};

/// What a flight is for: a key, and one of its variants where they are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlightKey {
    key: Key,
    variant: Option<Arc<[u8]>>,
}

impl FlightKey {
    /// The flight for what `selecting` selects of a key, as far as that is known.
    pub(crate) fn of(key: &Key, selecting: Option<&Selecting>) -> Self {
        let variant = selecting.filter(|selecting| !selecting.is_empty());
        Self { key: key.clone(), variant: variant.map(|selecting| selecting.to_bytes().into()) }
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
