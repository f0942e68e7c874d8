//! The paid API, simulated: slow, priced by the call, and down when told so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The fastest and the slowest it answers.
pub(crate) const FASTEST: Duration = Duration::from_millis(150);
const SLOWEST: Duration = Duration::from_millis(400);

/// What a call costs, in cents, answered or not.
const PRICE: u64 = 2;

#[derive(Debug, Default)]
pub(crate) struct PaidApi {
    calls: AtomicU64,
    down: AtomicBool,
}

/// It is down.
#[derive(Debug)]
pub(crate) struct Down;

impl PaidApi {
    /// Answers with the number of the call, so that every answer differs from those before.
    pub(crate) async fn call(&self) -> Result<u64, Down> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let spread = (SLOWEST - FASTEST).mul_f64(fastrand::f64());
        tokio::time::sleep(FASTEST + spread).await;
        if self.down.load(Ordering::SeqCst) { Err(Down) } else { Ok(number) }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
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
