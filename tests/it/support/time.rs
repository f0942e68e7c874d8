//! Paused time, and how far a future comes in it.
#![allow(clippy::disallowed_methods, reason = "the tests' only look at the clock")]

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep_until};

/// 2023-11-14 22:13:20 UTC: where a test's wall clock starts.
pub(crate) fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + secs(1_700_000_000)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets every task run that can. Only for a current-thread runtime, where whoever is woken has its turn in the meantime;
/// no time passes.
pub(crate) async fn rest() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Polls a future `n` times at most, each time when it is woken, and drops it then.
pub(crate) async fn poll_times<F: Future>(future: F, n: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        if polls == n {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == n => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A moment from which a test counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start(Instant);

impl Start {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// Lets time pass until `seconds` after the start; timers on the way fire in order.
    pub(crate) async fn at(self, seconds: f64) {
        let then = self.0 + Duration::from_secs_f64(seconds);
        sleep_until(then).await;
        assert!(
            Instant::now() < then + Duration::from_millis(2),
            "{seconds} s after the start are long past"
        );
        rest().await;
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
