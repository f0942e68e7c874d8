//! What calls that ask a breaker at the same time do to each other.

use std::time::Duration;

use shuttle::thread::{self, yield_now};

use super::*;
use crate::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    explore::{every_schedule, many_schedules},
};

const COOLDOWN: Duration = Duration::from_secs(10);
const OPENED: Tick = Tick::from_raw(1 << 50);

/// A breaker that has just opened, and a call of the time before that.
fn opened() -> (Arc<Breaker>, Permit) {
    let settings = Settings { failures: 1, cooldown: COOLDOWN };
    let breaker = Breaker::new("upstream", settings, Box::new(|_, _, _| {}));
    let late = breaker.ask(OPENED).expect("closed");
    breaker.ask(OPENED).expect("closed").report(Report::Failure(1), None, OPENED);
    (breaker, late)
}

/// After the cool-down, with its jitter.
fn later() -> Tick {
    OPENED.after(2 * COOLDOWN)
}

#[test]
fn of_all_who_ask_after_the_cool_down_one_is_the_probe() {
    every_schedule(|| {
        let (breaker, _late) = opened();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let breaker = Arc::clone(&breaker);
                thread::spawn(move || breaker.ask(later()))
            })
            .collect();
        let asked: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let permits: Vec<_> = asked.iter().flatten().collect();
        assert!(permits.len() == 1 && permits[0].is_probe());
    });
}

#[test]
fn a_probe_that_comes_to_nothing_leaves_its_place_to_one_other() {
    many_schedules(|| {
        let (breaker, _late) = opened();
        let probes = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (breaker, probes) = (Arc::clone(&breaker), Arc::clone(&probes));
                thread::spawn(move || {
                    let Ok(probe) = breaker.ask(later()) else { return };
                    assert_eq!(probes.fetch_add(1, SeqCst), 0, "two probes at a time");
                    yield_now();
                    probes.fetch_sub(1, SeqCst);
                    drop(probe);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let mut probe = breaker.ask(later()).expect("nobody is under way");
        assert!(probe.is_probe());
        probe.report(Report::Success, None, later());
        assert_eq!(breaker.standing().0, State::Closed { failures: 0 });
    });
}

#[test]
fn a_late_result_does_not_decide_for_the_probe() {
    let reports = [Report::Success, Report::Failure(2), Report::Nothing];
    for says in reports {
        for outcome in reports {
            every_schedule(move || {
                let (breaker, mut late) = opened();
                let reports = thread::spawn(move || late.report(says, None, later()));
                let mut probe = breaker.ask(later()).expect("the cool-down is over");
                assert!(probe.is_probe() && breaker.ask(later()).is_err());
                probe.report(outcome, None, later());
                reports.join().unwrap();
                let state = breaker.standing().0;
                match outcome {
                    Report::Success => assert_eq!(state, State::Closed { failures: 0 }),
                    Report::Failure(_) => assert!(matches!(state, State::Open { until } if until > later())),
                    Report::Nothing => assert!(breaker.ask(later()).is_ok_and(|next| next.is_probe())),
                }
            });
        }
    }
}
