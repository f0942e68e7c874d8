//! Counters that remember the last five minutes.
//!
//! They count up for ever; every few seconds the first who counts takes down where they stood. What a window holds is the
//! difference. The slots take their index from the time that has passed, so that they do not drift.

use std::{
    array,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::Tick;

/// How long the window is, and each of its slots.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);
pub(crate) const SLOT: Duration = Duration::from_secs(10);
pub(crate) const SLOTS: usize = (WINDOW.as_secs() / SLOT.as_secs()) as usize;

/// `N` counters, for ever and for the last five minutes.
#[derive(Debug)]
pub(crate) struct Window<const N: usize> {
    totals: [AtomicU64; N],
    /// The slot that was last counted in.
    slot: AtomicU64,
    /// Where the counters stood when each slot began.
    marks: Mutex<[Mark<N>; SLOTS + 1]>,
}

#[derive(Clone, Copy, Debug)]
struct Mark<const N: usize> {
    slot: u64,
    totals: [u64; N],
}

impl<const N: usize> Window<N> {
    pub(crate) fn new() -> Self {
        Self {
            totals: array::from_fn(|_| AtomicU64::new(0)),
            slot: AtomicU64::new(0),
            marks: Mutex::new([Mark { slot: 0, totals: [0; N] }; SLOTS + 1]),
        }
    }

    /// Counts one, and tells how many there were before.
    pub(crate) fn count(&self, counter: usize, now: Tick) -> u64 {
        let slot = slot_of(now);
        if self.slot.load(Ordering::Relaxed) < slot {
            self.mark(slot);
        }
        self.totals.get(counter).map_or(0, |total| total.fetch_add(1, Ordering::Relaxed))
    }

    /// All that was ever counted.
    pub(crate) fn totals(&self) -> [u64; N] {
        array::from_fn(|n| self.totals.get(n).map_or(0, |total| total.load(Ordering::Relaxed)))
    }

    /// What was counted in the last five minutes, to the slot.
    pub(crate) fn recent(&self, now: Tick) -> [u64; N] {
        let slot = slot_of(now);
        let first = slot.saturating_sub(SLOTS as u64 - 1);
        let totals = self.totals();
        if self.slot.load(Ordering::Relaxed) < first {
            return [0; N];
        }
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        difference(&totals, standing(&*marks, first).unwrap_or(&totals))
    }

    /// The same, slot by slot, the oldest first; the last one is still under way.
    #[cfg(feature = "admin")]
    pub(crate) fn slots(&self, now: Tick) -> [[u64; N]; SLOTS] {
        let first = slot_of(now).saturating_sub(SLOTS as u64 - 1);
        let totals = self.totals();
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |slot| standing(&*marks, slot).unwrap_or(&totals);
        array::from_fn(|n| difference(at(first + n as u64 + 1), at(first + n as u64)))
    }

    /// Takes down where the counters stand as a new slot begins.
    #[cold]
    fn mark(&self, slot: u64) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if self.slot.load(Ordering::Relaxed) >= slot {
            return;
        }
        let index = usize::try_from(slot).unwrap_or(usize::MAX) % marks.len();
        if let Some(mark) = marks.get_mut(index) {
            *mark = Mark { slot, totals: self.totals() };
        }
        self.slot.store(slot, Ordering::Relaxed);
    }
}

/// Where the counters stood when a slot began, if something was counted since: at the oldest mark from there on, as they did
/// not move before it.
fn standing<const N: usize>(marks: &[Mark<N>], slot: u64) -> Option<&[u64; N]> {
    marks.iter().filter(|mark| mark.slot >= slot).min_by_key(|mark| mark.slot).map(|mark| &mark.totals)
}

fn difference<const N: usize>(now: &[u64; N], then: &[u64; N]) -> [u64; N] {
    array::from_fn(|n| now.get(n).zip(then.get(n)).map_or(0, |(now, then)| now.saturating_sub(*then)))
}

fn slot_of(now: Tick) -> u64 {
    now.raw() / u64::try_from(SLOT.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::from_raw(SLOT.as_nanos() as u64 * 1_000_000).after(Duration::from_secs(seconds))
    }

    #[test]
    fn what_is_older_than_five_minutes_is_forgotten() {
        let window = Window::<2>::new();
        window.count(0, at(0));
        window.count(1, at(100));
        window.count(0, at(299));
        for (second, expected) in [
            (299, [2, 1]),
            (300, [1, 1]),
            (399, [1, 1]),
            (400, [1, 0]),
            (589, [1, 0]),
            (590, [0, 0]),
            (10_000, [0, 0]),
        ] {
            assert_eq!(window.recent(at(second)), expected, "at {second}");
        }
        assert_eq!(window.totals(), [2, 1]);
    }

    #[test]
    fn it_agrees_with_a_list_of_all_that_was_counted() {
        let window = Window::<1>::new();
        let mut counted: Vec<u64> = Vec::new();
        let mut second = 0;
        for step in 0..4_000_u64 {
            second += [0, 0, 1, 3, 17, 400][(step * 7919 % 101 % 6) as usize];
            window.count(0, at(second));
            counted.push(second);
            let first = (second / 10 * 10).saturating_sub(290);
            let expected = counted.iter().filter(|at| **at >= first).count() as u64;
            assert_eq!(window.recent(at(second)), [expected], "at {second}");
        }
    }

    #[cfg(feature = "admin")]
    #[test]
    fn its_slots_say_when_it_was_counted() {
        let window = Window::<2>::new();
        for (counter, second) in [(0, 0), (0, 9), (1, 10), (0, 95), (0, 299)] {
            window.count(counter, at(second));
        }
        for (second, expected) in [
            (299, &[(0, [2, 0]), (1, [0, 1]), (9, [1, 0]), (29, [1, 0])][..]),
            (310, &[(7, [1, 0]), (27, [1, 0])]),
            (589, &[(0, [1, 0])]),
            (590, &[]),
        ] {
            let slots = window.slots(at(second));
            let counted = slots.iter().copied().enumerate().filter(|(_, counts)| *counts != [0, 0]);
            assert_eq!(counted.collect::<Vec<_>>(), expected, "at {second}");
        }
    }

    #[test]
    fn an_index_that_is_none_counts_nothing() {
        let window = Window::<1>::new();
        window.count(5, at(0));
        assert_eq!(window.totals(), [0]);
    }
}
