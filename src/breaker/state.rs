//! The state machine of a breaker: pure, told the time, and saying what it did.

use std::{collections::VecDeque, time::Duration};

use crate::clock::Tick;

/// A key that failed counts again only after this.
const ONE_COUNT: Duration = Duration::from_secs(1);
/// How many keys' failures are remembered for that.
const REMEMBERED: usize = 64;
/// How long who is refused by a probe under way is told to wait.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// So many failures in a row open it.
    pub(crate) failures: u32,
    /// It stays open for so long, give or take the jitter.
    pub(crate) cooldown: Duration,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Every call passes; so many have failed in a row.
    Closed { failures: u32 },
    /// No call passes until then; the first one after it is the probe.
    Open { until: Tick },
    /// The probe is under way; no other call passes.
    HalfOpen,
}

/// What forces a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Force {
    /// Nothing: it goes by what it sees.
    #[default]
    Auto,
    /// It lets nothing through.
    Open,
    /// It lets everything through, and counts nothing.
    Closed,
}

/// The answer to a call that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may go; what comes of it is reported with the ticket.
    Go(Ticket),
    /// It may not; asking again makes sense after this time.
    Refused(Duration),
}

/// A call that was let through, and in which cycle. A report from an earlier cycle counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    cycle: u64,
    probe: bool,
}

impl Ticket {
    /// Whether the call decides for all others.
    pub(crate) fn is_probe(self) -> bool {
        self.probe
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Success,
    /// By the hash of its key.
    Failure(u64),
    /// Nothing that could be told: it was dropped, or asked for patience.
    Nothing,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Opened,
    HalfOpened,
    Closed,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: Settings,
    state: State,
    force: Force,
    /// Goes up with every change of state.
    cycle: u64,
    /// Whose failures were counted of late, and when.
    counted: VecDeque<(u64, Tick)>,
}

impl Machine {
    pub(crate) fn new(settings: Settings) -> Self {
        let state = State::Closed { failures: 0 };
        Self { settings, state, force: Force::Auto, cycle: 0, counted: VecDeque::new() }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn force(&self) -> Force {
        self.force
    }

    /// Forces the breaker, or frees it; freed, it starts from closed.
    pub(crate) fn set_force(&mut self, force: Force) -> Option<Transition> {
        let was_open = self.force == Force::Open || self.state != (State::Closed { failures: 0 });
        self.force = force;
        self.enter(State::Closed { failures: 0 });
        match (force, was_open) {
            (Force::Open, _) => Some(Transition::Opened),
            (_, true) => Some(Transition::Closed),
            (_, false) => None,
        }
    }

    /// Asks for one call.
    pub(crate) fn ask(&mut self, now: Tick) -> (Admission, Option<Transition>) {
        let go = |cycle, probe| Admission::Go(Ticket { cycle, probe });
        match (self.force, self.state) {
            (Force::Closed, _) | (Force::Auto, State::Closed { .. }) => (go(self.cycle, false), None),
            (Force::Open, _) => (Admission::Refused(self.settings.cooldown), None),
            (Force::Auto, State::HalfOpen) => (Admission::Refused(PROBE_WAIT), None),
            (Force::Auto, State::Open { until }) if now < until => {
                (Admission::Refused(until.since(now)), None)
            }
            (Force::Auto, State::Open { .. }) => {
                self.enter(State::HalfOpen);
                (go(self.cycle, true), Some(Transition::HalfOpened))
            }
        }
    }

    /// Takes what came of a call. `jitter` makes the cool-down longer or shorter by that part of it.
    pub(crate) fn report(
        &mut self,
        ticket: Ticket,
        report: Report,
        now: Tick,
        jitter: f64,
    ) -> Option<Transition> {
        if ticket.cycle != self.cycle || self.force != Force::Auto {
            return None;
        }
        match (self.state, report) {
            (State::Closed { .. }, Report::Success) => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (State::Closed { failures }, Report::Failure(key)) if self.counts(key, now) => {
                let failures = failures.saturating_add(1);
                if failures >= self.settings.failures {
                    return Some(self.open(now, jitter));
                }
                self.state = State::Closed { failures };
                None
            }
            (State::HalfOpen, Report::Success) => {
                self.enter(State::Closed { failures: 0 });
                Some(Transition::Closed)
            }
            (State::HalfOpen, Report::Failure(_)) => Some(self.open(now, jitter)),
            // The probe told nothing: the next call is the probe.
            (State::HalfOpen, Report::Nothing) => {
                self.enter(State::Open { until: Tick::PAST });
                None
            }
            (State::Closed { .. } | State::Open { .. }, _) => None,
        }
    }

    fn open(&mut self, now: Tick, jitter: f64) -> Transition {
        let cooldown = self.settings.cooldown.mul_f64((1.0 + jitter).clamp(0.0, 2.0));
        self.enter(State::Open { until: now.after(cooldown) });
        Transition::Opened
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.cycle += 1;
        self.counted.clear();
    }

    /// Whether a key's failure counts, and if so, notes it: one broken URL is not a broken upstream.
    fn counts(&mut self, key: u64, now: Tick) -> bool {
        while self.counted.front().is_some_and(|(_, at)| now.since(*at) >= ONE_COUNT) {
            self.counted.pop_front();
        }
        if self.counted.iter().any(|(other, _)| *other == key) {
            return false;
        }
        if self.counted.len() == REMEMBERED {
            self.counted.pop_front();
        }
        self.counted.push_back((key, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { failures: 3, cooldown: Duration::from_secs(30) };

    fn at(seconds: u64) -> Tick {
        Tick::from_raw(1 << 50).after(Duration::from_secs(seconds))
    }

    fn go(machine: &mut Machine, second: u64) -> Ticket {
        match machine.ask(at(second)).0 {
            Admission::Go(ticket) => ticket,
            Admission::Refused(wait) => panic!("refused for {wait:?}"),
        }
    }

    /// A machine whose failures in a row opened it at second 0.
    fn opened() -> Machine {
        let mut machine = Machine::new(SETTINGS);
        for key in 0..3 {
            let ticket = go(&mut machine, 0);
            let expected = (key == 2).then_some(Transition::Opened);
            assert_eq!(machine.report(ticket, Report::Failure(key), at(0), 0.0), expected);
        }
        machine
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not_let_them() {
        let mut machine = Machine::new(SETTINGS);
        for round in 0..10 {
            for key in [1, 2] {
                let ticket = go(&mut machine, round * 5);
                assert_eq!(machine.report(ticket, Report::Failure(key), at(round * 5), 0.0), None);
            }
            let ticket = go(&mut machine, round * 5);
            assert_eq!(machine.report(ticket, Report::Success, at(round * 5), 0.0), None);
        }
        assert!(matches!(opened().state(), State::Open { .. }));
    }

    #[test]
    fn one_key_counts_once_a_second() {
        let mut machine = Machine::new(SETTINGS);
        for second in [0, 0, 0, 0, 1, 1] {
            let ticket = go(&mut machine, second);
            assert_eq!(machine.report(ticket, Report::Failure(7), at(second), 0.0), None);
        }
        assert_eq!(machine.state(), State::Closed { failures: 2 });
    }

    #[test]
    fn of_64_keys_it_is_remembered_that_they_have_counted() {
        let mut machine = Machine::new(Settings { failures: 1000, ..SETTINGS });
        let mut fail = |key| {
            let ticket = go(&mut machine, 0);
            machine.report(ticket, Report::Failure(key), at(0), 0.0);
            machine.state()
        };
        for key in (0..64).chain(0..64) {
            fail(key);
        }
        assert_eq!(fail(64), State::Closed { failures: 65 });
        assert_eq!(fail(0), State::Closed { failures: 66 }, "the oldest is forgotten");
    }

    #[test]
    fn open_it_refuses_until_its_time_and_then_lets_one_probe_through() {
        let mut machine = opened();
        assert_eq!(machine.ask(at(10)).0, Admission::Refused(Duration::from_secs(20)));
        let (admission, transition) = machine.ask(at(30));
        assert!(matches!(admission, Admission::Go(ticket) if ticket.is_probe()));
        assert_eq!(transition, Some(Transition::HalfOpened));
        for _ in 0..1000 {
            assert!(matches!(machine.ask(at(31)).0, Admission::Refused(_)));
        }
    }

    #[test]
    fn the_probe_decides() {
        for (report, second, transition) in [
            (Report::Success, 30, Some(Transition::Closed)),
            (Report::Failure(0), 30, Some(Transition::Opened)),
            (Report::Nothing, 30, None),
        ] {
            let mut machine = opened();
            let probe = go(&mut machine, second);
            assert_eq!(machine.report(probe, report, at(second), 0.0), transition);
            match report {
                Report::Success => assert_eq!(machine.state(), State::Closed { failures: 0 }),
                Report::Failure(_) => assert_eq!(machine.state(), State::Open { until: at(60) }),
                Report::Nothing => assert!(go(&mut machine, second).is_probe(), "the next one is the probe"),
            }
        }
    }

    #[test]
    fn a_late_report_counts_for_nothing() {
        let mut machine = Machine::new(SETTINGS);
        let late = go(&mut machine, 0);
        for key in 0..3 {
            let ticket = go(&mut machine, 0);
            machine.report(ticket, Report::Failure(key), at(0), 0.0);
        }
        let open = machine.state();
        assert_eq!(machine.report(late, Report::Success, at(1), 0.0), None);
        assert_eq!(machine.state(), open);
        let probe = go(&mut machine, 30);
        for report in [Report::Success, Report::Failure(1), Report::Nothing] {
            assert_eq!(machine.report(late, report, at(31), 0.0), None);
            assert_eq!(machine.state(), State::HalfOpen);
        }
        assert_eq!(machine.report(probe, Report::Success, at(31), 0.0), Some(Transition::Closed));
        assert_eq!(machine.report(probe, Report::Failure(1), at(31), 0.0), None);
        assert_eq!(machine.state(), State::Closed { failures: 0 });
    }

    #[test]
    fn jitter_moves_the_cooldown() {
        for (jitter, until) in [(-0.1, 27), (0.0, 30), (0.1, 33)] {
            let mut machine = Machine::new(Settings { failures: 1, ..SETTINGS });
            let ticket = go(&mut machine, 0);
            machine.report(ticket, Report::Failure(1), at(0), jitter);
            let State::Open { until: found } = machine.state() else { panic!("not open") };
            assert_eq!(found.since(at(0)).as_secs_f64().round() as u64, until);
        }
    }

    #[test]
    fn forced_it_does_as_it_is_told() {
        let mut machine = opened();
        assert_eq!(machine.set_force(Force::Closed), Some(Transition::Closed));
        for key in 0..10 {
            let ticket = go(&mut machine, 0);
            assert_eq!(machine.report(ticket, Report::Failure(key), at(0), 0.0), None);
        }
        assert_eq!(machine.set_force(Force::Open), Some(Transition::Opened));
        assert!(matches!(machine.ask(at(1000)).0, Admission::Refused(_)));
        assert_eq!(machine.set_force(Force::Auto), Some(Transition::Closed));
        assert!(!go(&mut machine, 1000).is_probe());
    }
}
