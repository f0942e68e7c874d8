//! The only place that reads a clock.
//!
//! Freshness runs on the monotonic clock, as [`Tick`]s; everything else takes `now` as an argument. The wall clock is read
//! when a response is stored, to understand its dates and to tell an operator when that was. Tests pause the monotonic
//! clock with tokio and bring a wall clock of their own.
#![allow(clippy::disallowed_methods)]

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

/// A point of monotonic time in nanoseconds. All arithmetic saturates, so no configured or received span can overflow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

/// Where a clock starts: far enough from zero that a response's age can be taken off.
const EPOCH: u64 = 1 << 62;

impl Tick {
    /// A point that has always been.
    pub(crate) const PAST: Self = Self(0);

    pub(crate) const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) const fn raw(self) -> u64 {
        self.0
    }

    /// This point, `span` later.
    #[must_use]
    #[inline]
    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// This point, `span` earlier.
    #[must_use]
    pub(crate) fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// The time from `earlier` to this point; zero when there is none.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[inline]
fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The wall clock as a function, so that a test or a simulation can bring its own.
pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A handle's clocks.
#[derive(Clone)]
pub(crate) struct Clock {
    epoch: Instant,
    wall: WallClock,
}

impl Clock {
    pub(crate) fn new(wall: Option<WallClock>) -> Self {
        Self { epoch: Instant::now(), wall: wall.unwrap_or_else(|| Arc::new(SystemTime::now)) }
    }

    /// Now, on the monotonic clock.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        Tick(EPOCH).after(Instant::now().saturating_duration_since(self.epoch))
    }

    /// Now, on the wall clock.
    pub(crate) fn wall(&self) -> SystemTime {
        (self.wall)()
    }

    /// When a point after `now` is, on the wall clock as it stands; `None` for one that is past.
    pub(crate) fn wall_at(&self, tick: Tick, now: Tick) -> Option<SystemTime> {
        (tick > now).then(|| later(self.wall(), tick.since(now)))
    }
}

/// `span` after `wall`, or the last time that can be told.
pub(crate) fn later(wall: SystemTime, span: Duration) -> SystemTime {
    const LONGEST: Duration = Duration::from_secs(1 << 40);
    wall.checked_add(span).or_else(|| wall.checked_add(span.min(LONGEST))).unwrap_or(wall)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_age_can_be_taken_off_from_the_first_moment_on() {
        let (first, greatest) = (Clock::new(None).now(), Duration::from_secs(1 << 31));
        assert_eq!(first.since(first.before(greatest)), greatest);
    }

    #[test]
    fn ticks_saturate() {
        let tick = Tick(EPOCH);
        assert_eq!(tick.after(Duration::MAX), Tick(u64::MAX));
        assert_eq!(tick.before(Duration::MAX), Tick::PAST);
        assert_eq!(Tick::PAST.since(tick), Duration::ZERO);
        assert_eq!(tick.after(Duration::from_secs(5)).since(tick), Duration::from_secs(5));
    }

    #[test]
    fn a_point_to_come_has_a_time_on_the_wall_clock() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let clock = Clock::new(Some(Arc::new(move || wall)));
        let (now, span) = (Tick(EPOCH), Duration::from_secs(5));
        assert_eq!(clock.wall_at(now.after(span), now), Some(wall + span));
        assert_eq!(clock.wall_at(now, now), None);
        assert_eq!(clock.wall_at(now, now.after(span)), None);
    }

    #[test]
    fn what_is_too_late_to_be_told_is_as_late_as_can_be() {
        let (wall, span) = (SystemTime::UNIX_EPOCH, Duration::from_secs(5));
        assert_eq!(later(wall, span), wall + span);
        let last = later(wall, Duration::MAX);
        assert!(last > wall + 10_000 * Duration::from_secs(365 * 86_400), "{last:?}");
    }
}
