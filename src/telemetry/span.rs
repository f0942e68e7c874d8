//! A fetch in its span. Who hears of spans is the callers' code, and whatever becomes of it, the fetch goes on: it belongs to
//! nobody whose panic that could be.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use tracing::Span;

use crate::shared::Route;

/// A fetch that runs in a span of its own. It follows from the request's, and does not hold it open: the fetch may be over
/// after it.
pub(crate) fn in_fetch_span<F: Future>(route: &Route, fetch: F) -> InSpan<F> {
    let span = heard(|| {
        let span = tracing::debug_span!(parent: None, "fetch", route = route.name());
        span.follows_from(Span::current());
        span
    });
    InSpan { fetch: Box::pin(fetch), span: span.unwrap_or_else(Span::none) }
}

/// What of the subscriber comes back; nothing where it panics.
fn heard<T>(subscriber: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(subscriber)).ok()
}

pub(crate) struct InSpan<F> {
    /// Boxed, as a task that is spawned is moved eight times.
    fetch: Pin<Box<F>>,
    span: Span,
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { fetch, span } = &mut *self;
        let entered = heard(|| span.enter());
        let polled = catch_unwind(AssertUnwindSafe(|| fetch.as_mut().poll(cx)));
        heard(|| drop(entered));
        polled.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl<F> Drop for InSpan<F> {
    fn drop(&mut self) {
        let span = mem::replace(&mut self.span, Span::none());
        heard(|| drop(span));
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Subscriber, span::Id, subscriber::set_default};
    use tracing_subscriber::{
        Layer, Registry,
        layer::{Context, SubscriberExt},
    };

    use super::*;

    struct Trap;

    impl<S: Subscriber> Layer<S> for Trap {
        fn on_close(&self, _: Id, _: Context<'_, S>) {
            panic!("as it was told");
        }
    }

    #[test]
    fn who_hears_that_a_fetch_is_over_may_panic() {
        let _listening = set_default(Registry::default().with(Trap));
        let span = tracing::info_span!("fetch");
        assert!(!span.is_disabled());
        drop(InSpan { fetch: Box::pin(async {}), span });
    }
}
