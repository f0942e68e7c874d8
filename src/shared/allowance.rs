//! The memory of bodies on their way.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::Core;

/// The memory that bodies may take while they are on their way into the store.
#[derive(Debug)]
pub(crate) struct Allowance {
    limit: u64,
    taken: AtomicU64,
}

impl Allowance {
    pub(super) fn of(limit: u64) -> Self {
        Self { limit, taken: AtomicU64::new(0) }
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// A body's part of the allowance; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    core: Arc<Core>,
    bytes: u64,
}

impl Share {
    pub(crate) fn none(core: &Arc<Core>) -> Self {
        Self { core: Arc::clone(core), bytes: 0 }
    }

    /// Takes as much more, if there is room for it.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let Allowance { limit, taken } = &self.core.bodies;
        let fits = |now: u64| now.checked_add(bytes).filter(|sum| sum <= limit);
        let grown = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.bytes += if grown { bytes } else { 0 };
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.core.bodies.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
