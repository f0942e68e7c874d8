//! The circuit breaker: keeps calls from an upstream that fails.
//!
//! *Closed*, it lets every call through. So many failures in a row open it; *open*, it lets none through until its
//! cool-down is over; then it is *half-open* for the one call that asks first, the probe, and what comes of that decides.

mod info;
mod registry;
mod state;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

pub use info::{BreakerInfo, BreakerMode, BreakerState};
pub(crate) use registry::Breakers;
pub(crate) use state::{Admission, Force, Report, Settings, State, Transition};
use state::{Machine, Ticket};

use crate::{
    clock::Tick,
    event::Reason,
    sync::{Mutex, MutexGuard},
};

/// How much a cool-down is moved at most, either way, as a part of it.
const JITTER: f64 = 0.1;

/// Who is told of a breaker's transitions, and of the failure that led to one; outside its lock.
pub(crate) type OnTransition = Box<dyn Fn(&Breaker, Transition, Option<Reason>) + Send + Sync>;

/// One upstream's breaker.
pub(crate) struct Breaker {
    name: Box<str>,
    machine: Mutex<Machine>,
    on_transition: OnTransition,
}

impl Breaker {
    pub(crate) fn new(name: &str, settings: Settings, on_transition: OnTransition) -> Arc<Self> {
        Arc::new(Self { name: name.into(), machine: Mutex::new(Machine::new(settings)), on_transition })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it stands, and what forces it.
    pub(crate) fn standing(&self) -> (State, Force) {
        let machine = self.lock();
        (machine.state(), machine.force())
    }

    /// Forces it, or frees it.
    pub(crate) fn set_force(&self, force: Force) {
        let transition = self.lock().set_force(force);
        self.tell(transition, None);
    }

    /// Asks for one call: a permit, or after what time to ask again.
    pub(crate) fn ask(self: &Arc<Self>, now: Tick) -> Result<Permit, std::time::Duration> {
        let (admission, transition) = self.lock().ask(now);
        // Made before anybody is told: a probe must not get lost where that panics.
        let asked = match admission {
            Admission::Go(ticket) => Ok(Permit { breaker: Arc::clone(self), ticket: Some(ticket) }),
            Admission::Refused(wait) => Err(wait),
        };
        self.tell(transition, None);
        asked
    }

    fn tell(&self, transition: Option<Transition>, why: Option<Reason>) {
        if let Some(transition) = transition {
            (self.on_transition)(self, transition, why);
        }
    }

    /// Nothing of the callers' runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The right to one call. Dropped without a report, it says that nothing came of it, so that a probe which is dropped
/// lets the next call be the probe.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Arc<Breaker>,
    ticket: Option<Ticket>,
}

impl Permit {
    /// Whether the call decides for all others.
    pub(crate) fn is_probe(&self) -> bool {
        self.ticket.is_some_and(Ticket::is_probe)
    }

    /// Says what came of the call, and why if it failed. The first report counts.
    pub(crate) fn report(&mut self, report: Report, why: Option<Reason>, now: Tick) {
        let transition = self.settle(report, now);
        self.breaker.tell(transition, why);
    }

    fn settle(&mut self, report: Report, now: Tick) -> Option<Transition> {
        let ticket = self.ticket.take()?;
        let jitter = JITTER * (fastrand::f64() * 2.0 - 1.0);
        self.breaker.lock().report(ticket, report, now, jitter)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // No time is needed: nothing came of it, so nothing counts from now. Who is told may panic, and this may be
        // because of a panic already; two are the end of the process.
        if let Some(transition) = self.settle(Report::Nothing, Tick::PAST) {
            let tell = || self.breaker.tell(Some(transition), None);
            drop(catch_unwind(AssertUnwindSafe(tell)));
        }
    }
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

    use super::*;

    #[test]
    fn a_probe_that_is_dropped_leaves_its_place_to_the_next() {
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let settings = Settings { failures: 1, cooldown: Duration::from_secs(10) };
        let observe: OnTransition = Box::new(move |_, _, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let breaker = Breaker::new("upstream", settings, observe);
        let start = Tick::from_raw(1 << 50);
        breaker.ask(start).expect("closed").report(Report::Failure(0), None, start);
        assert!(breaker.ask(start).is_err());
        let later = start.after(Duration::from_secs(12));
        for _ in 0..3 {
            let probe = breaker.ask(later).expect("the cool-down is over");
            assert!(probe.is_probe() && breaker.ask(later).is_err());
            drop(probe);
        }
        let mut probe = breaker.ask(later).expect("nobody else is under way");
        probe.report(Report::Success, None, later);
        probe.report(Report::Failure(0), None, later);
        drop(probe);
        assert_eq!(breaker.standing().0, State::Closed { failures: 0 });
        assert_eq!(told.load(Ordering::Relaxed), 1 + 4 + 1, "opened, half-opened four times, closed");
    }

    #[test]
    fn a_probe_is_not_lost_where_those_who_are_told_of_it_panic() {
        let settings = Settings { failures: 1, cooldown: Duration::from_secs(10) };
        let observe: OnTransition = Box::new(|_, transition, _| panic!("told of {transition:?}"));
        let breaker = Breaker::new("upstream", settings, observe);
        let start = Tick::from_raw(1 << 50);
        let mut call = breaker.ask(start).expect("closed");
        assert!(catch_unwind(AssertUnwindSafe(|| call.report(Report::Failure(0), None, start))).is_err());
        let later = start.after(Duration::from_secs(12));
        for _ in 0..3 {
            assert!(catch_unwind(AssertUnwindSafe(|| breaker.ask(later))).is_err(), "told of the probe");
            assert!(matches!(breaker.standing().0, State::Open { .. }));
        }
    }

    #[test]
    fn a_call_while_it_is_closed_is_no_probe() {
        let settings = Settings { failures: 1, cooldown: Duration::from_secs(10) };
        let breaker = Breaker::new("upstream", settings, Box::new(|_, _, _| ()));
        assert!(!breaker.ask(Tick::from_raw(1 << 50)).expect("closed").is_probe());
        assert!(format!("{breaker:?}").contains("upstream"));
    }

    #[test]
    fn cooldowns_differ_by_a_tenth_at_most_and_are_not_all_alike() {
        let start = Tick::from_raw(1 << 50);
        let settings = Settings { failures: 1, cooldown: Duration::from_secs(100) };
        let mut spans: Vec<f64> = (0..200)
            .map(|_| {
                let breaker = Breaker::new("upstream", settings, Box::new(|_, _, _| ()));
                breaker.ask(start).expect("closed").report(Report::Failure(0), None, start);
                breaker.ask(start).expect_err("open").as_secs_f64()
            })
            .collect();
        spans.sort_unstable_by(f64::total_cmp);
        let (shortest, longest) = (spans[0], spans[spans.len() - 1]);
        assert!((89.9..95.0).contains(&shortest), "{shortest}");
        assert!((105.0..110.1).contains(&longest), "{longest}");
    }
}
