//! A limit to how long something may take.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Sleep, sleep},
};

/// What did not come in time.
pub(super) struct Late;

/// Gives `future` so long. Time is looked at only where it is not ready at once: that is a good part of what such a step
/// costs.
pub(super) fn within<F: Future>(limit: Duration, future: F) -> Within<F> {
    Within { future, limit, late: None }
}

pin_project! {
    /// A type of its own, as an async function holds what it is given twice.
    pub(super) struct Within<F> {
        #[pin]
        future: F,
        limit: Duration,
        #[pin]
        late: Option<Unconstrained<Sleep>>,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, Late>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if this.late.is_none() {
            // Whoever uses up all of its turns does not put off its end by that.
            this.late.set(Some(unconstrained(sleep(*this.limit))));
        }
        let late = this.late.as_pin_mut();
        late.map_or(Poll::Pending, |late| late.poll(cx).map(|()| Err(Late)))
    }
}
