//! What the application asks for its data: slow, and paid by the call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Feed {
    calls: AtomicU64,
}

impl Feed {
    /// One call: how many it makes with those before it.
    pub(crate) async fn ask(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
        call
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}
