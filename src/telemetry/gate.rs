//! What keeps a bad day from making too many lines and events.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::clock::Tick;

/// At most one of a kind passes in this time.
const QUIET: Duration = Duration::from_secs(10);

/// Lets one through in a while and counts the others.
#[derive(Debug, Default)]
pub(super) struct Gate {
    open_from: AtomicU64,
    suppressed: AtomicU32,
}

impl Gate {
    /// The number of those suppressed since the last one, if another may pass at `now`.
    pub(super) fn pass(&self, now: Tick) -> Option<u32> {
        let open_from = self.open_from.load(Ordering::Relaxed);
        let next = now.after(QUIET).raw();
        let passes = open_from <= now.raw()
            && self.open_from.compare_exchange(open_from, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if passes {
            Some(self.suppressed.swap(0, Ordering::Relaxed))
        } else {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_one_through_and_counts_the_rest() {
        let gate = Gate::default();
        let start = Tick::from_raw(1 << 50);
        assert_eq!(gate.pass(start), Some(0));
        assert_eq!(gate.pass(start), None);
        assert_eq!(gate.pass(start.after(QUIET / 2)), None);
        assert_eq!(gate.pass(start.after(QUIET)), Some(2));
    }
}
