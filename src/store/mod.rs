//! Where responses are kept: quick_cache, weighed in bytes, with an index of tags and a log of purges beside it.
//!
//! Reading takes quick_cache's lock of one shard and nothing else. All writing goes through one lock, so that a purge and
//! a fill have an order: a fill looks the log up and stores in one step, a purge is logged before it removes anything.

#[cfg(feature = "serde")]
mod form;
mod memory;
mod purge;
mod search;
mod slot;
mod tags;

#[cfg(feature = "admin")]
pub(crate) use form::PurgeForm;
#[cfg(feature = "admin")]
pub(crate) use memory::Found;
pub(crate) use memory::{Store, Weights};
pub(crate) use purge::ScopeKind;
pub use purge::{Purge, Purged};
pub(crate) use slot::{Slot, Uncollapsed};
