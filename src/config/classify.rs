//! What counts as a failure of the inner service.

use std::time::{Duration, SystemTime};

use http::response;

use crate::policy::verdict;

/// Says whether a response means that the inner service failed. A failure is not stored, never replaces what is, and lets
/// what is stored serve longer; errors, time-outs and panics count without being asked about.
///
/// A closure over the response's head is a classifier:
///
/// ```
/// # use tower_swr_cache::SwrConfig;
/// let config = SwrConfig::builder("quotes")
///     .failure_classifier(|head: &http::response::Parts| head.status.is_server_error())
///     .build()?;
/// # Ok::<_, tower_swr_cache::ConfigError>(())
/// ```
pub trait FailureClassifier: Send + Sync + 'static {
    /// Whether this response is a failure. A panic here counts as one of the inner service.
    fn is_failure(&self, head: &response::Parts) -> bool;
}

impl<F> FailureClassifier for F
where
    F: Fn(&response::Parts) -> bool + Send + Sync + 'static,
{
    fn is_failure(&self, head: &response::Parts) -> bool {
        self(head)
    }
}

/// 500, 502, 503 and 504, unless the response says for how long it may be stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultClassifier;

impl FailureClassifier for DefaultClassifier {
    fn is_failure(&self, head: &response::Parts) -> bool {
        // `Expires` is measured against the response's own `Date`; without one it counts as past.
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        matches!(head.status.as_u16(), 500 | 502 | 503 | 504) && !verdict::has_explicit_freshness(head, far)
    }
}
