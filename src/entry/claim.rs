//! Who refreshes a stale response, and when the next one may try.

use std::{sync::Arc, time::Duration};

use super::Entry;
use crate::{
    clock::Tick,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

/// The pause after the first failed fetch; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How much a pause is moved at most, either way, so that keys which failed together do not try together.
const PAUSE_JITTER: f64 = 0.1;

/// The state of an entry's refresh: free, claimed, or pausing after a failure. It may be claimed and pausing at once, as
/// requests that share with nobody have fetches of their own, which fail when they like.
#[derive(Debug)]
pub(crate) struct RefreshState {
    /// Whether somebody holds the claim.
    held: AtomicBool,
    /// From when on a claim succeeds, if it is free.
    next_try: AtomicU64,
    failures: AtomicU32,
    failed: AtomicBool,
}

impl Default for RefreshState {
    fn default() -> Self {
        Self {
            held: AtomicBool::new(false),
            next_try: AtomicU64::new(Tick::PAST.raw()),
            failures: AtomicU32::new(0),
            failed: AtomicBool::new(false),
        }
    }
}

impl RefreshState {
    /// Whether a fetch to replace the entry has failed.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Notes a failed fetch; true for the first. The next claim succeeds after the pause: `asked_for`, or one that grows
    /// with the number of failures.
    pub(crate) fn fail(&self, now: Tick, asked_for: Option<Duration>) -> bool {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        let pause = asked_for.unwrap_or_else(|| jittered(pause(before)));
        self.next_try.store(now.after(pause).raw(), Ordering::Relaxed);
        !self.failed.swap(true, Ordering::Relaxed)
    }

    fn pauses(&self, now: Tick) -> bool {
        self.next_try.load(Ordering::Relaxed) > now.raw()
    }

    /// Lets the next claim succeed only after the first pause, without counting a failure.
    pub(crate) fn postpone(&self, now: Tick) {
        self.next_try.store(now.after(FIRST_PAUSE).raw(), Ordering::Relaxed);
    }
}

/// The pause after `before` + 1 failures.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << before.min(5)).min(LONGEST_PAUSE)
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + PAUSE_JITTER * (fastrand::f64() * 2.0 - 1.0))
}

/// The right to refresh an entry. Dropping it gives the right back.
#[derive(Debug)]
pub(crate) struct Claim {
    entry: Arc<Entry>,
}

impl Claim {
    /// Takes the right, if it is free at `now`.
    pub(crate) fn take(entry: &Arc<Entry>, now: Tick) -> Option<Self> {
        let state = &entry.refresh;
        if state.pauses(now) || state.held.load(Ordering::Relaxed) || state.held.swap(true, Ordering::Acquire)
        {
            return None;
        }
        let claim = Self { entry: Arc::clone(entry) };
        // Who held it until just now may have left a pause behind.
        (!state.pauses(now)).then_some(claim)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.entry.refresh.held.store(false, Ordering::Release);
    }
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_half_a_minute() {
        let pauses: Vec<u64> = (0..8).map(|n| pause(n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn only_the_first_failure_is_the_first() {
        let state = RefreshState::default();
        let now = Tick::from_raw(1 << 50);
        assert!(!state.failed());
        assert!(state.fail(now, None));
        assert!(!state.fail(now, Some(Duration::from_secs(9))));
        assert!(state.failed());
        assert_eq!(state.next_try.load(Ordering::Relaxed), now.after(Duration::from_secs(9)).raw());
    }
}
