//! For how long a route's stored responses could not be replaced.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::clock::Tick;

/// The failed fetches for stored responses since one of the route's fetches last went well.
#[derive(Debug, Default)]
pub(crate) struct Failing(Mutex<Option<Span>>);

#[derive(Clone, Copy, Debug)]
struct Span {
    first: Tick,
    last: Tick,
    /// The hard TTL of the response that the last one was for.
    hard: Duration,
}

impl Failing {
    /// A fetch failed that was to replace a stored response of this hard TTL, or none: then it only counts if others
    /// failed before it, and nothing is left of what they were for.
    pub(crate) fn failed(&self, now: Tick, hard: Option<Duration>) {
        let mut span = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hard = hard.or(span.map(|span| span.hard));
        let first = span.map_or(now, |span| span.first);
        *span = hard.map(|hard| Span { first, last: now, hard });
    }

    /// A fetch went well.
    pub(crate) fn went_well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From the first failure to the last, if they are longer apart than the hard TTL: by then readers get responses that
    /// are older than they ever should be, or none. A failure that nobody tried to repair does not grow old by itself.
    pub(crate) fn too_long(&self) -> Option<Duration> {
        let span = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        span.map(|span| (span.last.since(span.first), span.hard))
            .filter(|(long, hard)| long > hard)
            .map(|(long, _)| long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_too_long_past_the_hard_ttl_and_until_one_goes_well() {
        let failing = Failing::default();
        let start = Tick::from_raw(1 << 50);
        let at = |seconds| start.after(Duration::from_secs(seconds));
        let hard = Some(Duration::from_secs(30));
        failing.failed(at(0), None);
        failing.failed(at(100), None);
        assert_eq!(failing.too_long(), None, "nothing was to be replaced");
        failing.failed(at(100), hard);
        failing.failed(at(130), hard);
        assert_eq!(failing.too_long(), None);
        failing.failed(at(131), None);
        assert_eq!(failing.too_long(), Some(Duration::from_secs(31)));
        failing.went_well();
        assert_eq!(failing.too_long(), None);
        failing.failed(at(200), hard);
        assert_eq!(failing.too_long(), None, "a new beginning");
    }
}
