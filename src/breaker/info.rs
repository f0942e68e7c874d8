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
