//! The paid API, simulated: slow, priced by the call, and in trouble when told so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The fastest and the slowest it answers.
pub(crate) const FASTEST: Duration = Duration::from_millis(150);
const SLOWEST: Duration = Duration::from_millis(400);

/// How long it takes when it is slow: more than the 2.5 s of the alert `SwrCacheOriginSlow`, and within any time-out.
const CRAWL: Duration = Duration::from_secs(3);

/// What a call costs, in cents, answered or not.
const PRICE: u64 = 2;

/// What it does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ApiState {
    #[default]
    Up,
    /// Answers, after [`CRAWL`].
    Slow,
    /// Wants to be asked less often.
    Throttled,
    /// Answers with a session for each caller.
    Cookies,
    Down,
}

impl ApiState {
    pub(crate) const ALL: [Self; 5] = [Self::Up, Self::Slow, Self::Throttled, Self::Cookies, Self::Down];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Throttled => "throttled",
            Self::Cookies => "cookies",
            Self::Down => "down",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

#[derive(Debug, Default)]
pub(crate) struct PaidApi {
    calls: AtomicU64,
    state: watch::Sender<ApiState>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The number of the call, so that every answer differs from those before.
    pub(crate) call: u64,
    /// What the caller's cookie would be.
    pub(crate) session: Option<String>,
}

/// No answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    Down,
    Throttled,
}

impl PaidApi {
    pub(crate) async fn call(&self) -> Result<Answer, Refusal> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let spread = (SLOWEST - FASTEST).mul_f64(fastrand::f64());
        let takes = if self.state() == ApiState::Slow { CRAWL } else { FASTEST + spread };
        tokio::time::sleep(takes).await;
        match self.state() {
            ApiState::Up | ApiState::Slow => Ok(Answer { call, session: None }),
            ApiState::Cookies => Ok(Answer { call, session: Some(format!("session={call}")) }),
            ApiState::Throttled => Err(Refusal::Throttled),
            ApiState::Down => Err(Refusal::Down),
        }
    }

    pub(crate) fn set_state(&self, state: ApiState) {
        self.state.send_replace(state);
    }

    pub(crate) fn state(&self) -> ApiState {
        *self.state.borrow()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// What so many calls cost, as people write it.
    pub(crate) fn price(calls: u64) -> String {
        let cents = calls * PRICE;
        format!("${}.{:02}", cents / 100, cents % 100)
    }
}
