//! A breaker as it is seen, and forced, from outside.

use std::time::Duration;

use super::{Breaker, Force, State};
use crate::clock::Tick;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BreakerState {
    /// It lets every call through.
    Closed,
    /// It lets no call through.
    Open,
    /// It waits for its probe.
    HalfOpen,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The word for it in labels and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What a breaker goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(rename_all = "snake_case"))]
pub enum BreakerMode {
    /// What it sees.
    #[default]
    Auto,
    /// It is forced open: nothing goes to the upstream.
    #[cfg_attr(feature = "serde", serde(rename = "open"))]
    ForcedOpen,
    /// It is forced closed: everything goes to the upstream, and nothing counts.
    #[cfg_attr(feature = "serde", serde(rename = "closed"))]
    ForcedClosed,
}

impl BreakerMode {
    /// The word for it: `auto`, `open`, `closed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ForcedOpen => "open",
            Self::ForcedClosed => "closed",
        }
    }

    pub(crate) fn force(self) -> Force {
        match self {
            Self::Auto => Force::Auto,
            Self::ForcedOpen => Force::Open,
            Self::ForcedClosed => Force::Closed,
        }
    }
}

/// A breaker at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BreakerInfo {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: BreakerState,
    /// What it goes by.
    pub mode: BreakerMode,
    /// How many failures in a row it has counted, while it is closed.
    pub failures: u32,
    /// How long it stays open, where that is known.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "remaining_seconds", serialize_with = "crate::seconds::maybe")
    )]
    pub remaining: Option<Duration>,
}

impl BreakerInfo {
    pub(crate) fn of(breaker: &Breaker, now: Tick) -> Self {
        let (state, force) = breaker.standing();
        let (state, mode) = match (force, state) {
            (Force::Open, _) => (None, BreakerMode::ForcedOpen),
            (Force::Closed, state) => (Some(state), BreakerMode::ForcedClosed),
            (Force::Auto, state) => (Some(state), BreakerMode::Auto),
        };
        let (shown, failures, remaining) = match state {
            Some(State::Closed { failures }) => (BreakerState::Closed, failures, None),
            Some(State::Open { until }) => (BreakerState::Open, 0, Some(until.since(now))),
            Some(State::HalfOpen) => (BreakerState::HalfOpen, 0, None),
            None => (BreakerState::Open, 0, None),
        };
        Self { name: breaker.name().to_owned(), state: shown, mode, failures, remaining }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::{Permit, Report, Settings};

    const COOLDOWN: Duration = Duration::from_secs(30);

    #[test]
    fn it_shows_where_the_breaker_stands_and_what_it_goes_by() {
        let start = Tick::from_raw(1 << 50);
        let breaker =
            Breaker::new("odds", Settings { failures: 2, cooldown: COOLDOWN }, Box::new(|_, _, _| ()));
        let shown = |after: Duration| {
            let BreakerInfo { name, state, mode, failures, remaining } =
                BreakerInfo::of(&breaker, start.after(after));
            assert_eq!(name, "odds");
            (state.as_str(), mode.as_str(), failures, remaining.is_some())
        };
        let fail = |key| {
            let asked: Result<Permit, _> = breaker.ask(start);
            asked.expect("it is closed").report(Report::Failure(key), None, start);
        };
        assert_eq!(shown(Duration::ZERO), ("closed", "auto", 0, false));
        fail(1);
        assert_eq!(shown(Duration::ZERO), ("closed", "auto", 1, false));
        fail(2);
        assert_eq!(shown(Duration::ZERO), ("open", "auto", 0, true));
        let half = BreakerInfo::of(&breaker, start.after(COOLDOWN / 2)).remaining.expect("it is open");
        assert!(half > COOLDOWN / 3 && half < COOLDOWN, "{half:?}");
        let probe = breaker.ask(start.after(2 * COOLDOWN)).expect("the cool-down is over");
        assert_eq!(shown(2 * COOLDOWN), ("half_open", "auto", 0, false));
        drop(probe);
        for (mode, word) in [
            (BreakerMode::ForcedOpen, ("open", "open", 0, false)),
            (BreakerMode::ForcedClosed, ("closed", "closed", 0, false)),
            (BreakerMode::Auto, ("closed", "auto", 0, false)),
        ] {
            breaker.set_force(mode.force());
            assert_eq!(shown(Duration::ZERO), word);
        }
    }
}
